"""Vision transformers: the layers of ``transformers``, with our own ends.

The ends differ from the library's in two ways. The positions of a side can be computed once and stored
(``fix_side``), so that an exported graph resizes nothing; and the blocks can stop early, because for another
kind of picture than it was trained on a backbone's middle is better than its end.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from SeriesClassifierLib.errors import UsageError, WeightsError
from SeriesClassifierLib.models.picture_encoder import EncoderSpec, Freezable, PictureEncoder

Family = Literal["dinov2", "vit"]

# Published name -> ours: the Hugging Face names of either family, then timm's as open_clip prefixes them.
_NAMES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"^(vit|dinov2)\.", ""),
        (r"^visual\.trunk\.", ""),
        (r"^embeddings\.cls_token$", "cls_token"),
        (r"^(embeddings\.position_embeddings|pos_embed)$", "positions"),
        (r"^(embeddings\.patch_embeddings\.projection|patch_embed\.proj)\.", "patches."),
        (r"^(encoder\.layer|layers)\.", "blocks."),
        (r"^layernorm\.", "norm."),
        (r"\.attention\.attention\.query\.", ".attention.q_proj."),
        (r"\.attention\.attention\.key\.", ".attention.k_proj."),
        (r"\.attention\.attention\.value\.", ".attention.v_proj."),
        (r"\.(attention\.output\.dense|attn\.proj)\.", ".attention.o_proj."),
        (r"\.intermediate\.dense\.", ".mlp.fc1."),
        (r"(^blocks\.\d+)\.output\.dense\.", r"\1.mlp.fc2."),
    )
)
# The two families of ``transformers`` call a block's two norms differently; timm calls them as DINOv2 does.
_VIT_NORMS = ((".norm1.", ".layernorm_before."), (".norm2.", ".layernorm_after."))


class TransformerEncoder(PictureEncoder):
    """A ViT that ends after ``blocks`` blocks.

    ``pooling``: ``class`` is the class token after the last norm, as published; ``patches`` is the mean of
    the patch tokens as they leave the last block.
    """

    def __init__(
        self,
        spec: EncoderSpec,
        *,
        family: Family,
        heads: int,
        native_side: int,
        epsilon: float,
        pooling: Literal["class", "patches"],
        blocks: int,
    ) -> None:
        super().__init__(spec)
        if not 1 <= blocks <= spec.depth:
            raise UsageError(f"{spec.name} has {spec.depth} blocks, not {blocks}")
        self.family = family
        self.pooling = pooling
        model = _library_model(spec, family, heads, native_side, epsilon, blocks)
        self.patches: nn.Conv2d = model.embeddings.patch_embeddings.projection
        self.cls_token: nn.Parameter = model.embeddings.cls_token
        self.positions: nn.Parameter = model.embeddings.position_embeddings
        self.blocks: nn.ModuleList = model.encoder.layer if family == "dinov2" else model.layers
        self.norm: nn.Module = model.layernorm if pooling == "class" else nn.Identity()

    def features(self, normalized: Tensor) -> Tensor:
        """Features (N, width)."""
        grid = self.patches(normalized.expand(-1, self.spec.channels, -1, -1))
        tokens = grid.flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls_token.expand(tokens.shape[0], -1, -1), tokens], dim=1)
        tokens = tokens + self._positions_for(int(normalized.shape[-2]), int(normalized.shape[-1]))
        for block in self.blocks:
            tokens = block(tokens)
        tokens = self.norm(tokens)
        out: Tensor = tokens[:, 0] if self.pooling == "class" else tokens[:, 1:].mean(dim=1)
        return out

    def fix_side(self, side: int) -> None:
        """Store the positions of pictures of ``side`` pixels instead of the published ones."""
        if side % self.spec.multiple:
            raise UsageError(f"{self.spec.name} takes sides that are a multiple of {self.spec.multiple}")
        with torch.no_grad():
            fixed = self._positions_for(side, side).clone()
        self.positions = nn.Parameter(fixed, requires_grad=self.positions.requires_grad)

    def stages(self) -> list[Sequence[Freezable]]:
        """Patches and positions; the blocks; the last norm."""
        return [[self.patches, self.cls_token, self.positions], *[[b] for b in self.blocks], [self.norm]]

    def published(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Accepts the names of ``transformers`` (both families), timm and open_clip."""
        own = self.state_dict()
        out = {}
        for published, tensor in state.items():
            for name, part in _split_qkv(published, tensor):
                for pattern, replacement in _NAMES:
                    name = pattern.sub(replacement, name)
                if self.family == "vit":
                    for theirs, ours in _VIT_NORMS:
                        name = name.replace(theirs, ours)
                if name in own:
                    out[name] = part
        return out

    def _positions_for(self, height: int, width: int) -> Tensor:
        rows, columns = height // self.spec.multiple, width // self.spec.multiple
        table: Tensor = self.positions
        side = math.isqrt(int(table.shape[1]) - 1)
        if (rows, columns) == (side, side):
            return table
        grid = table[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
        grid = nn.functional.interpolate(grid, size=(rows, columns), mode="bicubic", align_corners=False)
        return torch.cat([table[:, :1], grid.flatten(2).transpose(1, 2)], dim=1)


def _split_qkv(name: str, tensor: Tensor) -> list[tuple[str, Tensor]]:
    if ".attn.qkv." not in name:
        return [(name, tensor)]
    parts = tensor.chunk(3)
    return [
        (name.replace(".attn.qkv.", f".attention.{letter}_proj."), part)
        for letter, part in zip("qkv", parts, strict=True)
    ]


def _library_model(
    spec: EncoderSpec, family: Family, heads: int, native_side: int, epsilon: float, blocks: int
) -> Any:
    try:
        from transformers import Dinov2Config, Dinov2Model, ViTConfig, ViTModel
    except ImportError as error:
        raise WeightsError(f"{spec.name} needs transformers: install series-classifier[train]") from error
    common = {
        "hidden_size": spec.width,
        "num_hidden_layers": blocks,
        "num_attention_heads": heads,
        "image_size": native_side,
        "patch_size": spec.multiple,
        "num_channels": spec.channels,
        "layer_norm_eps": epsilon,
    }
    if family == "dinov2":
        return Dinov2Model(Dinov2Config(**common))
    return ViTModel(ViTConfig(**common, intermediate_size=4 * spec.width), add_pooling_layer=False)
