"""Peak memory and processor time of the commands that read a whole journal, with 10,000 and with 100,000 parts in it.

    python Testing/benchmarks/journal_memory.py [--parts 10000 100000] [--journals FOLDER] [--only NAME ...]

Three kinds of journals are written, in studies of 20 series: few protocols with many parts each, a protocol for nearly
every part, and labels that people corrected. Every command and every job of the worker runs as a process of its own, of
which the largest resident set is taken (Linux). The table gives both sizes and their ratio; the exit code is 1 when a
ratio is above --at-most. --journals keeps the journals for the next run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
A_STUDY = 20
_AT_ONCE = 50 * A_STUDY
_SIZES = (10_000, 100_000)
_AT_MOST = 1.1
_KINDS = ("few protocols", "many protocols", "corrected")
_SEQUENCES = ("T1", "T2", "DWI", "ADC", "DCE", "FLAIR", "PD", "SWI", "LOCALIZER", "OTHER")
# Of the "few protocols" journals. The first part has the protocol 0, and so has one part of so many.
_FEW = 40


@dataclass(frozen=True)
class Used:
    """What a process took: its largest resident set in MB, and seconds of a processor."""

    megabytes: float
    seconds: float


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--parts", type=int, nargs=2, default=_SIZES, metavar="N", help="sizes of the journals"
    )
    parser.add_argument("--journals", type=Path, metavar="FOLDER", help="write them here and use them again")
    parser.add_argument(
        "--only", nargs="+", default=(), metavar="NAME", help="commands with this in their name"
    )
    parser.add_argument("--kinds", nargs="+", choices=_KINDS, default=_KINDS)
    parser.add_argument("--at-most", type=float, default=_AT_MOST, metavar="RATIO")
    parser.add_argument("--write", nargs=3, metavar=("FILE", "N", "KIND"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write_journal(Path(options.write[0]), int(options.write[1]), options.write[2])
        return 0
    with tempfile.TemporaryDirectory() as place:
        folder = options.journals or Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        worst = 0.0
        for kind in options.kinds:
            journals = [_journal(folder, n, kind) for n in options.parts]
            for name in commands(journals[0], Path(place)):
                if options.only and not any(text in name for text in options.only):
                    continue
                used = [measure(*commands(journal, Path(place))[name]) for journal in journals]
                worst = max(worst, used[1].megabytes / used[0].megabytes)
                print(_line(kind, name, used), flush=True)
    print(f"largest ratio {worst:.3f}, allowed {options.at_most}")
    return int(worst > options.at_most)


def commands(journal: Path, folder: Path) -> Mapping[str, tuple[list[str], str]]:
    """Name -> arguments of the program and what it reads on standard input."""
    place = ["--journal", str(journal)]
    series = f"{study_uid(0)}/1"
    ones: dict[str, tuple[list[str], str]] = {
        "review queue": (["review", "queue", *place], ""),
        "review queue --out": (["review", "queue", *place, "--out", str(folder / "queue.csv")], ""),
        "review siblings": (["review", "siblings", *place, series], ""),
        "review suspects": (["review", "suspects", *place], ""),
        "journal show": (["journal", "show", *place], ""),
        "journal show --out": (["journal", "show", *place, "--out", str(folder / "table.csv")], ""),
        "journal export": (["journal", "export", *place, "--out", str(folder / "events.jsonl")], ""),
    }
    jobs: dict[str, dict[str, Any]] = {
        "queue": {},
        "siblings": {"study_uid": study_uid(0), "series_uid": series_uid(0, 1), "part_key": None},
        "labels": {},
        "export": {"out": str(folder / "table.csv")},
    }
    for name, request in jobs.items():
        line = json.dumps({"id": 1, "do": name, "journal": str(journal), **request})
        ones[f"job {name}"] = (["worker"], f"{line}\n")
    return ones


def measure(arguments: list[str], given: str) -> Used:
    """Run the program once. Raises RuntimeError when it fails."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.Popen(
        [sys.executable, "-m", "SeriesClassifierLib", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(given)
    process.stdin.flush()
    last = ""
    for line in process.stdout:
        last = line
        if given and '"event": "ready"' not in line and _is_last(line):
            process.stdin.close()
    if not given:
        process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode or '"event": "failed"' in last:
        raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode}: {last}")
    return Used(usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime)


def _is_last(line: str) -> bool:
    """Whether a line of the worker ends its job."""
    return any(f'"event": "{end}"' in line[:60] for end in ("done", "failed", "cancelled"))


def _line(kind: str, name: str, used: list[Used]) -> str:
    small, large = used
    return (
        f"{kind:15} {name:20} {small.megabytes:7.1f} MB {large.megabytes:7.1f} MB "
        f"x {large.megabytes / small.megabytes:.3f} {small.seconds:7.1f} s {large.seconds:7.1f} s"
    )


def _journal(folder: Path, n: int, kind: str) -> Path:
    """A journal, written by a process of its own: what forks a process lends it its own resident set."""
    path = folder / f"{kind.replace(' ', '_')}_{n}.sqlite"
    if not path.is_file():
        draft = path.with_suffix(".part")
        arguments = [sys.executable, __file__, "--write", str(draft), str(n), kind]
        subprocess.run(arguments, check=True, env={**os.environ, "PYTHONPATH": str(REPOSITORY)})
        draft.rename(path)
    return path


def study_uid(study: int) -> str:
    """The UID of a study of the journals."""
    return f"1.2.826.0.1.3680043.10.{5000 + study}"


def series_uid(study: int, number: int) -> str:
    """The UID of a series of the journals."""
    return f"{study_uid(study)}.{number}.20260131120000"


def write_journal(path: Path, n: int, kind: str) -> None:
    """A journal of ``n`` parts. With "corrected" four of five have a label by a person."""
    from SeriesClassifierLib.journal.store import Journal

    parts = predictions(n, kind)
    with Journal(path) as journal:
        while some := list(islice(parts, _AT_ONCE)):
            journal.add_predictions(some)
            if kind == "corrected":
                for reader, sequence in enumerate(_SEQUENCES[:4]):
                    named = some[reader::5]
                    journal.correct(
                        named, {"sequence": sequence}, f"reader {reader}", step=f"{some[0].part_key} {reader}"
                    )


def predictions(n: int, kind: str) -> Iterator[Any]:
    """The labels of ``n`` parts as a classification leaves them, each of a series of its own."""
    import random

    from SeriesClassifierLib.identity import image_digest, pack, part_key
    from SeriesClassifierLib.records import DecidedBy, Evidence, Opinion, Prediction, Reason, Status, Witness

    chance = random.Random(1)
    for index in range(n):
        study, number = divmod(index, A_STUDY)
        study, number = study_uid(study), number + 1
        uid = series_uid(index // A_STUDY, number)
        protocol = index % _FEW if kind == "few protocols" else index
        sequence = _SEQUENCES[protocol % len(_SEQUENCES)]
        other = chance.choice(_SEQUENCES)
        p = round(chance.uniform(0.4, 1.0), 4)
        classes = dict.fromkeys(_SEQUENCES, 0.0) | {other: round(1 - p, 4), sequence: p}
        images = pack(image_digest(uid, str(image)) for image in range(20))
        words = f"protocol {_letters(protocol)} {sequence.lower()}"
        status = chance.choice([Status.AUTO] * 4 + [Status.REVIEW] * 5 + [Status.UNKNOWN])
        evidence = (
            Evidence(Witness.FACT, facet="plane", value="AX", source="ImageOrientationPatient"),
            Evidence(Witness.HEADER, facet="sequence", value=sequence, probability=p),
            Evidence(
                Witness.WORDS,
                Reason.WORDS_DISAGREE,
                "sequence",
                other,
                other=sequence,
                against=other != sequence,
            ),
        )
        yield Prediction(
            patient_id=f"P{index // A_STUDY}",
            study_uid=study,
            series_uid=uid,
            part=1,
            series_number=number,
            description=f"{words} {number}",
            task="headers",
            label=f"{sequence} AX",
            region="brain",
            sequence=sequence,
            plane="AX",
            phase="NONE",
            derived="ORIGINAL",
            b_value=None,
            confidence=p,
            status=status,
            decided_by=DecidedBy.HEADER,
            bundle="headers-1.0.0",
            n_instances=20,
            part_key=part_key(study, uid, (), images),
            evidence=evidence if status is not Status.AUTO else evidence[:2],
            opinions=tuple(
                Opinion(witness, "headers", "sequence", classes)
                for witness in (Witness.HEADER, Witness.IMAGE)
            ),
            fingerprint=f"{index:032x}",
            bundle_digest="benchmark",
            protocol=_protocol(protocol, words),
            images=images,
        )


def _letters(number: int) -> str:
    """A word for a number: words of descriptions lose their digits."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def _protocol(number: int, words: str) -> dict[str, str | float]:
    """Protocols of different numbers differ by more than two scans of one protocol do."""
    number, te = divmod(number, 30)
    number, tr = divmod(number, 20)
    number, flip = divmod(number, 10)
    number, vendor = divmod(number, 3)
    return {
        "words": words,
        "vendor": ("SIEMENS", "PHILIPS", "GE")[vendor],
        "field": f"{0.5 * (number % 10 + 1):g}",
        "scanning": "SE",
        "variant": f"V{number // 10}" if number >= 10 else "SK",
        "kinds": "ORIGINAL\\PRIMARY",
        "plane": "AX",
        "te": round(2.0 * 1.2**te, 4),
        "tr": round(4.0 * 1.45**tr, 4),
        "flip": round(2.0 * 1.4**flip, 4),
    }


if __name__ == "__main__":
    sys.exit(main())
