"""What each picture bundle is: its classes, where they apply, its model, what is drawn for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch

from SeriesClassifierLib.bundles.adopted import SHIPPED, find_bundle
from SeriesClassifierLib.bundles.bundle import WEIGHTS
from SeriesClassifierLib.models.encoders import build_encoder, fix_side
from SeriesClassifierLib.models.fusion import JointFusion
from SeriesClassifierLib.models.modalities import PictureHeaderModel
from SeriesClassifierLib.models.series_model import LiverModel
from SeriesClassifierLib.models.slice_votes import SliceVotes
from SeriesClassifierLib.simulation.protocols import PROTOCOLS
from SeriesClassifierLib.training.engine import Schedule
from SeriesClassifierLib.training.examples import CONTRAST, CONTRASTS
from SeriesClassifierLib.training.forest import Trees
from SeriesClassifierLib.training.joint_model import Steps
from SeriesClassifierLib.training.simulated_headers import IS_BINARY
from SeriesClassifierLib.training.simulated_pictures import Draw
from SeriesClassifierLib.vocabulary import classes

_REGIONS = tuple(classes("region"))
# The width of the header bundle's encoder, whose weights the header branch starts from.
_HEADER_WIDTH = 96


@dataclass(frozen=True)
class Pretraining:
    """What an encoder of random weights learns first: to tell single slices.

    A step of many different slices, at a smaller side, teaches it far more than stacks of a few series do.
    """

    steps: int
    size: int = 48
    side: int = 64
    rate: float = 1e-3


@dataclass(frozen=True, kw_only=True)
class PictureTask:
    """What any picture bundle settles, whatever its model.

    ``slices`` of a series are looked at when it is used. ``real_share`` of what trains is real where there
    is any; ``shares`` are what each facet counts in the loss.
    """

    name: str
    version: str
    heads: Mapping[str, Sequence[str]]
    regions: tuple[str, ...]
    encoder: str
    side: int
    slices: int
    draw: Draw
    shares: Mapping[str, float]
    parts: int = 8_000
    held_out: int = 1_200
    headers: int = 40_000
    folds: int = 4
    real_share: float = 0.35

    @property
    def trained(self) -> Mapping[str, Sequence[str]]:
        """Facet -> classes as trained."""
        return self.heads

    @property
    def sizes(self) -> dict[str, int]:
        """Facet -> number of classes, as trained."""
        return {facet: len(names) for facet, names in self.trained.items()}


@dataclass(frozen=True, kw_only=True)
class Task(PictureTask):
    """A picture bundle whose model sees picture and header in one network.

    Training steps take turns through ``train_slices``, the slices of a series; ``batch`` is the pictures of a
    step.
    """

    random_encoder: bool
    train_slices: tuple[int, ...]
    base: Steps
    fold: Steps
    student: Steps
    batch: int
    pretraining: Pretraining | None = None
    shares: Mapping[str, float] = field(
        default_factory=lambda: {"sequence": 1.0, "region": 0.25, "plane": 0.2, "phase": 0.3, CONTRAST: 0.5}
    )

    @property
    def trained(self) -> Mapping[str, Sequence[str]]:
        """Facet -> classes as trained: those of the bundle, then what only teaches the encoder."""
        return {**self.heads, CONTRAST: CONTRASTS}

    def model(self) -> PictureHeaderModel:
        """A model with the encoder's pretrained weights (where it has any) and the header bundle's encoder.

        Raises WeightsError when the encoder's weights are not installed.
        """
        model = self._built(self.random_encoder)
        _start_header(model)
        return model

    def blank(self) -> PictureHeaderModel:
        """The architecture alone, with weights of chance: for those of a bundle to be read into."""
        return self._built(random=True)

    def _built(self, random: bool) -> PictureHeaderModel:
        encoder = build_encoder(self.encoder, random=random)
        fix_side(encoder, self.side)
        model: PictureHeaderModel
        if self.name == "prostate":
            model = JointFusion(encoder, IS_BINARY, self.sizes, d=_HEADER_WIDTH)
        else:
            model = LiverModel(encoder, IS_BINARY, self.sizes, d=_HEADER_WIDTH)
        # Convolutions on processors are a fifth faster this way.
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return model


@dataclass(frozen=True, kw_only=True)
class BrainTask(PictureTask):
    """A picture bundle of a forest for the header and a network that votes slice by slice.

    ``base`` trains the network on simulated slices of ``base_side`` pixels: many small ones teach more than
    few large ones. ``tuned`` then trains it on real ones, too, of ``side``; ``batch`` slices a step.
    """

    trees: Trees = field(default_factory=Trees)
    base: Schedule
    tuned: Schedule
    batch: int = 64
    base_side: int = 64

    def network(self) -> SliceVotes:
        """The network with random weights."""
        model = SliceVotes(build_encoder(self.encoder, random=True), self.sizes)
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return model


def _start_header(model: PictureHeaderModel) -> None:
    """The header branch begins as the first member of the header bundle, which saw many more headers."""
    from safetensors.torch import load_file

    prefix = "members.0.0.encoder."
    state = load_file(find_bundle(SHIPPED + "headers") / WEIGHTS)
    own = {name[len(prefix) :]: tensor for name, tensor in state.items() if name.startswith(prefix)}
    model.get_submodule("header").load_state_dict(own)


def _of_brains() -> tuple[str, ...]:
    """The sequences that brains are scanned with, OTHER last."""
    scanned = {protocol.sequence for protocol in PROTOCOLS if "brain" in protocol.regions}
    return (*(name for name in classes("sequence") if name in scanned - {"OTHER"}), "OTHER")


PROSTATE = Task(
    name="prostate",
    version="1.0.0",
    heads={"sequence": ("T2", "DWI", "ADC", "DCE", "OTHER"), "region": _REGIONS},
    regions=("prostate", "pelvis"),
    encoder="dinov2-s14-focus",
    random_encoder=False,
    side=126,
    slices=1,
    train_slices=(1,),
    draw=Draw(
        regions={"prostate": 0.5, "pelvis": 0.1, "abdomen": 0.12, "brain": 0.16, "spine": 0.03,
                 "extremity": 0.04, "breast": 0.03, "head_neck": 0.02},
        sequences={"T2": 1.0, "DWI": 1.0, "ADC": 1.0, "DCE": 1.0, "T1": 0.5, "PD": 0.2, "LOCALIZER": 0.2,
                   "DIXON_W": 0.1, "DIXON_IN": 0.1, "BOLD": 0.1},
        slices=2,
        side=126,
    ),
    base=Steps(heads=60, everything=600, frozen_blocks=6, rate=3e-4),
    fold=Steps(heads=0, everything=160, frozen_blocks=6, rate=2e-4),
    student=Steps(heads=0, everything=160, frozen_blocks=6, rate=2e-4),
    batch=32,
)  # fmt: skip
LIVER = Task(
    name="liver",
    version="1.0.0",
    heads={
        "sequence": ("T1", "T2", "DWI", "ADC", "DIXON_IN", "DIXON_OPP", "DIXON_W", "DIXON_F", "MRCP",
                     "LOCALIZER", "OTHER"),
        "plane": ("AX", "COR", "SAG"),
        "phase": ("PRE", "ART", "PORTVEN", "LATE", "HEPA"),
        "region": _REGIONS,
    },
    regions=("abdomen",),
    encoder="dinov2-s14-focus",
    random_encoder=False,
    side=126,
    slices=10,
    train_slices=(1, 2, 4),
    draw=Draw(
        regions={"abdomen": 0.66, "prostate": 0.06, "pelvis": 0.04, "brain": 0.12, "spine": 0.03,
                 "extremity": 0.03, "chest": 0.03, "breast": 0.03},
        sequences={"T1": 1.6, "T2": 1.0, "DWI": 0.8, "ADC": 0.8, "DIXON_IN": 0.8, "DIXON_OPP": 0.8,
                   "DIXON_W": 0.8, "DIXON_F": 0.8, "MRCP": 0.8, "LOCALIZER": 0.6},
        slices=4,
        side=126,
    ),
    base=Steps(heads=60, everything=540, frozen_blocks=6, rate=3e-4),
    fold=Steps(heads=0, everything=150, frozen_blocks=6, rate=2e-4),
    student=Steps(heads=0, everything=150, frozen_blocks=6, rate=2e-4),
    batch=32,
    held_out=600,
)  # fmt: skip
# The encoder of the paper. No package carries its weights, and from random ones it needs more steps than two
# cores take in an evening (README, "Models"): for a site that has the machine, and for the ablations.
LIVER_DENSENET = replace(
    LIVER,
    encoder="densenet121",
    random_encoder=True,
    side=96,
    draw=replace(LIVER.draw, side=96),
    base=Steps(heads=0, everything=500, rate=5e-4, encoder_factor=0.5),
    fold=Steps(heads=0, everything=180, rate=3e-4, encoder_factor=0.5),
    student=Steps(heads=0, everything=180, rate=3e-4, encoder_factor=0.5),
    pretraining=Pretraining(steps=2400),
    parts=12_000,
)
BRAIN = BrainTask(
    name="brain",
    version="1.0.0",
    heads={
        "sequence": _of_brains(),
        "plane": ("AX", "COR", "SAG"),
        "phase": ("PRE", "POST"),
        "region": tuple(classes("region")),
    },
    regions=("brain",),
    encoder="small-cnn",
    side=96,
    slices=8,
    draw=Draw(
        regions={"brain": 0.7, "head_neck": 0.06, "spine": 0.06, "abdomen": 0.06, "prostate": 0.04,
                 "pelvis": 0.03, "extremity": 0.03, "chest": 0.02},
        sequences={**dict.fromkeys(_of_brains(), 1.0), "T1": 2.0, "T2": 1.5, "OTHER": 0.5},
        slices=4,
        side=96,
    ),
    shares={"sequence": 1.0, "plane": 0.2, "phase": 0.2, "region": 0.25},
    base=Schedule(2_000, 3e-3),
    tuned=Schedule(150, 5e-4),
    parts=6_000,
    held_out=800,
    headers=24_000,
)  # fmt: skip
# The shipped ones of picture and header in one network.
TASKS: Mapping[str, Task] = {task.name: task for task in (PROSTATE, LIVER)}
RECIPES: Mapping[str, Task] = {**TASKS, "liver-densenet121": LIVER_DENSENET}
