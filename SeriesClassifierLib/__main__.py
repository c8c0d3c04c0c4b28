"""``python -m SeriesClassifierLib`` is the ``series-classifier`` command."""

import sys

from SeriesClassifierLib.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
