"""A forest for the header, a convolutional network for every slice, and what they say together.

After Kasmanoff et al. (2022), where every image has one vote of each. Here a vote is a probability, so that
the ensemble can be calibrated, and the ensemble a weighted geometric mean: a sure header outweighs any
picture, and where the header is torn between classes the picture decides. In an arithmetic mean a picture
that is worse than the header only blurs what the header is sure of: its best weight for sequences was zero.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from SeriesClassifierLib.models.forest import Forest
from SeriesClassifierLib.models.modalities import Heads, ThreeLogits, encode_slices
from SeriesClassifierLib.models.picture_encoder import PictureEncoder
from SeriesClassifierLib.models.site_header_model import SiteHeaderModel

_NEVER = -1e4


class SliceVotes(nn.Module):
    """One network for every slice, one head a facet; the answer for a series is its slices' mean probability.

    ``slices`` (B, S, side, side) in 0..1, ``slice_mask`` (B, S) bool, as in ``modalities``.
    """

    def __init__(self, encoder: PictureEncoder, facets: Mapping[str, int], *, dropout: float = 0.1) -> None:
        super().__init__()
        self.facets = dict(facets)
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.heads = Heads(encoder.width, facets)

    def forward(self, slices: Tensor, slice_mask: Tensor) -> Tensor:
        """Logits of all facets side by side (B, classes): logarithms of mean probabilities.

        A series without a slice gets the same for every class.
        """
        logits = self.heads(self.dropout(encode_slices(self.encoder, slices, slice_mask))).float()
        said = slice_mask.unsqueeze(-1)
        count = said.sum(dim=1)
        out = []
        for part in torch.split(logits, list(self.facets.values()), dim=-1):
            votes = torch.where(said, part.log_softmax(-1), torch.full_like(part, _NEVER))
            mean = votes.logsumexp(dim=1) - count.clamp(min=1).float().log()
            nobody = torch.full_like(mean, -math.log(part.shape[-1]))
            out.append(torch.where(count > 0, mean, nobody))
        return torch.cat(out, dim=-1)


class Pooling(nn.Module):
    """The weighted geometric mean of two calibrated probabilities, facet by facet.

    ``temperature`` (facets, 2) calibrates header and picture; ``weight`` (facets,) is what the picture's
    logarithm counts, the header's being 1.
    """

    def __init__(self, facets: Mapping[str, int]) -> None:
        super().__init__()
        self.facets = dict(facets)
        self.temperature: Tensor
        self.weight: Tensor
        self.register_buffer("temperature", torch.ones(len(facets), 2))
        self.register_buffer("weight", torch.full((len(facets),), 0.5))

    def forward(self, header: Tensor, picture: Tensor, has_picture: Tensor) -> Tensor:
        """Logits of all facets (B, classes) from those of header and picture; ``has_picture`` (B,) bool."""
        sizes = list(self.facets.values())
        out = []
        pairs = zip(torch.split(header, sizes, dim=-1), torch.split(picture, sizes, dim=-1), strict=True)
        for number, (by_header, by_picture) in enumerate(pairs):
            weight = (self.weight[number] * has_picture).unsqueeze(-1)
            first = (by_header / self.temperature[number, 0]).log_softmax(-1)
            second = (by_picture / self.temperature[number, 1]).log_softmax(-1)
            out.append((first + weight * second).log_softmax(-1))
        return torch.cat(out, dim=-1)


class ForestAndVotes(nn.Module):
    """The model of a bundle: three answers, of the forest (a site's has several), of the slices, and of both.
    """

    def __init__(self, forest: Forest | SiteHeaderModel, votes: SliceVotes, pooling: Pooling) -> None:
        super().__init__()
        self.facets = votes.facets
        self.forest = forest
        self.votes = votes
        self.pooling = pooling

    def answers(self, slices: Tensor, slice_mask: Tensor, values: Tensor, observed: Tensor) -> ThreeLogits:
        """(from the header alone, from the picture alone, from both), logits of all facets side by side.

        ``values`` and ``observed`` are (B, F).
        """
        header = self.forest(values, observed)
        picture = self.votes(slices, slice_mask)
        return header, picture, self.pooling(header, picture, slice_mask.any(dim=1))
