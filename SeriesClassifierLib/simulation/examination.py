"""One simulated examination: the clock runs, contrast agent is given once, series follow the exam card."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from SeriesClassifierLib.headers.part_header import series_headers
from SeriesClassifierLib.parts.geometry import normal, plane_and_tilt
from SeriesClassifierLib.parts.split import split
from SeriesClassifierLib.records import Instance, Part, Series, TagValue
from SeriesClassifierLib.simulation.contrast import NO_AGENT, Agent, agent_at, draw_agent
from SeriesClassifierLib.simulation.dialects import VENDOR_WEIGHTS
from SeriesClassifierLib.simulation.dicom_writer import uid_of
from SeriesClassifierLib.simulation.draws import chance, choice, draw_field, log_uniform, pick
from SeriesClassifierLib.simulation.headers import SimulatedPart, acquire
from SeriesClassifierLib.simulation.pictures import render
from SeriesClassifierLib.simulation.plans import Plan
from SeriesClassifierLib.simulation.protocols import PROTOCOLS, Protocol
from SeriesClassifierLib.simulation.scanner import Floats
from SeriesClassifierLib.simulation.scans import Scan, scan_of
from SeriesClassifierLib.simulation.settings import Settings, draw_settings, shown_size
from SeriesClassifierLib.simulation.stack import Stack
from SeriesClassifierLib.simulation.tissues import TissuesDrawn, draw_tissues
from SeriesClassifierLib.simulation.views import BodyLike, View, axes_of, draw_view
from SeriesClassifierLib.simulation.wording import Wording, describe, draw_wording

Renderer = Callable[..., Floats]  # (positions=None, longest=192) -> slices
_B_VALUE_TAGS = {"SIEMENS": "SiemensBValue", "GE": "GEBValue", "PHILIPS": "PhilipsBValue", "UIH": "UIHBValue"}
_ALL_B_TAGS = ("DiffusionBValue", *_B_VALUE_TAGS.values())
_MOST_IMAGES = 420  # of one series: long runs are shortened
_SAID_WITH_FAT = frozenset({"T1 TSE", "VIBE", "T2 TSE", "T2 3D", "HASTE", "PD"})
_AGENTS = ("Gadovist", "DOTAREM", "MULTIHANCE", "Eovist", "GD", "MAGNEVIST")


@dataclass(frozen=True)
class Shot:
    """One stack of a series: the truth about it, its settings, and what tells it from its sisters."""

    part: SimulatedPart
    settings: Settings
    seed: int
    own_tags: Mapping[str, TagValue]


@dataclass(frozen=True)
class SimulatedImage:
    """One image: its tags, and which slice of which shot it shows."""

    tags: Mapping[str, TagValue]
    shot: int
    position: int


@dataclass(frozen=True)
class SimulatedSeries:
    """One series of a study."""

    number: int
    description: str
    shots: tuple[Shot, ...]
    images: tuple[SimulatedImage, ...]
    body: BodyLike
    tissues: TissuesDrawn

    @property
    def uid(self) -> str:
        """SeriesInstanceUID."""
        return str(self.images[0].tags["SeriesInstanceUID"])

    def record(self) -> Series:
        """The series as it would be read; the path of an instance is its index in ``images``."""
        instances = tuple(Instance(str(n), 0, image.tags) for n, image in enumerate(self.images))
        return Series(self.uid, "", "", instances, description=self.description, series_number=self.number)

    def pictures(self, shot: int, positions: Sequence[int] | None = None, longest: int = 192) -> Floats:
        """Slices of a shot, (S, rows, columns); the same every time."""
        one = self.shots[shot]
        rng = np.random.default_rng(one.seed)
        return render(
            rng,
            one.part,
            self.body,
            self.tissues,
            positions=positions,
            longest=longest,
            settings=one.settings,
        )

    def parts(self) -> list[tuple[Part, SimulatedPart, Renderer]]:
        """Every part as the reader splits it, the truth with the header as read, and its slices."""
        record = self.record()
        pieces = split(record)
        out: list[tuple[Part, SimulatedPart, Renderer]] = []
        for piece, header in zip(pieces, series_headers(record, pieces), strict=True):
            shot = self.images[int(piece.instances[len(piece.instances) // 2].path)].shot
            truth = replace(self.shots[shot].part, header=header, plane=_plane_of(piece))
            out.append((piece, truth, partial(self.pictures, shot)))
        return out


def _plane_of(part: Part) -> str:
    normals = (normal(instance) for instance in part.instances)
    planes = {plane_and_tilt(vector)[0] for vector in normals if vector is not None}
    return planes.pop() if len(planes) == 1 else "MULTI"


@dataclass(frozen=True)
class _Done:
    """What a later series may share with this one."""

    plan: Plan
    parts: tuple[SimulatedPart, ...]
    view: View
    settings: Settings
    start: float


class Exam:
    """A study in the making: the clock runs, the injection is given once."""

    def __init__(
        self, rng: np.random.Generator, task: str, region: str, body: BodyLike, longest: int | None
    ) -> None:
        self.rng, self.task, self.region, self.longest = rng, task, region, longest
        self.body = body
        self.vendor = choice(rng, VENDOR_WEIGHTS)
        self.field = draw_field(rng)
        self.tissues = draw_tissues(rng, self.field)
        self.wording: Wording = draw_wording(rng, self.vendor)
        self.dose = log_uniform(rng, (0.6, 1.4))
        self.uid = uid_of("study", int(rng.integers(2**62)))
        self.patient = int(rng.integers(100_000, 999_999))
        self.clock = float(rng.uniform(7.5, 19) * 3600)
        self.injection: float | None = None
        self.says_agent = chance(rng, 0.8)
        self.says_bolus_time = chance(rng, 0.15)
        self.numbers_by = int(pick(rng, (1, 1, 1, 100)))
        self.device: dict[str, TagValue] = {}
        self.done: list[_Done] = []
        self.sex = str(getattr(self.body, "sex", "") or "O")

    def acquire(self, plan: Plan) -> SimulatedSeries:
        """The series of ``plan``; the clock moves on."""
        rng = self.rng
        like = self.done[plan.like] if plan.like is not None else None
        start = self._start(plan, like)
        parts = tuple(self._part(plan, member, like) for member in plan.members)
        view = like.view if like else draw_view(rng, parts[0], self.body)
        settings = draw_settings(rng, parts[0], self.body, view=view)
        if like:
            settings = replace(settings, look=like.settings.look, seed=like.settings.seed)
        self.done.append(_Done(plan, parts, view, settings, start))
        shots = self._shots(plan, parts, settings, like, start)
        number = len(self.done) * self.numbers_by
        fat = settings.scan.fat_suppression == "fatsat" and plan.kind in _SAID_WITH_FAT
        text = describe(
            rng, self.wording, plan.kind, plan.plane, phase=plan.phase, fat=fat, ending=plan.ending
        )
        images = self._images(plan, shots, view, number, text, start)
        return SimulatedSeries(number, text, shots, tuple(images), self.body, self.tissues)

    def _start(self, plan: Plan, like: _Done | None) -> float:
        if like and plan.duration == 0:
            return like.start
        if plan.at is not None:
            if self.injection is None:
                self.injection = self.clock + 15 - min(plan.at, 0)
            self.clock = max(self.clock, self.injection + plan.at)
        start = self.clock
        self.clock += plan.duration + float(self.rng.uniform(2, 40) if plan.at is None else 1)
        return start

    # ---------------------------------------------------------------------------------------------- headers

    def _part(self, plan: Plan, member: tuple[str, str], like: _Done | None) -> SimulatedPart:
        """The truth and the technical tags of one image kind of a series."""
        rng, (sequence, derived) = self.rng, member
        protocol = _protocol(rng, plan, sequence, derived, self.region)
        plane = plan.plane if plan.plane in ("AX", "COR", "SAG") else "AX"
        fat = plan.fat if plan.fat is not None else chance(rng, protocol.fat_sat)
        fixed = replace(
            protocol,
            planes={plane: 1.0},
            phases={plan.phase: 1.0},
            derived={derived: 1.0},
            times=(1, 1),
            fat_sat=float(fat),
            orientations=(3, 3)
            if plan.plane == "MULTI"
            else protocol.orientations
            if plan.plane == "COR"
            else (1, 1),
        )
        part = acquire(rng, fixed, self.region, self.vendor, self.field)
        for _ in range(30):  # one slice an image; maps that say what they are, as most do
            words = set(Instance("", 0, part.acquired).tokens("ImageType"))
            if "MOSAIC" not in words and not words >= {"MPR", "CSA MIP"}:
                break
            part = acquire(rng, fixed, self.region, self.vendor, self.field)
        tags = {
            k: v
            for k, v in part.acquired.items()
            if k not in ("ContrastBolusAgent", "ContrastBolusStartTime")
        }
        tags = {
            k: v
            for k, v in tags.items()
            if not k.endswith(("TemporalPositionIdentifier", "TemporalPositions"))
        }
        if sequence in ("DWI", "ADC"):
            tags = {k: v for k, v in tags.items() if k not in _ALL_B_TAGS}
        if not self.device:
            self.device = {k: tags[k] for k in _SAME_DEVICE if k in tags}
        tags |= self.device | {"PatientSex": self.sex}
        stack = self._stack(plan, part.stack, like, derived)
        if like:
            tags = _shared(tags, like.parts[0], plan, sequence)
        tags |= {"SliceThickness": round(stack.thickness, 3)}
        part = replace(part, acquired=tags, stack=stack, plane=plan.plane)
        return replace(part, header=replace(part.header, tags=tags))

    def _stack(self, plan: Plan, own: Stack, like: _Done | None, derived: str) -> Stack:
        count = int(self.rng.integers(plan.slices[0], plan.slices[1] + 1))
        if like is None:
            count = max(count, own.orientations if plan.plane == "MULTI" or own.orientations > 1 else 1)
            return replace(own, positions=count, mosaic_slices=0)
        shared = like.parts[0].stack
        if derived == "MIP":
            turns = count if plan.kind != "SWI" and chance(self.rng, 0.7) else 1
            thickness = own.thickness if own.thickness > 12 else float(self.rng.uniform(20, 80))
            if plan.kind == "SWI":
                return replace(shared, positions=max(1, shared.positions - 8))
            return replace(shared, positions=count, orientations=turns, thickness=thickness)
        return shared

    # --------------------------------------------------------------------------------------------- pictures

    def _shots(
        self, plan: Plan, parts: Sequence[SimulatedPart], settings: Settings, like: _Done | None, start: float
    ) -> tuple[Shot, ...]:
        rng = self.rng
        times = max(1, min(plan.times, _MOST_IMAGES // max(1, parts[0].stack.positions)))
        shells = plan.b_values or (None,)
        acquired_b = like.plan.b_values if like else ()
        agent = self._agent(plan, start)
        scans = {id(part): scan_of(rng, part, agent=agent, dose=self.dose) for part in parts}
        out = []
        for time in range(times):
            at = start + time * plan.interval
            for b in shells:
                for part in parts:
                    scan = scans[id(part)]
                    tags: dict[str, TagValue] = {}
                    if plan.times > 1:
                        scan = self._at_time(scan.sequence, scan, at, time, times)
                        tags |= {
                            "TemporalPositionIdentifier": time + 1.0,
                            "NumberOfTemporalPositions": float(times),
                        }
                        tags["AcquisitionNumber"] = time + 1.0
                    tags |= {"AcquisitionTime": _clock(at), "ContentTime": _clock(at + 3)}
                    if self.injection is not None and at >= self.injection:
                        tags |= self._agent_tags()
                    if b is not None:
                        tags |= _b_value_tags(part, self.vendor, b)
                        part = replace(part, header=replace(part.header, b_value=b))
                        scan = replace(scan, b_value=b)
                    if len(acquired_b) > 1:
                        scan = replace(scan, b_pair=(min(acquired_b), max(acquired_b)))
                    phase = plan.phase
                    if plan.at is not None and phase in ("PRE", "POST") and self.injection is not None:
                        phase = "PRE" if at < self.injection else "POST"
                    truth = replace(part, phase=phase)
                    own = replace(settings, scan=scan)
                    out.append(Shot(truth, own, int(rng.integers(2**62)), tags))
        return tuple(out)

    def _agent(self, plan: Plan, start: float) -> Agent:
        if self.injection is None or start < self.injection:
            return NO_AGENT
        if plan.phase in ("ART", "PORTVEN", "LATE", "HEPA"):
            return draw_agent(self.rng, plan.phase, self.dose)
        return agent_at(start - self.injection, self.dose)

    def _at_time(self, sequence: str, scan: Scan, at: float, time: int, times: int) -> Scan:
        if sequence == "PERFUSION":  # the first pass lowers the signal for some seconds
            return replace(scan, bolus=float(np.exp(-(((time - 0.5 * times) / 2.0) ** 2))), agent=NO_AGENT)
        if self.injection is not None:
            return replace(scan, agent=agent_at(at - self.injection, self.dose))
        return scan

    def _agent_tags(self) -> dict[str, TagValue]:
        tags: dict[str, TagValue] = {}
        if self.says_agent:
            tags["ContrastBolusAgent"] = _AGENTS[self.patient % len(_AGENTS)]
        if self.says_bolus_time and self.injection is not None:
            tags["ContrastBolusStartTime"] = _clock(self.injection)
        return tags

    def _images(
        self, plan: Plan, shots: Sequence[Shot], view: View, number: int, text: str, start: float
    ) -> Iterator[SimulatedImage]:
        identity = self._identity(number, text, start)
        count = 0
        for index, shot in enumerate(shots):
            stack = shot.part.stack
            rows, columns = shown_size(shot.part, self.longest or max(stack.rows, stack.columns))
            common = {
                **shot.part.acquired,
                **identity,
                **shot.own_tags,
                "Rows": float(rows),
                "Columns": float(columns),
                "PixelSpacing": (round(view.height / rows, 5), round(view.width / columns, 5)),
            }
            if "SpacingBetweenSlices" in common or self.vendor == "GE":
                common["SpacingBetweenSlices"] = round(view.gap, 3)
            for position in range(stack.positions):
                count += 1
                yield SimulatedImage(
                    {
                        **common,
                        **_place(stack, view, position, rows, columns),
                        "InstanceNumber": float(count),
                        "SOPInstanceUID": uid_of(self.uid, number, count),
                    },
                    index,
                    position,
                )

    def _identity(self, number: int, text: str, start: float) -> dict[str, TagValue]:
        body_part = {"prostate": "PROSTATE", "abdomen": "LIVER", "brain": "BRAIN"}.get(
            self.region, self.region.upper()
        )
        return {
            "PatientName": f"Simulated^{self.task.title()}",
            "PatientID": f"SIM-{self.patient}",
            "StudyDate": "20000101",
            "SeriesDate": "20000101",
            "StudyTime": _clock(start - start % 1800),
            "SeriesTime": _clock(start),
            "StudyDescription": f"MR {body_part.title()}",
            "BodyPartExamined": body_part,
            "StudyInstanceUID": self.uid,
            "SeriesInstanceUID": uid_of(self.uid, number),
            "FrameOfReferenceUID": uid_of(self.uid, "frame of reference"),
            "SeriesNumber": float(number),
            "SeriesDescription": text,
            "ProtocolName": text,
        }


_SAME_DEVICE = (
    "Manufacturer",
    "MagneticFieldStrength",
    "ImagingFrequency",
    "ReceiveCoilName",
    "PatientPosition",
)


def _protocol(rng: np.random.Generator, plan: Plan, sequence: str, derived: str, region: str) -> Protocol:
    """A row of the protocol table for a member of ``plan``; one that suits the region if there is any."""
    rows = [p for p in PROTOCOLS if p.sequence == sequence and plan.technique in ("", p.technique)]
    rows = [p for p in rows if p.regions.get(region, 0) > 0] or rows
    rows = [p for p in rows if p.derived.get(derived, 0) > 0] or rows
    if plan.fat is not None and not plan.fat:
        rows = [p for p in rows if p.fat_sat < 0.8] or rows
    return rows[
        int(rng.choice(len(rows), p=np.array([p.weight for p in rows]) / sum(p.weight for p in rows)))
    ]


def _shared(
    own: Mapping[str, TagValue], other: SimulatedPart, plan: Plan, sequence: str
) -> dict[str, TagValue]:
    """The tags of a series that shares the acquisition of ``other``: but what the images are."""
    keep = {"ImageType"} if (sequence, plan.members[0][1]) != (other.sequence, other.derived) else set()
    if sequence.startswith("DIXON"):
        keep |= {"EchoTime", "ScanOptions"} if sequence != other.sequence else set()
    tags = {k: v for k, v in other.acquired.items() if k not in keep} | {
        k: own[k] for k in sorted(keep) if k in own
    }
    name = tags.get("SequenceName")
    if isinstance(name, str) and sequence in ("DWI", "ADC"):
        tags["SequenceName"] = re.sub(r"_b\d.*$", "_b", name)
    return tags


def _b_value_tags(part: SimulatedPart, vendor: str, b: float) -> dict[str, TagValue]:
    """The b-value where the vendor writes it; Siemens also in SequenceName."""
    tags: dict[str, TagValue] = {_B_VALUE_TAGS.get(vendor, "DiffusionBValue"): float(b)}
    if vendor == "GE":
        tags["GEBValue"] = b + 1e9
    name = part.acquired.get("SequenceName")
    if vendor == "SIEMENS" and isinstance(name, str) and part.derived == "ORIGINAL":
        tags["SequenceName"] = re.sub(r"_b\d*.*$", f"_b{b:g}t", name)
    return tags


def _place(stack: Stack, view: View, index: int, rows: int, columns: int) -> dict[str, TagValue]:
    """Orientation, and the middle of the first pixel of slice ``index``."""
    row, column, normal_, place = axes_of(stack, view, index)
    corner = np.array(view.center) + place * normal_
    corner = corner - row * (view.width / 2 - view.width / columns / 2)
    corner = corner - column * (view.height / 2 - view.height / rows / 2)
    return {
        "ImagePositionPatient": tuple(round(float(v), 4) for v in corner),
        "ImageOrientationPatient": tuple(round(float(v), 6) for v in (*row, *column)),
    }


def _clock(seconds: float) -> str:
    """The time of day (DICOM TM)."""
    total = seconds % 86_400
    return f"{int(total // 3600):02d}{int(total % 3600 // 60):02d}{total % 60:09.6f}"
