"""When images were taken, by whichever of their tags tells: what orders the time points of a series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from itertools import pairwise
from statistics import median

from SeriesClassifierLib.records import Instance

Reader = Callable[[Instance], float | None]


@dataclass(frozen=True)
class Clocks:
    """What may tell when an image was taken, in seconds, milliseconds or numbers; None where it does not."""

    time: Reader
    content: Reader
    position: Reader = field(default=lambda i: i.number("TemporalPositionIdentifier"))
    date_time: Reader = field(default=lambda i: _date_time(i.text("AcquisitionDateTime")))
    trigger: Reader = field(default=lambda i: i.number("TriggerTime"))
    acquisition: Reader = field(default=lambda i: i.number("AcquisitionNumber"))
    instance: Reader = field(default=lambda i: i.number("InstanceNumber"))

    def in_order(self) -> tuple[Reader, ...]:
        """Those that order images, the most trusted first; a reconstruction may set the content time."""
        return (self.position, self.date_time, self.time, self.trigger, self.acquisition, self.instance)


def clocks_of(instances: Sequence[Instance]) -> Clocks:
    """The clocks of a series; its time of day goes on past midnight."""
    return Clocks(_time_of_day("AcquisitionTime", instances), _time_of_day("ContentTime", instances))


def _time_of_day(keyword: str, instances: Sequence[Instance]) -> Reader:
    times = [t for t in (seconds(i.text(keyword)) for i in instances) if t is not None]
    is_over_midnight = bool(times) and max(times) - min(times) > _DAY / 2

    def read(instance: Instance) -> float | None:
        value = seconds(instance.text(keyword))
        return value + _DAY if value is not None and is_over_midnight and value < _DAY / 2 else value

    return read


_DAY = 86_400.0


def _date_time(text: str) -> float | None:
    """Seconds of a DICOM DT value (YYYYMMDDHHMMSS.FFFFFF), counted from the first day of the calendar."""
    time = seconds(text[8:])
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:8])).toordinal()
    except ValueError:  # a date that was taken away
        day = 0
    return day * _DAY + time if time is not None else None


def advances(read: Reader, instances: Sequence[Instance], points: Sequence[int]) -> bool:
    """Whether a clock is later at each time point than at the one before; ``points`` of each image."""
    of_point: dict[int, list[float]] = defaultdict(list)
    for instance, point in zip(instances, points, strict=True):
        value = read(instance)
        if value is None:
            return False
        of_point[point].append(value)
    middle = [median(of_point[point]) for point in sorted(of_point)]
    return all(before < after for before, after in pairwise(middle))


# Cached, because an image is asked for its time by every step.
@lru_cache(maxsize=16384)
def seconds(time: str) -> float | None:
    """Seconds since midnight of a DICOM TM value (HHMMSS.FFFFFF, shortened forms allowed); None when it is
    none.

    >>> seconds("101530.5")
    36930.5
    """
    digits = time.replace(":", "").split("+")[0].split("-")[0].strip()
    whole, _, fraction = digits.partition(".")
    if not whole.isdecimal() or len(whole) not in (2, 4, 6) or (fraction and not fraction.isdecimal()):
        return None
    whole = whole.ljust(6, "0")
    return int(whole[:2]) * 3600 + int(whole[2:4]) * 60 + int(whole[4:6]) + float(f"0.{fraction or 0}")
