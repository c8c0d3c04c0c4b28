"""What an ablation runs: sizes, steps and encoder of all of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.models.encoders import ENCODERS
from SeriesClassifierLib.training.joint_model import Steps
from SeriesClassifierLib.training.tasks import LIVER, PROSTATE

ENCODER_3D = "resnet18-3d"
# What is shipped. The encoder of the liver paper: --encoder densenet121 --random-encoder.
_RECIPES = {"prostate": PROSTATE, "liver": LIVER}


@dataclass(frozen=True)
class Plan:
    """One ablation. Sides are in pixels; ``most`` parts of one series are measured.

    With ``pretraining`` steps an encoder becomes a classifier of slices before the rows begin, once a seed.
    With ``frozen`` the rows that fuse keep it as it is then: they differ in how they fuse, in nothing else.
    ``header`` steps are what a header branch gets, ``headers`` how many headers without pictures there are.
    """

    task: str
    encoder: str
    random: bool
    steps: Steps
    pretraining: int
    frozen: bool
    header: int
    headers: int
    batch: int
    side: int
    slices: int
    parts: int
    studies: int = 60
    validation: int = 20
    most: int = 4

    @property
    def drawn(self) -> dict[str, Any]:
        """What decides the pools."""
        names = ("task", "side", "slices", "parts", "headers", "studies", "validation", "most")
        return {name: getattr(self, name) for name in names}

    def side_of(self, encoder: str) -> int:
        """The legal side of ``encoder`` that is nearest to ``side``."""
        multiple = ENCODERS[encoder].multiple
        return max(1, round(self.side / multiple)) * multiple

    def is_random(self, encoder: str) -> bool:
        """Whether ``encoder`` starts from random weights; a 3D one has no others."""
        return self.random or encoder == ENCODER_3D


def plan_for(
    task: str,
    *,
    encoder: str | None = None,
    random: bool = False,
    parts: int | None = None,
    headers: int = 40_000,
    steps: int | None = None,
    studies: int | None = None,
) -> Plan:
    """The plan of ``task``, sized for two slow cores; what is given replaces a default.

    ``random`` starts ``encoder`` from random weights. ``steps`` is what a row is trained for.

    Raises UsageError for a task without ablations, an unknown encoder, or a number below 1.
    """
    if task not in _RECIPES:
        raise UsageError(f"there are no ablations of {task!r}: use one of {', '.join(_RECIPES)}")
    if any(number is not None and number < 1 for number in (parts, steps, studies)):
        raise UsageError("parts, steps and studies are at least 1")
    base = _RECIPES[task]
    name = encoder or base.encoder
    if name not in ENCODERS or name == ENCODER_3D:
        known = ", ".join(name for name in ENCODERS if name != ENCODER_3D)
        raise UsageError(f"{name!r} is no 2D encoder: use one of {known}")
    liver = task == "liver"
    slices = 3 if liver else 1
    everything = steps or (200 if liver else 300)
    how = Steps(
        # The rows of the liver that fuse have these and what comes after, above an encoder that stays.
        heads=everything if liver else 0 if random else everything // 5,
        everything=everything,
        rate=base.base.rate,
        encoder_factor=0.3 if random else 0.15,
        evaluate_every=50,
    )
    return Plan(
        task=task,
        encoder=name,
        random=random,
        steps=how,
        pretraining=2 * everything if liver or random else 0,
        frozen=liver,
        header=(12 if liver else 10) * everything,
        headers=headers,
        batch=base.batch // slices,
        side=70 if liver else base.side,
        slices=slices,
        parts=parts or (1_600 if liver else 2_400),
        studies=studies or 60,
    )
