"""The tags that may explain why the slices of a series are there several times, in the order of asking.

Time is asked last: volumes that an acquisition parameter tells apart are no time points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from SeriesClassifierLib.records import Instance
from SeriesClassifierLib.sources.tags import FRAME_STATE

OBJECT = "object"
PATIENT = "patient"
IMAGE_TYPE = "image type"
COMPONENT = "component"
CONTRAST = "acquisition contrast"
ORIENTATION = "orientation"
B_VALUE = "b-value"
DIRECTION = "diffusion direction"
ECHO_TIME = "echo time"
INVERSION_TIME = "inversion time"
FLIP_ANGLE = "flip angle"
REPETITION_TIME = "repetition time"
PREPARATION = "preparation"
CARDIAC_PHASE = "cardiac phase"
IMAGE_WORDS = "words of the image type"
SETTING = "other setting"
ACQUISITION = "acquisition"
TIME = "time"
# Nothing tells why slices are there several times: no parameter differs, and no clock advances.
UNEXPLAINED = "repetition"

# Volumes that one of these tells apart are never a dynamic.
NOT_TIME = frozenset(
    {
        COMPONENT,
        INVERSION_TIME,
        FLIP_ANGLE,
        REPETITION_TIME,
        PREPARATION,
        CARDIAC_PHASE,
        IMAGE_WORDS,
        SETTING,
    }
)


@dataclass(frozen=True)
class NumberAxis:
    """A number that differs between volumes.

    ``symbol`` begins the value of a part ("TE=2.3"). Values closer than ``tolerance`` or the share
    ``relative`` of them are one. ``per_slice`` says that a scanner chooses the value slice by slice, so that
    volumes may have a value that differs a little from slice to slice.
    """

    name: str
    symbol: str
    keyword: str
    tolerance: float
    relative: float = 0.0
    per_slice: bool = False
    # Nobody chooses values so close that they are made equal: the scanner or the patient's breath does.
    drifts: bool = True
    # A single slice cannot show whether such values come again.
    least_slices: int = 1

    def exact(self, instances: Sequence[Instance]) -> list[float]:
        """The value of each image; 0.0 where the tag is absent. Of several values the first that differs
        between images.
        """
        found = [instance.numbers(self.keyword) or (0.0,) for instance in instances]
        most = max(map(len, found), default=1)
        for place in range(most):
            column = [round(values[place], 2) if place < len(values) else 0.0 for values in found]
            if len(set(column)) > 1:
                return column
        return [round(values[0], 2) for values in found]

    def one_of_close(self, exact: Sequence[float]) -> list[float]:
        """Values as ``exact`` gives them, close ones made equal."""
        shared = one_of_close(exact, self.tolerance, self.relative)
        return [shared[value] for value in exact]

    def title(self, value: float) -> str:
        """The value of a part."""
        return f"{self.symbol}={value:g}"


NUMBER_AXES = (
    NumberAxis(ECHO_TIME, "TE", "EchoTime", 0.1),
    NumberAxis(ECHO_TIME, "echo", "EchoNumbers", 0.5),
    NumberAxis(INVERSION_TIME, "TI", "InversionTime", 1.0, 0.01, per_slice=True),
    NumberAxis(FLIP_ANGLE, "FA", "FlipAngle", 0.5, drifts=False),
    NumberAxis(REPETITION_TIME, "TR", "RepetitionTime", 1.0, 0.1, least_slices=2),
)


def one_of_close(values: Sequence[float], tolerance: float, relative: float = 0.0) -> dict[float, float]:
    """Each value -> the smallest of those that are close to it, rounded to the tolerance's last digit.

    >>> one_of_close([100.0, 100.4, 300.0], 1.0)
    {100.0: 100.0, 100.4: 100.0, 300.0: 300.0}
    """
    out: dict[float, float] = {}
    first = before = None
    for value in sorted(set(values)):
        if first is None or before is None or value - before > max(tolerance, relative * value) - 1e-9:
            first = round(value, 1)
        out[value] = first
        before = value
    return out


# SequenceVariant names the magnetization transfer (PS3.3 C.8.3.1.1.2).
_TRANSFER = "MTC"


def preparations(instances: Sequence[Instance]) -> list[str]:
    """What the scanner did before the excitation of each image (saturation, magnetization transfer, fat or
    water selection), as far as images differ in it: codes joined by "+", "none" for those without.
    """
    found = [
        frozenset(instance.tokens("ScanOptions"))
        | ({_TRANSFER} & frozenset(instance.tokens("SequenceVariant")))
        for instance in instances
    ]
    common = frozenset.intersection(*found) if found else frozenset()
    return ["+".join(sorted(codes - common)) or "none" for codes in found]


# Settings that scanners do not change within a dynamic, as the tags name them.
_SETTINGS = (
    "SequenceName", "PulseSequenceName", "SequenceVariant", "RescaleType", "Units", "EchoTrainLength",
    "PixelSpacing", FRAME_STATE,
)  # fmt: skip


def settings(instances: Sequence[Instance]) -> dict[str, list[str]]:
    """Axis and tag -> the value of each image, of the tags that differ and that no other axis reads."""
    words = [frozenset(instance.tokens("ImageType")) for instance in instances]
    common = frozenset.intersection(*words) if words else frozenset()
    found = {IMAGE_WORDS: ["+".join(sorted(some - common)) for some in words]}
    for keyword in _SETTINGS:
        if len({instance.tags.get(keyword) for instance in instances}) > 1:
            found[keyword] = [_said(instance, keyword) for instance in instances]
    return {name: values for name, values in found.items() if len(set(values)) > 1}


def _said(instance: Instance, keyword: str) -> str:
    numbers = instance.numbers(keyword)
    return "/".join(f"{number:g}" for number in numbers) if numbers else instance.text(keyword)


# Cardiac phases follow each other within one heartbeat; no dynamic is that fast.
_LONGEST_BEAT_MS = 2500.0
_LONGEST_PHASE_MS = 160.0
_LONGEST_INVERSION_MS = 6000.0
_FEWEST_PHASES = 5


def has_cardiac_phases(instances: Sequence[Instance]) -> bool:
    """Whether images of one slice are phases of the heartbeat."""
    if any((instance.number("CardiacNumberOfImages") or 0.0) > 1 for instance in instances):
        return True
    times = sorted({t for t in (instance.number("TriggerTime") for instance in instances) if t is not None})
    if len(times) < _FEWEST_PHASES or times[-1] - times[0] > _LONGEST_BEAT_MS:
        return False
    return max(b - a for a, b in pairwise(times)) <= _LONGEST_PHASE_MS


def by_trigger_time(instances: Sequence[Instance]) -> str:
    """What volumes are whose trigger time alone differs: phases of one heartbeat, or time points of a
    dynamic. Between them lie inversion times, which some scanners write there: for these nothing speaks.
    """
    times = [t for t in (instance.number("TriggerTime") for instance in instances) if t is not None]
    span = max(times, default=0.0) - min(times, default=0.0)
    if span <= _LONGEST_BEAT_MS:
        return CARDIAC_PHASE
    return TIME if span > _LONGEST_INVERSION_MS else UNEXPLAINED


def has_directions(instances: Sequence[Instance]) -> bool:
    """Whether the images differ in the direction of a diffusion gradient."""
    found = {instance.numbers("DiffusionGradientOrientation") for instance in instances} - {()}
    return len(found) > 1


