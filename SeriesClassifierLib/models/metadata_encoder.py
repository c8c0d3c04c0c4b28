"""The sparse metadata encoder: a header is the set of what is in it.

After the metadata path of "bi-directional cross-modal attention" (methods.md section 2): the header is the
set of observed pairs (i, x_i); a dictionary entry e_i in R^d stands for the feature, a value network maps x_i
to (gamma_i, beta_i), and m_i = gamma_i * e_i + beta_i. The mean over the observed i goes through a residual
MLP. Nothing is imputed: an absent feature takes no part, and with nothing observed a learned empty embedding
stands in.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class SparseMetadataEncoder(nn.Module):
    """Encodes (values, observed), both (B, F), to (B, d_out).

    ``is_binary`` (F booleans) marks features whose value is 0 or 1. For them the value network is evaluated
    at its two points only and the sum over features becomes two matrix products: the same function, several
    times faster.
    """

    def __init__(
        self, is_binary: Sequence[bool], d: int, d_out: int, hidden: int = 64, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.number_index: Tensor
        self.binary_index: Tensor
        self.points: Tensor
        flags = torch.tensor(list(is_binary), dtype=torch.bool)
        self.register_buffer("number_index", torch.nonzero(~flags).flatten(), persistent=False)
        self.register_buffer("binary_index", torch.nonzero(flags).flatten(), persistent=False)
        self.register_buffer("points", torch.tensor([[0.0], [1.0]]), persistent=False)
        self.dictionary = nn.Parameter(torch.randn(len(flags), d) / d**0.5)
        self.value_network = nn.Sequential(nn.Linear(1, hidden), nn.Tanh(), nn.Linear(hidden, 2 * d))
        self.empty = nn.Parameter(torch.zeros(d))
        self.norm = nn.LayerNorm(d)
        self.residual = nn.Sequential(
            nn.Linear(d, 2 * d), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * d, d)
        )
        self.project = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, d_out), nn.GELU())

    def forward(self, values: Tensor, observed: Tensor) -> Tensor:
        """``values`` of features that are not observed have no influence, whatever they are."""
        observed = observed.to(values.dtype)
        # torch.where and not a product: an absent value may be NaN, and NaN * 0 is NaN.
        values = torch.where(observed > 0, values, torch.zeros_like(values))
        total = self._numbers(values, observed) + self._binaries(values, observed)
        count = observed.sum(dim=1, keepdim=True)
        mean = total / count.clamp(min=1.0)
        mean = torch.where(count > 0, mean, self.empty.expand_as(mean))
        x = self.norm(mean)
        x = x + self.residual(x)
        out: Tensor = self.project(x)
        return out

    def _numbers(self, values: Tensor, observed: Tensor) -> Tensor:
        x = values[:, self.number_index].unsqueeze(-1)
        gamma, beta = self.value_network(x).chunk(2, dim=-1)
        messages = gamma * self.dictionary[self.number_index] + beta
        total: Tensor = (messages * observed[:, self.number_index].unsqueeze(-1)).sum(dim=1)
        return total

    def _binaries(self, values: Tensor, observed: Tensor) -> Tensor:
        entries = self.dictionary[self.binary_index]
        gamma, beta = self.value_network(self.points).chunk(2, dim=-1)
        x, seen = values[:, self.binary_index], observed[:, self.binary_index]
        ones = x * seen
        total: Tensor = ones @ (gamma[1] * entries + beta[1]) + (seen - ones) @ (gamma[0] * entries + beta[0])
        return total
