"""Training of a model of picture and header, and the calibration of its three answers."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch (extra train), which is not installed here")

from support.model_inputs import BINARY, FACETS, MODELS, SIDE  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from SeriesClassifierLib.models.modalities import PictureHeaderModel  # noqa: E402
from SeriesClassifierLib.training.batches import Batch, Batches, Mixing, evaluation_batch  # noqa: E402
from SeriesClassifierLib.training.joint_calibration import ANSWERS, OutOfFold, bootstrap_interval, calibrate  # noqa: E402
from SeriesClassifierLib.training.joint_model import (  # noqa: E402
    Loss,
    Steps,
    distill,
    ensemble,
    header_loss,
    loss_for,
    predict,
    split_facets,
    two_steps,
)
from SeriesClassifierLib.training.pool import UNLABELLED, Pool  # noqa: E402

SHARES = {"sequence": 1.0, "phase": 0.3}
FEW = {"evaluate_every": 1, "heads_rate": 3e-3, "rate": 3e-3, "encoder_factor": 1.0, "header_factor": 1.0}
N = 20


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """What is so small is slower on several."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Killed(BaseException):
    """What no training code catches."""


def tiny(seed: int = 0) -> PictureHeaderModel:
    torch.manual_seed(seed)
    return MODELS["joint"]()


def make_pool(n: int = N, *, slices: int = 1) -> Pool:
    """The sequence is the place of a bright bar and the first number of the header; phases are half known."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % FACETS["sequence"]
    values = rng.normal(0, 0.1, (n, 2, len(BINARY))).astype(np.float32)
    values[:, :, np.array(BINARY)] = 1
    values[:, :, 0] = labels[:, None] - 2
    values[:, 1, 2] = np.nan
    pictures = rng.integers(0, 60, (n, slices, SIDE, SIDE), dtype=np.uint8)
    for row, label in enumerate(labels):
        pictures[row, :, 6 * label : 6 * label + 6] = 250
    phases = np.where(np.arange(n) % 2, UNLABELLED, labels % FACETS["phase"])
    return Pool(
        pictures.reshape(-1, SIDE, SIDE),
        np.arange(n + 1, dtype=np.int64) * slices,
        values,
        {"sequence": labels, "phase": phases},
        np.array([str(row // 2) for row in range(n)]),
        np.array([str(row) for row in range(n)]),
        np.zeros(n, np.bool_),
    )


POOL, HEADERS = make_pool(), make_pool(slices=0)
ROWS = np.arange(N)


def batches(pool: Pool, size: int = 10) -> Batches:
    return Batches(pool, np.arange(len(pool)), Mixing(size=size, side=SIDE, real_share=0.0), 1)


def train(
    model: PictureHeaderModel, steps: Steps, folder: Path | None = None, pictures: object = None
) -> PictureHeaderModel:
    drawn = pictures or batches(POOL)
    return two_steps(model, drawn, batches(HEADERS), loss(), steps, folder=folder)  # type: ignore[arg-type]


def loss() -> Loss:
    return loss_for(POOL, FACETS, SHARES)


def everything(pool: Pool = POOL) -> Batch:
    return evaluation_batch(pool, np.arange(len(pool)), 1, SIDE)


def loss_on_all(model: PictureHeaderModel) -> float:
    with torch.no_grad():
        return float(loss()(model.eval(), everything()))


def state(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


# --- two steps


def test_two_steps_lower_the_loss() -> None:
    model = tiny()
    before = loss_on_all(model)
    train(model, Steps(heads=6, everything=10, **FEW))  # type: ignore[arg-type]
    assert loss_on_all(model) < 0.8 * before
    assert not model.training


def test_the_encoder_stays_in_the_first_step_and_moves_in_the_second() -> None:
    model = tiny()
    encoder, before = model.get_submodule("encoder"), state(model)
    frozen = state(encoder)
    train(model, Steps(heads=2, everything=0, **FEW))  # type: ignore[arg-type]
    assert same(state(encoder), frozen), "weights or running means moved"
    for part in ("header", "heads", "mlp"):
        names = [name for name in before if name.startswith(f"{part}.")]
        assert not same({name: before[name] for name in names}, state(model)), part
    train(model, Steps(heads=0, everything=1, **FEW))  # type: ignore[arg-type]
    assert not same(state(encoder), frozen)
    assert all(parameter.requires_grad for parameter in encoder.parameters())


def test_frozen_blocks_stay_in_both_steps() -> None:
    model = tiny()
    before = state(model.get_submodule("encoder"))
    train(model, Steps(heads=1, everything=2, frozen_blocks=3, **FEW))  # type: ignore[arg-type]
    after = state(model.get_submodule("encoder"))
    for layer in range(10):
        names = [name for name in before if name.startswith(f"layers.{layer}.")]
        assert same({name: before[name] for name in names}, after) == (layer < 3), layer


@pytest.mark.parametrize("killed_at", [1, 4])
def test_a_run_that_was_killed_goes_on_as_if_it_had_not_been(killed_at: int, tmp_path: Path) -> None:
    """Killed in the first step, and in the second. The model draws dropout from torch's random numbers."""
    steps = Steps(heads=2, everything=3, **FEW)  # type: ignore[arg-type]
    calls = 0

    def dying(step: int) -> Batch:
        nonlocal calls
        calls += 1
        if calls > killed_at:
            raise Killed
        return batches(POOL)(step)

    whole = state(train(tiny(), steps))
    with pytest.raises(Killed):
        train(tiny(), steps, tmp_path, dying)
    assert same(state(train(tiny(), steps, tmp_path)), whole)


# --- the loss


def test_unlabelled_examples_have_no_part_in_the_loss() -> None:
    logits = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    labels = {"sequence": torch.tensor([0, UNLABELLED, 3, UNLABELLED]), "phase": torch.full((4,), UNLABELLED)}
    known = {"sequence": torch.tensor([0, 3]), "phase": torch.full((2,), UNLABELLED)}
    assert torch.equal(loss().of(FACETS, logits, labels), loss().of(FACETS, logits[[0, 2]], known))
    nobody = dict.fromkeys(FACETS, torch.full((4,), UNLABELLED))
    assert loss().of(FACETS, logits, nobody) == 0


def test_rare_classes_weigh_more() -> None:
    labels = {
        "sequence": np.array([0] * 90 + [1] * 9 + [2] + [UNLABELLED] * 50),
        "phase": np.zeros(150, np.int64),
    }
    pool = make_pool(150)
    pool = Pool(pool.slices, pool.first, pool.values, labels, pool.exams, pool.names, pool.real)
    weights = loss_for(pool, FACETS, SHARES).weights["sequence"].tolist()
    assert weights[0] < weights[1] < weights[2]
    assert weights[3:] == [1.0, 1.0]  # no example to go by
    assert all(0.3 <= weight <= 3 for weight in weights)


def test_facets_are_taken_apart_in_their_order() -> None:
    logits = torch.arange(16.0).reshape(2, 8)
    parts = split_facets(FACETS, logits)
    assert {facet: part.shape[1] for facet, part in parts.items()} == dict(FACETS)
    assert torch.equal(torch.cat(list(parts.values()), dim=1), logits)


# --- answers


def test_predict_gives_three_answers_to_every_example_by_itself() -> None:
    model = tiny()
    answers = predict(model, POOL, ROWS, slices=1, side=SIDE)
    assert [answer.shape for answer in answers] == [(N, 8)] * 3
    assert not np.array_equal(answers[0], answers[1])
    assert not np.array_equal(answers[1], answers[2])
    rows = np.array([7, 3, 11])
    for whole, some in zip(answers, predict(model, POOL, rows, slices=1, side=SIDE), strict=True):
        assert np.allclose(whole[rows], some, atol=1e-5)
    damaged = predict(model, POOL, ROWS, slices=1, side=SIDE, copy=1)
    assert np.array_equal(damaged[1], answers[1])
    assert not np.array_equal(damaged[0], answers[0])


def test_more_examples_than_a_batch_holds_are_all_answered() -> None:
    pool, model = make_pool(37), tiny()
    rows = np.arange(37)
    for whole, last in zip(
        predict(model, pool, rows, slices=1, side=SIDE),
        predict(model, pool, rows[32:], slices=1, side=SIDE),
        strict=True,
    ):
        assert whole.shape == (37, 8)
        assert np.allclose(whole[32:], last, atol=1e-5)


def test_without_a_picture_both_together_say_what_the_header_says() -> None:
    header, _, joint = predict(tiny(), HEADERS, ROWS, slices=1, side=SIDE)
    assert np.allclose(header, joint, atol=1e-6)
    assert np.allclose(header, predict(tiny(), POOL, ROWS, slices=1, side=SIDE)[0], atol=1e-5)


def test_headers_without_pictures_teach_the_header_alone() -> None:
    model = tiny().train()
    batch = batches(HEADERS)(0)
    assert not batch.mask.any()
    torch.manual_seed(0)
    found = header_loss(model, batch, loss())
    found.backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is None or not p.grad.any() for p in model.get_submodule("encoder").parameters())
    assert all(p.grad is not None for p in model.get_submodule("header").parameters())
    other = Batch(torch.rand_like(batch.pictures), batch.mask, batch.values, batch.observed, batch.labels)
    torch.manual_seed(0)
    assert torch.equal(header_loss(model, other, loss()), found)


# --- the student


def test_a_student_learns_what_its_teachers_say() -> None:
    teachers = [train(tiny(seed), Steps(heads=0, everything=8, **FEW)) for seed in (1, 2)]  # type: ignore[arg-type]
    # Teachers are asked, not trained, whatever mode they come in.
    teachers[0].train()
    before = [state(teacher) for teacher in teachers]

    def distance(student: PictureHeaderModel) -> float:
        """Mean difference of a probability of a sequence to the teachers' mean, over the three answers."""
        size = FACETS["sequence"]

        def said(model: PictureHeaderModel) -> Tensor:
            answers = predict(copy.deepcopy(model), POOL, ROWS, slices=1, side=SIDE)
            return torch.stack([torch.from_numpy(answer[:, :size]).softmax(-1) for answer in answers])

        mean = torch.stack([said(teacher) for teacher in teachers]).mean(0)
        return float((said(student) - mean).abs().mean())

    student = tiny(3)
    far = distance(student)
    steps = Steps(heads=0, everything=12, **FEW)  # type: ignore[arg-type]
    assert distill(student, teachers, batches(POOL), batches(HEADERS), loss(), steps) is student
    assert distance(student) < 0.7 * far
    assert all(same(state(teacher), was) for teacher, was in zip(teachers, before, strict=True))


# --- calibration


@pytest.fixture
def no_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals of figures take most of the time of a calibration and decide nothing in it."""
    monkeypatch.setattr(
        "SeriesClassifierLib.training.joint_calibration.bootstrap_interval", lambda *_: [0.0, 1.0]
    )


HEADS = {"sequence": ("A", "B", "C", "D"), "phase": ("P", "Q", "R")}


def answered(n: int, *, sharpness: float = 1.0, known: float = 1.0, seed: int = 0) -> OutOfFold:
    """Answers whose true temperature is ``sharpness``; a share ``known`` of the phases is labeled.

    Behind the columns of HEADS stands one of a facet that only training knows.
    """
    rng = np.random.default_rng(seed)
    logits = {name: rng.normal(0, 3, (n, 8)).astype(np.float32) for name in ANSWERS}
    labels = {}
    for facet, columns in (("sequence", slice(0, 4)), ("phase", slice(4, 7))):
        odds = np.exp(logits["joint"][:, columns].astype(np.float64))
        odds /= odds.sum(1, keepdims=True)
        labels[facet] = np.array([rng.choice(len(row), p=row) for row in odds])
    labels["phase"] = np.where(np.arange(n) < known * n, labels["phase"], UNLABELLED)
    sharp = {name: values * sharpness for name, values in logits.items()}
    return OutOfFold(
        sharp, labels, np.array([str(k % 10) for k in range(n)]), np.array([str(k) for k in range(n)])
    )


@pytest.mark.usefixtures("no_intervals")
def test_a_stricter_risk_asks_for_more_confidence() -> None:
    found = calibrate(HEADS, answered(300), answered(900, seed=1))
    for facet in HEADS:
        limits = [
            limit
            for _, limit in sorted(found.thresholds[facet]["auto"].items(), key=lambda item: float(item[0]))
        ]
        assert len(limits) == 5
        assert limits == sorted(limits, reverse=True)
        assert 0 < limits[-1] < limits[0] <= 1
        assert 0 < found.thresholds[facet]["review"] < 1


def test_calibration_works_without_real_series() -> None:
    strange = answered(900, sharpness=2.0)
    found = calibrate(HEADS, None, strange)
    for facet in HEADS:
        assert found.temperature["joint"][facet] == pytest.approx(2.0, rel=0.15)
    assert list(found.figures) == ["simulated, strange scanners"]
    assert (
        found.figures["simulated, strange scanners"]["sequence"]["joint"]["expected_calibration_error"] < 0.05
    )
    assert found.thresholds["sequence"]["auto"]["0.1"] < 1
    figures = found.figures["simulated, strange scanners"]["sequence"]["joint"]
    assert figures["interval"][0] <= figures["balanced_accuracy"] <= figures["interval"][1]


@pytest.mark.usefixtures("no_intervals")
def test_a_threshold_holds_on_real_and_on_simulated_answers() -> None:
    """The real ones are sure and wrong now and then: what holds on simulated ones alone would not do."""
    real, strange = answered(400, sharpness=4.0), answered(900, seed=1)
    alone, both = calibrate(HEADS, None, strange), calibrate(HEADS, real, strange)
    assert both.temperature["joint"]["sequence"] == pytest.approx(4.0, rel=0.2)
    for found in (real, strange):
        logits, labels = found.facet(HEADS, "joint", "sequence")
        scaled = logits / both.temperature["joint"]["sequence"]
        confidence = np.exp(scaled).max(1) / np.exp(scaled).sum(1)
        sure = confidence >= both.thresholds["sequence"]["auto"]["0.05"]
        assert (scaled.argmax(1) != labels)[sure].sum() <= 0.05 * (sure.sum() + 1)
    assert set(both.figures) > set(alone.figures)


@pytest.mark.usefixtures("no_intervals")
def test_what_was_never_put_to_the_test_is_never_trusted() -> None:
    few = answered(1000, known=0.03)
    found = calibrate(HEADS, None, few)
    assert set(found.thresholds["phase"]["auto"].values()) == {1.0}
    assert found.temperature["joint"]["phase"] == 1.0
    assert found.figures["simulated, strange scanners"]["phase"]["joint"]["n"] == 30
    # Enough simulated ones do, where there are few real ones.
    helped = calibrate(HEADS, few, answered(1000, seed=2))
    assert helped.thresholds["phase"]["auto"]["0.1"] < 1


@pytest.mark.usefixtures("no_intervals")
def test_a_facet_that_nobody_labeled_is_no_error() -> None:
    found = calibrate(HEADS, None, answered(200, known=0.0))
    assert found.figures["simulated, strange scanners"]["phase"]["joint"] == {"n": 0}
    assert set(found.thresholds["phase"]["auto"].values()) == {1.0}


def test_an_interval_is_as_wide_as_exams_differ() -> None:
    labels = np.arange(40) % 4
    wrong = np.where(np.arange(40) < 10, (labels + 1) % 4, labels)
    exams = np.array([str(row // 10) for row in range(40)])
    low, high = bootstrap_interval(wrong, labels, exams, samples=100)
    assert low < 0.75 < high <= 1
    assert bootstrap_interval(wrong, labels, exams, samples=100) == [low, high]
    assert bootstrap_interval(wrong, labels, np.array(["one"] * 40), samples=5) == [0.75, 0.75]
    assert bootstrap_interval(labels, labels, exams, samples=20) == [1.0, 1.0]


def test_answers_of_folds_are_joined() -> None:
    parts = [answered(10), answered(7, seed=1)]
    joined = OutOfFold.join(parts)
    assert joined is not None
    assert joined.names.tolist() == [*parts[0].names, *parts[1].names]
    for name in ANSWERS:
        assert np.array_equal(joined.logits[name], np.concatenate([part.logits[name] for part in parts]))
    assert OutOfFold.join([]) is None


def test_each_facet_has_its_own_columns() -> None:
    found = answered(5, known=0.6)
    logits, labels = found.facet(HEADS, "picture", "phase")
    assert np.array_equal(logits, found.logits["picture"][:3, 4:7])
    assert np.array_equal(labels, found.labels["phase"][:3])


def test_models_together_say_their_mean_probability() -> None:
    rng = np.random.default_rng(3)
    facets = {"sequence": 3, "plane": 2}
    answers = [[rng.normal(size=(4, 5)).astype(np.float32) for _ in range(3)] for _ in range(2)]
    for number, together in enumerate(ensemble(facets, answers)):
        for span in (slice(0, 3), slice(3, 5)):
            weights = [np.exp(model[number][:, span]) for model in answers]
            means = np.mean([w / w.sum(1, keepdims=True) for w in weights], axis=0)
            assert np.allclose(np.exp(together[:, span]), means, atol=1e-6)
    alone = ensemble(facets, answers[:1])[0]
    assert np.array_equal(alone[:, :3].argmax(1), answers[0][0][:, :3].argmax(1))
