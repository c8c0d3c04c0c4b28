"""The liver model and its ablation baselines (methods.md section 2). Inputs: see ``modalities``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from SeriesClassifierLib.models.cross_attention import (
    AttentionPooling,
    BidirectionalCrossAttention,
    CrossSliceAttention,
)
from SeriesClassifierLib.models.metadata_encoder import SparseMetadataEncoder
from SeriesClassifierLib.models.modalities import (
    Heads,
    PictureHeaderModel,
    encode_slices,
    replace_missing,
)
from SeriesClassifierLib.models.picture_encoder import PictureEncoder


class _SliceModel(PictureHeaderModel):
    """Slice tokens that see each other, header tokens, a mixer of both, attention pooling, heads."""

    def __init__(
        self,
        encoder: PictureEncoder,
        header: nn.Module,
        mixer: nn.Module,
        facets: Mapping[str, int],
        d: int,
        dropout: float,
    ) -> None:
        super().__init__(facets)
        self.encoder = encoder
        self.project = nn.Sequential(nn.LayerNorm(encoder.width), nn.Linear(encoder.width, d))
        self.across = CrossSliceAttention(d, dropout=dropout)
        self.header = header
        self.empty_picture = nn.Parameter(torch.randn(d) / d**0.5)
        self.mixer = mixer
        self.pooling = AttentionPooling(d)
        self.dropout = nn.Dropout(dropout)
        self.heads = Heads(d, facets)

    def picture_tokens(self, slices: Tensor, slice_mask: Tensor) -> Tensor:
        tokens = self.project(encode_slices(self.encoder, slices, slice_mask))
        # A series without slices attends to its first slot, so that no softmax is over nothing.
        exists = torch.cat([slice_mask[:, :1] | ~slice_mask.any(dim=1, keepdim=True), slice_mask[:, 1:]], 1)
        out: Tensor = self.across(tokens, exists)
        return out

    def header_tokens(self, values: Tensor, observed: Tensor) -> Tensor:
        if values.ndim == 2:
            whole: Tensor = self.header(values, observed)
            return whole.unsqueeze(1)
        out: Tensor = self.header(values.flatten(0, 1), observed.flatten(0, 1))
        return out.reshape(values.shape[0], values.shape[1], -1)

    def decide(self, picture: Tensor, header: Tensor, exists: Tensor, has_picture: Tensor) -> Tensor:
        picture = replace_missing(picture, has_picture, self.empty_picture)
        embedding = self.pooling(self.mixer(picture, header.expand_as(picture), exists), exists)
        out: Tensor = self.heads(self.dropout(embedding))
        return out


class LiverModel(_SliceModel):
    """Sparse metadata encoder and bi-directional cross-modal attention over slice tokens."""

    def __init__(
        self,
        encoder: PictureEncoder,
        is_binary: Sequence[bool],
        facets: Mapping[str, int],
        *,
        d: int = 128,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(
            encoder,
            SparseMetadataEncoder(is_binary, d, d, dropout=dropout),
            BidirectionalCrossAttention(d, d, dropout=dropout),
            facets,
            d,
            dropout,
        )


class ImputingEncoder(nn.Module):
    """Baseline: absent values are zero or a learned number a feature. (B, F) to (B, d)."""

    def __init__(self, features: int, d: int, imputation: Literal["zero", "learned"], dropout: float) -> None:
        super().__init__()
        self.fill: Tensor
        if imputation == "learned":
            self.fill = nn.Parameter(torch.zeros(features))
        else:
            self.register_buffer("fill", torch.zeros(features), persistent=False)
        self.mlp = nn.Sequential(
            nn.Linear(features, 2 * d), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * d, d), nn.GELU()
        )

    def forward(self, values: Tensor, observed: Tensor) -> Tensor:
        """(B, d)."""
        out: Tensor = self.mlp(torch.where(observed > 0, values, self.fill.expand_as(values)))
        return out


class _SideBySide(nn.Module):
    """Baseline: picture and header tokens side by side through an MLP: two (B, S, d) to (B, S, d)."""

    def __init__(self, d: int, dropout: float) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.LayerNorm(2 * d), nn.Linear(2 * d, d), nn.GELU(), nn.Dropout(dropout), nn.Linear(d, d)
        )

    def forward(self, picture: Tensor, header: Tensor, exists: Tensor) -> Tensor:
        out: Tensor = self.mlp(torch.cat([picture, header], dim=-1))
        return out


class ConcatModel(_SliceModel):
    """Baseline of the ablation: an imputed header beside the picture, and no attention between them."""

    def __init__(
        self,
        encoder: PictureEncoder,
        is_binary: Sequence[bool],
        facets: Mapping[str, int],
        *,
        imputation: Literal["zero", "learned"] = "zero",
        d: int = 128,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(
            encoder,
            ImputingEncoder(len(is_binary), d, imputation, dropout),
            _SideBySide(d, dropout),
            facets,
            d,
            dropout,
        )


class _PictureModel(PictureHeaderModel):
    """Baseline: the header is not looked at; its answer is what is learned for "no picture"."""

    def __init__(self, encoder: PictureEncoder, facets: Mapping[str, int], dropout: float) -> None:
        super().__init__(facets)
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.empty_picture = nn.Parameter(torch.zeros(encoder.width))
        self.heads = Heads(encoder.width, facets)

    def header_tokens(self, values: Tensor, observed: Tensor) -> Tensor:
        return values.new_zeros((values.shape[0], 1, 1))

    def decide(self, picture: Tensor, header: Tensor, exists: Tensor, has_picture: Tensor) -> Tensor:
        picture = replace_missing(picture, has_picture, self.empty_picture)
        logits = self.heads(self.dropout(picture))
        there = exists.unsqueeze(-1).to(logits.dtype)
        mean: Tensor = (logits * there).sum(dim=1) / there.sum(dim=1)
        return mean


class PictureModel2D(_PictureModel):
    """Baseline of the ablation: each slice decides for itself; a series gets the mean of their logits."""

    def __init__(self, encoder: PictureEncoder, facets: Mapping[str, int], *, dropout: float = 0.1) -> None:
        super().__init__(encoder, facets, dropout)

    def picture_tokens(self, slices: Tensor, slice_mask: Tensor) -> Tensor:
        return encode_slices(self.encoder, slices, slice_mask)


class PictureModel3D(_PictureModel):
    """Baseline of the ablation: a 3D encoder over a stack of ``depth`` slices, the nearest that exist."""

    def __init__(
        self, encoder: PictureEncoder, facets: Mapping[str, int], *, depth: int = 10, dropout: float = 0.1
    ) -> None:
        super().__init__(encoder, facets, dropout)
        self.depth = depth

    def picture_tokens(self, slices: Tensor, slice_mask: Tensor) -> Tensor:
        there = slice_mask.any(dim=1)
        features = self.encoder(self._stack(slices, slice_mask).unsqueeze(1))
        features = torch.where(there.unsqueeze(1), features, torch.zeros_like(features))
        return features.unsqueeze(1).expand(-1, slices.shape[1], -1)

    def _stack(self, slices: Tensor, slice_mask: Tensor) -> Tensor:
        """(B, depth, side, side): however many slices there are, and whichever slots they are in."""
        slices = torch.where(slice_mask[:, :, None, None], slices, torch.zeros_like(slices))
        number = slice_mask.to(torch.int64).cumsum(dim=1) - 1
        place = (torch.arange(self.depth, device=slices.device) + 0.5) / self.depth
        wanted = (place * slice_mask.sum(dim=1, keepdim=True)).to(torch.int64)
        is_wanted = (number[:, None, :] == wanted[:, :, None]) & slice_mask[:, None, :]
        slots = is_wanted.to(slices.dtype).argmax(dim=-1)
        return slices.gather(1, slots[:, :, None, None].expand(-1, -1, *slices.shape[2:]))
