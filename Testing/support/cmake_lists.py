"""The file lists of the two CMakeLists.txt: Slicer packages only what is listed, so they must equal the tree.

usage: python Testing/support/cmake_lists.py [--write]
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("SeriesClassifierLib", "SeriesClassifier")
_LIST = {name: re.compile(rf"set\({name}\n(.*?)  \)\n", re.DOTALL)
         for name in ("MODULE_PYTHON_SCRIPTS", "MODULE_PYTHON_RESOURCES")}  # fmt: skip


def files_in_tree(package: str) -> dict[str, list[str]]:
    """Relative names of a package's files: Python under scripts, everything else under resources."""
    folder = REPOSITORY / package
    names = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "CMakeLists.txt" and "__pycache__" not in path.parts
    )
    return {
        "MODULE_PYTHON_SCRIPTS": [name for name in names if name.endswith(".py")],
        "MODULE_PYTHON_RESOURCES": [name for name in names if not name.endswith(".py")],
    }


def files_listed(package: str) -> dict[str, list[str]]:
    """What the package's CMakeLists.txt lists."""
    text = (REPOSITORY / package / "CMakeLists.txt").read_text(encoding="utf-8")
    return {name: pattern.search(text)[1].split() for name, pattern in _LIST.items()}  # type: ignore[index]


def write_lists(package: str) -> None:
    """Write the tree's files into the package's CMakeLists.txt."""
    path = REPOSITORY / package / "CMakeLists.txt"
    text = path.read_text(encoding="utf-8")
    for name, files in files_in_tree(package).items():
        block = "".join(f"  {file}\n" for file in files)
        text = _LIST[name].sub(f"set({name}\n{block}  )\n", text)
    path.write_text(text, encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Write the lists, or say which package's differ."""
    stale = [package for package in PACKAGES if files_listed(package) != files_in_tree(package)]
    if "--write" in arguments:
        for package in stale:
            write_lists(package)
        return 0
    for package in stale:
        sys.stdout.write(f"{package}/CMakeLists.txt differs from the tree: run this with --write\n")
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
