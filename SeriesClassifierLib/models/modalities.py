"""What every model of picture and header shares: its inputs, its missing modalities, its heads.

The inputs of all of them, B series and S slots for slices:

- ``slices`` (B, S, side, side) float in 0..1; for a single picture a series S is 1;
- ``slice_mask`` (B, S) bool: which slots hold a slice; the content of the others has no influence;
- ``values`` and ``observed``: the header, (B, F) for the series or (B, S, F) slice by slice; ``observed`` is
  above zero where a value is known; other values have no influence, and may be NaN.

A modality is missing when nothing of it is there (no slice in the mask, nothing observed), or when
``has_picture`` or ``has_header``, (B,) bool, says so (modality dropout in training). Then a learned token
stands in for the picture, and for the header what its encoder makes of "nothing observed". So one model
answers from the header, from the picture, and from both.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from SeriesClassifierLib.models.picture_encoder import PictureEncoder

ThreeLogits = tuple[Tensor, Tensor, Tensor]


class Heads(nn.Module):
    """One linear head a facet: (B, d) to the logits of all facets side by side, (B, sum of classes)."""

    def __init__(self, d: int, facets: Mapping[str, int]) -> None:
        super().__init__()
        self.linear = nn.ModuleDict({facet: nn.Linear(d, size) for facet, size in facets.items()})

    def forward(self, embedding: Tensor) -> Tensor:
        return torch.cat([head(embedding) for head in self.linear.values()], dim=-1)


class PictureHeaderModel(nn.Module, ABC):
    """The interface of all models here: ``forward`` for training and ``answers`` for inference.

    A subclass says what the tokens of each modality are and how tokens become logits.
    """

    def __init__(self, facets: Mapping[str, int]) -> None:
        super().__init__()
        self.facets = dict(facets)

    @abstractmethod
    def picture_tokens(self, slices: Tensor, slice_mask: Tensor) -> Tensor:
        """What the picture says; ``slice_mask`` may be false throughout."""

    @abstractmethod
    def header_tokens(self, values: Tensor, observed: Tensor) -> Tensor:
        """What the header says; ``observed`` is boolean here, and may be false throughout."""

    @abstractmethod
    def decide(self, picture: Tensor, header: Tensor, exists: Tensor, has_picture: Tensor) -> Tensor:
        """Logits from tokens, with a learned token where the picture is missing."""

    def forward(
        self,
        slices: Tensor,
        slice_mask: Tensor,
        values: Tensor,
        observed: Tensor,
        has_picture: Tensor | None = None,
        has_header: Tensor | None = None,
    ) -> Tensor:
        """Logits of all facets side by side, (B, sum of classes)."""
        exists = _at_least_one(slice_mask)
        # What a series is told to do without is not even looked at.
        seen = slice_mask if has_picture is None else slice_mask & has_picture.unsqueeze(1)
        known = _known(observed, exists)
        if has_header is not None:
            known = known & has_header.view(-1, *[1] * (known.ndim - 1))
        header = self.header_tokens(values, known)
        return self.decide(self.picture_tokens(slices, seen), header, exists, seen.any(dim=1))

    def answers(self, slices: Tensor, slice_mask: Tensor, values: Tensor, observed: Tensor) -> ThreeLogits:
        """What the model says when it is used: ``three_outputs``, or more looks at the same pictures."""
        return self.three_outputs(slices, slice_mask, values, observed)

    def three_outputs(
        self, slices: Tensor, slice_mask: Tensor, values: Tensor, observed: Tensor
    ) -> ThreeLogits:
        """(from the header alone, from the picture alone, from both); the encoders run once.

        For a series without a picture "both" is the header's answer, and the other way round.
        """
        exists = _at_least_one(slice_mask)
        known = _known(observed, exists)
        picture = self.picture_tokens(slices, slice_mask)
        header = self.header_tokens(values, known)
        nothing = self.header_tokens(values[:1], torch.zeros_like(known[:1])).expand_as(header)
        has_picture = slice_mask.any(dim=1)
        logits = self.decide(
            torch.cat([picture] * 3),
            torch.cat([header, nothing, header]),
            torch.cat([exists] * 3),
            torch.cat([torch.zeros_like(has_picture), has_picture, has_picture]),
        )
        header_logits, picture_logits, joint_logits = logits.reshape(3, slices.shape[0], -1).unbind(0)
        return header_logits, picture_logits, joint_logits


def encode_slices(encoder: PictureEncoder, slices: Tensor, slice_mask: Tensor) -> Tensor:
    """Features (B, S, width) of the slices that exist, zeros for the others.

    Slots without a slice are not encoded: they cost nothing, and batch normalization never sees them. An
    exported graph has no such choice and encodes every slot, with zeros where there is no slice.
    """
    if torch.onnx.is_in_onnx_export():
        there = slice_mask[:, :, None, None]
        pictures = torch.where(there, slices, torch.zeros_like(slices))
        features = encoder(pictures.flatten(0, 1).unsqueeze(1))
        # reshape and not unflatten, here and in the attention: the exporter would fix the number of series.
        features = features.reshape(slices.shape[0], slices.shape[1], encoder.width)
        return torch.where(slice_mask[:, :, None], features, torch.zeros_like(features))
    kept = slices[slice_mask].unsqueeze(1)
    out = slices.new_zeros((*slices.shape[:2], encoder.width))
    if len(kept):
        features = encoder(kept)
        out = out.to(features.dtype).index_put((slice_mask,), features)
    return out


def replace_missing(tokens: Tensor, there: Tensor, empty: Tensor) -> Tensor:
    """``tokens`` (B, ..., d), with ``empty`` (d) for the series that ``there`` (B,) says have none."""
    shape = (-1, *[1] * (tokens.ndim - 1))
    return torch.where(there.view(shape), tokens, empty.expand_as(tokens))


def _known(observed: Tensor, exists: Tensor) -> Tensor:
    """``observed`` as booleans; of headers slice by slice, those of slots that exist."""
    known = observed > 0
    return known if known.ndim == 2 else known & exists.unsqueeze(-1)


def _at_least_one(slice_mask: Tensor) -> Tensor:
    """A series without slices still has one slot, for its header."""
    first = torch.zeros_like(slice_mask)
    first[:, 0] = True
    return slice_mask | (first & ~slice_mask.any(dim=1, keepdim=True))
