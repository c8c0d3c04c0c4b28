"""How good a bundle is, for people: one page that needs nothing else, and the same figures for programs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from os import PathLike
from typing import Any

from SeriesClassifierLib.evaluation.answered import Answered
from SeriesClassifierLib.evaluation.charts import reliability_diagram, risk_coverage_curve
from SeriesClassifierLib.evaluation.measures import Figure, Measures
from SeriesClassifierLib.publish.atomic import replacing
from SeriesClassifierLib.publish.page import USE, environment, percent_text, png_only
from SeriesClassifierLib.publish.table import plain_text
from SeriesClassifierLib.records import UNKNOWN

MOST_WRONG = 200
_DECIMALS = 6
# A cell of the confusion table that holds all of its row is colored this deep: its number stays readable.
_DEEPEST = 0.6
_CHUNK = 64


@dataclass(frozen=True, slots=True)
class _Card:
    word: str
    value: str
    interval: str
    meaning: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class _Cell:
    n: int
    right: bool
    heat: float


def evaluation_json(measures: Measures, about: Mapping[str, str | int]) -> dict[str, Any]:
    """Everything measured and what it is ``about``, of lists, texts and finite numbers; None is not told."""
    found: dict[str, Any] = _plain({"use": USE, "about": dict(about), **asdict(measures)})
    return found


def write_evaluation(
    path: str | PathLike[str],
    measures: Measures,
    about: Mapping[str, str | int],
    wrong: Sequence[tuple[Answered, str]],
) -> None:
    """Write the page. The same input gives the same bytes, in whatever order ``wrong`` comes.

    ``about`` may have ``bundle``, ``version``, ``digest``, ``data``, and ``left_out``: how many parts were
    left out because the bundle was trained on their patients. ``wrong`` are wrong answers, each with its
    picture (``data:image/png;base64,...``) or "". Raises UsageError or SeriesClassifierError when the file
    cannot be written.
    """
    from markupsafe import Markup

    pages = environment("SeriesClassifierLib.evaluation")
    pages.filters |= {
        "share": share_text,
        "interval": _interval,
        "percent": percent_text,
        "plain": plain_text,
    }
    heat_answers, heat = _heat(measures)
    told = [found for found in measures.classes if found.n or found.answers]
    name = plain_text(str(about.get("bundle", "")))
    stream = pages.get_template("evaluation.html.j2").stream(
        title=f"How good is bundle {name}?" if name else "How good is the bundle?",
        use=USE,
        sentence=headline(measures),
        notes=list(_notes(measures, about)),
        cards=_cards(measures),
        measures=measures,
        classes=told,
        absent=[found.name for found in measures.classes if found not in told],
        heat_answers=heat_answers,
        heat=heat,
        reliability=Markup(reliability_diagram(measures.reliability)),
        risk_coverage=Markup(risk_coverage_curve(measures.risk_coverage, measures.auto)),
        n_wrong=measures.n - _n_right(measures),
        wrong=[
            (answered, png_only(uri)) for answered, uri in sorted(wrong, key=_most_confident)[:MOST_WRONG]
        ],
    )
    stream.enable_buffering(_CHUNK)
    with replacing(path) as draft, open(draft, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(stream)


def headline(measures: Measures) -> str:
    """The figures that matter most, in one sentence for a clinician."""
    if not measures.n:
        return "Nothing was measured: there is no labelled part."
    found, auto = measures.accuracy, measures.auto
    interval = f" (95 % interval {_interval(found)})" if found.low is not None else ""
    used = f"{share_text(auto.coverage)} can be used without asking"
    if not auto.n:
        used = "none can be used without asking"
    elif auto.wrong:
        used += f", and {share_text(auto.error)} of those are wrong ({_count(auto.wrong, 'part')})"
    else:
        used += ", and none of those is wrong"
    return (
        f"Of {_count(measures.n, 'labelled part')} of {_count(measures.patients, 'patient')}, "
        f"the bundle names {share_text(found.value)} right{interval}; {used}."
    )


def share_text(share: float | None) -> str:
    """A measured share for people: "100 %" and "0 %" only where they are exact.

    >>> share_text(0.97312), share_text(1.0), share_text(0.9999), share_text(0.0001), share_text(None)
    ('97.3 %', '100 %', '> 99.9 %', '< 0.1 %', '')
    """
    if share is None:
        return ""
    if share in (0.0, 1.0):
        return f"{100 * share:.0f} %"
    if share < 0.0005:
        return "< 0.1 %"
    return percent_text(share)


def _interval(figure: Figure) -> str:
    if figure.low is None or figure.high is None:
        return ""
    return f"{100 * figure.low:.1f} to {100 * figure.high:.1f} %"


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _notes(measures: Measures, about: Mapping[str, str | int]) -> Iterator[str]:
    words = (("Bundle", "bundle"), ("version", "version"), ("digest", "digest"), ("measured on", "data"))
    told = [f"{word} {plain_text(str(about[name]))}" for word, name in words if about.get(name)]
    if told:
        yield ", ".join(told)
    left_out = int(about.get("left_out", 0))
    if left_out:
        parts = _count(left_out, "labelled part")
        yield f"Left out because the bundle was trained on their patients: {parts}."
    if measures.trained:
        yield (
            f"{measures.trained} of these parts are of patients that the bundle was trained on: "
            "the figures flatter it."
        )
    if measures.unanswered:
        yield f"{_count(measures.unanswered, 'part')} got no answer, which counts as wrong."
    if measures.patients == 1:
        yield "All parts are of one patient: there are no intervals, and nothing is known of another patient."


def _cards(measures: Measures) -> tuple[_Card, ...]:
    def card(word: str, figure: Figure, meaning: str) -> _Card:
        return _Card(word, share_text(figure.value), _interval(figure), meaning)

    auto = measures.auto
    n, wrong = f"{_count(auto.n, 'part')}: auto", f"{_count(auto.wrong, 'part')}: confidently wrong"
    tone = "auto" if auto.n else ""
    return (
        card("accuracy", measures.accuracy, "of all parts, the share that is right"),
        card("weighted F1", measures.weighted_f1, "every class by how often it occurs"),
        card("macro F1", measures.macro_f1, "every class alike, the rare ones too"),
        _Card("calibration error", share_text(measures.ece), "", "how far confidence is from the truth"),
        _Card("used without asking", share_text(auto.coverage), "", n, tone),
        _Card("wrong among those", share_text(auto.error), "", wrong, "failed" if auto.wrong else tone),
    )


def _heat(measures: Measures) -> tuple[list[str], list[tuple[str, list[_Cell]]]]:
    """Names of columns, and rows of cells: of the classes that occur and the answers that were given."""
    table = measures.confusion
    rows = [k for k, counts in enumerate(table.counts) if sum(counts)]
    columns = [
        k
        for k, name in enumerate(table.answers)
        if k in rows or name == UNKNOWN or any(counts[k] for counts in table.counts)
    ]
    cells = [
        (
            table.truths[i],
            [
                _cell(table.counts[i][k], sum(table.counts[i]), table.truths[i] == table.answers[k])
                for k in columns
            ],
        )
        for i in rows
    ]
    return [table.answers[k] for k in columns], cells


def _cell(n: int, of: int, right: bool) -> _Cell:
    return _Cell(n, right, round(0.08 + (_DEEPEST - 0.08) * n / of, 3))


def _n_right(measures: Measures) -> int:
    return sum(counts[k] for k, counts in enumerate(measures.confusion.counts))


def _most_confident(item: tuple[Answered, str]) -> tuple[float, str, str, str]:
    """A fact is most certain; a part without an answer comes last."""
    answered, uri = item
    certain = 1.0 if answered.confidence is None else answered.confidence
    return (1.0 if answered.answer == UNKNOWN else -certain, answered.name, answered.truth, uri)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return round(value, _DECIMALS) if math.isfinite(value) else None
    return value
