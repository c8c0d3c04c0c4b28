"""Objects that are DICOM but hold no image to label (PS3.4 B.5): reports, segmentations, presentation states
and so on.
"""

from __future__ import annotations

from SeriesClassifierLib.records import Series

# Beginnings of SOP Class UIDs -> what they hold.
_CLASSES = (
    ("1.2.840.10008.5.1.4.1.1.88.59", "key object selection"),
    ("1.2.840.10008.5.1.4.1.1.88.", "structured report"),
    ("1.2.840.10008.5.1.4.1.1.11.", "presentation state"),
    ("1.2.840.10008.5.1.4.1.1.66.4", "segmentation"),
    ("1.2.840.10008.5.1.4.1.1.66", "raw data, registration or measurement"),
    ("1.2.840.10008.5.1.4.1.1.481.1", "RT image"),
    ("1.2.840.10008.5.1.4.1.1.481.", "RT object"),
    ("1.2.840.10008.5.1.4.1.1.4.2", "MR spectroscopy"),
    ("1.2.840.10008.5.1.4.1.1.9.", "waveform"),
    ("1.2.840.10008.5.1.4.1.1.104.", "encapsulated document"),
    ("1.2.840.10008.5.1.4.1.1.67", "real world value mapping"),
    ("1.2.840.10008.5.1.4.1.1.68.", "surface"),
)
_IMAGES = frozenset({"1.2.840.10008.5.1.4.1.1.481.1"})
_MODALITIES = {
    "SR": "structured report",
    "KO": "key object selection",
    "PR": "presentation state",
    "SEG": "segmentation",
    "RTSTRUCT": "RT structure set",
    "RTPLAN": "RT plan",
    "RTDOSE": "RT dose",
    "REG": "registration",
    "DOC": "encapsulated document",
    "ECG": "waveform",
}


def not_an_image(series: Series) -> str:
    """Why a series holds no picture to label; "" when it does hold one."""
    if not series.instances:
        return ""
    first = series.instances[0]
    sop_class = first.text("SOPClassUID")
    for beginning, name in _CLASSES:
        if sop_class.startswith(beginning) and sop_class not in _IMAGES:
            return f"not an image: {name}"
    name = _MODALITIES.get(first.text("Modality").upper(), "")
    if name and not (first.number("Rows") and first.number("Columns")):
        return f"not an image: {name}"
    return ""
