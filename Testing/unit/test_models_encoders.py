"""The registry of picture encoders: every one has one interface, and none touches the network."""

from __future__ import annotations

import copy
import functools
import hashlib
import importlib.util
import socket
from pathlib import Path

import pytest

torch = pytest.importorskip(
    "torch", reason="the networks need torch (extra train), which is not installed here"
)

from SeriesClassifierLib.errors import UsageError, WeightsError  # noqa: E402
from SeriesClassifierLib.models import encoder_weights, encoders  # noqa: E402
from SeriesClassifierLib.models.encoders import (  # noqa: E402
    ENCODERS,
    build_encoder,
    fix_side,
    freeze,
    unfreeze,
)
from SeriesClassifierLib.models.vit import TransformerEncoder  # noqa: E402

# What an encoder is made of, where it is not of our own.
NEEDS = {
    "densenet121": "monai",
    "resnet18-3d": "monai",
    "efficientnet-lite0": "efficientnet_lite_pytorch",
    "small-cnn": "torch",
}
TRANSFORMERS = [name for name in ENCODERS if name not in NEEDS]
# One block stands for the many: the same code runs each.
SHALLOW = dict.fromkeys(TRANSFORMERS, 1)
LARGE = {"dinov2-b14", "dinov2-l14", "vit-b16", "vit-l16", "biomedclip-vit-b16"}


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def _build(name: str, **options: object) -> encoders.PictureEncoder:
    pytest.importorskip(NEEDS.get(name, "transformers"))
    torch.manual_seed(0)
    options = {"random": True, "blocks": SHALLOW.get(name), **options}
    return build_encoder(name, **options)  # type: ignore[arg-type]


@functools.cache
def _built(name: str) -> encoders.PictureEncoder:
    """For tests that leave it as it is."""
    return _build(name)


def _pictures(name: str, number: int = 2, multiples: int = 2) -> torch.Tensor:
    side = ENCODERS[name].multiple * multiples
    shape = (number, 1, 3, side, side) if name.endswith("3d") else (number, 1, side, side)
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", ENCODERS)
def test_every_encoder_gives_finite_features_of_its_width_at_legal_sides(name: str) -> None:
    encoder = _built(name)
    for multiples in (2, 3):
        with torch.inference_mode():
            features = encoder(_pictures(name, multiples=multiples))
        assert features.shape == (2, ENCODERS[name].width)
        assert torch.isfinite(features).all()


@pytest.mark.parametrize("name", ENCODERS)
def test_a_batch_equals_one_by_one_and_may_be_permuted(name: str) -> None:
    encoder, pictures = _built(name), _pictures(name, 3)
    order = [2, 0, 1]
    with torch.inference_mode():
        together = encoder(pictures)
        assert torch.allclose(encoder(pictures[order]), together[order], atol=1e-4)
        assert torch.allclose(encoder(pictures[:1]), together[:1], atol=1e-4)


@pytest.mark.parametrize("name", ENCODERS)
def test_gradient_reaches_every_parameter(name: str) -> None:
    encoder = copy.deepcopy(_built(name)).train()
    encoder(_pictures(name)).square().sum().backward()
    unused = [key for key, parameter in encoder.named_parameters() if parameter.grad is None]
    assert unused == []


@pytest.mark.parametrize("name", ENCODERS)
def test_an_illegal_side_is_refused_in_words(name: str) -> None:
    encoder = _built(name)
    side = ENCODERS[name].multiple * 2 + 1
    with pytest.raises(UsageError, match="multiple of"):
        encoder(torch.rand((1, 1, 2, side, side) if name.endswith("3d") else (1, 1, side, side)))
    with pytest.raises(UsageError, match="multiple of"):
        fix_side(encoder, side)


@pytest.mark.parametrize("name", sorted(LARGE))
def test_the_large_ones_have_their_published_size(name: str) -> None:
    pytest.importorskip("transformers")
    with torch.device("meta"):
        encoder = build_encoder(name, random=True)
    millions = sum(parameter.numel() for parameter in encoder.parameters()) / 1e6
    published = {"dinov2-b14": 86.6, "dinov2-l14": 304.4, "vit-b16": 85.8, "vit-l16": 303.3}
    assert millions == pytest.approx(published.get(name, 85.8), abs=0.2)


def test_the_small_cnn_is_small() -> None:
    encoder = _build("small-cnn")
    assert 0.6e6 < sum(parameter.numel() for parameter in encoder.parameters()) < 0.8e6
    convolutions = [module for module in encoder.modules() if isinstance(module, torch.nn.Conv2d)]
    assert len(convolutions) == 10


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_fixed_positions_are_the_interpolated_ones(name: str) -> None:
    encoder, side = copy.deepcopy(_built(name)), ENCODERS[name].multiple * 3
    pictures = _pictures(name, multiples=3)
    with torch.inference_mode():
        before = encoder(pictures)
    fix_side(encoder, side)
    assert encoder.positions.shape[1] == 10
    with torch.inference_mode():
        assert torch.equal(encoder(pictures), before)


def test_our_ends_around_the_library_give_what_the_library_gives() -> None:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    configuration = transformers.Dinov2Config(
        hidden_size=384, num_attention_heads=6, num_hidden_layers=2, image_size=518, patch_size=14
    )
    library = transformers.Dinov2Model(configuration).eval()
    encoder = _build("dinov2-s14", blocks=2)
    encoder.load_state_dict(encoder.published(library.state_dict()))
    pictures = _pictures("dinov2-s14")
    mean, std = (v.view(1, 3, 1, 1) for v in (encoder.mean, encoder.std))
    with torch.inference_mode():
        expected = library((pictures - mean) / std).pooler_output
        assert torch.allclose(encoder(pictures), expected, atol=1e-5)


def _timm_names(encoder: TransformerEncoder) -> dict[str, torch.Tensor]:
    out = {}
    for name, tensor in encoder.state_dict().items():
        for ours, theirs in (
            ("positions", "pos_embed"),
            ("patches.", "patch_embed.proj."),
            ("attention.o_proj.", "attn.proj."),
            ("layernorm_before", "norm1"),
            ("layernorm_after", "norm2"),
        ):
            name = name.replace(ours, theirs)
        out[f"visual.trunk.{name}"] = tensor
    for name in [name for name in out if ".attention.q_proj." in name]:
        parts = [out.pop(name.replace("q_proj", f"{letter}_proj")) for letter in "qkv"]
        out[name.replace("attention.q_proj", "attn.qkv")] = torch.cat(parts)
    out["visual.head.proj.weight"] = torch.zeros(2, 2)
    return out


def test_open_clip_names_of_biomedclip_are_understood(tmp_path: Path) -> None:
    save_file = pytest.importorskip("safetensors.torch").save_file
    encoder = _build("biomedclip-vit-b16", blocks=1)
    path = tmp_path / "open_clip_model.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in _timm_names(encoder).items()}, path)
    again = _build("biomedclip-vit-b16", blocks=1, random=False, weights=path)
    for name, tensor in encoder.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name
    assert again.weights_file is not None
    assert again.weights_file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_torchvision_names_of_densenet_are_understood() -> None:
    encoder = _build("densenet121")
    published = {
        name.replace("body.", "features.", 1).replace(".layers.", "."): tensor
        for name, tensor in encoder.state_dict().items()
    }
    published["features.conv0.weight"] = published["features.conv0.weight"].repeat(1, 3, 1, 1) / 3
    again = encoder.published(published)
    assert set(again) == set(encoder.state_dict())
    for name, tensor in encoder.state_dict().items():
        assert torch.allclose(again[name], tensor), name


def test_own_weights_round_trip_through_a_file(tmp_path: Path) -> None:
    save_file = pytest.importorskip("safetensors.torch").save_file
    encoder = _build("small-cnn")
    save_file(encoder.state_dict(), tmp_path / "model.safetensors")
    again = build_encoder("small-cnn", weights=tmp_path)
    pictures = _pictures("small-cnn")
    with torch.inference_mode():
        assert torch.equal(encoder(pictures), again(pictures))


@pytest.mark.parametrize("name", ["dinov2-s14-focus", "efficientnet-lite0"])
def test_installed_packages_give_weights_of_known_digest(name: str) -> None:
    if importlib.util.find_spec(ENCODERS[name].origin.package[1]) is None:
        pytest.skip(f"the package with the weights of {name} is not installed here")
    pytest.importorskip("onnx")
    encoder = build_encoder(name)
    assert encoder.weights_file is not None
    assert encoder.weights_file.origin == "package"
    assert encoder.weights_file.sha256 in ENCODERS[name].origin.sha256.values()
    with torch.inference_mode():
        features = encoder(_pictures(name))
    assert torch.isfinite(features).all()
    # Trained features tell two pictures apart.
    assert not torch.allclose(features[0], features[1], atol=1e-3)


@pytest.mark.parametrize("name", ENCODERS)
def test_missing_weights_say_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_weights, "_in_package", lambda *_: None)
    monkeypatch.setattr(encoder_weights, "_in_cache", lambda *_: None)
    origin = ENCODERS[name].origin
    place = origin.package or origin.hub or origin.pickled or ("safetensors file",)
    with pytest.raises(WeightsError) as caught:
        encoder_weights.find_weights(name, origin, None)
    assert place[0] in str(caught.value)
    assert "random=True" in str(caught.value)


def test_an_existing_hub_cache_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = pytest.importorskip("huggingface_hub")
    save_file = pytest.importorskip("safetensors.torch").save_file
    encoder = _build("dinov2-s14")
    folder = tmp_path / "models--facebook--dinov2-small"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("abc")
    (folder / "snapshots" / "abc").mkdir(parents=True)
    save_file(encoder.state_dict(), folder / "snapshots" / "abc" / "model.safetensors")
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path))
    again = build_encoder("dinov2-s14", blocks=1)
    assert again.weights_file is not None
    assert again.weights_file.origin == "cache"
    for name, tensor in encoder.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name


def test_a_download_happens_only_when_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(encoder_weights, "_in_cache", lambda *_: None)
    monkeypatch.setattr(encoder_weights, "_download", lambda *what: asked.append(what) or Path("x"))
    origin = ENCODERS["dinov2-s14"].origin
    with pytest.raises(WeightsError):
        encoder_weights.find_weights("dinov2-s14", origin, None)
    assert asked == []
    encoder_weights.find_weights("dinov2-s14", origin, None, allow_download=True)
    assert asked == [("dinov2-s14", *origin.hub)]


def test_wrong_files_are_refused(tmp_path: Path) -> None:
    save_file = pytest.importorskip("safetensors.torch").save_file
    origin = ENCODERS["efficientnet-lite0"].origin
    for name, message in (
        ("efficientnet-lite0-57934424.pth", "sha256 differs"),
        ("other.pth", "known digest"),
        ("damaged.safetensors", "not a safetensors file"),
    ):
        (tmp_path / name).write_bytes(b"nothing of use")
        with pytest.raises(WeightsError, match=message):
            encoder_weights.read_weights("efficientnet-lite0", origin, tmp_path / name)
    save_file({"a": torch.zeros(2)}, tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match="another architecture"):
        build_encoder("small-cnn", weights=tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match="no weights file"):
        build_encoder("small-cnn", weights=tmp_path / "absent.safetensors")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "resnet-50"}, "there is no encoder"),
        ({"name": "small-cnn", "random": True, "blocks": 3}, "cannot end early"),
        ({"name": "small-cnn", "random": True, "weights": "a"}, "one of the two"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build_encoder(**options)  # type: ignore[arg-type]


def test_a_transformer_ends_after_so_many_blocks() -> None:
    pytest.importorskip("transformers")
    with torch.device("meta"):
        assert len(build_encoder("dinov2-s14-focus", random=True).blocks) == 9
        assert len(build_encoder("dinov2-s14", random=True, blocks=4).blocks) == 4
    with pytest.raises(UsageError, match="12 blocks"):
        build_encoder("dinov2-s14", random=True, blocks=13)


@pytest.mark.parametrize("name", ["small-cnn", "densenet121", "dinov2-s14-focus", "efficientnet-lite0"])
def test_freezing_stops_gradients_and_running_means_below_a_block(name: str) -> None:
    encoder = _build(name, blocks=2 if name in TRANSFORMERS else None)
    freeze(encoder, below_block=1)
    frozen = {id(p) for p in encoder.parameters() if not p.requires_grad}
    assert 0 < len(frozen) < len(list(encoder.parameters()))
    below = {id(p) for stage in encoder.stages()[:2] for part in stage for p in _parameters(part)}
    assert frozen == below
    before = {key: value.clone() for key, value in encoder.state_dict().items()}
    encoder.train()
    encoder(_pictures(name)).sum().backward()
    held = {id(b) for stage in encoder.stages()[:2] for m in stage for b in _buffers(m)}
    for key, buffer in encoder.named_buffers():
        if id(buffer) in held:
            assert torch.equal(buffer, before[key]), key
    freeze(encoder)
    assert not any(p.requires_grad for p in encoder.parameters())
    unfreeze(encoder)
    assert all(p.requires_grad for p in encoder.parameters())
    with pytest.raises(UsageError, match="blocks"):
        freeze(encoder, below_block=99)


def _parameters(part: object) -> list[torch.Tensor]:
    return list(part.parameters()) if isinstance(part, torch.nn.Module) else [part]  # type: ignore[list-item]


def _buffers(part: object) -> list[torch.Tensor]:
    return list(part.buffers()) if isinstance(part, torch.nn.Module) else []
