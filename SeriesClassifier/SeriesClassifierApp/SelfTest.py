"""The whole way, as a user goes it: import, classify, look for, correct, publish, export."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import slicer

from SeriesClassifierApp import DatabaseSource, Headless, SampleStudies, Sources
from SeriesClassifierApp.LabelStore import SourceLabels


def run(test: Any, logic: Any) -> None:
    """``test`` is a TestCase. Works in a temporary database; that of the user is put back at the end."""
    from DICOMLib import DICOMUtils

    from SeriesClassifierLib.identity import series_key

    with tempfile.TemporaryDirectory(prefix="SeriesClassifier-", ignore_cleanup_errors=True) as folder:
        test.delayDisplay("Writing two simulated exams")
        exams = SampleStudies.write(folder)
        with DICOMUtils.TemporaryDICOMDatabase(str(Path(folder) / "database")) as database:
            for exam in exams:
                DICOMUtils.importDicom(exam, database)
            series = DatabaseSource.allSeries()
            test.assertGreater(len(series), 5)

            test.delayDisplay(f"Classifying {len(series)} series")
            labels = logic.classifySeries(series)
            test.assertEqual(set(labels), set(series))
            reliable = [uid for uid in series if labels[uid]["reliable"]]
            test.assertGreater(len(reliable), len(series) // 2)

            chosen = reliable[0]
            study = database.studyForSeries(chosen)
            sequence = labels[chosen]["parts"][0]["sequence"]
            test.assertIn(chosen, logic.findSeries(study, sequence=sequence))
            with test.assertRaises(ValueError):
                logic.findSeries(study, sequence="unknown")

            test.delayDisplay("Correcting one and taking it back")
            source = Sources.database()
            store = SourceLabels(source, "self test")
            other = "T1" if sequence != "T1" else "T2"
            for _step in store.correct([(series_key(study, chosen), None)], {"sequence": other}):
                pass
            test.assertEqual(logic.labelForSeries(chosen)["sequence"], other)
            test.assertEqual(logic.labelForSeries(chosen)["status"], "corrected")
            logic.classifySeries([chosen])
            test.assertEqual(logic.labelForSeries(chosen)["sequence"], other)
            for _step in store.undo([]):
                pass
            test.assertEqual(logic.labelForSeries(chosen)["sequence"], sequence)
            store.close()

            test.delayDisplay("Publishing and exporting")
            file = database.databaseFilename
            database.closeDatabase()
            try:
                told = Headless.runJob("publish", database=file, journal=source.journal)
            finally:
                database.openDatabase(file)
            test.assertEqual(told["series"], len(series))
            test.assertTrue(database.fieldForSeries("SeriesClassifierLabel", chosen))
            out = Path(folder) / "labels.csv"
            Headless.runJob("export", journal=source.journal, out=str(out))
            test.assertGreater(len(out.read_text(encoding="utf-8").splitlines()), len(series))
    test.delayDisplay("Test passed")
    slicer.mrmlScene.Clear()
