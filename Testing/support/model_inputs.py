"""Small inputs and models for the tests of the networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from SeriesClassifierLib.models.encoders import ENCODERS, PictureEncoder, build_encoder
from SeriesClassifierLib.models.fusion import EarlyFusion, JointFusion
from SeriesClassifierLib.models.modalities import PictureHeaderModel
from SeriesClassifierLib.models.picture_encoder import Freezable
from SeriesClassifierLib.models.series_model import ConcatModel, LiverModel, PictureModel2D, PictureModel3D

BINARY = [False, True, False, True, True, False]
FACETS: Mapping[str, int] = {"sequence": 5, "phase": 3}
SIDE = 32


class Tiny3D(PictureEncoder):
    """A 3D encoder of one convolution: what is around it is under test."""

    def __init__(self) -> None:
        super().__init__(replace(ENCODERS["resnet18-3d"], width=8))
        self.body = torch.nn.Conv3d(1, 8, 3, stride=2, padding=1)

    def features(self, normalized: Tensor) -> Tensor:
        return self.body(normalized).relu().mean(dim=(-3, -2, -1))

    def stages(self) -> list[Sequence[Freezable]]:
        return [[], [self.body], []]


def _small_cnn() -> PictureEncoder:
    return build_encoder("small-cnn", random=True)


MODELS: Mapping[str, Callable[[], PictureHeaderModel]] = {
    "liver": lambda: LiverModel(_small_cnn(), BINARY, FACETS, d=32),
    "concat-zero": lambda: ConcatModel(_small_cnn(), BINARY, FACETS, d=32),
    "concat-learned": lambda: ConcatModel(_small_cnn(), BINARY, FACETS, imputation="learned", d=32),
    "picture-2d": lambda: PictureModel2D(_small_cnn(), FACETS),
    "joint": lambda: JointFusion(_small_cnn(), BINARY, FACETS, d=16, hidden=32),
    "early": lambda: EarlyFusion(_small_cnn(), BINARY, FACETS, hidden=32),
}


def picture_3d() -> PictureModel3D:
    """The 3D baseline, of four slices."""
    return PictureModel3D(Tiny3D(), FACETS, depth=4)


def livened(model: torch.nn.Module) -> torch.nn.Module:
    """Running means and variances that pictures gave, and no weight at zero: every part has a say."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.reset_running_stats()
                module.momentum = None
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
        for module in model.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.train()
        model(*inputs(8, 3, seed=5).values())
    return model.eval()


def inputs(series: int, slots: int, *, seed: int = 0, side: int = SIDE) -> dict[str, Tensor]:
    """slices, slice_mask, values, observed by name: everything is there."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn((series, len(BINARY)), generator=generator)
    flags = torch.tensor(BINARY)
    return {
        "slices": torch.rand((series, slots, side, side), generator=generator),
        "slice_mask": torch.ones((series, slots), dtype=torch.bool),
        "values": torch.where(flags, (values > 0).float(), values),
        "observed": torch.ones_like(values),
    }
