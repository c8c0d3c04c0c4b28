"""``series-classifier bundles``."""

from __future__ import annotations

import argparse

from SeriesClassifierLib.bundles.adopted import Installed, adopt, find_bundle, installed, rollback
from SeriesClassifierLib.bundles.bundle import CARD, open_bundle
from SeriesClassifierLib.errors import BundleError
from SeriesClassifierLib.headers.features import describe


def bundles_list(options: argparse.Namespace) -> int:
    """One line a bundle, those in use first of their name; of one that cannot be used, why."""
    for one in installed():
        print(_line(one))
    return 0


def _line(one: Installed) -> str:
    place = "adopted" if one.adopted else "shipped"
    bundle = one.bundle
    if bundle is None:
        return f"{one.name}  {place}  UNUSABLE  {one.problem}{_advice(one)}"
    heads = ", ".join(f"{facet} ({len(names)})" for facet, names in bundle.facets.items())
    return (
        f"{bundle.name}  {bundle.version}  {place}  task {bundle.description['task']}  {heads}  digest "
        f"{bundle.digest}"
    )


def _advice(one: Installed) -> str:
    return f"; the way back: series-classifier bundles rollback {one.name}" if one.can_roll_back else ""


def bundles_adopt(options: argparse.Namespace) -> int:
    """Use a bundle wherever its name is asked for, from now on."""
    bundle = adopt(find_bundle(options.bundle))
    print(f"{bundle.name} {bundle.version} is in use from now on")
    print(f"the way back: series-classifier bundles rollback {bundle.name}")
    return 0


def bundles_rollback(options: argparse.Namespace) -> int:
    """Use the bundle again that was in use before, or the newest before it that can be used."""
    result = rollback(options.name)
    for reason in result.passed_over:
        print(f"passed over: {reason}")
    if result.bundle is None:
        print(f"no bundle {result.name} is in use any more")
    else:
        print(f"{result.bundle.name} {result.bundle.version} is in use again")
    return 0


def bundles_info(options: argparse.Namespace) -> int:
    """The model card."""
    bundle = open_bundle(find_bundle(options.bundle))
    try:
        print((bundle.folder / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BundleError(f"bundle {bundle.name} has no {CARD} that can be read: reinstall it") from error
    return 0


def header_features(options: argparse.Namespace) -> int:
    """The table of features that header models see."""
    print(describe())
    return 0


def bundles_verify(options: argparse.Namespace) -> int:
    """Every checksum; a BundleError says which file is wrong."""
    bundle = open_bundle(find_bundle(options.bundle))
    print(f"{bundle.name} {bundle.version}: every file is the one it was made with")
    return 0
