"""What PythonSlicer runs for the module: the command line of the library, found beside this folder.

PythonSlicer worker.py worker
PythonSlicer worker.py classify SOURCE --out labels.csv
"""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> int:
    """Run the command line. The library lies beside the module: installed, or in the source tree."""
    here = Path(__file__).resolve()
    for folder in here.parents[1:3]:
        if (folder / "SeriesClassifierLib" / "__init__.py").is_file():
            sys.path.insert(0, str(folder))
            break
    from SeriesClassifierLib.cli.main import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
