"""Every model of picture and header: one suite of invariants for all of them, then what is each one's own."""

from __future__ import annotations

import pytest

torch = pytest.importorskip(
    "torch", reason="the networks need torch (extra train), which is not installed here"
)
pytest.importorskip("safetensors")

from support.model_inputs import BINARY, FACETS, MODELS, inputs, livened, picture_3d  # noqa: E402

from SeriesClassifierLib.models.encoders import build_encoder  # noqa: E402
from SeriesClassifierLib.models.modalities import PictureHeaderModel, encode_slices  # noqa: E402
from SeriesClassifierLib.models.series_model import LiverModel  # noqa: E402

CLASSES = sum(FACETS.values())
NAN = float("nan")
LOOKS_AT_HEADER = [name for name in MODELS if not name.startswith("picture")]


@pytest.fixture(scope="module")
def models() -> dict[str, PictureHeaderModel]:
    torch.manual_seed(0)
    return {name: livened(build()) for name, build in MODELS.items()}


@pytest.fixture(params=list(MODELS))
def model(request: pytest.FixtureRequest, models: dict[str, PictureHeaderModel]) -> PictureHeaderModel:
    return models[request.param]


def _three(model: PictureHeaderModel, given: dict[str, torch.Tensor]) -> torch.Tensor:
    """(3, B, classes)."""
    with torch.inference_mode():
        return torch.stack(model.three_outputs(**given))


def test_three_outputs_are_what_each_modality_alone_gives(model: PictureHeaderModel) -> None:
    given = inputs(3, 2)
    yes, no = torch.ones(3, dtype=torch.bool), torch.zeros(3, dtype=torch.bool)
    with torch.inference_mode():
        expected = torch.stack(
            [
                model(**given, has_picture=no, has_header=yes),
                model(**given, has_picture=yes, has_header=no),
                model(**given),
            ]
        )
    assert expected.shape == (3, 3, CLASSES)
    assert torch.allclose(_three(model, given), expected, atol=1e-5)


def test_padding_slots_have_no_influence(model: PictureHeaderModel) -> None:
    given = inputs(2, 3)
    wide = dict(given)
    wide["slices"] = torch.full((2, 5, *given["slices"].shape[2:]), NAN)
    wide["slices"][:, [0, 2, 3]] = given["slices"]
    wide["slice_mask"] = torch.tensor([[True, False, True, True, False]] * 2)
    assert torch.allclose(_three(model, wide), _three(model, given), atol=1e-5)


def test_a_missing_modality_has_no_influence(model: PictureHeaderModel) -> None:
    given, other = inputs(2, 3), inputs(2, 3, seed=9)
    header, picture, _ = _three(model, given)
    assert torch.equal(_three(model, {**given, "slices": other["slices"]})[0], header)
    assert torch.equal(_three(model, {**given, "values": other["values"]})[1], picture)
    no = torch.zeros(2, dtype=torch.bool)
    with torch.inference_mode():
        blind = model(**{**given, "slices": torch.full_like(given["slices"], NAN)}, has_picture=no)
        deaf = model(**{**given, "values": torch.full_like(given["values"], NAN)}, has_header=no)
    assert torch.allclose(blind, header, atol=1e-5)
    assert torch.allclose(deaf, picture, atol=1e-5)


def test_with_one_modality_gone_both_is_the_other_one(model: PictureHeaderModel) -> None:
    given = inputs(3, 2)
    given["slice_mask"][0] = False
    given["slices"][0] = NAN
    given["observed"][1] = 0
    given["values"][1] = NAN
    given["slice_mask"][2] = False
    given["observed"][2] = 0
    header, picture, joint = _three(model, given)
    assert torch.isfinite(torch.stack([header, picture, joint])).all()
    assert torch.allclose(joint[0], header[0], atol=1e-6)
    assert torch.allclose(joint[1], picture[1], atol=1e-6)
    assert torch.allclose(header[2], picture[2], atol=1e-6)


def test_permuting_a_batch_permutes_the_outputs(model: PictureHeaderModel) -> None:
    given, order = inputs(4, 2), [3, 1, 0, 2]
    permuted = {name: tensor[order] for name, tensor in given.items()}
    assert torch.allclose(_three(model, permuted), _three(model, given)[:, order], atol=1e-5)


@pytest.mark.parametrize("slots", [1, 300])
def test_one_and_many_slices_work(model: PictureHeaderModel, slots: int) -> None:
    assert torch.isfinite(_three(model, inputs(1, slots))).all()


@pytest.mark.parametrize("name", LOOKS_AT_HEADER)
def test_values_of_absent_features_have_no_influence(
    name: str, models: dict[str, PictureHeaderModel]
) -> None:
    given = inputs(2, 2)
    given["observed"][:, ::2] = 0
    expected = _three(models[name], given)
    given["values"][:, ::2] = NAN
    assert torch.equal(_three(models[name], given), expected)
    given["observed"][:, 1] = 0
    assert not torch.allclose(_three(models[name], given)[0], expected[0], atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_gradient_reaches_every_parameter_that_is_trained(name: str) -> None:
    torch.manual_seed(0)
    model = MODELS[name]().train()
    given = inputs(4, 3)
    if name in ("liver", "concat-zero", "concat-learned"):
        # Slice by slice: attention to headers that are all the same has nothing to learn.
        given["values"] = torch.randn((4, 3, len(BINARY)))
        given["observed"] = (torch.rand((4, 3, len(BINARY))) > 0.4).float()
        given["observed"][:, 0] = 0
    given["observed"][..., :1] = 0
    has_picture = torch.tensor([True, False, True, True])
    has_header = torch.tensor([True, True, False, True])
    logits = model(**given, has_picture=has_picture, has_header=has_header)
    (logits * torch.randn(logits.shape)).sum().backward()
    unused = [
        key
        for key, parameter in model.named_parameters()
        if parameter.requires_grad and (parameter.grad is None or parameter.grad.abs().max() == 0)
    ]
    assert unused == []


def test_absent_slices_are_not_encoded_and_leave_batch_norms_alone() -> None:
    torch.manual_seed(0)
    encoder = build_encoder("small-cnn", random=True)
    seen = []
    encoder.register_forward_hook(lambda _, given, __: seen.append(len(given[0])))
    given = inputs(2, 3)
    given["slice_mask"][0, 1:] = False
    features = encode_slices(encoder, given["slices"], given["slice_mask"])
    assert seen == [4]
    assert torch.equal(features[0, 1:], torch.zeros_like(features[0, 1:]))


def test_liver_takes_one_header_or_one_a_slice(models: dict[str, PictureHeaderModel]) -> None:
    given = inputs(2, 3)
    each = {
        **given,
        "values": given["values"].unsqueeze(1).expand(-1, 3, -1),
        "observed": given["observed"].unsqueeze(1).expand(-1, 3, -1),
    }
    assert torch.allclose(_three(models["liver"], each), _three(models["liver"], given), atol=1e-5)


def test_headers_of_absent_slices_have_no_influence(models: dict[str, PictureHeaderModel]) -> None:
    given = inputs(2, 3)
    given["values"] = torch.randn((2, 3, len(BINARY)))
    given["observed"] = torch.ones_like(given["values"])
    given["slice_mask"][:, 2] = False
    expected = _three(models["liver"], given)
    given["values"][:, 2] = NAN
    assert torch.allclose(_three(models["liver"], given), expected, atol=1e-6)
    given["observed"][:, :2] = 0
    _, picture, joint = _three(models["liver"], given)
    assert torch.allclose(joint, picture, atol=1e-6)


def test_the_order_of_header_features_is_only_a_name() -> None:
    torch.manual_seed(0)
    order = torch.tensor([4, 2, 0, 5, 1, 3])
    given = inputs(3, 2)
    model = livened(MODELS["liver"]())
    other = LiverModel(
        build_encoder("small-cnn", random=True), [BINARY[k] for k in order], FACETS, d=32
    ).eval()
    state = dict(model.state_dict())
    state["header.dictionary"] = state["header.dictionary"][order]
    other.load_state_dict(state)
    reordered = {**given, "values": given["values"][:, order], "observed": given["observed"][:, order]}
    assert torch.allclose(_three(other, reordered), _three(model, given), atol=1e-5)


def test_the_answer_from_the_header_does_not_depend_on_how_many_slices_there_are(
    models: dict[str, PictureHeaderModel],
) -> None:
    few, many = inputs(2, 1), inputs(2, 6)
    many["values"], many["observed"] = few["values"], few["observed"]
    header = [_three(models["liver"], given)[0] for given in (few, many)]
    assert torch.allclose(*header, atol=1e-5)


def test_three_dimensions() -> None:
    torch.manual_seed(0)
    model = picture_3d().eval()
    given = inputs(2, 3)
    wide = dict(given)
    wide["slices"] = torch.full((2, 5, *given["slices"].shape[2:]), NAN)
    wide["slices"][:, [0, 2, 3]] = given["slices"]
    wide["slice_mask"] = torch.tensor([[True, False, True, True, False]] * 2)
    outputs = _three(model, given)
    assert outputs.shape == (3, 2, CLASSES)
    assert torch.allclose(_three(model, wide), outputs, atol=1e-5)
    stack = model._stack(wide["slices"], wide["slice_mask"])
    assert torch.equal(stack, given["slices"][:, [0, 1, 1, 2]])
