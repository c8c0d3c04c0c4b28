"""Whether the tests notice small faults where a label is decided, kept and spread.

    python Testing/benchmarks/mutations.py [--only NAME ...]

Each mutation changes one place of a copy of the library, and the tests of that module run on the copy until one
fails. A mutation that no test notices is named; exit status 1 when fewer than 27 of the 30 about labels or fewer than
18 of the 20 about what is there are caught, or when the tests fail without any mutation.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_COPIED = ("SeriesClassifierLib", "SeriesClassifier", "Testing", "Resources", "pyproject.toml", "README.md")
_MOST_MISSED_OF_LABELS, _MOST_MISSED_OF_WHAT_IS_THERE = 3, 2
_PATIENCE_S = 600

DECIDE = "inference/decide.py"
COMBINE = "inference/combine.py"
STATE = "journal/state.py"
STORE = "journal/store.py"
READER = "journal/reader.py"
MERGE = "journal/merge.py"
SIBLINGS = "curation/siblings.py"
SPLIT = "parts/split.py"
KIND = "parts/image_kind.py"
VALUES = "sources/values.py"
DEIDENTIFY = "export/deidentify.py"
SCAN = "export/identifier_scan.py"
# Quick tests first: the first that fails ends the run.
TESTS = {
    DECIDE: ("unit/test_inference.py", "unit/test_combine.py"),
    COMBINE: ("unit/test_combine.py", "unit/test_inference.py"),
    STATE: ("unit/test_match.py", "unit/test_journal.py", "unit/test_stored_journals.py", "integration/test_label_follows_images.py"),
    STORE: ("unit/test_journal.py", "unit/test_stored_journals.py", "integration/test_label_follows_images.py"),
    READER: ("unit/test_journal.py", "unit/test_stored_journals.py", "integration/test_label_follows_images.py"),
    MERGE: ("unit/test_merge.py",),
    SIBLINGS: ("unit/test_siblings.py",),
    SPLIT: ("unit/test_parts.py", "unit/test_varying_series.py", "unit/test_image_gate.py"),
    KIND: ("unit/test_parts.py", "unit/test_varying_series.py", "unit/test_image_gate.py", "unit/test_headers.py"),
    VALUES: ("unit/test_dirty_values.py", "unit/test_sources.py"),
    DEIDENTIFY: ("unit/test_deidentify.py",),
    SCAN: ("unit/test_identifier_scan.py",),
}


@dataclass(frozen=True)
class Mutation:
    """``old``, which ``file`` of the library has once, becomes ``new``."""

    name: str
    file: str
    old: str
    new: str


MUTATIONS = (
    Mutation("a doubt leaves auto", DECIDE, "any(e.decisive for e", "all(e.decisive for e"),
    Mutation("unknown is not its own status", DECIDE, "return Status.UNKNOWN", "return Status.REVIEW"),
    Mutation("any modality", DECIDE, 'not in ("", "MR"):', 'in ("PR",):'),
    Mutation("words never doubt", DECIDE, "if contradicts(sequence, named):", "if False:"),
    Mutation("OTHER of a bare header", DECIDE, 'if best == "OTHER":', 'if best == "T2":'),
    Mutation("image alone doubts a fact", COMBINE, "_DOUBT_A_FACT = 0.97", "_DOUBT_A_FACT = 0.5"),
    Mutation("header never beats joint", COMBINE, "return decision.status is Status.AUTO or", "return"),
    Mutation("b-value of any sequence", COMBINE, 'sequence == "DWI" and', "True and"),
    Mutation("sure of one is sure of both", COMBINE, "min(header[1], image[1])", "max(header[1], image[1])"),
    Mutation("OTHER has relatives", COMBINE, "return _NONE_OF_THESE not in (a, b) and", "return"),
    Mutation("any study", STATE, "is_known_study and subject.study_uid !=", "False and subject.study_uid !="),
    Mutation("some images are enough", STATE, "images and images <= subject", "images and images & subject"),
    Mutation("no protocol is the same", STATE, "return bool(before) and all(", "return all("),
    Mutation("oldest word wins", STATE, "key=lambda event: (event.time, event.id))", "key=lambda event: (event.time, event.id), reverse=True)"),
    Mutation("undo is forgotten", STATE, "and event.id not in undone", "and event.id not in ()"),
    Mutation("version 1 by number", STATE, "if same_series and same_part and", "if"),
    Mutation("labels of unseen series are lost", READER, "p.study_uid)\n            ]", "p.study_uid)\n            ][:0]"),
    Mutation("times stand still", STORE, "            time += _TICK", "            time += 0 * _TICK"),
    Mutation("undo all at once", STORE, "if len(taken) == at_most:", "if False:"),
    Mutation("undo the oldest", STORE, "self._revert(max(mine", "self._revert(min(mine"),
    Mutation("spread over people", STORE, "not in known and self._is_labeled(", "in known and self._is_labeled("),
    Mutation("no doubt of shared UIDs", READER, "if studies > 1:", "if studies > 2:"),
    Mutation("future times", MERGE, "EARLIEST <= time <= self._latest", "EARLIEST <= time"),
    Mutation("part 0", MERGE, "not 1 <= event.part", "not 0 <= event.part"),
    Mutation("undo of the future", MERGE, "time < undo.time", "bool(undo.time)"),
    Mutation("another content", MERGE, "found != there.fetchone()", "False"),
    Mutation("images of another part", MERGE, "return all(is_key_of(", "return any(is_key_of("),
    Mutation("offered to itself", SIBLINGS, "part_id(label) not in own and", "True and"),
    Mutation("people are offered", SIBLINGS, "is_protected = label.status is Status.CORRECTED", "is_protected = False"),
    Mutation("every name is the same", SIBLINGS, "return SAME if same_words(", "return SAME if True or same_words("),
)

WHAT_IS_THERE = (
    Mutation("everything is one b-value", SPLIT, "if len(set(keys)) > MOST_GROUPS:\n        return [group]\n    pieces", "if True:\n        return [group]\n    pieces"),
    Mutation("b = 0 may repeat in time", SPLIT, "group.b_value is not None or axes.has_directions(group.instances):\n        return axes", "group.b_value or axes.has_directions(group.instances):\n        return axes"),
    Mutation("screenshots among images", SPLIT, "if one is None)", "if True)"),
    Mutation("what is silent is no magnitude", SPLIT, "name or MAGNITUDE for", "name or 'PHASE' for"),
    Mutation("stacks of any size", SPLIT, "for stack in stacks) < _STACK", "for stack in stacks) < 1"),
    Mutation("time of half a series", SPLIT, "_REPEATED_IN_TIME = 1 / 3", "_REPEATED_IN_TIME = 1 / 30"),
    Mutation("phase is a plain word", KIND, '"MAGNITUDE", "PHASE", "REAL", "IMAGINARY"})', '"MAGNITUDE", "REAL", "IMAGINARY"})'),
    Mutation("values 1 and 2 name kinds", KIND, "for word in image_type[2:]:\n        stem", "for word in image_type:\n        stem"),
    Mutation("no stems", KIND, "stem.group(1) if stem else _IMAGE", "'' if stem else _IMAGE"),
    Mutation("commas are thousands", VALUES, 'value.replace(",", ".") for value', 'value.replace(",", "") for value'),
    Mutation("any comma is decimal", VALUES, "return wanted > 1 or not", "return True or not"),
    Mutation("holes close", VALUES, "inner = values[filled[0] : filled[-1] + 1]", "inner = [values[k] for k in filled]"),
    Mutation("the VR of the file", VALUES, "if found in _UNTYPED or found == vr:", "if found in _UNTYPED or True:"),
    Mutation("creators by the letter", VALUES, 'text.replace("\\0", " ").split()).upper()', 'text.replace("\\0", " ").split())'),
    Mutation("spare bits leave", DEIDENTIFY, "values.astype(np.int64) & ((1 << stored) - 1)", "values.astype(np.int64)"),
    Mutation("no sign", DEIDENTIFY, "words = (words ^ sign) - sign", "words = words ^ 0"),
    Mutation("burned-in text leaves", DEIDENTIFY, '("BurnedInAnnotation", "RecognizableVisualFeatures")', '("RecognizableVisualFeatures",)'),
    Mutation("colors leave", DEIDENTIFY, 'not in ("MONOCHROME1", "MONOCHROME2")', 'not in ("MONOCHROME1", "MONOCHROME2", "RGB")'),
    Mutation("whole words only", SCAN, "if (len(value) >= _LONG and not _digits_only(value)) or", "if"),
    Mutation("no Latin letters", SCAN, "if not value.isascii():", "if False:"),
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="the mutations of these names alone")
    arguments = parser.parse_args()
    chosen = [m for m in (*MUTATIONS, *WHAT_IS_THERE) if arguments.only is None or m.name in arguments.only]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        _copy(root)
        for file in dict.fromkeys(m.file for m in chosen):
            if failure := _failure(root, file):
                print(f"{file}: its tests fail without any mutation\n{failure[-8000:]}")
                return 1
        missed = [m for m in chosen if not _is_caught(root, m)]
    print(f"{len(chosen) - len(missed)} of {len(chosen)} mutations caught")
    of_labels = sum(mutation in MUTATIONS for mutation in missed)
    too_many = of_labels > _MOST_MISSED_OF_LABELS or len(missed) - of_labels > _MOST_MISSED_OF_WHAT_IS_THERE
    return 1 if too_many else 0


def _copy(root: Path) -> None:
    """The project below ``root``, with ``shared`` beside it where there is one."""
    root.mkdir()
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, root / name)
    if (ROOT.parent / "shared").is_dir():
        (root.parent / "shared").symlink_to((ROOT.parent / "shared").resolve())


def _is_caught(root: Path, mutation: Mutation) -> bool:
    path = root / "SeriesClassifierLib" / mutation.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutation.old) != 1:
        raise SystemExit(f"{mutation.name}: its place is there {text.count(mutation.old)} times, not once")
    path.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")
    try:
        caught = bool(_failure(root, mutation.file))
    finally:
        path.write_text(text, encoding="utf-8")
    print(f"{'caught' if caught else 'MISSED'}  {mutation.file}: {mutation.name}", flush=True)
    return caught


def _failure(root: Path, file: str) -> str:
    """What the tests of a file print when one fails, "" when all pass."""
    tests: Sequence[str] = [f"Testing/{test}" for test in TESTS[file]]
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    try:
        run = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, timeout=_PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired:  # a test that hangs has noticed
        return f"not done within {_PATIENCE_S} s"
    output = run.stdout.decode(errors="replace")
    if run.returncode not in (0, 1):
        raise SystemExit(output[-2000:])
    return "" if run.returncode == 0 else output


if __name__ == "__main__":
    sys.exit(main())
