"""The words that an export itself is made of: they say nothing about where its images come from."""

from __future__ import annotations

import re
from dataclasses import fields
from functools import cache

from SeriesClassifierLib.export.deidentify import METHOD_CODES
from SeriesClassifierLib.export.technical_tags import (
    COIL_WORDS,
    FAMILY_WORDS,
    OPTION_WORDS,
    TECHNICAL,
    TERMS,
)
from SeriesClassifierLib.headers.features import FEATURES
from SeriesClassifierLib.headers.part_header import PartHeader
from SeriesClassifierLib.headers.tokens import VENDORS
from SeriesClassifierLib.parts.image_kind import KINDS, WORDS
from SeriesClassifierLib.records import DecidedBy, Prediction, Status
from SeriesClassifierLib.vocabulary import FACETS, vocabulary

# Names of files, fields and fixed values of exports, and of what they are given to.
_OF_EXPORTS = (
    *("ANON", "YES", "NO", "true", "false", "none", "null", "UNKNOWN", "GIVEN", "SERIESCLASSIFIER"),
    *("manifest", "parts", "labels", "label", "data", "data_card", "card", "slices", "dicom", "nifti"),
    *("training", "train", "validation", "valid", "test", "testing", "fold", "image", "images", "series"),
    *("study", "patient", "header", "tags", "name", "version", "format", "source", "license", "licence"),
    *("ORIGINAL", "DERIVED", "PRIMARY", "SECONDARY", "MONOCHROME1", "MONOCHROME2"),
    *("settings", "state", "keys", "truth", "reader", "model", "bundle", "counts", "left_out", "sha256"),
    *("classes", "channel_names", "background", "file_ending", "classification", "nnunet", "datalist"),
    *("identifiers", "volumes", "side", "features", "library_version", "labelled_at", "vendor", "findings"),
    *("dcm", "json", "jsonl", "csv", "md", "npz", "npy", "nii", "gz", "png", "yaml", "html", "txt"),
    *("line", "column", "chunk", "bytes", "picture", "preamble", "comment", "extension", "file"),
    *("ISO_IR 6", "ISO_IR 100", "ISO_IR 192"),
)
_B_VALUE = re.compile(r"b\d{1,5}")


@cache
def own_words() -> frozenset[str]:
    """All of them in lower case: the vocabulary, field names, allowed values of technical tags."""
    words = {
        *_OF_EXPORTS,
        *FACETS,
        *(word for code in METHOD_CODES for text in code for word in (text, *text.split())),
        *(
            word
            for terms in vocabulary().values()
            for term in terms.values()
            for word in (term.name, term.title)
        ),
        *(word for terms in TERMS.values() for word in terms),
        *WORDS,
        *KINDS,
        *VENDORS,
        *TECHNICAL,
        *(
            word
            for table in (OPTION_WORDS, FAMILY_WORDS, COIL_WORDS)
            for pair in table.items()
            for word in pair
        ),
        *(feature.name for feature in FEATURES),
        *(field.name for record in (PartHeader, Prediction) for field in fields(record)),
        *(member.value for member in (*Status, *DecidedBy)),
    }
    return frozenset(word.lower() for word in words)


@cache
def _classes() -> frozenset[str]:
    return frozenset(name.lower() for terms in vocabulary().values() for name in terms)


def reads_like_a_label(text: str) -> bool:
    """Whether a lower-case text could be one of our labels, such as "t2 ax": only classes and b-values."""
    words = text.split(" ")
    return all(word in _classes() or _B_VALUE.fullmatch(word) for word in words)
