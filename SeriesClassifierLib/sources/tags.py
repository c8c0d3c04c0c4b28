"""The tags that are read from every image, and nothing beyond them.

A table of (keyword, tag, VR); keywords are pydicom's (PS3.6), a test compares all three columns with
pydicom's dictionary. Private tags carry names of our own and are only trusted under their private creator.
"""

from __future__ import annotations

from typing import NamedTuple


class Tag(NamedTuple):
    """One standard tag: pydicom keyword, number (group << 16 | element) and default VR."""

    keyword: str
    number: int
    vr: str


class PrivateTag(NamedTuple):
    """One private tag: our name, group, low byte of the element, private creator, VR when the file is
    implicit.
    """

    name: str
    group: int
    element: int
    creator: str
    vr: str


TAGS: tuple[Tag, ...] = tuple(
    Tag(*row)
    for row in (
        # identity
        ("SpecificCharacterSet", 0x00080005, "CS"),
        ("SOPClassUID", 0x00080016, "UI"),
        ("SOPInstanceUID", 0x00080018, "UI"),
        ("StudyInstanceUID", 0x0020000D, "UI"),
        ("SeriesInstanceUID", 0x0020000E, "UI"),
        ("FrameOfReferenceUID", 0x00200052, "UI"),
        ("PatientID", 0x00100020, "LO"),
        ("PatientSex", 0x00100040, "CS"),
        ("Modality", 0x00080060, "CS"),
        ("SeriesNumber", 0x00200011, "IS"),
        ("InstanceNumber", 0x00200013, "IS"),
        ("AcquisitionNumber", 0x00200012, "IS"),
        # words that people wrote
        ("SeriesDescription", 0x0008103E, "LO"),
        ("ProtocolName", 0x00181030, "LO"),
        ("StudyDescription", 0x00081030, "LO"),
        ("PerformedProcedureStepDescription", 0x00400254, "LO"),
        ("RequestedProcedureDescription", 0x00321060, "LO"),
        ("BodyPartExamined", 0x00180015, "CS"),
        ("ImageComments", 0x00204000, "LT"),
        ("DerivationDescription", 0x00082111, "ST"),
        # time
        ("SeriesTime", 0x00080031, "TM"),
        ("AcquisitionTime", 0x00080032, "TM"),
        ("ContentTime", 0x00080033, "TM"),
        ("AcquisitionDateTime", 0x0008002A, "DT"),
        ("TriggerTime", 0x00181060, "DS"),
        ("TemporalPositionIdentifier", 0x00200100, "IS"),
        ("NumberOfTemporalPositions", 0x00200105, "IS"),
        ("ContrastBolusStartTime", 0x00181042, "TM"),
        # device
        ("Manufacturer", 0x00080070, "LO"),
        ("ManufacturerModelName", 0x00081090, "LO"),
        ("MagneticFieldStrength", 0x00180087, "DS"),
        ("ImagingFrequency", 0x00180084, "DS"),
        ("ReceiveCoilName", 0x00181250, "SH"),
        ("PatientPosition", 0x00185100, "CS"),
        # what kind of image
        ("ImageType", 0x00080008, "CS"),
        ("AcquisitionContrast", 0x00089209, "CS"),
        ("ComplexImageComponent", 0x00089208, "CS"),
        ("BurnedInAnnotation", 0x00280301, "CS"),
        ("RecognizableVisualFeatures", 0x00280302, "CS"),
        ("ConversionType", 0x00080064, "CS"),
        ("PhotometricInterpretation", 0x00280004, "CS"),
        ("SamplesPerPixel", 0x00280002, "US"),
        ("NumberOfFrames", 0x00280008, "IS"),
        ("BitsStored", 0x00280101, "US"),
        ("SmallestImagePixelValue", 0x00280106, "US"),
        ("LargestImagePixelValue", 0x00280107, "US"),
        ("WindowCenter", 0x00281050, "DS"),
        ("WindowWidth", 0x00281051, "DS"),
        ("RescaleIntercept", 0x00281052, "DS"),
        ("RescaleSlope", 0x00281053, "DS"),
        ("RescaleType", 0x00281054, "LO"),
        ("Units", 0x00541001, "CS"),
        # pulse sequence
        ("ScanningSequence", 0x00180020, "CS"),
        ("SequenceVariant", 0x00180021, "CS"),
        ("ScanOptions", 0x00180022, "CS"),
        ("MRAcquisitionType", 0x00180023, "CS"),
        ("SequenceName", 0x00180024, "SH"),
        ("PulseSequenceName", 0x00189005, "SH"),
        ("AngioFlag", 0x00180025, "CS"),
        ("VariableFlipAngleFlag", 0x00181315, "CS"),
        ("RepetitionTime", 0x00180080, "DS"),
        ("EchoTime", 0x00180081, "DS"),
        ("InversionTime", 0x00180082, "DS"),
        ("FlipAngle", 0x00181314, "DS"),
        ("EchoTrainLength", 0x00180091, "IS"),
        ("EchoNumbers", 0x00180086, "IS"),
        ("NumberOfAverages", 0x00180083, "DS"),
        ("PixelBandwidth", 0x00180095, "DS"),
        ("PercentSampling", 0x00180093, "DS"),
        ("PercentPhaseFieldOfView", 0x00180094, "DS"),
        ("NumberOfPhaseEncodingSteps", 0x00180089, "IS"),
        ("AcquisitionMatrix", 0x00181310, "US"),
        ("InPlanePhaseEncodingDirection", 0x00181312, "CS"),
        ("SAR", 0x00181316, "DS"),
        ("dBdt", 0x00181318, "DS"),
        ("CardiacNumberOfImages", 0x00181090, "IS"),
        ("HeartRate", 0x00181088, "IS"),
        ("DiffusionBValue", 0x00189087, "FD"),
        ("DiffusionGradientOrientation", 0x00189089, "FD"),
        ("ContrastBolusAgent", 0x00180010, "LO"),
        # geometry
        ("ImageOrientationPatient", 0x00200037, "DS"),
        ("ImagePositionPatient", 0x00200032, "DS"),
        ("SliceThickness", 0x00180050, "DS"),
        ("SpacingBetweenSlices", 0x00180088, "DS"),
        ("PixelSpacing", 0x00280030, "DS"),
        ("Rows", 0x00280010, "US"),
        ("Columns", 0x00280011, "US"),
    )
)

# Where vendors keep what the standard had no tag for when they needed it. Facts cross-checked with the
# vendors'
# conformance statements and with real files.
PRIVATE_TAGS: tuple[PrivateTag, ...] = (
    PrivateTag("SiemensBValue", 0x0019, 0x0C, "SIEMENS MR HEADER", "IS"),
    PrivateTag("SiemensMosaicCount", 0x0019, 0x0A, "SIEMENS MR HEADER", "US"),
    PrivateTag("GEBValue", 0x0043, 0x39, "GEMS_PARM_01", "IS"),
    PrivateTag("GEImageKind", 0x0043, 0x2F, "GEMS_PARM_01", "SS"),
    PrivateTag("GEPulseSequence", 0x0019, 0x9C, "GEMS_ACQU_01", "LO"),
    PrivateTag("PhilipsBValue", 0x2001, 0x03, "Philips Imaging DD 001", "FL"),
    PrivateTag("PhilipsScanTechnique", 0x2001, 0x20, "Philips Imaging DD 001", "LO"),
    PrivateTag("PhilipsImageKind", 0x2005, 0x11, "Philips MR Imaging DD 001", "CS"),
    PrivateTag("UIHBValue", 0x0065, 0x09, "Image Private Header", "FD"),
)

NUMBER_TO_TAG: dict[int, Tag] = {tag.number: tag for tag in TAGS}
PRIVATE_BY_PLACE: dict[tuple[int, int], PrivateTag] = {(t.group, t.element): t for t in PRIVATE_TAGS}
PRIVATE_GROUPS: frozenset[int] = frozenset(t.group for t in PRIVATE_TAGS)

# Stands among the tags of a frame: what else than the tags above its functional groups say, as one text.
FRAME_STATE = "FrameState"
# Stands among the tags of a file that holds no pixel data. Only a file says so, no tag cache.
NO_PIXEL_DATA = "NoPixelData"

# Written by people; several values in one of these are one text. Kept as one string.
FREE_TEXT: frozenset[str] = frozenset({"ImageComments", "DerivationDescription"})

# Tags of several numbers -> how many there must be; of other tags there is one.
MULTIPLICITY: dict[str, int] = {
    "ImageOrientationPatient": 6,
    "ImagePositionPatient": 3,
    "PixelSpacing": 2,
    "AcquisitionMatrix": 4,
    "DiffusionGradientOrientation": 3,
}

# Acquisition parameters of which an image has one.
SINGLE: frozenset[str] = frozenset({"EchoTime", "RepetitionTime", "FlipAngle", "MagneticFieldStrength"})
# Parameters behind whose number some write the unit: another unit means another number.
UNITS: dict[str, str] = {
    **dict.fromkeys(("EchoTime", "RepetitionTime", "InversionTime", "TriggerTime"), "MS|MSEC"),
    "FlipAngle": "DEG|DEGREES?",
    "MagneticFieldStrength": "T|TESLA",
}

NUMERIC_VR: frozenset[str] = frozenset({"DS", "IS", "US", "SS", "UL", "SL", "FL", "FD", "UV", "SV"})

# The same tags as CTK's tag cache writes them, each with our keyword and VR. A private block is taken to be
# the
# first one, as it is in nearly every file.
CTK_TAGS: dict[str, tuple[str, str]] = {
    **{f"{t.number >> 16:04X},{t.number & 0xFFFF:04X}": (t.keyword, t.vr) for t in TAGS},
    **{f"{p.group:04X},{0x1000 | p.element:04X}": (p.name, p.vr) for p in PRIVATE_TAGS},
}
# Who wrote the first private block of each group: only then the cache knows whose values it holds.
CTK_CREATORS: dict[str, frozenset[str]] = {
    f"{group:04X},0010": frozenset(tag.creator for tag in PRIVATE_TAGS if tag.group == group)
    for group in sorted(PRIVATE_GROUPS)
}
# All tags that a tag cache must hold so that no file need be read.
CACHE_TAGS: frozenset[str] = frozenset(CTK_TAGS) | frozenset(CTK_CREATORS)
