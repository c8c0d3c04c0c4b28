"""Label a DICOM database in batch mode:

    Slicer --no-main-window --no-splash --python-script classify_database.py --database DIR --out labels.csv

Columns and exit codes are those of ``series-classifier classify``, and so are all further options. Without
--database the database of Slicer is taken. Nothing is installed unless --install says so. The work is done by
PythonSlicer, in a process of its own: the database is only read, and may be open.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from pathlib import Path

WRONG_USAGE, CANNOT_OPEN = 2, 3


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="classify_database.py", description=__doc__, add_help=True)
    parser.add_argument("--database", help="folder or ctkDICOM.sql file (default: the database of Slicer)")
    parser.add_argument("--install", action="store_true", help="install missing Python packages first")
    try:
        options, further = parser.parse_known_args(arguments)
    except SystemExit as ended:
        return int(ended.code or 0)
    sys.path.append(str(Path(__file__).resolve().parents[1]))
    from SeriesClassifierApp import Dependencies, Headless

    if options.install:
        Dependencies.ensure(confirm=lambda _question: True)
    missing = Dependencies.missing()
    if missing:
        print(
            f"series-classifier: packages are missing ({', '.join(missing)}): add --install", file=sys.stderr
        )
        return CANNOT_OPEN
    database = options.database or openDatabaseFile()
    if not database:
        print("series-classifier: no DICOM database is open: name one with --database", file=sys.stderr)
        return CANNOT_OPEN
    return Headless.runCommand(["classify", database, *further])


def openDatabaseFile() -> str:
    """The file of Slicer's own database, opened as at the start of the application if it is not yet."""
    import slicer
    from SeriesClassifierApp import DatabaseSource

    if not DatabaseSource.databaseFile():
        instance = getattr(slicer.modules, "DICOMInstance", None)
        if instance is not None:
            instance.performPostModuleDiscoveryTasks()
    return DatabaseSource.databaseFile()


if __name__ == "__main__":
    import slicer

    try:
        code = main(sys.argv[1:])
    except Exception:  # whatever happens, a batch must end with a code that says so
        traceback.print_exc()
        code = 1
    slicer.util.exit(code)
