"""Random changes of pictures that leave their class alone: placement, window, shading, blur, noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample, interpolate


@dataclass(frozen=True)
class Augmentation:
    """How strong the changes are. Angles in degrees, ``scale`` and ``shift`` as fractions of the side."""

    rotation: float = 12.0
    scale: float = 0.25
    shift: float = 0.08
    gamma: float = 0.5
    shading: float = 0.35
    noise: float = 0.05
    blur: float = 0.3


def augment(pictures: Tensor, side: int, generator: torch.Generator, how: Augmentation) -> Tensor:
    """``pictures`` (B, S, H, W) in 0..1 as (B, S, side, side); slices of one example change alike."""
    batch, count = pictures.shape[:2]

    def draw(low: float, high: float) -> Tensor:
        return torch.empty(batch).uniform_(low, high, generator=generator)

    angle = draw(-how.rotation, how.rotation) * math.pi / 180
    scale = torch.exp(draw(-how.scale, how.scale))
    stretch = torch.exp(draw(-0.1, 0.1))
    flip = torch.where(draw(0, 1) < 0.5, -1.0, 1.0)
    cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
    row_x = torch.stack([cosine * flip, -sine * stretch, draw(-how.shift, how.shift) * 2], dim=1)
    row_y = torch.stack([sine * flip, cosine * stretch, draw(-how.shift, how.shift) * 2], dim=1)
    grid = affine_grid(torch.stack([row_x, row_y], dim=1), [batch, 1, side, side], align_corners=False)
    out = grid_sample(pictures, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    out = _blurred(out, draw(0, 1) < how.blur)
    out = out * _shading(out, how.shading, generator)
    low, high = draw(-0.03, 0.06).view(-1, 1, 1, 1), draw(0.65, 1.1).view(-1, 1, 1, 1)
    out = ((out - low) / (high - low)).clamp(0, 1)
    out = out ** torch.exp(draw(-how.gamma, how.gamma)).view(-1, 1, 1, 1)
    level = (draw(0, 1) < 0.5) * draw(0, how.noise)
    noise = torch.randn(out.shape, generator=generator) * level.view(-1, 1, 1, 1)
    return (out + noise).clamp(0, 1).view(batch, count, side, side)


def plain(pictures: Tensor, side: int) -> Tensor:
    """``pictures`` (B, S, H, W) resized to (B, S, side, side): what a model sees when it is used."""
    if pictures.shape[-1] == side:
        return pictures
    return interpolate(pictures, size=(side, side), mode="bilinear", align_corners=False, antialias=True)


def _blurred(pictures: Tensor, chosen: Tensor) -> Tensor:
    """The chosen examples at half their resolution."""
    if not bool(chosen.any()):
        return pictures
    size = pictures.shape[-2:]
    small = avg_pool2d(pictures[chosen], 2, ceil_mode=True)
    out = pictures.clone()
    out[chosen] = interpolate(small, size=size, mode="bilinear", align_corners=False)
    return out


def _shading(pictures: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """A smooth field around 1, as coils make it: a random 3 x 3 grid, interpolated."""
    coarse = torch.randn(pictures.shape[0], 1, 3, 3, generator=generator) * strength
    field: Tensor = interpolate(coarse, size=pictures.shape[-2:], mode="bicubic", align_corners=True)
    return torch.exp(field)
