"""Attention across slices and between picture and header: masks, order, sizes."""

from __future__ import annotations

import pytest

torch = pytest.importorskip(
    "torch", reason="the networks need torch (extra train), which is not installed here"
)

from SeriesClassifierLib.models.cross_attention import (  # noqa: E402
    AttentionPooling,
    BidirectionalCrossAttention,
    CrossSliceAttention,
    MultiHeadAttention,
)

D = 16


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def _tokens(slots: int, series: int = 2) -> torch.Tensor:
    return torch.randn((series, slots, D), generator=torch.Generator().manual_seed(slots))


def _spread(tokens: torch.Tensor, places: list[int], slots: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The tokens at ``places`` of ``slots`` slots, with other content between them."""
    wide = torch.full((len(tokens), slots, D), 7.0)
    wide[:, places] = tokens
    exists = torch.zeros((len(tokens), slots), dtype=torch.bool)
    exists[:, places] = True
    return wide, exists


def _all(tokens: torch.Tensor) -> torch.Tensor:
    return torch.ones(tokens.shape[:2], dtype=torch.bool)


@pytest.mark.parametrize("places", [[0, 1, 2], [1, 3, 4], [4, 5, 6]])
def test_empty_slots_have_no_influence_wherever_they_are(places: list[int]) -> None:
    across, both = CrossSliceAttention(D).eval(), BidirectionalCrossAttention(D, D).eval()
    pooling = AttentionPooling(D).eval()
    v, m = _tokens(3), _tokens(3).flip(0)
    wide_v, exists = _spread(v, places, 7)
    wide_m, _ = _spread(m, places, 7)
    with torch.inference_mode():
        expected = across(v, _all(v))
        assert torch.allclose(across(wide_v, exists)[:, places], expected, atol=1e-5)
        expected = both(v, m, _all(v))
        assert torch.allclose(both(wide_v, wide_m, exists)[:, places], expected, atol=1e-5)
        assert torch.allclose(pooling(wide_v, exists), pooling(v, _all(v)), atol=1e-6)


@pytest.mark.parametrize("slots", [1, 2, 300, 5000])
def test_any_number_of_slices_gives_finite_tokens(slots: int) -> None:
    tokens = _tokens(slots, 1)
    with torch.inference_mode():
        out = CrossSliceAttention(D, heads=2).eval()(tokens, _all(tokens))
        pooled = AttentionPooling(D)(out, _all(tokens))
    assert out.shape == tokens.shape
    assert torch.isfinite(pooled).all()


def test_the_order_of_slices_matters_across_and_not_in_pooling() -> None:
    across, pooling, tokens = CrossSliceAttention(D).eval(), AttentionPooling(D), _tokens(4)
    with torch.inference_mode():
        turned = across(tokens.flip(1), _all(tokens)).flip(1)
        assert not torch.allclose(turned, across(tokens, _all(tokens)), atol=1e-3)
        assert torch.allclose(pooling(tokens.flip(1), _all(tokens)), pooling(tokens, _all(tokens)), atol=1e-6)


def test_a_position_means_the_same_in_short_and_long_series() -> None:
    across = CrossSliceAttention(D)
    short = across._waves(torch.ones((1, 5), dtype=torch.bool))
    long = across._waves(torch.ones((1, 15), dtype=torch.bool))
    # The middle of each third of the long one is where the short one's slices are.
    assert torch.allclose(long[:, 1::3], short, atol=1e-3)


def test_attention_is_the_formula() -> None:
    attention, tokens = MultiHeadAttention(D, heads=1).eval(), _tokens(5)
    with torch.inference_mode():
        q, k, v = attention.query(tokens), attention.key(tokens), attention.value(tokens)
        expected = attention.out((q @ k.transpose(1, 2) / D**0.5).softmax(dim=-1) @ v)
        assert torch.allclose(attention(tokens, tokens, _all(tokens)), expected, atol=1e-5)


def test_both_directions_start_from_what_came_in() -> None:
    both, v, m = BidirectionalCrossAttention(D, 6).eval(), _tokens(3), _tokens(3).flip(0)
    exists = _all(v)
    with torch.inference_mode():
        first = both.picture_feed(both.picture_norm(v + both.picture_attends(v, m, exists)))
        second = both.header_feed(both.header_norm(m + both.header_attends(m, v, exists)))
        expected = both.join(torch.cat([first, second], dim=-1))
        assert torch.allclose(both(v, m, exists), expected, atol=1e-6)


def test_pooling_weights_add_up_to_one() -> None:
    tokens = torch.ones((2, 4, D))
    assert torch.allclose(AttentionPooling(D)(tokens, _all(tokens)), torch.ones((2, D)), atol=1e-6)


def test_gradient_reaches_every_parameter() -> None:
    across, both, pooling = CrossSliceAttention(D), BidirectionalCrossAttention(D, D), AttentionPooling(D)
    v, m = _tokens(4), _tokens(5)[:, :4]
    exists = _all(v)
    out = pooling(both(across(v, exists), m, exists), exists)
    (out * torch.randn(out.shape)).sum().backward()
    for module in (across, both, pooling):
        for name, parameter in module.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 0, name


def test_width_and_heads_must_fit() -> None:
    with pytest.raises(ValueError, match="multiple of heads"):
        MultiHeadAttention(10, heads=4)
