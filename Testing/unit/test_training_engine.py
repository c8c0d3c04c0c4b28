"""The training loop: the same weights however often it is stopped, and no more steps than it is asked for."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="training needs torch (extra train), which is not installed here")

from torch import Tensor, nn  # noqa: E402
from torch.nn.functional import mse_loss  # noqa: E402

from SeriesClassifierLib.errors import TrainingError  # noqa: E402
from SeriesClassifierLib.training import engine  # noqa: E402
from SeriesClassifierLib.training.curves import write_curves  # noqa: E402
from SeriesClassifierLib.training.engine import Group, Schedule, fit  # noqa: E402

SCHEDULE = Schedule(steps=11, learning_rate=0.05, evaluate_every=3)
State = dict[str, Tensor]


class Killed(BaseException):
    """What no training code catches."""


def toy(seed: int = 0) -> nn.Module:
    """A linear model with dropout, which draws from torch's own random numbers."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 2))


def batch_of(step: int) -> Tensor:
    return torch.randn(8, 3, generator=torch.Generator().manual_seed(step))


def loss_of(model: nn.Module, batch: Tensor) -> Tensor:
    return mse_loss(model(batch), batch[:, :2] * 2 + 1)


def score_of(model: nn.Module) -> float:
    """Draws no random numbers, as an evaluation should not."""
    assert not model.training
    with torch.no_grad():
        return -loss_of(model, batch_of(1000)).item()


def train(folder: Path | None, schedule: Schedule = SCHEDULE, seed: int = 0, **options: Any) -> State:
    """The weights after a run that starts, or goes on, in ``folder``."""
    return fit(
        toy(seed), options.pop("batch", batch_of), loss_of, schedule, folder=folder, **options
    ).state_dict()


def dies_at(last: int) -> Callable[[int], Tensor]:
    def batch(step: int) -> Tensor:
        if step >= last:
            raise Killed
        return batch_of(step)

    return batch


def same(a: State, b: State) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture(scope="module")
def whole() -> State:
    """The weights of a run that was never stopped."""
    return train(None)


# --- stopped and resumed


@pytest.mark.parametrize("step", [0, 2, 3, 4, 8, 9, 10])
def test_a_resumed_run_gives_the_same_weights(step: int, whole: State, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(tmp_path, batch=dies_at(step))
    # Another process: other weights to begin with, where the checkpoint does not tell, and other chances.
    again = train(tmp_path, seed=0 if step < 3 else 77)
    assert same(again, whole)
    assert not same(toy().state_dict(), whole)


def test_a_run_that_is_stopped_again_and_again_gives_the_same_weights(tmp_path: Path) -> None:
    once = train(None, evaluate=score_of)
    for step in (4, 7, 10):
        with pytest.raises(Killed):
            train(tmp_path, batch=dies_at(step), evaluate=score_of)
    assert same(train(tmp_path, evaluate=score_of), once)


def test_a_finished_run_is_not_run_again(tmp_path: Path) -> None:
    once = train(tmp_path, evaluate=score_of)
    assert same(train(tmp_path, batch=dies_at(0), evaluate=score_of, seed=5), once)


def test_another_schedule_starts_anew(tmp_path: Path) -> None:
    train(tmp_path)
    other = Schedule(steps=12, learning_rate=0.05, evaluate_every=3)
    seen: list[int] = []

    def batch(step: int) -> Tensor:
        seen.append(step)
        return batch_of(step)

    assert same(train(tmp_path, other, batch=batch), train(None, other))
    assert seen == list(range(12))


@pytest.mark.parametrize("half", [False, True], ids=["before", "half written"])
@pytest.mark.parametrize("file", range(1, 7))
def test_a_run_that_is_killed_between_two_files_goes_on(
    file: int, half: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, count = engine._replace, 0

    def dying(path: Path, write: Callable[[Path], Any]) -> None:
        nonlocal count
        count += 1
        if count == file:
            if half:
                path.with_name(path.name + ".new").write_bytes(b"half")
            raise Killed
        replace(path, write)

    with monkeypatch.context() as patch:
        patch.setattr(engine, "_replace", dying)
        with pytest.raises(Killed):
            train(tmp_path, evaluate=score_of)
    assert same(train(tmp_path, evaluate=score_of), train(None, evaluate=score_of))


def test_without_a_folder_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    train(None, evaluate=score_of)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_is_data(tmp_path: Path) -> None:
    train(tmp_path, evaluate=score_of)
    assert {path.suffix for path in tmp_path.iterdir()} <= {".safetensors", ".json", ".html"}


# --- evaluation


@pytest.mark.parametrize(
    ("scores", "evaluations", "best"),
    [
        ([1, 2, 3, 4, 5], 5, 4),
        ([1, 3, 2, 2, 9], 4, 1),
        ([1, 1, 1, 9, 9], 3, 0),  # no better is no gain
        ([math.nan, math.nan, 1, 1, 1], 2, None),
    ],
)
@pytest.mark.parametrize("stopped", [False, True])
def test_training_stops_without_gain_and_keeps_the_best(
    scores: list[float], evaluations: int, best: int | None, stopped: bool, tmp_path: Path
) -> None:
    schedule = Schedule(steps=10, learning_rate=0.05, evaluate_every=2, patience=2)
    seen: list[State] = []

    def evaluate(model: nn.Module) -> float:
        seen.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
        return scores[len(seen) - 1]

    if stopped:
        with pytest.raises(Killed):
            train(tmp_path, schedule, batch=dies_at(3), evaluate=evaluate)
    found = train(tmp_path, schedule, evaluate=evaluate)
    assert len(seen) == evaluations
    assert same(found, seen[-1 if best is None else best])


def test_without_patience_all_steps_are_made() -> None:
    seen: list[int] = []

    def evaluate(model: nn.Module) -> float:
        seen.append(1)
        return -len(seen)

    train(None, evaluate=evaluate)
    assert len(seen) == 4  # at steps 3, 6, 9 and the last


def test_without_a_score_the_last_weights_stay_and_the_model_is_ready_for_use() -> None:
    model = fit(toy(), batch_of, loss_of, Schedule(steps=4, learning_rate=0.05))
    assert not model.training


def test_training_learns() -> None:
    model = toy()
    before = score_of(model.eval())
    fit(model, batch_of, loss_of, Schedule(steps=60, learning_rate=0.05))
    assert score_of(model) > before / 2


# --- rates


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 3000), st.floats(0, 0.9))
def test_the_rate_rises_then_falls(steps: int, warmup: float) -> None:
    schedule = Schedule(steps, 1.0, warmup=warmup)
    factors = [schedule.factor(step) for step in range(steps)]
    top = factors.index(max(factors))
    assert factors[top] == pytest.approx(1.0)
    assert all(0 < factor <= 1 for factor in factors)
    assert factors[: top + 1] == sorted(factors[: top + 1])
    assert factors[top:] == sorted(factors[top:], reverse=True)
    assert top <= max(1, round(warmup * steps))
    assert schedule.factor(steps) == pytest.approx(0.0) or steps == 1


def test_each_group_has_its_rate() -> None:
    """The first step of AdamW moves every weight by its rate."""
    model = toy()
    before = {name: tensor.clone() for name, tensor in model.named_parameters()}
    first, last = model[0], model[2]
    groups = [Group((first.weight,), 0.5), Group((last.weight,)), Group((last.bias,), 0.0)]
    torch.manual_seed(1)
    schedule = Schedule(steps=1, learning_rate=0.01, weight_decay=0.0)
    fit(model, batch_of, loss_of, schedule, groups=groups)
    moved = {name: (tensor - before[name]).abs().max().item() for name, tensor in model.named_parameters()}
    assert moved["0.weight"] == pytest.approx(0.005, rel=0.01)
    assert moved["2.weight"] == pytest.approx(0.01, rel=0.01)
    assert moved["2.bias"] == 0  # a rate of nothing
    assert moved["0.bias"] == 0  # in no group


def test_the_gradient_is_clipped() -> None:
    def steep(model: nn.Module, batch: Tensor) -> Tensor:
        return 1e6 * loss_of(model, batch)

    model = toy()
    fit(model, batch_of, steep, Schedule(steps=1, learning_rate=0.01, clip=0.25))
    norm = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]).norm()
    assert norm.item() == pytest.approx(0.25, rel=1e-3)


# --- the page


class _Page(HTMLParser):
    """Notes tags and text, and fails where a tag is closed that is not open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [value or "" for _, value in attributes]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_shows_every_number_of_the_run(tmp_path: Path) -> None:
    train(tmp_path, evaluate=score_of)
    page = (tmp_path / "curves.html").read_text(encoding="utf-8")
    found = _Page(page)
    assert found.open == []
    assert found.tags.count("svg") == found.tags.count("polyline") == 3
    assert all(name in found.text for name in ("loss", "score", "learning_rate", "step 11"))
    assert not re.search(r"https?://|<script", page)


@pytest.mark.parametrize(
    "history",
    [
        [],
        [{"step": 1.0, "loss": 2.0}],
        [{"step": 1.0, "loss": 2.0}, {"step": 2.0, "loss": 2.0, "score": 0.5}],
        [{"step": 1.0, "loss": math.nan}, {"step": 2.0, "loss": math.inf}],
        [{"step": 1.0, "</svg><script>alert('x')</script>&\"": 1.0}],
    ],
)
def test_any_history_makes_a_page(history: list[dict[str, float]], tmp_path: Path) -> None:
    write_curves(tmp_path / "x.html", history)
    found = _Page((tmp_path / "x.html").read_text(encoding="utf-8"))
    assert found.open == []
    names = {name for row in history for name in row} - {"step"}
    assert found.tags.count("svg") == len(names)
    assert "script" not in found.tags
    for name in names:
        assert name in found.text
        assert f"{name} by step" in found.attributes


def test_a_loss_that_is_no_number_ends_the_run() -> None:
    def lost(step: int) -> Tensor:
        return batch_of(step) * (math.nan if step == 4 else 1.0)

    with pytest.raises(TrainingError, match="step 4"):
        train(None, batch=lost)


@pytest.mark.skipif(torch.cuda.is_available(), reason="it is about processors")
def test_three_dimensional_convolutions_are_not_trained_in_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, raising=False)
    flat = nn.Sequential(nn.Conv2d(1, 1, 3))
    with engine.mixed_precision(flat):
        assert torch.is_autocast_enabled("cpu")
    with engine.mixed_precision(nn.Sequential(flat, nn.Conv3d(1, 1, 3))):
        assert not torch.is_autocast_enabled("cpu")
