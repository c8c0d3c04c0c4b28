"""The recipe brain-ensemble: corrections are learned, elsewhere the header says what it said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch (extra train), which is not installed here")

from SeriesClassifierLib.bundles.adopted import SHIPPED, find_bundle  # noqa: E402
from SeriesClassifierLib.bundles.bundle import Bundle, open_bundle  # noqa: E402
from SeriesClassifierLib.cli.main import build_parser  # noqa: E402
from SeriesClassifierLib.headers.features import features  # noqa: E402
from SeriesClassifierLib.simulation.headers import draw_part  # noqa: E402
from SeriesClassifierLib.training.batches import tensors  # noqa: E402
from SeriesClassifierLib.training.brain_bundle import load_model  # noqa: E402
from SeriesClassifierLib.training.examples import Example  # noqa: E402
from SeriesClassifierLib.training.retrain import RECIPES  # noqa: E402
from SeriesClassifierLib.training.retrain_brain import Settings, learn  # noqa: E402
from SeriesClassifierLib.training.simulated_headers import feature_vector  # noqa: E402
from SeriesClassifierLib.training.tasks import BRAIN  # noqa: E402

QUICK = Settings(
    steps=4, replay=16, headers=300, judges=16, held_out=16, trees=8, leaves=40, replayed=4, local=4,
    evaluate_every=2,
)  # fmt: skip


def base() -> Bundle:
    return open_bundle(find_bundle(SHIPPED + "brain"))


def corrected() -> list[Example]:
    """Series of one protocol that a site calls SWI, whatever they are."""
    part = draw_part(np.random.default_rng(1), sequence="PD", region="brain", vendor="GE")
    slices = np.random.default_rng(2).integers(0, 255, (3, 126, 126)).astype(np.uint8)
    tags = [{**part.header.tags, "EchoTime": 20.0 + 0.1 * k} for k in range(6)]
    return [
        Example(f"{k}", f"p{k}", replace(part.header, tags=t), slices, {"sequence": "SWI"}, real=True)
        for k, t in enumerate(tags)
    ]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("brain")
    learn(base(), corrected(), [], place / "bundle", 1, place / "work", lambda _: None, QUICK)
    return place


def test_the_same_call_gives_the_same_bytes_and_leaves_the_base_alone(made: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in base().folder.iterdir()}
    learn(base(), corrected(), [], tmp_path / "bundle", 1, tmp_path / "work", lambda _: None, QUICK)
    for name in ("model.onnx", "weights.safetensors"):
        assert (tmp_path / "bundle" / name).read_bytes() == (made / "bundle" / name).read_bytes(), name
    assert before == {path: path.read_bytes() for path in base().folder.iterdir()}


def test_the_header_learns_the_protocol_and_elsewhere_says_what_it_said(made: Path) -> None:
    for path in base().folder.glob("bundle.json"):
        (made / "bundle" / path.name).write_bytes(path.read_bytes())
    old = load_model(BRAIN, base().folder)
    sequences = list(BRAIN.heads["sequence"])

    def said(model: torch.nn.Module, headers: list[object]) -> torch.Tensor:
        table = np.stack([feature_vector(features(header)) for header in headers])  # type: ignore[arg-type]
        with torch.inference_mode():
            return model(*tensors(table))[:, : len(sequences)]  # type: ignore[no-any-return]

    new = unchecked(made / "bundle")
    named = said(new.forest, [example.header for example in corrected()]).argmax(1)
    assert {sequences[k] for k in named.tolist()} == {"SWI"}
    rng = np.random.default_rng(4)
    others: list[object] = [draw_part(rng, sequence="DWI").header for _ in range(40)]
    assert torch.allclose(said(new.forest, others), said(old.forest, others), atol=1e-3)


def unchecked(folder: Path) -> torch.nn.Module:
    """The model of a folder whose description is that of another bundle."""
    import json

    from SeriesClassifierLib.bundles.bundle import write_bundle

    description = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    for name in ("sha256", "library_version"):
        description.pop(name)
    (folder / "card.md").write_text("not a medical device", encoding="utf-8")
    write_bundle(folder, description)
    return load_model(BRAIN, folder)


def test_every_recipe_of_the_command_line_is_there() -> None:
    parser = build_parser()
    (commands,) = (action for action in parser._actions if action.dest == "==SUPPRESS==" or action.choices)
    (recipe,) = (a for a in commands.choices["train"]._actions if a.dest == "recipe")  # type: ignore[index]
    assert set(recipe.choices) == set(RECIPES)
