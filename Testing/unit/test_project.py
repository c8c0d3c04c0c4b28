"""The project's own files: one version, complete packaging lists, imports in one direction, nothing heavy."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cmake_lists import PACKAGES, files_in_tree, files_listed

import SeriesClassifierLib

REPOSITORY = Path(__file__).resolve().parents[2]
LIBRARY = REPOSITORY / "SeriesClassifierLib"
MODULES = sorted(LIBRARY.rglob("*.py"))
# The layers of the library, lowest first: a module may import its own layer and those below.
LAYERS = (
    {"records", "identity", "part_names", "errors", "sqlite_errors", "protocols", "vocabulary", "spool", "patients"},
    {"sources", "journal"},
    {"parts", "headers", "images"},
    {"models", "bundles"},
    {"inference", "study", "training", "simulation", "explain", "publish", "export", "curation", "evaluation"},
    {"cli", "__main__"},
)
HEAVY = {
    "PIL", "SimpleITK", "dask", "dcm_classifier", "gdcm", "jinja2", "jsonschema", "nibabel", "onnx", "onnxruntime",
    "pyarrow", "pydicom", "rich", "safetensors", "sklearn", "torch", "yaml",
}  # fmt: skip
# Network definitions have to be classes of torch; whoever uses them imports them inside a function.
MAY_IMPORT_TORCH = ("training/", "models/")


def name_of(path: Path) -> str:
    return path.relative_to(LIBRARY).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(nodes: list[ast.stmt]) -> Iterator[str]:
    """Names imported by statements, not looking into functions; what only a type checker sees is left out."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.unparse(node.test):
            yield from imports(node.body + node.orelse)
        elif isinstance(node, (ast.Try, ast.With, ast.ClassDef)):
            yield from imports(node.body)


def heavy_at_file_scope(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(tree_of(path).body)} & HEAVY


def layer(module: str) -> int:
    part = module.split(".")[1]
    found = [number for number, names in enumerate(LAYERS) if part in names]
    assert found, f"{module} is in no layer: add it to LAYERS"
    return found[0]


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return done.stdout


# --- packaging
# -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", PACKAGES)
def test_cmake_lists_every_file_of_the_tree(package: str) -> None:
    assert files_listed(package) == files_in_tree(package), (
        "run: python Testing/support/cmake_lists.py --write"
    )


def test_extension_metadata_is_complete_and_its_pictures_exist() -> None:
    text = (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8")
    assert "project(SeriesClassifier)" in text
    for field in ("HOMEPAGE", "CONTRIBUTORS", "DESCRIPTION", "ICONURL", "SCREENSHOTURLS", "DEPENDS"):
        assert re.search(rf'^set\(EXTENSION_{field} "[^"\n]+"\)$', text, re.MULTILINE), field
    pictures = re.findall(r"/main/(Resources/[^\"\s]+)", text)
    assert len(pictures) >= 2
    for picture in pictures:
        assert (REPOSITORY / picture).is_file(), picture


def test_version_stands_in_one_place() -> None:
    version = SeriesClassifierLib.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    project = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert 'attr = "SeriesClassifierLib.__version__"' in project
    assert not re.search(r"^version = \"", project, re.MULTILINE)
    for name in ("CMakeLists.txt", "CITATION.cff"):
        assert version not in (REPOSITORY / name).read_text(encoding="utf-8")


def test_license_is_apache_2() -> None:
    text = (REPOSITORY / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    for name in ("pyproject.toml", "CITATION.cff"):
        assert "Apache-2.0" in (REPOSITORY / name).read_text(encoding="utf-8")


def test_readme_commands_exist() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    code = "\n".join(
        block or inline for block, inline in re.findall(r"```[a-z]*\n(.*?)```|`([^`\n]+)`", readme, re.DOTALL)
    )
    for target in set(re.findall(r"\bmake ([a-z]+)", code)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"make {target}"
    from SeriesClassifierLib.cli.main import main

    commands = set(re.findall(r"\bseries-classifier ([a-z]+)", code))
    assert {"classify", "bench"} <= commands
    for command in commands:
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0, command


def test_torch_is_not_a_plain_dependency() -> None:
    project = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    plain = project[project.index("\ndependencies = [") : project.index("[project.optional-dependencies]")]
    assert "torch" not in re.sub(r"#.*", "", plain)


# --- code
# ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_go_down_the_layers(path: Path) -> None:
    module = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
    if module == "SeriesClassifierLib.__init__":
        return
    own = layer(module)
    for node in ast.walk(tree_of(path)):
        names = imports([node]) if isinstance(node, (ast.Import, ast.ImportFrom)) else ()
        for name in names:
            if name.startswith("SeriesClassifierLib.") and name != "SeriesClassifierLib.__version__":
                assert layer(name) <= own, f"{module} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nothing_heavy_is_imported_at_file_scope(path: Path) -> None:
    allowed = {"torch"} if name_of(path).startswith(MAY_IMPORT_TORCH) else set()
    assert heavy_at_file_scope(path) <= allowed


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_library_code_has_no_forbidden_constructs(path: Path) -> None:
    forbidden = {"eval", "exec"} if name_of(path).startswith("cli/") else {"eval", "exec", "print"}
    for node in ast.walk(tree_of(path)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for name in imports([node]):
                top = name.split(".")[0]
                assert top not in {
                    "slicer",
                    "qt",
                    "ctk",
                    "vtk",
                    "pickle",
                    "SeriesClassifier",
                    "SeriesClassifierApp",
                }
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in forbidden, f"line {node.lineno}"
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"bare except in line {node.lineno}"


def test_importing_the_library_loads_nothing_heavy() -> None:
    code = "import sys, SeriesClassifierLib; from SeriesClassifierLib import Status, open_source; print(*sys.modules)"
    loaded = {name.split(".")[0] for name in run_python(code).split()}
    assert not loaded & (HEAVY | {"numpy"})


def test_importing_every_module_loads_nothing_heavy() -> None:
    light = [
        path
        for path in MODULES
        if not heavy_at_file_scope(path)
        and path.name != "__main__.py"
        and not name_of(path).startswith(MAY_IMPORT_TORCH)
    ]
    names = [".".join(path.relative_to(REPOSITORY).with_suffix("").parts) for path in light]
    code = f"import importlib, sys; [importlib.import_module(n) for n in {names!r}]; print(*sys.modules)"
    loaded = {name.split(".")[0] for name in run_python(code).split()}
    assert not loaded & HEAVY


def test_module_file_holds_the_four_slicer_classes_and_runs_nothing_on_import() -> None:
    body = tree_of(REPOSITORY / "SeriesClassifier" / "SeriesClassifier.py").body
    classes = [node.name for node in body if isinstance(node, ast.ClassDef)]
    assert classes == [
        "SeriesClassifier",
        *(f"SeriesClassifier{kind}" for kind in ("Widget", "Logic", "Test")),
    ]
    rest = [node for node in body if not isinstance(node, (ast.ClassDef, ast.Import, ast.ImportFrom))]
    assert all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in rest)
    assert {name.split(".")[0] for name in imports(body)} <= {"__future__", "slicer", "sys"}
