"""The simulated bodies: whole, sound, the same however they are asked, and apart from the held-out ones."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.simulation.anatomy import HELD_OUT, REGIONS, Body, draw_body
from SeriesClassifierLib.simulation.anatomy.body import Chooser
from SeriesClassifierLib.simulation.anatomy.painting import finish
from SeriesClassifierLib.simulation.anatomy.shapes import (
    Plan,
    blob,
    draw_bending,
    draw_noise,
    draw_ripple,
    draw_surface_noise,
    tube,
)
from SeriesClassifierLib.simulation.tissues import NAMES

COMMON = {"fat", "skin", "muscle", "cortical_bone", "blood_artery", "blood_vein"}
NEEDED = {
    "prostate": {
        "prostate_transition", "prostate_peripheral", "seminal_vesicle", "fluid", "bowel_wall", "mucosa", "stroma",
        "tendon", "marrow_yellow",
    },
    "pelvis": {"fluid", "bowel_wall", "cartilage", "marrow_red"},
    "abdomen": {
        "liver", "bile", "spleen", "kidney_cortex", "kidney_medulla", "pancreas", "bowel_wall", "gas", "lung",
        "myocardium", "blood_pool", "disc", "cord", "csf", "mucosa",
    },
    "brain": {"gray_matter", "white_matter", "csf", "deep_gray", "vitreous", "gas", "mucosa"},
    "head_neck": {"gray_matter", "gas", "mucosa", "glandular", "cord", "disc"},
    "spine": {"disc", "cord", "csf"},
    "chest": {"lung", "blood_pool", "myocardium", "liver", "gas", "cord"},
    "breast": {"glandular", "lung", "blood_pool"},
    "extremity": {"tendon"},
    "cardiac": {"myocardium", "blood_pool", "lung"},
}  # fmt: skip


def points_of(
    body: Body, plane: str, count: int = 40, *, stretch: float = 1.0, offset: float = 0.0
) -> NDArray[np.float32]:
    """A square plane (count, count, 3) through the body's center."""
    across, along, through = {"AX": (0, 1, 2), "COR": (0, 2, 1), "SAG": (1, 2, 0)}[plane]
    side = max(body.size[across], body.size[along]) * stretch
    grid = (np.arange(count) - (count - 1) / 2) * side / count
    points = np.zeros((count, count, 3), np.float32)
    points[..., across], points[..., along], points[..., through] = grid, grid[:, None], offset
    return points + np.array(body.center, np.float32)


def volume_of(body: Body) -> NDArray[np.uint8]:
    """Labels every 5 mm all over what protocols cover."""
    axes = [np.arange(-s / 2, s / 2, 5.0) + c for s, c in zip(body.size, body.center, strict=True)]
    return body.labels(np.stack(np.meshgrid(*axes, indexing="ij"), -1).astype(np.float32))


@pytest.fixture(scope="module", params=REGIONS)
def body(request: pytest.FixtureRequest) -> Body:
    return draw_body(np.random.default_rng(3), request.param)


def test_a_region_that_is_none_says_which_there_are() -> None:
    with pytest.raises(UsageError, match="prostate"):
        draw_body(np.random.default_rng(0), "elsewhere")


def test_labels_are_tissues(body: Body) -> None:
    labels = body.labels(points_of(body, "AX"))
    assert labels.shape == (40, 40)
    assert labels.dtype == np.uint8
    assert labels.max() < len(NAMES)
    assert len(np.unique(labels)) >= 5


@pytest.mark.parametrize("plane", ["AX", "COR", "SAG"])
def test_every_plane_shows_a_body(body: Body, plane: str) -> None:
    labels = body.labels(points_of(body, plane, stretch=0.5))
    assert (labels != NAMES.index("air")).mean() > 0.3


def test_air_outside(body: Body) -> None:
    far = np.array(body.center, np.float32) + np.array(
        [[600, 0, 0], [-600, 0, 0], [0, 600, 0], [0, -600, 0]], np.float32
    )
    assert (body.labels(far) == NAMES.index("air")).all()


def test_what_matters_is_there() -> None:
    for region in REGIONS:
        found: set[str] = set()
        for seed in range(2):
            found |= {NAMES[i] for i in np.unique(volume_of(draw_body(np.random.default_rng(seed), region)))}
        assert found >= NEEDED[region] | COMMON, (region, (NEEDED[region] | COMMON) - found)


def test_the_prostate_lies_in_the_middle() -> None:
    whole = {NAMES.index(n) for n in NAMES if n.startswith("prostate")} | {
        NAMES.index(n) for n in ("stroma", "tendon", "seminal_vesicle", "mucosa", "fluid")
    }
    for seed in range(6):
        drawn = draw_body(np.random.default_rng(seed), "prostate")
        middle = np.array(drawn.center, np.float32) + np.random.default_rng(0).normal(0, 3, (200, 3)).astype(
            np.float32
        )
        assert np.isin(drawn.labels(middle), list(whole)).mean() > 0.8


def test_both_sexes_have_their_organs() -> None:
    seen: dict[str, set[str]] = {}
    for seed in range(30):
        drawn = draw_body(np.random.default_rng(seed), "pelvis")
        if drawn.sex not in seen:
            seen[drawn.sex] = {NAMES[i] for i in np.unique(volume_of(drawn))}
    assert "uterus" in seen["F"]
    assert "prostate_peripheral" not in seen["F"]
    assert "prostate_peripheral" in seen["M"]
    assert "uterus" not in seen["M"]


def test_the_same_seed_is_the_same_person(body: Body) -> None:
    again = draw_body(np.random.default_rng(3), body.region)
    points = points_of(body, "COR")
    assert (again.labels(points) == body.labels(points)).all()
    assert (again.texture(points) == body.texture(points)).all()
    assert (again.center, again.size, again.anatomy) == (body.center, body.size, body.anatomy)


def test_another_seed_is_another_person(body: Body) -> None:
    other = draw_body(np.random.default_rng(4), body.region)
    assert other.center != body.center
    points = points_of(body, "AX")
    assert (other.labels(points) != body.labels(points)).any()


def test_neither_order_nor_shape_of_the_points_matters(body: Body) -> None:
    points = points_of(body, "SAG", 37)
    labels = body.labels(points)
    flat = points.reshape(-1, 3)
    order = np.random.default_rng(1).permutation(len(flat))
    shuffled = np.empty(len(flat), np.uint8)
    shuffled[order] = body.labels(flat[order])
    # A point exactly on a border may round to either side.
    assert (shuffled.reshape(37, 37) != labels).mean() < 0.002
    stack = body.labels(np.stack([points, points]))
    assert stack.shape == (2, 37, 37)
    assert (stack != labels).mean() < 0.002
    assert body.labels(points[5, 7]).shape == ()
    assert body.labels(np.zeros((0, 3), np.float32)).shape == (0,)


def test_points_stay_as_they_are(body: Body) -> None:
    points = points_of(body, "AX")
    before = points.copy()
    body.labels(points)
    body.texture(points)
    assert (points == before).all()


def test_the_texture_is_smooth_noise(body: Body) -> None:
    points = points_of(body, "AX", 120)
    texture = body.texture(points)
    assert texture.dtype == np.float32
    assert texture.shape == (120, 120)
    assert abs(float(texture.mean())) < 0.5
    assert 0.6 < float(texture.std()) < 1.4
    near = body.texture(points + np.float32(0.2))
    assert float(np.abs(near - texture).mean()) < 0.4


def test_held_out_bodies_lie_in_their_own_band() -> None:
    low, high = HELD_OUT
    for region in REGIONS:
        for seed in range(3):
            kept = draw_body(np.random.default_rng(seed), region, held_out=True)
            used = draw_body(np.random.default_rng(seed), region)
            assert low <= kept.band <= high
            assert not low - 0.01 <= used.band <= high + 0.01


def test_every_size_keeps_to_its_band() -> None:
    used = Chooser(np.random.default_rng(0))
    kept = Chooser(np.random.default_rng(0), held_out=True)
    sizes = np.array([used.size(10, 20) for _ in range(500)])
    band = np.array([kept.size(10, 20) for _ in range(500)])
    assert band.min() >= 14.4
    assert band.max() <= 15.6
    assert not ((sizes > 14.3) & (sizes < 15.7)).any()
    assert sizes.min() < 11
    assert sizes.max() > 19


def test_bodies_differ_in_build() -> None:
    shares = []
    for seed in range(12):
        drawn = draw_body(np.random.default_rng(seed), "abdomen")
        labels = drawn.labels(points_of(drawn, "AX", 64))
        shares.append((labels == NAMES.index("fat")).sum() / (labels != 0).sum())
    assert max(shares) > 1.5 * min(shares)


def test_a_blob_holds_its_center_and_not_what_is_beyond_its_axes() -> None:
    for power in (2, 3):
        shape = blob(
            (10, 20, 30), (4, 8, 16), (20, -30, 40), power=power, tapers=[(0, 2, 0.2)], bends=[(0, 1, 0.2)]
        )
        assert (shape.low < [10, 20, 30]).all()
        assert (shape.high > [10, 20, 30]).all()
        assert (shape.high - shape.low < 80).all()


def painted(plan: Plan, points: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The plan's labels with hardly any bending."""
    rng = np.random.default_rng(0)
    still = draw_bending(rng, [(1000.0, 1e-6)])
    turn, shift = np.eye(3, dtype=np.float32), np.zeros((3, 1), np.float32)
    return finish(plan, still, draw_surface_noise(rng), turn, shift).labels(points)


def test_a_tube_passes_through_its_knots() -> None:
    knots = [(0.0, 0.0, 0.0, 3.0), (10.0, 5.0, 0.0, 2.0), (20.0, 0.0, 8.0, 1.0)]
    plan = Plan()
    plan.add(blob((500, 0, 0), (1, 1, 1)), "fat")
    plan.add(tube(knots), "stroma", (-0.4, "bile"))
    points = np.array([k[:3] for k in knots], np.float32)
    assert (painted(plan, points) == NAMES.index("bile")).all()
    assert painted(plan, points[:1] + np.array([0, 0, 2.8], np.float32)) == NAMES.index("stroma")
    assert (painted(plan, points + np.array([0, 0, 4], np.float32)) == NAMES.index("air")).all()


def test_what_is_painted_last_is_seen_and_only_where_it_may() -> None:
    plan = Plan()
    plan.add(blob((0, 0, 0), (20, 20, 20)), "fat")
    plan.add(blob((0, 0, 0), (10, 10, 10), power=3), "liver")
    plan.add(blob((0, 0, 0), (40, 2, 40)), "bile", only=["liver"])
    plan.add(tube([(300, 0, 0, 1)]), "bile")
    seen = painted(plan, np.array([[0, 0, 0], [0, 5, 0], [15, 0, 0], [30, 0, 0]], np.float32))
    assert [NAMES[i] for i in seen] == ["bile", "liver", "fat", "air"]


def test_zones_end_as_their_tissue() -> None:
    plan = Plan()
    plan.zone("place", "fat")
    assert plan.lookup[plan.label("place")] == NAMES.index("fat")
    assert plan.label("liver") == NAMES.index("liver")
    assert plan.mask(["place", "liver"]).sum() == 2


def test_noises_have_unit_variance() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(-300, 300, (3, 20000)).astype(np.float32)
    pair = draw_surface_noise(rng).at(points)
    for values in (draw_noise(rng, 12).at(points), draw_ripple(rng, 12).at(points), *pair):
        assert abs(float(values.mean())) < 0.1
        assert 0.85 < float(values.std()) < 1.15
