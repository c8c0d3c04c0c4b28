"""The module under a stand-in of Slicer: no Slicer is needed, and nothing here proves what only Slicer can."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from support.panel import MODULE, settle

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture
def slicer_standin(request, tmp_path):
    """Slicer before its start, as far as the stand-in goes. A test that leaves errors in slots fails."""
    for package in ("PySide6.QtWidgets", "slicer_core"):
        reason = f"{package} cannot be imported: the module can only be tested with it"
        pytest.importorskip(package, reason=reason, exc_type=ImportError)
    from support import standin

    folder = tmp_path / "slicer"
    folder.mkdir()
    installed = standin.install(folder, getattr(request, "param", standin.VERSIONS[-1]))
    yield installed
    errors = list(standin.slot_errors)
    standin.reset()
    assert not errors, "errors in slots, which Slicer would only print:\n" + "\n".join(errors)


@pytest.fixture
def open_database(slicer_standin, slicer_database, tmp_path) -> Path:
    """The database file that Slicer has open: a copy of the real one, without the images."""
    folder = tmp_path / "database"
    folder.mkdir()
    for file in slicer_database.glob("*.sql"):
        shutil.copyfile(file, folder / file.name)
    file = folder / "ctkDICOM.sql"
    assert slicer_standin.application.main_database.openDatabase(str(file))
    return file


@pytest.fixture
def studies(slicer_standin, tmp_path) -> Path:
    """A database file that Slicer has open: two small simulated studies, four series, one of two parts."""
    from support.simulated import write_small_series

    from SeriesClassifierLib.simulation.database_writer import write_database
    from SeriesClassifierLib.simulation.dicom_writer import uid_of

    root = tmp_path / "database-of-slicer"
    files = write_small_series(root / "dicom" / "a", study=1, series=1, images=3)
    bare = {"ScanningSequence": "RM", "EchoTime": 50.0, "RepetitionTime": 900.0}
    for number in (10, 2):
        more = {**bare, "SeriesDescription": f"series {number}"}
        files += write_small_series(root / "dicom" / f"b{number}", study=2, series=number, images=2, **more)
    for b in (50, 800):
        own = {
            "SeriesInstanceUID": uid_of("two b-values"),
            "SeriesDescription": "dwi",
            "SeriesNumber": 3.0,
            "ScanningSequence": "EP",
            "DiffusionBValue": float(b),
            "ImageType": ("ORIGINAL", "PRIMARY", "DIFFUSION", "NONE"),
        }
        files += write_small_series(root / "dicom" / f"dwi{b}", study=2, series=100 + b, images=2, **own)
    file = write_database(files, root)
    assert slicer_standin.application.main_database.openDatabase(str(file))
    return file


@pytest.fixture
def empty_database(slicer_standin, studies) -> Path:
    """A database file without a series that Slicer has open."""
    import sqlite3

    database = slicer_standin.application.main_database
    database.closeDatabase()
    connection = sqlite3.connect(studies)
    for table in ("Images", "Series", "Studies", "Patients"):
        connection.execute(f"DELETE FROM {table}")
    connection.commit()
    connection.close()
    assert database.openDatabase(str(studies))
    return studies


@pytest.fixture
def panel(slicer_standin, studies):
    """The panel of the module over a database with two small studies; headers only, for speed."""
    widget = slicer_standin.load(MODULE).enter()
    from SeriesClassifierApp.Parameters import Mode

    widget.panel.parameters.mode = Mode.HEADER
    yield widget.panel
    slicer_standin.loaded.unload()


@pytest.fixture
def classified(panel, run):
    """After the press of Classify."""
    run(panel)
    return panel


@pytest.fixture
def run(slicer_standin):
    """Presses Classify and waits for the end."""

    def press(panel):
        panel.ui.classifyButton.click()
        assert panel.batch.isRunning, panel.ui.statusLabel.text
        settle(slicer_standin, panel)

    return press
