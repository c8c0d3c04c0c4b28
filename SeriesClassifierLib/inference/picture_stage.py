"""The images of a study: which bundle looks at which part, and what it adds to the header's decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from SeriesClassifierLib.bundles.adopted import installed_for
from SeriesClassifierLib.bundles.bundle import Bundle
from SeriesClassifierLib.errors import BundleError
from SeriesClassifierLib.headers.features import features
from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.images.pixels import expect
from SeriesClassifierLib.images.slices import Slices, read_slices
from SeriesClassifierLib.inference.combine import combine
from SeriesClassifierLib.inference.decide import Decision, best_above
from SeriesClassifierLib.inference.picture_model import PictureModel, ThreeAnswers, load_picture_model
from SeriesClassifierLib.parts.image_gate import modality
from SeriesClassifierLib.records import Evidence, Opinion, Part, Reason, Status, Witness
from SeriesClassifierLib.study.region import RegionVote, vote


@dataclass(frozen=True, slots=True)
class Undecoded:
    """Why no image of a part was seen, with what to do, and the path of the file."""

    error: str
    path: str


class PictureStage:
    """Looks at parts with the picture bundles. ``mode`` is "auto" or "full", as in ``Classifier``."""

    def __init__(self, mode: str, task: str, max_error: float, folders: Sequence[Path] = ()) -> None:
        """``folders`` of bundles stand in for the shipped ones.

        Raises BundleError when the mode or the task needs a bundle that is not there.
        """
        self._full = mode == "full"
        self._any_region = task != "auto"
        found = [load_picture_model(folder) for folder in folders or installed_for(task)]
        self._models = [model for model in found if task in ("auto", model.task)]
        self._thresholds = {m.task: m.bundle.thresholds(max_error) for m in self._models}
        if not self._models and task != "auto":
            raise BundleError(f"no bundle for the task {task} is installed: use --task auto")
        if not self._models and self._full:
            raise BundleError("no bundle that sees pictures is installed: use --mode header")

    @property
    def digest(self) -> str:
        """What decides the result besides the input."""
        models = "+".join(m.bundle.digest[:8] for m in self._models)
        return f"{'full' if self._full else 'auto'}{'-forced' if self._any_region else ''}-{models}"

    def look(
        self, headers: Sequence[PartHeader], parts: Sequence[Part], decisions: Sequence[Decision]
    ) -> tuple[list[Decision], list[Bundle | None], list[Undecoded | None]]:
        """The decisions of one study with what the pictures add, the bundle that looked at each part, and
        what a decoder could not do for it.
        """
        out = list(decisions)
        bundles: list[Bundle | None] = [None] * len(out)
        undecoded: list[Undecoded | None] = [None] * len(out)
        wanted = [index for index, decision in enumerate(out) if self._wants(headers[index], decision)]
        if not self._models or not wanted:
            return out, bundles, undecoded
        expect(parts[index].instances[0].path for index in wanted)

        @cache  # a study whose region no words name is looked at for its region, and not again
        def look(model: PictureModel, index: int) -> _Look:
            slices = read_slices(parts[index].instances, model.slices, model.side)
            if slices.fatal is not None:
                undecoded[index] = Undecoded(str(slices.fatal), slices.fatal_path)
            return _look(model, headers[index], slices)

        elected = vote(headers, out)
        if not elected.by_words and not self._any_region:
            for index in wanted:
                out[index] = self._with_region(out[index], {m: look(m, index)[0] for m in self._models})
            elected = vote(headers, out)
        model = self._model_for(elected)
        if model is None:
            return out, bundles, undecoded
        for index in wanted:
            answers, problems = look(model, index)
            if answers is not None:
                limits = self._thresholds[model.task]
                out[index] = combine(headers[index], out[index], answers, limits)
                bundles[index] = model.bundle
            out[index] = out[index].with_evidence(*problems)
        return out, bundles, undecoded

    def _wants(self, header: PartHeader, decision: Decision) -> bool:
        """MR only; without "full" only what the header does not settle."""
        return modality(header.instance) in ("", "MR") and (self._full or decision.status is not Status.AUTO)

    def _model_for(self, elected: RegionVote) -> PictureModel | None:
        if self._any_region:
            return self._models[0]
        return next((model for model in self._models if elected.is_among(model.regions)), None)

    def _with_region(
        self, decision: Decision, found: Mapping[PictureModel, ThreeAnswers | None]
    ) -> Decision:
        """Where no words name the region of a study, its images do: a header that lost its words has often
        lost more. The mean of what the bundles say that know regions stands in for the header's answer.
        """
        said = {m: a.joint["region"] for m, a in found.items() if a is not None and "region" in a.joint}
        if not said:
            return decision
        tasks = "+".join(sorted(model.task for model in said))
        names = sorted({name for classes in said.values() for name in classes})
        mean = {name: sum(c.get(name, 0.0) for c in said.values()) / len(said) for name in names}
        limit = max(self._thresholds[model.task]["region"]["review"] for model in said)
        return replace(
            decision,
            region=best_above(mean, limit),
            opinions=(*decision.opinions, Opinion(Witness.JOINT, tasks, "region", mean)),
        )


_Look = tuple[ThreeAnswers | None, tuple[Evidence, ...]]


def _look(model: PictureModel, header: PartHeader, slices: Slices) -> _Look:
    """The three answers, or None with the reason when not one slice can be read."""
    reason = Reason.UNREADABLE if slices.fatal is None else Reason.UNDECODABLE
    problems = tuple(Evidence(Witness.FILE, reason, detail=problem) for problem in slices.problems)
    if not len(slices.pixels):
        return None, problems
    return model.answers(features(header), slices.pixels), problems
