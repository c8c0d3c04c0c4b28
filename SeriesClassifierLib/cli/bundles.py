"""``series-classifier bundles``."""

from __future__ import annotations

import argparse

from SeriesClassifierLib.bundles.adopted import adopt, adopted, find_bundle, rollback
from SeriesClassifierLib.bundles.bundle import CARD, open_bundle, shipped
from SeriesClassifierLib.headers.features import describe


def bundles_list(options: argparse.Namespace) -> int:
    """One line a bundle, those in use first of their name."""
    in_use = adopted()
    for folder in sorted([*in_use.values(), *shipped()], key=lambda folder: open_bundle(folder).name):
        bundle = open_bundle(folder, verify=False)
        place = "adopted" if folder in in_use.values() else "shipped"
        heads = ", ".join(f"{facet} ({len(names)})" for facet, names in bundle.facets.items())
        print(
            f"{bundle.name}  {bundle.version}  {place}  task {bundle.description['task']}  {heads}  digest "
            f"{bundle.digest}"
        )
    return 0


def bundles_adopt(options: argparse.Namespace) -> int:
    """Use a bundle wherever its name is asked for, from now on."""
    bundle = adopt(find_bundle(options.bundle))
    print(f"{bundle.name} {bundle.version} is in use from now on")
    print(f"the way back: series-classifier bundles rollback {bundle.name}")
    return 0


def bundles_rollback(options: argparse.Namespace) -> int:
    """Use the bundle again that was in use before."""
    bundle = rollback(options.name)
    print(f"{bundle.name} {bundle.version} is in use again")
    return 0


def bundles_info(options: argparse.Namespace) -> int:
    """The model card."""
    bundle = open_bundle(find_bundle(options.bundle))
    print((bundle.folder / CARD).read_text(encoding="utf-8"))
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
