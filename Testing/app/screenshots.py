"""Make the pictures of the README: the panel and the DICOM browser over two simulated exams.

    python Testing/app/screenshots.py [OUT]

They show the module under the stand-in of Slicer (``Testing/support/standin``): real Qt and the real form, in another
style than Slicer's.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "Testing"), str(REPOSITORY)]

from support import standin  # noqa: E402

from SeriesClassifierLib.simulation.database_writer import write_database  # noqa: E402
from SeriesClassifierLib.simulation.study_writer import write_studies  # noqa: E402

_EXAMS = (("prostate", 23), ("liver", 8))
_SIDE = 128
_SIZE = (640, 1160)
_BROWSER_SIZE = (900, 620)


def main(out: Path) -> None:
    """Write ``panel.png`` and ``browser.png``."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "slicer").mkdir()
        files = []
        for task, seed in _EXAMS:
            files += write_studies(folder / task, task, 1, seed, _SIDE)
        database = write_database(files, folder / "database")
        installed = standin.install(folder / "slicer")
        try:
            _take(installed, database, out)
        finally:
            standin.reset()


def _take(installed: standin.Installed, database: Path, out: Path) -> None:
    import ctk
    import slicer

    db = installed.application.main_database
    assert db.openDatabase(str(database))
    module = installed.load(REPOSITORY / "SeriesClassifier" / "SeriesClassifier.py")
    slicer.modules.dicom.widgetRepresentation()
    widget = module.enter()
    from SeriesClassifierApp import InOtherModules

    InOtherModules.install()
    panel = widget.panel
    widget.parent.resize(*_SIZE)
    widget.parent.show()
    panel.classify()
    installed.wait_for(lambda: not panel.batch.isRunning and not panel.table.slowly.isBusy, 300_000)
    installed.wait_for(lambda: not panel.publisher.isWriting, 30_000)
    panel.next()
    installed.process_events(300)
    installed.wait_for(lambda: bool(panel.details.classes), 30_000)
    installed.process_events(300)
    widget.parent.resize(*_SIZE)
    installed.process_events(300)
    widget.parent.grab().save(str(out / "panel.png"))
    browser = slicer.modules.DICOMWidget.browserWidget
    browser.resize(*_BROWSER_SIZE)
    browser.show()
    patient = slicer.dicomDatabase.patientForStudy(panel.table.rows[panel.table.current()[0]]["study_uid"])
    browser.dicomBrowser.setSelectedItems(ctk.ctkDICOMModel.PatientType, [patient])
    studies = slicer.dicomDatabase.studiesForPatient(patient)
    browser.dicomBrowser.setSelectedItems(ctk.ctkDICOMModel.StudyType, list(studies))
    series = slicer.dicomDatabase.seriesForStudy(studies[0])
    browser.dicomBrowser.setSelectedItems(ctk.ctkDICOMModel.SeriesType, list(series)[:1])
    installed.process_events(500)
    browser.grab().save(str(out / "browser.png"))
    InOtherModules.uninstall()
    module.unload()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY / "Resources")
