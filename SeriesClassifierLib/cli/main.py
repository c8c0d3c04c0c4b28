"""The command line: one parser, one exit code a cause (DESIGN section 5)."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from SeriesClassifierLib import __version__
from SeriesClassifierLib.cli.classify_arguments import add_classifying
from SeriesClassifierLib.cli.curation_arguments import add_curation
from SeriesClassifierLib.cli.learning_arguments import add_learning
from SeriesClassifierLib.errors import (
    BundleError,
    JournalError,
    SeriesClassifierError,
    SourceError,
    UsageError,
)

DONE, SOME_FAILED, WRONG_USAGE, CANNOT_OPEN, INTERRUPTED = 0, 1, 2, 3, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with ``arguments`` (default: those of the process) and return its exit code."""
    try:
        options = build_parser().parse_args(arguments)
        logging.basicConfig(
            level=logging.DEBUG if options.verbose else logging.WARNING, format="%(levelname)s %(message)s"
        )
        # It quotes the values it complains about, names of patients among them; our own results say what
        # failed.
        logging.getLogger("pydicom").propagate = False
        code: int = options.command(options)
        return code
    except UsageError as error:
        return _complain(error, WRONG_USAGE)
    except (SourceError, BundleError, JournalError) as error:
        return _complain(error, CANNOT_OPEN)
    except SeriesClassifierError as error:
        return _complain(error, SOME_FAILED)
    except KeyboardInterrupt:
        print(
            "\nInterrupted. What was done is in the journal, if one is used: continue with --resume.",
            file=sys.stderr,
        )
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone: nothing left to say
        return DONE


def _complain(error: Exception, code: int) -> int:
    print(f"series-classifier: {error}", file=sys.stderr)
    return code


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="series-classifier",
        description="Tells what every DICOM series is. Research use; not a medical device.",
        epilog="exit codes: 0 done; 1 done, but some series failed; 2 wrong usage; "
        "3 source, bundle or journal cannot be opened, or nothing to classify was found; 130 interrupted",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("--verbose", action="store_true", help="say more on standard error")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_classifying(commands)
    add_curation(commands)
    add_learning(commands)
    return parser
