"""The key of a site: the same pseudonym every time, for nobody else, and the secret is never shown."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from SeriesClassifierLib.errors import PrivacyError, UsageError
from SeriesClassifierLib.export.site_key import SiteKey, default_path

KEY = SiteKey(bytes(range(32)))
OTHER = SiteKey(bytes(32))
texts = st.text(max_size=40)


@given(texts, texts)
def test_a_pseudonym_is_the_same_every_time_and_another_one_under_another_key(kind: str, value: str) -> None:
    assert KEY.pseudonym(kind, value) == SiteKey(bytes(range(32))).pseudonym(kind, value)
    assert re.fullmatch("[0-9a-f]{16}", KEY.pseudonym(kind, value))
    assert KEY.pseudonym(kind, value) != OTHER.pseudonym(kind, value)


@given(texts, texts, texts, texts)
def test_kind_and_value_are_told_apart(kind: str, value: str, other_kind: str, other_value: str) -> None:
    same = (kind, value) == (other_kind, other_value)
    assert (KEY.pseudonym(kind, value, 64) == KEY.pseudonym(other_kind, other_value, 64)) is same
    if value:
        assert KEY.pseudonym(kind, value) != KEY.pseudonym(kind + value[0], value[1:])


@given(st.from_regex(r"[12](\.[1-9][0-9]{0,8}){1,6}", fullmatch=True))
def test_a_uid_is_a_valid_one_of_random_numbers(uid: str) -> None:
    out = KEY.uid(uid)
    assert re.fullmatch(r"2\.25\.(0|[1-9][0-9]*)", out)
    assert len(out) <= 64
    assert int(out.removeprefix("2.25.")) < 2**128
    assert KEY.uid(uid) == out != OTHER.uid(uid)
    assert KEY.uid(uid + "\0") == out


def test_no_uid_stays_no_uid() -> None:
    assert KEY.uid("") == ""


@pytest.mark.parametrize("length", [0, -1, 65])
def test_a_length_that_cannot_be_is_refused(length: int) -> None:
    with pytest.raises(UsageError, match="1 to 64"):
        KEY.pseudonym("patient", "1", length)


def test_the_secret_is_not_shown() -> None:
    secret = bytes(range(65, 97))
    key = SiteKey(secret)
    for shown in (repr(key), str(key), f"{key}", repr([key])):
        assert secret.decode() not in shown
        assert secret.hex() not in shown


def test_a_key_is_made_once_and_only_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "settings" / "site_key"
    made = SiteKey.open(path)
    content = path.read_bytes()
    assert len(content) == 32
    assert SiteKey.open(path).pseudonym("a", "b") == made.pseudonym("a", "b")
    assert path.read_bytes() == content
    assert [file.name for file in path.parent.iterdir()] == ["site_key"]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_key_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERIESCLASSIFIER_HOME", str(tmp_path))
    assert default_path() == tmp_path / "site_key"
    SiteKey.open()
    assert (tmp_path / "site_key").is_file()
    monkeypatch.delenv("SERIESCLASSIFIER_HOME")
    assert default_path().parent.name == "SeriesClassifier"


@pytest.mark.parametrize("content", [b"short", b"x" * 33, b""])
def test_a_file_that_is_no_key_is_an_error_and_stays(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "site_key"
    path.write_bytes(content)
    with pytest.raises(PrivacyError, match="no site key") as error:
        SiteKey.open(path)
    assert path.read_bytes() == content
    assert content == b"" or content.decode() not in str(error.value)


def test_a_folder_in_the_place_of_the_key_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PrivacyError, match="SERIESCLASSIFIER_HOME"):
        SiteKey.open(tmp_path)


@pytest.mark.parametrize("hard_links", [True, False])
def test_processes_that_make_it_at_once_have_the_same_key(tmp_path: Path, hard_links: bool) -> None:
    code = (
        "import os, sys\n"
        "from SeriesClassifierLib.export.site_key import SiteKey\n"
        "def refuse(*names): raise OSError(95, 'not supported')\n"
        "if sys.argv[2] == 'False': os.link = refuse\n"
        "sys.stdin.readline()\n"
        "print(SiteKey.open(sys.argv[1]).pseudonym('a', 'b', 64))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "new" / "site_key"), str(hard_links)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = {process.communicate()[0] for process in processes}
    assert all(process.returncode == 0 for process in processes)
    assert len(outputs) == 1
