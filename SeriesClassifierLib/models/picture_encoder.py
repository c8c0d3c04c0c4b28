"""What every picture encoder is: gray pictures of 0..1 in, one feature vector a picture out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.models.encoder_weights import WeightsFile, WeightsOrigin


@dataclass(frozen=True)
class EncoderSpec:
    """An encoder before it is built.

    ``width``: numbers a picture is described by. ``side``: pixels a side by default. ``multiple``: a legal
    side is a multiple of it. ``channels``: what the network itself takes; the gray picture is repeated.
    ``mean`` and ``std`` normalize a picture of 0..1, one number a channel. ``depth``: number of blocks.
    ``origin``: license, source, digests and places of the weights.
    """

    name: str
    width: int
    side: int
    multiple: int
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    depth: int
    origin: WeightsOrigin


Freezable = nn.Module | nn.Parameter


class PictureEncoder(nn.Module, ABC):
    """Maps (N, 1, side, side) in 0..1 to features (N, width); a 3D encoder takes (N, 1, S, side, side)."""

    def __init__(self, spec: EncoderSpec) -> None:
        super().__init__()
        self.spec = spec
        self.weights_file: WeightsFile | None = None
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(spec.mean), persistent=False)
        self.register_buffer("std", torch.tensor(spec.std), persistent=False)
        self._frozen: list[nn.Module] = []

    @property
    def width(self) -> int:
        """Numbers a picture is described by."""
        return self.spec.width

    def forward(self, pictures: Tensor) -> Tensor:
        """Features (N, width). Raises UsageError when the side is not legal."""
        for side in pictures.shape[-2:]:
            if side % self.spec.multiple:
                raise UsageError(
                    f"{self.spec.name} takes sides that are a multiple of {self.spec.multiple}, not {side}"
                )
        shape = (-1, *[1] * (pictures.ndim - 2))
        return self.features((pictures - self.mean.view(shape)) / self.std.view(shape))

    @abstractmethod
    def features(self, normalized: Tensor) -> Tensor:
        """Features (N, width) of normalized pictures (N, channels, ...)."""

    @abstractmethod
    def stages(self) -> list[Sequence[Freezable]]:
        """The stem, then one entry a block, then what follows the last block (it may be empty)."""

    def published(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """The published tensors under this module's names; what it does not have is left out."""
        own = self.state_dict()
        return {name: tensor for name, tensor in state.items() if name in own}

    def train(self, mode: bool = True) -> PictureEncoder:
        """Frozen parts stay in evaluation mode: their running means do not move either."""
        super().train(mode)
        for module in self._frozen:
            module.eval()
        return self


def freeze(encoder: PictureEncoder, *, below_block: int | None = None) -> None:
    """Freeze the stem and the first ``below_block`` blocks, and free the rest; None freezes everything.

    ``below_block=0`` freezes the stem alone. Raises UsageError when there are not so many blocks.
    """
    stages = encoder.stages()
    if below_block is not None and not 0 <= below_block <= len(stages) - 2:
        raise UsageError(f"{encoder.spec.name} has {len(stages) - 2} blocks, not {below_block}")
    unfreeze(encoder)
    for stage in stages if below_block is None else stages[: below_block + 1]:
        for part in stage:
            part.requires_grad_(False)
            if isinstance(part, nn.Module):
                encoder._frozen.append(part)
    encoder.train(encoder.training)


def unfreeze(encoder: PictureEncoder) -> None:
    """Let every parameter be trained."""
    encoder._frozen.clear()
    encoder.requires_grad_(True)
    encoder.train(encoder.training)
