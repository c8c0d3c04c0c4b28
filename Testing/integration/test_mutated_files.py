"""A batch of damaged files ends with a row a series, also when its child processes are killed meanwhile.

The long version is Testing/benchmarks/mutated_files.py.
"""

from __future__ import annotations

import csv
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from support.mutated_files import SYNTAXES, Seed, expected, seeds, write_mutated

from SeriesClassifierLib.cli.main import main
from SeriesClassifierLib.images import decoder as decoding
from SeriesClassifierLib.images.pixels import read_frame
from SeriesClassifierLib.sources import reading
from SeriesClassifierLib.sources.file_reader import read_file

N_FILES, N_COMPARED = 130, 40

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9 here")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_mutated(tmp_path_factory.mktemp("mutated"), N_FILES, seed=7)


def whole(seed: Seed, path: Path) -> Path:
    path.write_bytes(seed.whole(seed.meta, seed.body))
    return path


def test_seeds_hold_every_syntax_and_can_be_read(tmp_path: Path) -> None:
    assert {seed.syntax for seed in seeds()} == set(SYNTAXES)
    for seed in seeds():
        path = whole(seed, tmp_path / "seed.dcm")
        assert len(read_file(str(path)).instances) in (1, 4)
        if seed.syntax.startswith(("RLE", "JPEGLS", "JPEG2000Lossless", "JPEGLossless", "Implicit")):
            first = next(one for one in seeds() if one.uids == seed.uids and one.syntax.startswith("Explicit"))
            plain = whole(first, tmp_path / "plain.dcm")
            assert np.array_equal(read_frame(str(path), 0), read_frame(str(plain), 0))


def test_the_same_seed_gives_the_same_files(tmp_path: Path, files: list[Path]) -> None:
    again = write_mutated(tmp_path, 30, seed=7)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in files[:30]]
    other = write_mutated(tmp_path / "other", 30, seed=8)
    assert [path.read_bytes() for path in again] != [path.read_bytes() for path in other]


def test_a_batch_of_damaged_files_ends_with_a_row_a_series(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One kill -9 of the decoder's process in the middle, compared with a run of some of the studies without."""
    wanted = expected(files)
    outputs = ["--mode", "full", "--json", "--html", str(tmp_path / "r.html"), "--out", str(tmp_path / "t.csv")]
    batch = [str(files[0].parents[1]), *outputs, "--journal", str(tmp_path / "j.sqlite")]
    deaths = killing_once(monkeypatch, after=60)
    ends = []
    for more in ([], ["--resume"]):
        assert main(["classify", *batch, *more]) == 1
        ends.append(json.loads(capsys.readouterr().out.splitlines()[-1]))
        assert wanted.complaints(tmp_path / "t.csv") == []
        assert ends[-1]["series"] == len(wanted.images) + wanted.unread
        assert (tmp_path / "r.html").stat().st_size > 0
    assert deaths == ["killed"]
    killed = table(tmp_path / "t.csv")
    some = [str(path) for path in files[:N_COMPARED]]
    main(["classify", *some, *outputs, "--no-journal"])
    compared = {key: row for key, row in table(tmp_path / "t.csv").items() if key in killed and key[1]}
    assert len(compared) > N_COMPARED // 2
    assert compared == {key: killed[key] for key in compared}


def killing_once(monkeypatch: pytest.MonkeyPatch, after: int) -> list[str]:
    """Kill the decoder's process when it has been given its frame number ``after`` and has not answered."""
    deaths: list[str] = []
    asked = [0]
    answer_line = decoding.Decoder._answer_line

    def killing(child: decoding.subprocess.Popen[bytes]) -> dict[str, object]:
        asked[0] += 1
        if asked[0] == after:
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
            deaths.append("killed")
            raise decoding._Died  # as an answer may have been on its way
        return answer_line(child)

    monkeypatch.setattr(decoding.Decoder, "_answer_line", staticmethod(killing))
    return deaths


def table(path: Path) -> dict[tuple[str, str, str], dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return {(row["study_uid"], row["series_uid"], row["part_key"]): row for row in csv.DictReader(file)}


def test_a_killed_reading_process_loses_no_file(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [str(path) for path in files]
    wanted = [read_file(path) for path in paths]
    monkeypatch.setattr(reading, "_WORTH_A_PROCESS", 20)
    monkeypatch.setattr(reading, "_CHUNK", 8)
    with reading.FileReader(2, expected=False) as reader:
        found = []
        for read in reader.read(paths):
            found.append(read)
            if len(found) == 10:
                assert reader._pool is not None
                os.kill(next(iter(reader._pool._processes)), signal.SIGKILL)
        assert found == wanted
        # The next folder is read, too, although the processes are gone.
        assert list(reader.read(paths)) == wanted
