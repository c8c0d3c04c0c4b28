"""The ablations: every row gives figures, what is done is not done again, and headers are sets of tags."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch (extra train), which is not installed here")
for _name in ("sklearn", "monai", "safetensors"):
    pytest.importorskip(_name, reason="the ablations need the extra train, which is not installed here")

from support.model_inputs import Tiny3D  # noqa: E402

from SeriesClassifierLib.errors import UsageError, WeightsError  # noqa: E402
from SeriesClassifierLib.headers.features import features  # noqa: E402
from SeriesClassifierLib.models.encoders import build_encoder  # noqa: E402
from SeriesClassifierLib.models.metadata_encoder import SparseMetadataEncoder  # noqa: E402
from SeriesClassifierLib.simulation.headers import draw_part  # noqa: E402
from SeriesClassifierLib.training import pool  # noqa: E402
from SeriesClassifierLib.training.ablations import (  # noqa: E402
    Plan,
    Result,
    bench,
    interval,
    networks,
    plan_for,
    results,
    rows,
    run,
    runner,
    table,
)
from SeriesClassifierLib.training.simulated_headers import feature_vector  # noqa: E402
from SeriesClassifierLib.training.simulated_pictures import study_examples  # noqa: E402

ROWS = {
    "prostate": ["header-only", "picture-only", "early-fusion", "late-fusion", "joint-fusion"],
    "liver": ["image-2d", "image-3d", "header", "concat-zero", "concat-learned", "two-stage", "sme-bca"],
}


class Small3D(Tiny3D):
    """In the place of resnet18-3d, which takes a second a batch."""

    def stages(self) -> list[list[torch.nn.Module]]:
        return [[], [self.body], []]


def small_encoder(name: str, *, random: bool, side: int) -> torch.nn.Module:
    return Small3D() if name == "resnet18-3d" else build_encoder(name, random=random, side=side)


@pytest.fixture(scope="module", autouse=True)
def _small_3d() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "build_encoder", small_encoder)
        yield


def tiny(task: str) -> Plan:
    plan = plan_for(task, encoder="small-cnn", random=True, parts=24, headers=20, steps=2, studies=1)
    return replace(plan, side=32, slices=min(plan.slices, 2), batch=4, validation=1, most=1)


@pytest.fixture(scope="module", params=list(ROWS))
def finished(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Path]:
    plan, folder = tiny(request.param), tmp_path_factory.mktemp(request.param)
    run(plan, [1], folder, jobs=1)
    return plan, folder


def figures_of(found: list[Result]) -> dict[str, object]:
    return {result.row: result.figures for result in found}


def test_every_row_gives_figures(finished: tuple[Plan, Path]) -> None:
    plan, folder = finished
    found = results(plan, [1], folder)
    assert [result.row for result in found] == ROWS[plan.task]
    for result in found:
        one = result.figures["sequence"]
        assert one["n"] > 5
        assert 0 <= one["weighted_f1"] <= 1
        assert 0 <= one["balanced_accuracy"] <= 1
        assert sum(count for _, count in one["recall"].values()) == one["n"]
    assert len({result.figures["sequence"]["n"] for result in found}) == 1
    lines = table(found).splitlines()
    assert len(lines) == 2 + len(found)
    assert len({line.count("|") for line in lines}) == 1


def test_what_is_done_is_not_done_again(
    finished: tuple[Plan, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, folder = finished
    before = figures_of(results(plan, [1], folder))
    used = [(bench, "fit"), (networks, "fit"), (networks, "predict"), (pool, "build_pool"), (rows, "_trees")]
    for module, name in [*used, (runner, "figures")]:
        monkeypatch.setattr(module, name, None)
    assert figures_of(run(plan, [1], folder)) == before


def test_a_lost_row_comes_out_the_same(finished: tuple[Plan, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    plan, folder = finished
    before = figures_of(results(plan, [1], folder))
    paths = {path.stem: path for path in folder.rglob("seed1/*.json")}
    stamps = {name: path.stat().st_mtime_ns for name, path in paths.items()}
    lost = ROWS[plan.task][-1]
    paths[lost].unlink()
    monkeypatch.setattr(pool, "build_pool", None)
    assert figures_of(run(plan, [1], folder)) == before
    assert [name for name, path in paths.items() if path.stat().st_mtime_ns != stamps[name]] == [lost]


def test_results_of_other_settings_are_not_mixed(finished: tuple[Plan, Path]) -> None:
    plan, folder = finished
    with pytest.raises(UsageError, match="other settings"):
        run(replace(plan, pretraining=3), [1], folder)
    with pytest.raises(UsageError, match="other settings"):
        run(replace(plan, parts=25), [1], folder)


def test_an_encoder_without_weights_says_so_before_anything_is_drawn(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="small-cnn"):
        run(plan_for("prostate", encoder="small-cnn"), [1], tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("task", "options"),
    [
        ("brain", {}),
        ("liver", {"encoder": "resnet18-3d"}),
        ("liver", {"encoder": "nothing"}),
        ("liver", {"steps": 0}),
    ],
)
def test_wrong_options_are_refused(task: str, options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        plan_for(task, **options)  # type: ignore[arg-type]


def test_defaults_test_on_enough_studies() -> None:
    for task in ROWS:
        assert plan_for(task).studies >= 60
        assert not plan_for(task).random


def test_interval_is_that_of_student() -> None:
    # Three values around their mean by one standard deviation: 4.303 / sqrt(3) of it.
    low, high = interval([1.0, 2.0, 3.0])
    assert (low, high) == pytest.approx((2 - 2.4841, 2 + 2.4841), abs=1e-3)


def test_differences_are_taken_seed_by_seed() -> None:
    def result(row: str, seed: int, f1: float) -> Result:
        measures = {"n": 9, "weighted_f1": f1, "balanced_accuracy": f1, "recall": {}}
        return Result("liver", row, row.upper(), seed, 1.0, {"sequence": measures}, {})

    found = [result("a", 1, 0.5), result("a", 2, 0.7), result("b", 1, 0.6), result("b", 2, 0.8)]
    first, last = table(found).splitlines()[2:]
    assert first.startswith("| A | 2 | 0.600 ± 0.141 (-0.671 to 1.871) | 0.100 ± 0.000 (0.100 to 0.100) |")
    assert "0.700 ± 0.141" in last
    # One seed has no spread.
    assert table(found[:1]).splitlines()[2] == "| A | 1 | 0.500 |  | 0.500 |"


def test_studies_are_the_same_for_any_number_of_processes() -> None:
    one, two = (
        study_examples("prostate", 2, 7, slices=1, side=16, held_out=True, most=1, jobs=jobs) for jobs in (1, 2)
    )
    assert len({example.exam for example in one}) == 2
    assert len({example.name for example in one}) == len(one)
    assert all(example.slices.shape == (1, 16, 16) for example in one)
    for a, b in zip(one, two, strict=True):
        assert (a.name, a.truth, a.header) == (b.name, b.truth, b.header)
        assert np.array_equal(a.slices, b.slices)


# ------------------------------------------------------------------------------------- the metadata encoder


def _encoder(binary: list[bool]) -> SparseMetadataEncoder:
    torch.manual_seed(0)
    return SparseMetadataEncoder(binary, d=8, d_out=6).eval()


def _with_dictionary(source: SparseMetadataEncoder, binary: list[bool], rows: list[int]) -> SparseMetadataEncoder:
    """An encoder that knows only the features ``rows`` of ``source``, in that order."""
    other = SparseMetadataEncoder([binary[k] for k in rows], d=8, d_out=6).eval()
    state = dict(source.state_dict())
    other.load_state_dict({**state, "dictionary": state["dictionary"][rows]})
    return other


BINARY = [False, True, False, True, True, False]


def test_an_absent_tag_is_as_if_there_were_no_such_tag() -> None:
    full = _encoder(BINARY)
    values = torch.randn(3, 6).where(torch.tensor([True, False, True, True, False, False]), torch.tensor(float("nan")))
    values = values.where(~torch.tensor(BINARY) | values.isnan(), (values > 0).float())
    kept = [0, 2, 3]
    less = _with_dictionary(full, BINARY, kept)
    assert torch.allclose(full(values, (~values.isnan()).float()), less(values[:, kept], torch.ones(3, 3)), atol=1e-6)


def test_tags_have_no_order() -> None:
    full, order = _encoder(BINARY), [4, 2, 0, 5, 1, 3]
    values = (torch.arange(18.0).reshape(3, 6) % 5 > 1).float()
    observed = (torch.arange(18).reshape(3, 6) % 4 > 0).float()
    other = _with_dictionary(full, BINARY, order)
    assert torch.allclose(full(values, observed), other(values[:, order], observed[:, order]), atol=1e-6)


def test_tags_in_another_order_are_the_same_header() -> None:
    header = draw_part(np.random.default_rng(3)).header
    turned = replace(header, tags=dict(reversed(list(header.tags.items()))))
    assert np.array_equal(feature_vector(features(header)), feature_vector(features(turned)), equal_nan=True)


def test_results_are_plain_json(finished: tuple[Plan, Path]) -> None:
    plan, folder = finished
    for name in ROWS[plan.task]:
        [path] = folder.rglob(f"seed1/{name}.json")
        assert json.loads(path.read_text(encoding="utf-8"))["row"] == name
