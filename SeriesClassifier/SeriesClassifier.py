"""The SeriesClassifier module of 3D Slicer: tells what every series is, shows it in the DICOM browser, and
takes corrections.

Research use; not a medical device.
"""

from __future__ import annotations

import sys

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin


class SeriesClassifier(ScriptedLoadableModule):
    """What Slicer shows about the module, and what it has in other modules."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("Series Classifier")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Informatics")]
        parent.dependencies = ["DICOM"]
        parent.contributors = ["The SeriesClassifier contributors"]
        parent.helpText = _(
            "Tells what every MR series is (sequence, plane, contrast phase), how sure that is, and why; "
            "shows it in the DICOM browser, and takes corrections. Research use; not a medical device. "
            "See the "
            '<a href="https://github.com/SeriesClassifier/SlicerSeriesClassifier">documentation</a>.'
        )
        parent.acknowledgementText = _("Built on pydicom, ONNX Runtime and 3D Slicer.")
        slicer.app.connect("startupCompleted()", self.onStartupCompleted)

    def onStartupCompleted(self):
        """Late set-up: all modules are there, but not yet what their own late set-up makes."""
        from SeriesClassifierApp import InOtherModules

        InOtherModules.install()


class SeriesClassifierWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel of the module: the file of its widgets, and its life in Slicer."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.panel = None
        self._parameterNode = None
        self._parameterNodeTag = None

    def setup(self):
        """Build the panel; called once by Slicer."""
        ScriptedLoadableModuleWidget.setup(self)
        from SeriesClassifierApp import InOtherModules
        from SeriesClassifierApp.Panel import Panel

        # Also after a reload, and where the module was loaded later than at the start of the application.
        InOtherModules.install()
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/SeriesClassifier.ui"))
        self.layout.addWidget(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = SeriesClassifierLogic()
        self.panel = Panel(slicer.util.childWidgetVariables(uiWidget))
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.initializeParameterNode()

    def enter(self):
        """Called each time the module is opened."""
        self.initializeParameterNode()
        self.panel.enter()

    def exit(self):
        """Called each time another module is opened."""
        self.panel.exit()
        self.setParameterNode(None)

    def cleanup(self):
        """Called when the application ends or the module is reloaded."""
        if self.panel is not None:
            self.setParameterNode(None)
            self.panel.cleanup()
            self.panel = None
        self.removeObservers()

    def onReload(self):
        """Reload the parts of the module, too, and what it has in other modules."""
        from SeriesClassifierApp import InOtherModules

        InOtherModules.uninstall()
        for name in list(sys.modules):
            if name.split(".")[0] in ("SeriesClassifierApp", "SeriesClassifierLib"):
                del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    def onSceneStartClose(self, _caller, _event):
        """The parameter node goes with the scene."""
        self.setParameterNode(None)

    def onSceneEndClose(self, _caller, _event):
        """A new scene gets a new one."""
        if self.parent.isEntered:
            self.initializeParameterNode()

    def initializeParameterNode(self):
        """Show the choices of the scene."""
        self.setParameterNode(self.logic.getParameterNode())

    def setParameterNode(self, node):
        """Connect the choices with ``node``, or with nothing."""
        from vtk import vtkCommand

        if self._parameterNode is not None:
            self._parameterNode.disconnectGui(self._parameterNodeTag)
            self.removeObserver(self._parameterNode, vtkCommand.ModifiedEvent, self.onParametersModified)
        self._parameterNode = node
        if node is not None:
            self._parameterNodeTag = node.connectGui(self.panel.ui)
            self.addObserver(node, vtkCommand.ModifiedEvent, self.onParametersModified)
        self.panel.setParameters(node)

    def onParametersModified(self, _caller=None, _event=None):
        """A choice changed, and with it what can be done."""
        if self.panel is not None:
            self.panel.parametersChanged()


class SeriesClassifierLogic(ScriptedLoadableModuleLogic):
    """What other modules and scripts call. Needs no window."""

    def getParameterNode(self):
        """The choices of the panel, wrapped."""
        from SeriesClassifierApp.Parameters import SeriesClassifierParameterNode

        return SeriesClassifierParameterNode(super().getParameterNode())

    def classifySeries(self, seriesUIDs, mode="auto", task="auto"):
        """Classify series of the open DICOM database; waits. Series UID -> what ``labelForSeries`` gives.

        Raises RuntimeError with the reason when it cannot be done.
        """
        from SeriesClassifierApp import Labels

        return Labels.classify(seriesUIDs, mode=mode, task=task)

    def labelForSeries(self, seriesUID):
        """A dict with label, status, confidence, reliable, facets and parts; None for one never seen."""
        from SeriesClassifierApp import Labels

        return Labels.labelOf(seriesUID)

    def findSeries(self, studyUID, **facets):
        """Series of a study by what they are: ``findSeries(uid, sequence="T2", plane="AX")``.

        Only labels that may be used without asking count (status auto, or corrected by a person). Raises
        ValueError for a class that does not exist, and for "unknown".
        """
        from SeriesClassifierApp import Labels

        return Labels.find(studyUID, **facets)


class SeriesClassifierTest(ScriptedLoadableModuleTest):
    """Run by "Reload and Test": the whole way on simulated exams, in a database of its own."""

    def runTest(self):
        """Run all tests."""
        self.setUp()
        self.test_wholeWay()

    def setUp(self):
        """Start with an empty scene."""
        slicer.mrmlScene.Clear()

    def test_wholeWay(self):
        """Import, classify, find, correct, publish, export."""
        from SeriesClassifierApp import Dependencies, SelfTest

        missing = Dependencies.missing()
        if missing:
            self.delayDisplay(f"Not tested: packages are missing ({', '.join(missing)})")
            return
        SelfTest.run(self, SeriesClassifierLogic())
