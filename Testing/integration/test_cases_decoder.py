"""Files whose pixels crash, hang or deceive a decoder fail alone, within seconds and bounded memory."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, RLELossless
from support.simulated import write_small_series
from support.varying_series import GRE, SIEMENS, VaryingSeries, Volume, write_enhanced

from SeriesClassifierLib.cli.main import main
from SeriesClassifierLib.images import decoder as decoding
from SeriesClassifierLib.images.codestream import Claim, claim_of
from SeriesClassifierLib.images.decoder import Undecodable, UndecodableError, decoder
from SeriesClassifierLib.images.pixel_module import NoPictureError
from SeriesClassifierLib.images.pixels import expect, read_frame, stored_frame
from SeriesClassifierLib.sources import deflated
from SeriesClassifierLib.sources.deflated import InflatedTooLargeError
from SeriesClassifierLib.sources.file_reader import read_file


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    folder = tmp_path / "plain"
    write_small_series(folder, study=1, series=1, images=1)
    return next(path for path in sorted(folder.rglob("*")) if path.is_file())


def compressed(plain: Path, out: Path) -> Path:
    dataset = pydicom.dcmread(plain)
    dataset.compress(RLELossless, generate_instance_uid=False)
    dataset.save_as(out)
    return out


def test_decoder_cases_are_failed_series_and_the_rest_goes_on(
    shared_data: Path, plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in"
    shutil.copytree(shared_data / "cases" / "decoder", source)
    source.chmod(0o755)
    shutil.copyfile(plain, source / "good.dcm")
    arguments = ["classify", str(source), "--mode", "full", "--json", "--html", str(tmp_path / "r.html")]
    journal = ["--journal", str(tmp_path / "j.sqlite")]
    for more in ([], ["--resume"]):
        assert main([*arguments, *journal, *more]) == 1
        end = json.loads(capsys.readouterr().out.splitlines()[-1])
        # hang.dcm is a color secondary capture: no MR image, so its pixels are not even looked at.
        assert (end["series"], end["status"]["failed"]) == (4, 2)
        if not more:
            failed = "\n".join(end["failed"])
            assert all(name in failed for name in ("abort.dcm", "huge_codestream.dcm"))


def test_a_codestream_that_hangs_fails_in_time(shared_data: Path) -> None:
    with pytest.raises(UndecodableError) as raised:
        read_frame(str(shared_data / "cases" / "decoder" / "hang.dcm"), 0)
    assert raised.value.kind in (Undecodable.TIMED_OUT, Undecodable.REFUSED)


def test_a_compressed_frame_is_the_same_as_the_uncompressed_one(plain: Path, tmp_path: Path) -> None:
    path = compressed(plain, tmp_path / "rle.dcm")
    assert np.array_equal(read_frame(str(path), 0), read_frame(str(plain), 0))
    assert np.array_equal(stored_frame(str(path), 0), pydicom.dcmread(plain).pixel_array)


def test_a_child_that_is_killed_from_outside_costs_nothing(plain: Path, tmp_path: Path) -> None:
    path = compressed(plain, tmp_path / "rle.dcm")
    before = read_frame(str(path), 0)
    child = decoder()._child
    assert child is not None
    child.kill()
    assert np.array_equal(read_frame(str(path), 0), before)


def test_a_child_that_is_killed_while_it_starts_costs_nothing(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = compressed(plain, tmp_path / "rle.dcm")
    start, started = decoding._start, []

    def start_and_kill_the_first() -> subprocess.Popen[bytes]:
        child = start()
        started.append(child)
        if len(started) == 1:
            child.kill()
            monkeypatch.setattr(child, "poll", lambda: None)  # the system has not told of it yet
        return child

    monkeypatch.setattr(decoding, "_start", start_and_kill_the_first)
    own = decoding.Decoder()
    try:
        assert own.decode(str(path), 0, 1).shape == read_frame(str(plain), 0).shape
    finally:
        own.close()
    assert len(started) == 2


def test_two_threads_share_the_child(plain: Path, tmp_path: Path) -> None:
    path = compressed(plain, tmp_path / "rle.dcm")
    expected, found = read_frame(str(plain), 0), []
    threads = [threading.Thread(target=lambda: found.append(read_frame(str(path), 0))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(np.array_equal(pixels, expected) for pixels in found)


def test_uncompressed_pixels_start_no_child(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("SeriesClassifierLib.images.pixels.decoder", lambda: pytest.fail("a child was asked"))
    read_frame(str(plain), 0)


def test_the_decoder_starts_ahead_where_a_file_is_compressed(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = compressed(plain, tmp_path / "rle.dcm")
    own = decoding.Decoder()
    monkeypatch.setattr("SeriesClassifierLib.images.pixels.decoder", lambda: own)
    try:
        expect([str(plain), str(tmp_path / "not there")])
        assert own._child is None
        expect([str(plain), str(tmp_path / "not there"), str(path)])
        child = own._child
        assert child is not None
        assert np.array_equal(read_frame(str(path), 0), read_frame(str(plain), 0))
        assert own._child is child
    finally:
        own.close()


@pytest.mark.parametrize(
    ("syntax", "stream"),
    [
        (RLELossless, b"\xff\xff\xff\x7f" + bytes(60)),
        (
            JPEG2000Lossless,
            b"\xff\x4f\xff\x51\x00\x29\x00\x00" + b"\x00\x00\xff\xdc" * 2 + bytes(24) + b"\x00\x01",
        ),
        ("1.2.840.10008.1.2.4.80", b"\xff\xd8\xff\xf7\x00\x0b\x10\xff\xff\xff\xff\x01\x01\x11\x00\x00"),
        ("1.2.840.10008.1.2.4.70", b"\xff\xd8\xff\xc3\x00\x0b\x10\xff\xff\xff\xff\x01\x01\x11\x00\x00"),
    ],
    ids=["rle", "jpeg-2000", "jpeg-ls", "jpeg-lossless"],
)
def test_a_codestream_that_claims_more_than_its_header_is_refused(
    plain: Path, tmp_path: Path, syntax: str, stream: bytes
) -> None:
    dataset = pydicom.dcmread(plain)
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    dataset.PixelData = encapsulate([stream])
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(tmp_path / "lies.dcm")
    with pytest.raises(UndecodableError) as raised:
        read_frame(str(tmp_path / "lies.dcm"), 0)
    assert raised.value.kind is Undecodable.REFUSED


def test_what_states_no_size_makes_no_claim() -> None:
    assert claim_of(b"", RLELossless) is None
    assert claim_of(b"\xff\xd8\xff", "1.2.840.10008.1.2.4.70") is None
    assert Claim(2, 2, 1).exceeds(2, 1, 1)


def test_a_deflate_bomb_is_a_problem_of_its_file(plain: Path, tmp_path: Path) -> None:
    dataset = pydicom.dcmread(plain)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    path = tmp_path / "bomb.dcm"
    dataset.save_as(path)
    assert len(read_file(str(path)).instances) == 1
    start = path.read_bytes()
    squeezing = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = b"".join(squeezing.compress(bytes(2**20)) for _ in range(300)) + squeezing.flush()
    length = 144 + int.from_bytes(start[140:144], "little")
    path.write_bytes(start[:length] + body)
    assert "inflates to more than" in read_file(str(path)).problem


def test_a_time_out_is_remembered(plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = compressed(plain, tmp_path / "rle.dcm")
    own = decoding.Decoder()
    try:
        own.decode(str(path), 0, 1)
        monkeypatch.setattr(decoding, "_SECONDS", 0.0)
        monkeypatch.setattr(decoding, "_SECONDS_PER_MEGAPIXEL", 0.0)
        monkeypatch.setattr(own, "_exchange", lambda child, request: child.wait() and _died())
        for _ in range(2):
            with pytest.raises(UndecodableError) as raised:
                own.decode(str(path), 0, 1)
            assert raised.value.kind is Undecodable.TIMED_OUT
    finally:
        own.close()


def _died() -> None:
    raise decoding._Died


def enhanced(tmp_path: Path, frames: int = 4) -> pydicom.Dataset:
    volumes = (Volume({"EchoTime": 2.3}, range(frames)),)
    series = VaryingSeries("echo time", "decoder", {**GRE, **SIEMENS}, volumes, ("",))
    dataset = pydicom.dcmread(write_enhanced(series, tmp_path / "enhanced")[0])
    dataset.compress(RLELossless, generate_instance_uid=False)
    return dataset


@pytest.mark.parametrize("claimed", [5, 1000, 100_000])
def test_frames_that_are_not_there_fail_alone(tmp_path: Path, claimed: int) -> None:
    dataset = enhanced(tmp_path)
    whole = tmp_path / "whole.dcm"
    dataset.save_as(whole)
    dataset.NumberOfFrames = claimed
    lying = tmp_path / "lying.dcm"
    dataset.save_as(lying)
    assert np.array_equal(read_frame(str(lying), 3), read_frame(str(whole), 3))
    for frame in (4, claimed - 1):
        with pytest.raises(UndecodableError) as raised:
            read_frame(str(lying), frame)
        assert raised.value.kind is Undecodable.BROKEN


@pytest.mark.filterwarnings("ignore:End of file reached before delimiter")
@pytest.mark.parametrize("many", [False, True], ids=["classic", "enhanced"])
@pytest.mark.parametrize("change", ["cut in a fragment", "length beyond the end", "length of four gigabytes"])
def test_fragments_that_end_early_are_no_image(plain: Path, tmp_path: Path, many: bool, change: str) -> None:
    path = tmp_path / "fragments.dcm"
    (enhanced(tmp_path) if many else pydicom.dcmread(compressed(plain, path))).save_as(path)
    content = bytearray(path.read_bytes())
    last = content.rfind(b"\xfe\xff\x00\xe0")
    if change == "cut in a fragment":
        del content[last + 30 :]
    else:
        length = len(content) if change == "length beyond the end" else 0xFFFFFFF0
        content[last + 4 : last + 8] = length.to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(UndecodableError):
        read_frame(str(path), 3 if many else 0)
    if many:
        assert read_frame(str(path), 0).shape == (16, 20)


@pytest.mark.parametrize("side", [4096, 8000, 65535])
def test_a_huge_image_with_little_data_is_refused(plain: Path, tmp_path: Path, side: int) -> None:
    dataset = pydicom.dcmread(compressed(plain, tmp_path / "rle.dcm"))
    dataset.Rows = dataset.Columns = side
    dataset.save_as(tmp_path / "huge.dcm")
    with pytest.raises((UndecodableError, NoPictureError)):
        read_frame(str(tmp_path / "huge.dcm"), 0)


def test_pixels_that_are_a_deflate_bomb_are_a_problem_of_their_file(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deflated, "MOST_INFLATED", 20 * 2**20)
    dataset = pydicom.dcmread(plain)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    size = 24 * 2**20
    dataset.PixelData = b""
    path = tmp_path / "bomb.dcm"
    dataset.save_as(path)
    start = path.read_bytes()
    length = 144 + int.from_bytes(start[140:144], "little")
    header = zlib.decompress(start[length:], -zlib.MAX_WBITS)
    assert header.endswith(b"\xe0\x7f\x10\x00OW" + bytes(6))
    squeezing = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = squeezing.compress(header[:-4] + size.to_bytes(4, "little"))
    body += b"".join(squeezing.compress(bytes(2**20)) for _ in range(size // 2**20)) + squeezing.flush()
    path.write_bytes(start[:length] + body)
    assert "inflates to more than" in read_file(str(path)).problem
    with pytest.raises(InflatedTooLargeError):
        read_frame(str(path), 0)
