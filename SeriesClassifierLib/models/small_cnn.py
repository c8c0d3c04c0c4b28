"""A small convolutional encoder of our own, after the brain network of methods.md section 3."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from SeriesClassifierLib.models.picture_encoder import EncoderSpec, Freezable, PictureEncoder

# Output channels and stride of the ten layers: about 0.7 million weights.
_LAYERS = ((24, 2), (24, 1), (48, 2), (48, 1), (96, 2), (96, 1), (128, 2), (128, 1), (128, 1), (128, 1))


class SmallCnn(PictureEncoder):
    """Ten convolution-batchnorm-ReLU layers and the mean over the picture."""

    def __init__(self, spec: EncoderSpec) -> None:
        super().__init__(spec)
        widths = [spec.channels, *[width for width, _ in _LAYERS]]
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(before, width, 3, stride=stride, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            )
            for before, (width, stride) in zip(widths, _LAYERS, strict=False)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def features(self, normalized: Tensor) -> Tensor:
        """Features (N, width)."""
        x = normalized
        for layer in self.layers:
            x = layer(x)
        return x.mean(dim=(-2, -1))

    def stages(self) -> list[Sequence[Freezable]]:
        """One block a layer; there is no stem."""
        return [[], *[[layer] for layer in self.layers], []]
