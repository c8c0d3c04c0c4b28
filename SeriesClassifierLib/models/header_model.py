"""The header model: sparse metadata encoders with one head a facet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from SeriesClassifierLib.models.metadata_encoder import SparseMetadataEncoder

__all__ = ["HeaderModel", "SparseMetadataEncoder"]


class HeaderModel(nn.Module):
    """Several encoders with their heads; the logits are the members' mean.

    ``facets`` maps a facet to its number of classes. The output holds the logits of all facets side by side,
    in the order of ``facets``: (B, sum of classes).
    """

    def __init__(
        self, is_binary: Sequence[bool], facets: Mapping[str, int], *, d: int = 96, members: int = 3
    ) -> None:
        super().__init__()
        total = sum(facets.values())
        self.members = nn.ModuleList(
            nn.Sequential(
                _Encode(SparseMetadataEncoder(is_binary, d, d)), nn.Dropout(0.1), nn.Linear(d, total)
            )
            for _ in range(members)
        )

    def forward(self, values: Tensor, observed: Tensor) -> Tensor:
        """Mean logits of the members."""
        return torch.stack([member((values, observed)) for member in self.members]).mean(dim=0)


class _Encode(nn.Module):
    """Lets an encoder of two inputs stand in a Sequential."""

    def __init__(self, encoder: SparseMetadataEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, pair: tuple[Tensor, Tensor]) -> Tensor:
        out: Tensor = self.encoder(*pair)
        return out
