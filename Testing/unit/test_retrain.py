"""Retraining headers: corrections are learned, what worked stays, the same call gives the same bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch (extra train), which is not installed here")

from SeriesClassifierLib.bundles.adopted import SHIPPED, find_bundle  # noqa: E402
from SeriesClassifierLib.bundles.bundle import Bundle, open_bundle  # noqa: E402
from SeriesClassifierLib.errors import SourceError, TrainingError, UsageError  # noqa: E402
from SeriesClassifierLib.headers.features import FEATURES, features  # noqa: E402
from SeriesClassifierLib.inference.header_model import HeaderModel as RunModel  # noqa: E402
from SeriesClassifierLib.models.site_header_model import ProtocolGate  # noqa: E402
from SeriesClassifierLib.simulation.headers import draw_part  # noqa: E402
from SeriesClassifierLib.training import retrain as retraining  # noqa: E402
from SeriesClassifierLib.training.batches import tensors  # noqa: E402
from SeriesClassifierLib.training.examples import Example  # noqa: E402
from SeriesClassifierLib.training.exported import TrainingSet  # noqa: E402
from SeriesClassifierLib.training.headers_bundle import predict  # noqa: E402
from SeriesClassifierLib.training.retrain import retrain, split_by_patient  # noqa: E402
from SeriesClassifierLib.training.retrain_headers import Settings, learn, load_model  # noqa: E402
from SeriesClassifierLib.training.simulated_headers import feature_vector  # noqa: E402

QUICK = Settings(steps=30, replay=600, judges=200, held_out=300, evaluate_every=10)


def base() -> Bundle:
    return open_bundle(find_bundle(SHIPPED + "headers"))


def corrected(
    n: int, sequence: str, *, seed: int = 1, drawn: str = "PD", vendor: str = "GE"
) -> list[Example]:
    """Series of one protocol that a site calls ``sequence``, each of a patient of its own."""
    part = draw_part(np.random.default_rng(seed), sequence=drawn, vendor=vendor)
    nothing = np.zeros((0, 8, 8), np.uint8)
    out = []
    for k in range(n):
        tags = {**part.header.tags, "RepetitionTime": 2000.0 * (1 + 0.01 * k), "EchoTime": 20.0 + 0.1 * k}
        header = replace(part.header, tags=tags)
        out.append(Example(f"part {k}", f"patient {k}", header, nothing, {"sequence": sequence}, real=True))
    return out


def values(examples: Sequence[Example]) -> Any:
    return np.stack([feature_vector(features(example.header)) for example in examples])


def taught(folder: Path, examples: Sequence[Example], *, seed: int = 1, start: Bundle | None = None) -> Path:
    learn(start or base(), examples, [], folder / "bundle", seed, folder / "work", lambda _: None, QUICK)
    return folder / "bundle"


def described(
    folder: Path, monkeypatch: pytest.MonkeyPatch, examples: Sequence[Example], name: str
) -> Bundle:
    """A whole bundle, by the same way as the command."""
    found = TrainingSet(
        tuple(examples), tuple((e.exam,) for e in examples), tuple("GE" for _ in examples), name
    )
    monkeypatch.setattr(retraining, "read_training_sets", lambda _folders: found)

    def quick(*arguments: Any) -> Any:
        return learn(*arguments, QUICK)

    monkeypatch.setattr(retraining, "RECIPES", {"headers": ("headers", quick)})
    return retrain("headers", [folder], find_bundle(SHIPPED + "headers"), folder / name).bundle


# --- the gate
# ---------------------------------------------------------------------------------------------------


def test_a_gate_is_open_for_its_protocols_and_closed_for_others() -> None:
    own, others = corrected(5, "T1"), corrected(5, "T1", seed=9, drawn="DWI", vendor="SIEMENS")
    gate = ProtocolGate(*tensors(values(own)))
    assert float(gate(*tensors(values(own))).min()) > 0.9
    assert float(gate(*tensors(values(others))).max()) < 0.05
    far = [replace(e, header=replace(e.header, tags={**e.header.tags, "EchoTime": 90.0})) for e in own]
    assert float(gate(*tensors(values(far))).max()) < 0.05


def test_a_gate_is_closed_for_an_empty_header_and_does_not_care_for_values_that_are_absent() -> None:
    gate = ProtocolGate(*tensors(values(corrected(3, "T1"))))
    nothing = torch.zeros(1, len(FEATURES))
    assert float(gate(nothing, nothing)) < 0.05
    shown, seen = tensors(values(corrected(1, "T1")))
    odd = torch.where(seen > 0, shown, torch.full_like(shown, 77.0))
    assert torch.equal(gate(shown, seen), gate(odd, seen))


def test_gates_join_without_repeats() -> None:
    one = ProtocolGate(*tensors(values(corrected(3, "T1"))))
    same = ProtocolGate(*tensors(values(corrected(3, "T1"))))
    one.know(same)
    assert len(one.prototypes) == 3
    one.know(ProtocolGate(*tensors(values(corrected(2, "T1", seed=9, drawn="DWI")))))
    assert len(one.prototypes) == 5


# --- learning
# ---------------------------------------------------------------------------------------------------


def test_corrections_are_learned_and_elsewhere_the_answers_are_those_of_the_base(tmp_path: Path) -> None:
    examples = corrected(6, "SWI")
    known = load_model(base())
    folder = taught(tmp_path, examples)
    described_as = dict(base().description)
    model = load_model(Bundle(folder, described_as))
    sequences = list(base().facets["sequence"])
    answers = predict(model, values(examples))[:, : len(sequences)].argmax(1)
    assert {sequences[k] for k in answers} == {"SWI"}
    rng = np.random.default_rng(4)
    others = np.stack([feature_vector(features(draw_part(rng).header)) for _ in range(300)])
    far = model.gate(*tensors(others)).detach().numpy()[:, 0] < 1e-6
    assert far.sum() > 250
    assert np.abs(predict(model, others[far]) - predict(known, others[far])).max() < 1e-3


def test_the_base_is_untouched_and_the_same_call_gives_the_same_bytes(tmp_path: Path) -> None:
    before = {p: p.read_bytes() for p in base().folder.iterdir()}
    folders = [taught(tmp_path / name, corrected(4, "SWI")) for name in ("one", "other")]
    one, other = ((f / "weights.safetensors").read_bytes() for f in folders)
    assert one == other
    assert before == {p: p.read_bytes() for p in base().folder.iterdir()}


def test_a_run_that_was_stopped_ends_as_one_that_was_not(tmp_path: Path) -> None:
    whole = taught(tmp_path / "whole", corrected(4, "SWI"))

    class Stop(Exception):
        pass

    def stop(advance: Any) -> None:
        if advance.step == 20:
            raise Stop

    place = tmp_path / "stopped"
    with pytest.raises(Stop):
        learn(base(), corrected(4, "SWI"), [], place / "bundle", 1, place / "work", stop, QUICK)
    resumed = taught(place, corrected(4, "SWI"))
    assert (whole / "weights.safetensors").read_bytes() == (resumed / "weights.safetensors").read_bytes()


def test_onnx_says_what_torch_says_and_a_second_retraining_keeps_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = described(tmp_path, monkeypatch, corrected(5, "SWI"), "first")
    model, run = load_model(first), RunModel(first)
    example = corrected(1, "SWI")[0]
    logits = predict(model, values([example]))[0, : len(first.facets["sequence"])]
    said = run.probabilities(features(example.header))["sequence"]
    assert max(said, key=lambda name: said[name]) == first.facets["sequence"][int(logits.argmax())] == "SWI"
    second = taught(tmp_path / "again", corrected(5, "FLAIR", seed=9, drawn="T2"), start=first)
    model = load_model(Bundle(second, first.description))
    assert len(model.gate.prototypes) == 10
    sequences = list(first.facets["sequence"])
    for name, examples in (
        ("SWI", corrected(5, "SWI")),
        ("FLAIR", corrected(5, "FLAIR", seed=9, drawn="T2")),
    ):
        answers = predict(model, values(examples))[:, : len(sequences)].argmax(1)
        assert {sequences[k] for k in answers} == {name}


# --- the orchestration
# ---------------------------------------------------------------------------------------------------


def test_the_bundle_tells_where_it_is_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = described(tmp_path, monkeypatch, corrected(12, "SWI"), "new")
    training = made.description["training"]
    assert made.version.startswith(f"{base().version}+")
    assert training["base"]["digest"] == base().digest
    # Twelve patients: some stop the training, and only the others have been learned from.
    assert 0 < len(training["patient_keys"]) < 12
    corrections = made.description["figures"]["corrections"]
    assert corrections["trained on"]["parts"] + corrections["patients left out"]["parts"] == 12
    assert "not a medical device" in (made.folder / "card.md").read_text(encoding="utf-8")


def test_no_patient_is_on_both_sides() -> None:
    examples = [replace(example, exam=f"patient {k // 3}") for k, example in enumerate(corrected(60, "SWI"))]
    train, validation = split_by_patient(examples, 1)
    assert len(train) + len(validation) == 60
    assert validation
    assert not {e.exam for e in train} & {e.exam for e in validation}
    backwards = split_by_patient(examples[::-1], 1)
    assert {e.name for e in backwards[1]} == {e.name for e in validation}
    assert split_by_patient(examples[:20], 1)[1] == []  # too few patients to do without any


def test_what_cannot_be_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = find_bundle(SHIPPED + "headers")
    with pytest.raises(UsageError, match="no recipe"):
        retrain("magic", [tmp_path], headers, tmp_path / "new")
    with pytest.raises(UsageError, match="retrains bundles of the task headers"):
        retrain("headers", [tmp_path], find_bundle(SHIPPED + "liver"), tmp_path / "new")
    with pytest.raises(SourceError, match="no complete training set"):
        retrain("headers", [tmp_path], headers, tmp_path / "new")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "bundle.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match="no bundle is ever overwritten"):
        retrain("headers", [tmp_path], headers, tmp_path / "old")
    with pytest.raises(TrainingError, match="no part has a label"):
        described(tmp_path, monkeypatch, [], "new")
