"""A random forest as tables: the same trees in torch and, exported like any network, in onnxruntime.

The usual node of ONNX for trees carries every number of every node in the graph, four to ten times what the
tables take. Here a tree is walked by looking up where a node leads to, all trees at once, as many steps as
the deepest has levels.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

# What an absent feature is told as: below all values, which are clipped at 4. A split may set it apart.
ABSENT = -9.0
# Added to a probability before its logarithm: a hundred trees that agree are no proof.
_DOUBT = 1e-3
# A leaf's probabilities are stored as so many parts.
WHOLE = 255


class Forest(nn.Module):
    """``trees`` trees of together ``inner`` splits and ``leaves`` leaves, ``depth`` splits deep at most.

    ``facets`` maps a facet to its number of classes; all share the trees. Made of zeros: see
    ``training.forest`` for how it is grown. Nodes are numbered, splits first, then leaves:

    - ``feature`` (inner,), ``threshold`` (inner,): at most the threshold goes left;
    - ``left``, ``right`` (inner,): the node that a split leads to;
    - ``roots`` (trees,): the first node of every tree;
    - ``votes`` (leaves, classes of all facets): the probabilities of a leaf, in parts of WHOLE.
    """

    def __init__(self, facets: Mapping[str, int], *, trees: int, inner: int, leaves: int, depth: int) -> None:
        super().__init__()
        self.facets = dict(facets)
        self.depth = depth
        self.feature: Tensor
        self.threshold: Tensor
        self.left: Tensor
        self.right: Tensor
        self.roots: Tensor
        self.votes: Tensor
        self.register_buffer("feature", torch.zeros(inner, dtype=torch.int16))
        self.register_buffer("threshold", torch.zeros(inner))
        self.register_buffer("left", torch.zeros(inner, dtype=torch.int32))
        self.register_buffer("right", torch.zeros(inner, dtype=torch.int32))
        self.register_buffer("roots", torch.zeros(trees, dtype=torch.int32))
        self.register_buffer("votes", torch.zeros(leaves, sum(facets.values()), dtype=torch.uint8))

    def forward(self, values: Tensor, observed: Tensor) -> Tensor:
        """Logits of all facets side by side (B, classes), from ``values`` and ``observed`` (B, F).

        The logarithm of the trees' mean probability.
        """
        inner = len(self.feature)
        x = told(values, observed)
        node = self.roots.long().expand(x.shape[0], -1)
        for _ in range(self.depth):
            split = node.clamp(max=inner - 1)
            goes_left = x.gather(1, self.feature[split].long()) <= self.threshold[split]
            below = torch.where(goes_left, self.left[split], self.right[split]).long()
            node = torch.where(node < inner, below, node)
        votes = self.votes[(node - inner).clamp(min=0)].float().mean(dim=1) / WHOLE
        return torch.log(votes + _DOUBT)


def told(values: Tensor, observed: Tensor) -> Tensor:
    """What the trees see, (B, 2 F): the values, ABSENT where there is none, and whether there is one."""
    there = observed > 0
    return torch.cat([torch.where(there, values, torch.full_like(values, ABSENT)), there.float()], dim=1)
