"""``series-classifier bundles``."""

from __future__ import annotations

import argparse

from SeriesClassifierLib.bundles.bundle import CARD, find_bundle, open_bundle, shipped
from SeriesClassifierLib.headers.features import describe


def bundles_list(options: argparse.Namespace) -> int:
    """One line a bundle."""
    for folder in shipped():
        bundle = open_bundle(folder, verify=False)
        heads = ", ".join(f"{facet} ({len(names)})" for facet, names in bundle.facets.items())
        print(
            f"{bundle.name}  {bundle.version}  task {bundle.description['task']}  {heads}  digest "
            f"{bundle.digest}"
        )
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
