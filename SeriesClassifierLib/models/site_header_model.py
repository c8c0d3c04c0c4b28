"""The header model of a site: the one it started from, and beside it one that learned from corrections.

The second one is listened to only near the protocols that were corrected: whatever corrections teach it,
elsewhere the answer stays bit for bit that of the first. Fine-tuning alone does not keep to that; a header
that lies far from everything simulated may change its class with any weight.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from SeriesClassifierLib.headers.features import FEATURES, Feature

# How far a number of a repeated protocol lies from the original, in the scaled units of the feature table:
# about 35 % of TR, 12 % of TE, 15 % of TI, 25 degrees of flip angle, 60 % of the echo train, 5 % of b.
_NUMBERS = {
    "tr": 0.145,
    "te": 0.07,
    "ti": 0.10,
    "flip_angle": 0.5,
    "etl": 0.255,
    "b": 0.02,
    "field": 0.25,
    "thickness": 0.4,
    "echoes": 0.3,
    "times": 0.3,
}
_TOKENS = (
    "scanning:",
    "contrast:",
    "component:",
    "acquired:",
    "angio:",
    "family:",
    "kind:",
    "vendor:",
    "derived",
    "secondary",
    "has:ContrastBolusAgent",
)
_TOKEN = 0.35
# Tokens that alone make another protocol of it.
_DECISIVE = ("scanning:", "family:")
_DECISIVE_TOKEN = 0.25
# What a feature counts that only one of two headers has, in tolerances.
_MISSING_NUMBER, _MISSING_TOKEN = 1.5, 0.5
# The distance, in tolerances, at which both models count the same, and how sharp the border is.
_RADIUS, _SHARPNESS = 3.5, 3.0


def tolerance(feature: Feature) -> float:
    """How far apart a feature of two acquisitions of one protocol may be; 0 where it may be anything."""
    if feature.name in _NUMBERS:
        return _NUMBERS[feature.name]
    if feature.kind == "number" or not feature.name.startswith(_TOKENS):
        return 0.0
    return _DECISIVE_TOKEN if feature.name.startswith(_DECISIVE) else _TOKEN


class ProtocolGate(nn.Module):
    """1 for a header of one of K known protocols, 0 for one unlike all of them: (B, 1).

    ``prototypes`` and ``observed`` are (K, F). Only features that a protocol is told by are kept of them.
    """

    def __init__(self, prototypes: Tensor, observed: Tensor) -> None:
        super().__init__()
        self.index: Tensor
        self.prototypes: Tensor
        self.observed: Tensor
        self.tolerance: Tensor
        self.missing: Tensor
        tolerances = torch.tensor([tolerance(feature) for feature in FEATURES])
        index = torch.nonzero(tolerances).flatten()
        numbers = torch.tensor([FEATURES[i].kind == "number" for i in index.tolist()])
        self.register_buffer("index", index, persistent=False)
        self.register_buffer("tolerance", tolerances[index], persistent=False)
        missing = torch.where(numbers, torch.tensor(_MISSING_NUMBER), torch.tensor(_MISSING_TOKEN))
        self.register_buffer("missing", missing**2, persistent=False)
        seen = observed[:, index].float()
        self.register_buffer("prototypes", torch.zeros(0, len(index)))
        self.register_buffer("observed", torch.zeros(0, len(index)))
        self.hold(torch.where(seen > 0, prototypes[:, index], torch.zeros_like(seen)), seen)

    @staticmethod
    def blank(number: int) -> ProtocolGate:
        """A gate of so many protocols, all of them different: for those of a file to be read over."""
        numbered = torch.arange(number, dtype=torch.float32).view(-1, 1).expand(number, len(FEATURES))
        return ProtocolGate(numbered, torch.ones_like(numbered))

    def hold(self, prototypes: Tensor, observed: Tensor) -> None:
        """Know these protocols and no others, each once; (K, features that a protocol is told by)."""
        both = torch.unique(torch.cat([prototypes, observed], dim=1), dim=0)
        self.prototypes, self.observed = (part.contiguous() for part in both.chunk(2, dim=1))

    def know(self, other: ProtocolGate) -> None:
        """Take over the protocols of ``other``."""
        self.hold(torch.cat([self.prototypes, other.prototypes]), torch.cat([self.observed, other.observed]))

    def forward(self, values: Tensor, observed: Tensor) -> Tensor:
        """``values`` and ``observed`` are (B, F)."""
        seen = observed[:, self.index].unsqueeze(1)
        x = values[:, self.index].unsqueeze(1)
        x = torch.where(seen > 0, x, torch.zeros_like(x))
        apart = ((x - self.prototypes) / self.tolerance) ** 2
        both = seen * self.observed
        one = seen + self.observed - 2 * both
        distance = (apart * both + self.missing * one).sum(dim=-1).clamp(min=1e-6).sqrt()
        nearest = distance.min(dim=1, keepdim=True).values
        return torch.sigmoid((_RADIUS - nearest) * _SHARPNESS)


class SiteHeaderModel(nn.Module):
    """Logits (B, sum of classes) of ``base``, and near known protocols those of ``adapted``: two models of
    headers of one kind, networks or forests.
    """

    def __init__(self, base: nn.Module, adapted: nn.Module, gate: ProtocolGate) -> None:
        super().__init__()
        self.base, self.adapted, self.gate = base, adapted, gate

    def forward(self, values: Tensor, observed: Tensor) -> Tensor:
        """``values`` and ``observed`` are (B, F)."""
        gate = self.gate(values, observed)
        base: Tensor = self.base(values, observed)
        adapted: Tensor = self.adapted(values, observed)
        out: Tensor = base + gate * (adapted - base)
        return out
