"""Which component of the complex signal an image shows, wherever vendors state it.

Sources: PS3.3 C.8.13.3.1.2 (ComplexImageComponent); conformance statements of GE and Philips (private tags).
"""

from __future__ import annotations

from SeriesClassifierLib.parts.image_kind import COMPONENTS, image_kinds
from SeriesClassifierLib.records import Instance

# GE (0043,xx2F).
_GE = {0.0: "MAGNITUDE", 1.0: "PHASE", 2.0: "REAL", 3.0: "IMAGINARY"}
# The only component that an image may leave unsaid.
MAGNITUDE = "MAGNITUDE"


def component(instance: Instance) -> tuple[str, str]:
    """The component (one of ``COMPONENTS``) and the tag that states it; ("", "") when none does.

    The standard tags come first: archives and converters edit them, and leave private tags as they were.
    """
    kinds = image_kinds(instance.tokens("ImageType")) & COMPONENTS
    # Words such as "M\\PCA\\P": one that is not the magnitude is what tells the image from others.
    for kind in sorted(kinds, key=lambda kind: (kind == MAGNITUDE, kind)):
        if kind != MAGNITUDE:
            return kind, "ImageType"
    stated = image_kinds(("", "", *instance.tokens("ComplexImageComponent"))) & COMPONENTS
    if len(stated) == 1:
        return next(iter(stated)), "ComplexImageComponent"
    if kinds:
        return MAGNITUDE, "ImageType"
    philips = image_kinds(("", "", *instance.tokens("PhilipsImageKind"))) & COMPONENTS
    if len(philips) == 1:
        return next(iter(philips)), "Philips (2005,xx11)"
    ge = _GE.get(instance.number("GEImageKind") or 0.0, "") if "GEImageKind" in instance.tags else ""
    return (ge, "GE (0043,xx2F)") if ge else ("", "")
