"""A curator's session in the panel, with the real worker on a copy of the real database."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.panel import MODULE, key_named, relabel, settle
from support.real_database import add_repeat, copy_database

from SeriesClassifierLib.bundles.adopted import find_bundle
from SeriesClassifierLib.bundles.bundle import open_bundle

pytest.importorskip("torch", reason="training needs torch (extra train), which is not installed here")

TRA = "1.3.6.1.4.1.14519.5.2.1.7311.5101.160028252338004527274326500702"


@pytest.fixture
def panel(slicer_standin, slicer_database, tmp_path, monkeypatch):
    """The panel over the real database, to which one series was added that is acquired like another."""
    monkeypatch.setenv("SERIESCLASSIFIER_HOME", str(tmp_path / "home"))
    folder = copy_database(slicer_database, tmp_path / "database")
    add_repeat(folder, TRA)
    assert slicer_standin.application.main_database.openDatabase(str(folder / "ctkDICOM.sql"))
    widget = slicer_standin.load(MODULE).enter()
    yield widget.panel
    slicer_standin.loaded.unload()


def test_from_the_first_label_to_an_adopted_bundle_and_back(slicer_standin, panel, tmp_path):
    ui = panel.ui

    def click(button):
        assert button.enabled, button.toolTip
        button.click()
        settle(slicer_standin, panel)

    def row(uid):
        return panel.table.rows[uid]["label"], panel.table.rows[uid]["status"]

    from SeriesClassifierApp.Parameters import Mode, Scope

    panel.parameters.scope = Scope.DATABASE
    panel.parameters.mode = Mode.HEADER  # what two of them are is not certain by the header alone
    panel.updateButtons()
    click(ui.classifyButton)
    assert len(panel.table.rows) == 26
    keys = [key for key, r in panel.table.rows.items() if r["description"] == "t2_tse_tra"]
    (original,) = [key for key in keys if key.endswith(TRA)]
    (repeat,) = [key for key in keys if key != original]

    click(ui.nextButton)
    assert panel.table.current()[0] in {
        key_named(panel, d) for d in ("FSE PD AXIAL OBL", "ADNI_Sag3D MPRAGE")
    }
    assert "Why review" in ui.detailsText.toPlainText()

    wrong = key_named(panel, "tfl_3d PD ref_tra_1.5x1.5_t3")
    for description, sequence in (
        ("FSE PD AXIAL OBL", "PD"),
        ("ADNI_Sag3D MPRAGE", "T1"),
        ("tfl_3d PD ref_tra_1.5x1.5_t3", "T1"),
        ("t1_fl2d_sag", "T1"),
    ):
        relabel(slicer_standin, panel, key_named(panel, description), sequence)
    relabel(slicer_standin, panel, original, "FLAIR")
    assert "1 more series" in ui.siblingsLabel.text
    click(ui.siblingsCorrectButton)
    assert row(repeat) == ("FLAIR AX", "corrected")
    click(ui.undoButton)
    assert row(repeat) == ("T2 AX", "auto")
    click(ui.undoButton)
    assert row(original) == ("T2 AX", "auto")

    ui.trainingFolderEdit.currentPath = str(tmp_path / "data")
    ui.bundleFolderEdit.currentPath = str(tmp_path / "bundles")
    click(ui.trainingExportButton)
    assert ui.learnStatusLabel.text.startswith("4 labeled images of 4 patients")
    assert "found" not in ui.learnStatusLabel.text
    click(ui.trainButton)
    assert ui.learnStatusLabel.text.startswith("New bundle headers 1.0.0+")
    new = Path(ui.newBundleEdit.currentPath)
    assert open_bundle(new).name == "headers"

    assert not ui.adoptButton.enabled
    click(ui.compareButton)
    assert (
        "Better: of 4 labels that people gave, 1 would become right and none wrong." in ui.verdictLabel.text
    )
    click(ui.adoptButton)
    assert find_bundle("headers") != find_bundle("shipped:headers")
    assert "is used from the next batch on" in ui.learnStatusLabel.text

    panel.classifySeries([panel.table.rows[wrong]["series_uid"]])
    settle(slicer_standin, panel)
    assert row(wrong)[0] == "T1 AX"
    assert panel.store.predictions([(wrong, None)])[0].bundle.startswith("headers 1.0.0+")
    click(ui.rollBackButton)
    assert find_bundle("headers") == find_bundle("shipped:headers")
