"""The SeriesClassifier module of 3D Slicer: shows the command that labels a DICOM folder or the open
database.

Research use; not a medical device.
"""

from __future__ import annotations

import shlex

import ctk
import qt
import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)


class SeriesClassifier(ScriptedLoadableModule):
    """What Slicer shows about the module."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("Series Classifier")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Informatics")]
        parent.dependencies = ["DICOM"]
        parent.contributors = ["The SeriesClassifier contributors"]
        parent.helpText = _(
            "Tells what every MR series is: sequence, plane, contrast phase, and why. This version "
            "works on the "
            "command line; the module shows the command for a folder or for the open DICOM database. "
            "Research use; not a medical device."
        )
        parent.acknowledgementText = _("Built on pydicom, ONNX Runtime and 3D Slicer.")


class SeriesClassifierWidget(ScriptedLoadableModuleWidget):
    """A path, the command for it, and a button that copies the command."""

    def setup(self):
        """Build the panel; called once by Slicer."""
        ScriptedLoadableModuleWidget.setup(self)
        self.logic = SeriesClassifierLogic()

        section = ctk.ctkCollapsibleButton()
        section.text = _("Command line")
        self.layout.addWidget(section)
        form = qt.QFormLayout(section)

        self.pathEdit = ctk.ctkPathLineEdit()
        self.pathEdit.filters = ctk.ctkPathLineEdit.Dirs | ctk.ctkPathLineEdit.Files
        self.pathEdit.toolTip = _("A folder with DICOM files, or a ctkDICOM.sql file. It is only read.")
        form.addRow(_("Source:"), self.pathEdit)

        self.databaseButton = qt.QPushButton(_("Use the open DICOM database"))
        self.databaseButton.toolTip = _("Fills in the database that the DICOM browser shows.")
        form.addRow(self.databaseButton)

        self.commandEdit = qt.QLineEdit()
        self.commandEdit.readOnly = True
        self.commandEdit.toolTip = _("Run it in a terminal, where series-classifier is installed.")
        form.addRow(_("Command:"), self.commandEdit)

        self.copyButton = qt.QPushButton(_("Copy the command"))
        self.copyButton.toolTip = _("Name a source first.")
        self.copyButton.enabled = False
        form.addRow(self.copyButton)
        self.layout.addStretch(1)

        self.pathEdit.connect("currentPathChanged(QString)", self.onPathChanged)
        self.databaseButton.connect("clicked(bool)", self.onUseDatabase)
        self.copyButton.connect("clicked(bool)", self.onCopy)

    def onPathChanged(self, path):
        """Show the command for the path."""
        self.commandEdit.text = self.logic.command(path)
        self.copyButton.enabled = bool(path)
        self.copyButton.toolTip = _("Copies the command.") if path else _("Name a source first.")

    def onUseDatabase(self, _checked=False):
        """Take the database that Slicer has open; reading its files from another process is safe."""
        database = slicer.dicomDatabase
        if database is not None and database.isOpen:
            self.pathEdit.currentPath = database.databaseFilename

    def onCopy(self, _checked=False):
        """Put the command on the clipboard."""
        qt.QApplication.clipboard().setText(self.commandEdit.text)


class SeriesClassifierLogic(ScriptedLoadableModuleLogic):
    """The command for a source."""

    def command(self, source):
        """The command line that labels ``source``; empty for an empty source."""
        if not source:
            return ""
        return f"series-classifier classify {shlex.quote(source)} --out labels.csv --html report.html"


class SeriesClassifierTest(ScriptedLoadableModuleTest):
    """Run by "Reload and Test"."""

    def runTest(self):
        """Run all tests."""
        self.setUp()
        self.test_command()

    def test_command(self):
        """The source stands in the command as one word."""
        logic = SeriesClassifierLogic()
        self.assertEqual(logic.command(""), "")
        self.assertEqual(shlex.split(logic.command("/a folder/ctkDICOM.sql"))[2], "/a folder/ctkDICOM.sql")
