"""What all joints and limbs are made of. Origin as in ``limbs``."""

from __future__ import annotations

from SeriesClassifierLib.simulation.anatomy.body import Chooser
from SeriesClassifierLib.simulation.anatomy.shapes import Knot, Plan, Shape, Vector, blob, tube
from SeriesClassifierLib.simulation.anatomy.trunk import add_sheets, add_specks, add_tree

# What bones, muscles and tendons drawn later may cover.
SOFT = ["under", "meat", "fat", "tendon", "joint"]


def zones(plan: Plan) -> None:
    """The places that a limb has: under the skin, muscle, and inside of the joint."""
    plan.zone("under", "fat")
    plan.zone("meat", "muscle")
    plan.zone("joint", "fat")


def start(plan: Plan, choose: Chooser, shape: Shape) -> None:
    """A limb of ``shape``: its zones, skin, and the fat under it."""
    zones(plan)
    plan.add(shape, "skin", (-choose.vary(1.2, 2.2), "under"))
    add_sheets(plan, choose, 24, 0.25, "stroma", ["under"], stretch=(1, 0.7, 2))


def muscle(plan: Plan, *knots: Knot, squash: Vector = (1, 1, 1)) -> None:
    """A muscle along ``knots`` (x, y, z, radius) in its sheath."""
    plan.add(
        tube(knots, squash=squash, rough=(0.7, 0.6)),
        (0.7, "fat"),
        (0.0, "tendon"),
        (-0.4, "meat"),
        only=SOFT,
    )


def bone(plan: Plan, shape: Shape, shell: float, marrow: str = "marrow_yellow") -> None:
    """A bone whose wall is ``shell`` mm thick."""
    plan.add(shape, "cortical_bone", (-shell, marrow))


def effusion(plan: Plan, choose: Chooser, shape: Shape) -> None:
    """Fluid in a joint, in most."""
    if choose.chance(0.6):
        plan.add(shape, "fluid", only=["under", "joint", "fat"])


def finish(plan: Plan, choose: Chooser, marrow: str) -> None:
    """What runs through the finished limb: fat in muscles, structure of the marrow, small veins."""
    add_sheets(plan, choose, 15, 0.3 * choose.vary(0.1, 1.1), "fat", ["meat"], stretch=(1, 1, 4))
    add_specks(
        plan,
        choose,
        9,
        choose.vary(1.2, 2.2),
        "marrow_red" if marrow == "marrow_yellow" else "marrow_yellow",
        [marrow],
    )
    if choose.chance(0.25):  # bruised or inflamed marrow
        r = choose.vary(5, 14)
        plan.add(
            blob(choose.near((0, 0, 10), 25), (r, r, r), rough=(2, 1.5)), "white_matter_lesion", only=[marrow]
        )
    for _ in range(6):
        add_tree(
            plan,
            choose,
            choose.near((0, 0, 0), 60),
            (choose.vary(-1, 1), choose.vary(-1, 1), choose.vary(-1, 1)),
            30,
            1.3,
            "blood_vein",
            ["under", "fat"],
            depth=3,
        )
