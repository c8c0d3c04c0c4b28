"""What the Extensions Index checks, and what Slicer's rules for modules ask, read from the files themselves."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "SeriesClassifier"
FILES = sorted(FOLDER.rglob("*.py"))
CMAKE = (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8")
UI = FOLDER / "Resources" / "UI" / "SeriesClassifier.ui"
# What a file of the module may import when it is loaded.
AT_FILE_SCOPE = {"slicer", "qt", "ctk", "vtk", "numpy", "SeriesClassifierApp", *sys.stdlib_module_names}
INPUTS = {
    "QCheckBox", "QComboBox", "QDoubleSpinBox", "QLineEdit", "QListWidget", "QPushButton", "QTextBrowser", "QTreeWidget",
    "ctkPathLineEdit",
}  # fmt: skip


def metadata(name: str) -> str:
    found = re.search(rf'^set\(EXTENSION_{name} "([^"\n]*)"\)$', CMAKE, re.MULTILINE)
    assert found, f"EXTENSION_{name} is not set on one line"
    return found[1]


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    return path.relative_to(FOLDER).as_posix()


def imported(nodes: list[ast.stmt]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


# --- the Extensions Index ------------------------------------------------------------------------------------


def test_the_index_entry_has_what_its_schema_asks() -> None:
    text = (REPOSITORY / "SeriesClassifier.json").read_text(encoding="utf-8")
    entry = json.loads(text)
    assert text == json.dumps(entry, indent=2, sort_keys=True) + "\n"
    assert set(entry) <= {
        "$schema", "build_dependencies", "build_subdirectory", "category", "dicom_support_rule", "enabled",
        "scm_revision", "scm_type", "scm_url", "tier",
    }  # fmt: skip
    assert entry["$schema"].endswith("/slicer-extension-catalog-entry-schema-v1.0.2.json#")
    assert entry["category"] == "DICOM"
    assert 1 <= entry["tier"] <= 5
    assert re.fullmatch(r"https://github\.com/[\w-]+/Slicer\w+\.git", entry["scm_url"])
    depends = metadata("DEPENDS")
    assert entry["build_dependencies"] == ([] if depends == "NA" else depends.split())
    compile(entry["dicom_support_rule"], "rule", "eval")


def test_names_are_the_same_everywhere_and_as_the_index_wants_them() -> None:
    [name] = re.findall(r"^project\((\w+)\)$", CMAKE, re.MULTILINE)
    assert name == "SeriesClassifier"
    assert not name.startswith("Slicer")
    assert (REPOSITORY / f"{name}.json").is_file()
    assert (FOLDER / f"{name}.py").is_file()
    assert f"set(MODULE_NAME {name})" in (FOLDER / "CMakeLists.txt").read_text(encoding="utf-8")


def test_the_top_level_file_ends_with_the_package() -> None:
    lines = [line.strip() for line in CMAKE.splitlines() if line.strip()]
    assert lines[-2:] == ["include(${Slicer_EXTENSION_GENERATE_CONFIG})", "include(${Slicer_EXTENSION_CPACK})"]
    assert CMAKE.index("add_subdirectory(SeriesClassifierLib)") < CMAKE.index("add_subdirectory(SeriesClassifier)")
    for name in ("LICENSE_FILE", "README_FILE"):
        [path] = re.findall(rf'set\(EXTENSION_{name} "\${{CMAKE_CURRENT_SOURCE_DIR}}/(\w+(?:\.\w+)?)"\)', CMAKE)
        assert (REPOSITORY / path).is_file()


def test_pictures_are_where_the_metadata_says() -> None:
    home = metadata("HOMEPAGE").replace("https://github.com/", "https://raw.githubusercontent.com/") + "/main/"
    for url in (metadata("ICONURL"), *metadata("SCREENSHOTURLS").split()):
        assert url.startswith(home)
        with Image.open(REPOSITORY / url.removeprefix(home)) as image:
            image.load()
    for icon in (REPOSITORY / "Resources" / "SeriesClassifier.png", FOLDER / "Resources/Icons/SeriesClassifier.png"):
        with Image.open(icon) as image:
            assert (image.size, image.mode) == ((128, 128), "RGBA")


def test_the_repository_is_small_enough_for_the_index() -> None:
    listed = subprocess.run(
        ["git", "count-objects", "-v"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("this is no git checkout, so there is no history to weigh")
    sizes = dict(line.split(": ") for line in listed.stdout.splitlines())
    assert (int(sizes["size"]) + int(sizes["size-pack"])) * 1024 < 90e6


def test_the_readme_has_what_reviewers_of_the_index_look_for() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    for title in ("## Tutorial", "## How to cite", "## Limits"):
        assert re.search(rf"^{title}", readme, re.MULTILINE), title
    for picture in re.findall(r"!\[[^\]]+\]\((Resources/[^)]+)\)", readme):
        assert (REPOSITORY / picture).is_file(), picture
    assert "not a medical device" in readme
    assert "pip" in readme  # what is downloaded, and how to remove it


# --- the module ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_imports_nothing_heavy_when_it_is_loaded(path: Path) -> None:
    assert set(imported(tree_of(path).body)) <= AT_FILE_SCOPE | {"__future__"}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_database_of_slicer_is_opened_and_no_thread_started(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            assert not set(imported([node])) & {"sqlite3", "threading", "concurrent", "asyncio", "imp", "torch"}
        if isinstance(node, ast.Attribute):
            assert node.attr not in {"setStyleSheet", "styleSheet"}
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None


def test_only_the_module_knows_slicer() -> None:
    others = [p for p in REPOSITORY.rglob("*.py") if p.is_relative_to(REPOSITORY / "SeriesClassifierLib")]
    for path in others:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                assert not set(imported([node])) & {"slicer", "qt", "ctk", "vtk"}, path


def test_requirements_are_those_of_the_library_with_lower_bounds_only() -> None:
    lines = (FOLDER / "Resources" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    asked = [line for line in lines if line and not line.startswith("#")]
    project = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    for line in asked:
        assert re.fullmatch(r"[\w-]+>=[\d.]+", line), line
        assert f'"{line}"' in project
        assert line.split(">")[0].lower() not in {"torch", "numpy", "simpleitk", "pydicom", "requests", "scikit-learn"}


# --- the form ------------------------------------------------------------------------------------------------


def widgets() -> list[ET.Element]:
    return list(ET.parse(UI).getroot().iter("widget"))


def prop(widget: ET.Element, name: str) -> str:
    found = widget.find(f"property[@name='{name}']/string")
    return "" if found is None or found.text is None else found.text


def test_every_input_has_a_tooltip() -> None:
    missing = [w.get("name") for w in widgets() if w.get("class") in INPUTS and not prop(w, "toolTip")]
    assert not missing


def test_what_the_code_uses_is_in_the_form() -> None:
    names = {widget.get("name") for widget in widgets()}
    used: set[str] = set()
    for path in (FOLDER / "SeriesClassifierApp").glob("*.py"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, (ast.Name, ast.Attribute)):
                owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
                if owner in ("ui", "_ui"):
                    used.add(node.attr)
    assert len(used) > 30
    assert used <= names


def test_parameters_of_the_form_are_fields_of_the_node() -> None:
    named = {prop(widget, "SlicerParameterName") for widget in widgets()} - {""}
    [node] = [
        n
        for n in tree_of(FOLDER / "SeriesClassifierApp" / "Parameters.py").body
        if isinstance(n, ast.ClassDef) and n.name == "SeriesClassifierParameterNode"
    ]
    assert named == {f.target.id for f in node.body if isinstance(f, ast.AnnAssign) and isinstance(f.target, ast.Name)}
