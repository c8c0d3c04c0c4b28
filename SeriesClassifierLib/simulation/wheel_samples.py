"""Real MR DICOM that ships inside installed Python packages: samples for the demo, with no download.

pydicom, pydicom-data, nibabel and heudiconv carry some for their own tests.
"""

from __future__ import annotations

import gzip
import logging
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

logger = logging.getLogger(__name__)


class _Samples(NamedTuple):
    """Where a package keeps MR files: its import name, the folder inside it, and patterns of the files there.
    """

    package: str
    module: str
    folder: str
    patterns: tuple[str, ...]


# Named one by one: beside them lie CT, US and deliberately broken files. Of the many encodings of one image
# (uncompressed, RLE, JPEG ...) one is taken, because they share their SOP Instance UID.
_SAMPLES = (
    _Samples(
        "pydicom",
        "pydicom",
        "data/test_files",
        ("MR_small.dcm", "examples_overlay.dcm", "dicomdirtests/*/MR*/*"),
    ),
    _Samples("pydicom-data", "data_store", "data", ("MR2_UNCR.dcm", "emri_small.dcm", "MR-SIEMENS-*.dcm")),
    _Samples(
        "nibabel",
        "nibabel",
        "nicom/tests/data",
        (
            "siemens_dwi_*.dcm.gz",
            "philips_mprage.dcm.gz",
            "csa_slice_norm.dcm",
            "slicethickness_empty_string.dcm",
        ),
    ),
    _Samples(
        "heudiconv",
        "heudiconv",
        "tests/data",
        (
            "01-anat-scout/*.dcm",
            "01-fmap_acq-3mm/*.dcm",
            "b0dwiForFmap/*.dcm",
            "Phoenix/01+AA/*.dcm",
            "*.dcm",
        ),
    ),
)


def copy_wheel_samples(target: Path) -> list[Path]:
    """Copy the samples of all installed packages into ``target/<package>``, unpacked; the copies in a fixed
    order.

    A package that is not installed, or no longer carries its samples, is named in the log.
    """
    copies = []
    for samples in _SAMPLES:
        found = list(_files(samples))
        if not found:
            logger.warning(
                "no sample DICOM from the package %s: install it to have its series too", samples.package
            )
        for source, name in found:
            copy = target / samples.package / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            content = source.read_bytes()
            copy.write_bytes(gzip.decompress(content) if source.suffix == ".gz" else content)
            copies.append(copy)
    return copies


def _files(samples: _Samples) -> Iterator[tuple[Path, str]]:
    """The files of a package and the names of their copies."""
    spec = find_spec(samples.module)
    for location in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(location) / samples.folder
        for path in sorted({path for pattern in samples.patterns for path in folder.glob(pattern)}):
            if path.is_file():
                yield path, path.relative_to(folder).as_posix().removesuffix(".gz")
