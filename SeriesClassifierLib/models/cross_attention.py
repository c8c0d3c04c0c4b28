"""Attention across slices and between picture and header (methods.md section 2).

B series, S slots for slices, d the width of a token. ``exists`` (B, S) marks the slots that hold a slice; the
others may lie anywhere and have no influence. Every series has at least one slot that exists.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class MultiHeadAttention(nn.Module):
    """MHA(query, context, context): (B, S, d) and (B, T, d) to (B, S, d)."""

    def __init__(self, d: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        if d % heads:
            raise ValueError(f"d = {d} is not a multiple of heads = {heads}")
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(d, d)
        # Softmax does not see what is added to every key alike.
        self.key = nn.Linear(d, d, bias=False)
        self.value = nn.Linear(d, d)
        self.out = nn.Linear(d, d)

    def forward(self, query: Tensor, context: Tensor, exists: Tensor) -> Tensor:
        """``exists`` (B, T) says which tokens of ``context`` may be attended to."""
        q, k, v = (
            self._split(tokens) for tokens in (self.query(query), self.key(context), self.value(context))
        )
        mixed = nn.functional.scaled_dot_product_attention(
            q, k, v, attn_mask=exists[:, None, None, :], dropout_p=self.dropout if self.training else 0.0
        )
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out

    def _split(self, tokens: Tensor) -> Tensor:
        width = tokens.shape[2] // self.heads
        return tokens.reshape(tokens.shape[0], tokens.shape[1], self.heads, width).transpose(1, 2)


class FeedForward(nn.Module):
    """LN(x + MLP(x)), token by token: (B, S, d) to (B, S, d)."""

    def __init__(self, d: int, dropout: float) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(d, 2 * d), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * d, d), nn.Dropout(dropout)
        )
        self.norm = nn.LayerNorm(d)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(x + self.mlp(x))
        return out


class CrossSliceAttention(nn.Module):
    """Self-attention over the slices of a series: each slice token sees the others. (B, S, d) to (B, S, d).

    A slice's position is where it lies between the first and the last, as slow sines and cosines: it means
    the same in a series of 3 and of 3,000 slices, and what was learnt from a few slices holds between them.
    """

    def __init__(self, d: int, heads: int = 4, layers: int = 1, dropout: float = 0.1) -> None:
        super().__init__()
        self.frequencies: Tensor
        cycles = 0.25 * 2.0 ** torch.linspace(0.0, 3.0, d // 2)
        self.register_buffer("frequencies", 2 * math.pi * cycles, persistent=False)
        self.position = nn.Linear(2 * (d // 2), d)
        self.attentions = nn.ModuleList(MultiHeadAttention(d, heads, dropout) for _ in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(d) for _ in range(layers))
        self.feed_forwards = nn.ModuleList(FeedForward(d, dropout) for _ in range(layers))

    def forward(self, tokens: Tensor, exists: Tensor) -> Tensor:
        """``tokens`` (B, S, d), ``exists`` (B, S)."""
        tokens = tokens + self.position(self._waves(exists))
        for attention, norm, feed_forward in zip(
            self.attentions, self.norms, self.feed_forwards, strict=True
        ):
            tokens = feed_forward(norm(tokens + attention(tokens, tokens, exists)))
        return tokens

    def _waves(self, exists: Tensor) -> Tensor:
        present = exists.to(self.frequencies.dtype)
        count = present.sum(dim=1, keepdim=True).clamp(min=1.0)
        place = (present.cumsum(dim=1) - 0.5) / count
        angles = place.unsqueeze(-1) * self.frequencies
        return torch.cat([angles.sin(), angles.cos()], dim=-1)


class BidirectionalCrossAttention(nn.Module):
    """Picture tokens V and header tokens M, both (B, S, d), to joint tokens (B, S, d_out).

    V' = LN(V + MHA(V, M, M)) and M' = LN(M + MHA(M, V, V)), both from the V and M that came in, each followed
    by a feed-forward block; then side by side through a linear layer.
    """

    def __init__(self, d: int, d_out: int, heads: int = 4, dropout: float = 0.1) -> None:
        super().__init__()
        self.picture_attends = MultiHeadAttention(d, heads, dropout)
        self.header_attends = MultiHeadAttention(d, heads, dropout)
        self.picture_norm, self.header_norm = nn.LayerNorm(d), nn.LayerNorm(d)
        self.picture_feed, self.header_feed = FeedForward(d, dropout), FeedForward(d, dropout)
        self.join = nn.Linear(2 * d, d_out)

    def forward(self, picture: Tensor, header: Tensor, exists: Tensor) -> Tensor:
        """``exists`` (B, S)."""
        v = self.picture_norm(picture + self.picture_attends(picture, header, exists))
        m = self.header_norm(header + self.header_attends(header, picture, exists))
        out: Tensor = self.join(torch.cat([self.picture_feed(v), self.header_feed(m)], dim=-1))
        return out


class AttentionPooling(nn.Module):
    """One embedding a series, (B, S, d) to (B, d): weights from an MLP, softmax over the slices."""

    def __init__(self, d: int, hidden: int = 64) -> None:
        super().__init__()
        self.score = nn.Sequential(nn.Linear(d, hidden), nn.Tanh(), nn.Linear(hidden, 1, bias=False))

    def forward(self, tokens: Tensor, exists: Tensor) -> Tensor:
        """``exists`` (B, S)."""
        scores = self.score(tokens).squeeze(-1).masked_fill(~exists, float("-inf"))
        out: Tensor = (scores.softmax(dim=1).unsqueeze(-1) * tokens).sum(dim=1)
        return out
