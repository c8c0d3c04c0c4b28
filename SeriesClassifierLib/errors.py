"""Errors that the library raises. Each message says what to do next.

A bad DICOM file is not an error here: it becomes a result with status ``failed`` (see ``records.Status``).
"""

from __future__ import annotations


class SeriesClassifierError(Exception):
    """Base of every error this library raises on purpose."""


class UsageError(SeriesClassifierError):
    """The caller asked for something that cannot be: change the arguments and call again."""


class SourceError(SeriesClassifierError):
    """A folder or database cannot be opened: check the path, the permissions, or close the program that locks
    it.
    """


class BundleError(SeriesClassifierError):
    """A bundle is missing, damaged or not for this version: reinstall it or rebuild it with ``make bundles``.
    """


class JournalError(SeriesClassifierError):
    """A journal cannot be opened or written: check the path, the disk, or name another file with
    ``--journal``.
    """


class BusyError(SeriesClassifierError):
    """Another program has a file locked: the same call succeeds once that program lets go of it."""


class SourceBusyError(BusyError, SourceError):
    """A database is locked by another program: close it there and try again."""


class JournalBusyError(BusyError, JournalError):
    """A journal is locked by another program: wait for that to end and try again."""


class WeightsError(SeriesClassifierError):
    """Weights of a pretrained encoder are missing, changed or of another architecture: install what the
    message names, give a file, or ask for random weights.
    """


class TrainingError(SeriesClassifierError):
    """A training run cannot go on: do what the message says and start it again."""


class PrivacyError(SeriesClassifierError):
    """Something cannot leave the site safely, or the site's key cannot be used: do what the message says."""
