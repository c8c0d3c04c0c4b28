"""The prostate models: picture and header fused early, jointly or late (methods.md section 1).

Inputs: see ``modalities``. The paper's picture is the center slice, S = 1; of several slices the mean of
their features is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from SeriesClassifierLib.models.metadata_encoder import SparseMetadataEncoder
from SeriesClassifierLib.models.modalities import (
    Heads,
    PictureHeaderModel,
    ThreeLogits,
    encode_slices,
    replace_missing,
)
from SeriesClassifierLib.models.picture_encoder import PictureEncoder, freeze

_SMALLEST = 1e-12


class _FusionModel(PictureHeaderModel):
    """Picture features and header features side by side, an MLP, heads."""

    def __init__(
        self,
        encoder: PictureEncoder,
        header: nn.Module,
        header_width: int,
        facets: Mapping[str, int],
        hidden: int,
        dropout: float,
    ) -> None:
        super().__init__(facets)
        self.encoder = encoder
        self.header = header
        # Features of a backbone and of a header encoder come in different sizes.
        self.picture_norm, self.header_norm = nn.LayerNorm(encoder.width), nn.LayerNorm(header_width)
        self.empty_picture = nn.Parameter(torch.zeros(encoder.width))
        self.mlp = nn.Sequential(
            nn.Linear(encoder.width + header_width, hidden), nn.GELU(), nn.Dropout(dropout)
        )
        self.heads = Heads(hidden, facets)

    def picture_tokens(self, slices: Tensor, slice_mask: Tensor) -> Tensor:
        features = encode_slices(self.encoder, slices, slice_mask)
        count = slice_mask.sum(dim=1, keepdim=True).clamp(min=1).to(features.dtype)
        out: Tensor = self.picture_norm(features.sum(dim=1) / count)
        return out

    def header_tokens(self, values: Tensor, observed: Tensor) -> Tensor:
        if values.ndim == 3:
            raise ValueError("the prostate models take one header a series: values of shape (B, F)")
        out: Tensor = self.header_norm(self.header(values, observed))
        return out

    def decide(self, picture: Tensor, header: Tensor, exists: Tensor, has_picture: Tensor) -> Tensor:
        picture = replace_missing(picture, has_picture, self.empty_picture)
        out: Tensor = self.heads(self.mlp(torch.cat([picture, header], dim=-1)))
        return out


class JointFusion(_FusionModel):
    """Encoder and metadata encoder, everything trained end to end."""

    def __init__(
        self,
        encoder: PictureEncoder,
        is_binary: Sequence[bool],
        facets: Mapping[str, int],
        *,
        d: int = 96,
        hidden: int = 256,
        dropout: float = 0.1,
    ) -> None:
        header = SparseMetadataEncoder(is_binary, d, d, dropout=dropout)
        super().__init__(encoder, header, d, facets, hidden, dropout)

    def answers(self, slices: Tensor, slice_mask: Tensor, values: Tensor, observed: Tensor) -> ThreeLogits:
        """The mean over the picture and its mirror image: one slice is little to go by, and a second look is
        cheap.
        """
        twice = (torch.cat([part, part]) for part in (slice_mask, values, observed))
        logits = self.three_outputs(torch.cat([slices, slices.flip(-1)]), *twice)
        header, picture, joint = (both.reshape(2, slices.shape[0], -1).mean(0) for both in logits)
        return header, picture, joint


class _PlainHeader(nn.Module):
    """Values, zero where absent, beside what is observed: (B, F) twice to (B, 2 F)."""

    def forward(self, values: Tensor, observed: Tensor) -> Tensor:
        seen = (observed > 0).to(values.dtype)
        return torch.cat([torch.where(observed > 0, values, torch.zeros_like(values)), seen], dim=-1)


class EarlyFusion(_FusionModel):
    """Features of a frozen encoder beside the plain header, and an MLP on top: nothing else is trained."""

    def __init__(
        self,
        encoder: PictureEncoder,
        is_binary: Sequence[bool],
        facets: Mapping[str, int],
        *,
        hidden: int = 256,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(encoder, _PlainHeader(), 2 * len(is_binary), facets, hidden, dropout)
        freeze(encoder)


def late_fusion(
    picture_probabilities: NDArray[np.floating],
    header_probabilities: NDArray[np.floating],
    weights: tuple[float, float] = (1.0, 1.0),
) -> NDArray[np.float64]:
    """Combine two models' probabilities of one facet, both (N, C): p is proportional to picture^w0 header^w1.

    ``weights`` come from ``fit_late_fusion``.
    """
    logits = weights[0] * _logarithm(picture_probabilities) + weights[1] * _logarithm(header_probabilities)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    out: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return out


def fit_late_fusion(
    picture_probabilities: NDArray[np.floating],
    header_probabilities: NDArray[np.floating],
    labels: NDArray[np.integer],
    *,
    steps: int = 200,
    most: float = 10.0,
) -> tuple[float, float]:
    """The two weights, each in 0..``most``, of the least cross-entropy on validation series.

    ``labels`` (N,) are class numbers. The loss is convex; projected Newton steps on two numbers find its
    least value.
    """
    terms = np.stack([_logarithm(picture_probabilities), _logarithm(header_probabilities)], axis=-1)
    right = terms[np.arange(len(labels)), labels]
    weights = np.ones(2)
    for _ in range(steps):
        p = late_fusion(picture_probabilities, header_probabilities, (weights[0], weights[1]))
        mean = np.einsum("nc,nck->nk", p, terms)
        gradient = (mean - right).mean(axis=0)
        spread = terms - mean[:, None, :]
        curvature = np.einsum("nc,nck->k", p, spread**2) / len(labels)
        # The diagonal alone would overshoot where the two agree; twice it is a bound for two terms.
        step = gradient / (2.0 * curvature + 1e-9)
        moved = np.clip(weights - np.clip(step, -1.0, 1.0), 0.0, most)
        if np.abs(moved - weights).max() < 1e-9:
            break
        weights = moved
    return float(weights[0]), float(weights[1])


def _logarithm(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    out: NDArray[np.float64] = np.log(np.clip(np.asarray(probabilities, dtype=np.float64), _SMALLEST, 1.0))
    return out
