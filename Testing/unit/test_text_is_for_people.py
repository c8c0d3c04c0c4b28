"""Sentences are written for people: no program logic reads them, neither those of evidence nor those of errors."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path for folder in ("SeriesClassifierLib", "SeriesClassifier") for path in (REPOSITORY / folder).rglob("*.py")
)
# What makes sentences of evidence, and who may: what people see.
RENDERING = {"text", "attributed", "deciding_text", "evidence_text", "evidence_json"}
MAKERS = ("SeriesClassifierLib.explain", "SeriesClassifierLib.publish.table")
SURFACES = ("explain/", "publish/", "cli/", "curation/queue.py", "curation/suspects.py")
# Names, attributes and keys that hold sentences.
HOLDERS = {"message", "reasons", "sentence", "detail"}
KEYS = HOLDERS | {"text"}
READING_METHODS = {
    "casefold", "count", "endswith", "find", "index", "lower", "partition", "removeprefix", "removesuffix",
    "rfind", "rpartition", "split", "startswith", "upper",
}  # fmt: skip
BINARY = {"bytes", "memoryview"}
READING_FUNCTIONS = {"search", "match", "fullmatch", "findall", "finditer", "sub"}


def name_of(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def called(node: ast.AST) -> str:
    """The name of what is called, without what it belongs to."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def constant(node: ast.AST) -> object:
    return node.value if isinstance(node, ast.Constant) else None


class Reader:
    """Finds where a function reads a sentence, be it under another name."""

    def __init__(self, tree: ast.Module) -> None:
        self.errors = {node.name for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler) and node.name}
        self.makers = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(MAKERS)
            for alias in node.names
            if alias.name in RENDERING
        }

    def readings(self, function: ast.AST) -> Iterator[int]:
        """The lines of ``function`` that read a sentence."""
        sentences = self._named(function)
        for node in ast.walk(function):
            if isinstance(node, ast.Compare):
                read = any(self._is_sentence(value, sentences) for value in self._compared(node))
            elif not isinstance(node, ast.Call):
                continue
            elif isinstance(node.func, ast.Attribute) and called(node) in READING_METHODS:
                # ``" ".join(message.split())`` only makes one line of it.
                joined = any(called(n) == "join" and node in n.args for n in ast.walk(function))  # type: ignore[attr-defined]
                read = self._is_sentence(node.func.value, sentences) and not joined
            else:
                searches = called(node) in READING_FUNCTIONS
                read = searches and any(self._is_sentence(value, sentences) for value in node.args)
            if read:
                yield node.lineno

    @staticmethod
    def _compared(node: ast.Compare) -> list[ast.expr]:
        """What is compared with something else than None."""
        if all(isinstance(op, (ast.Is, ast.IsNot)) for op in node.ops):
            return []
        return [value for value in (node.left, *node.comparators) if not isinstance(value, ast.Constant)]

    def _named(self, function: ast.AST) -> set[str]:
        """The names that hold sentences: by what they are called, or by what they were given."""
        arguments = [n for n in ast.walk(function) if isinstance(n, ast.arg)]
        names = HOLDERS - {n.arg for n in arguments if n.annotation and ast.unparse(n.annotation) in BINARY}
        for _ in range(3):
            for node in ast.walk(function):
                if isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
                    given = node.value
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                elif isinstance(node, (ast.For, ast.comprehension)):
                    given, targets = node.iter, [node.target]
                else:
                    continue
                if self._is_sentence(given, names):
                    names |= {t.id for target in targets for t in ast.walk(target) if isinstance(t, ast.Name)}
        return names

    def _is_sentence(self, node: ast.AST, names: set[str]) -> bool:
        """Whether a value is a sentence, or a list of them, perhaps in other letters."""
        if isinstance(node, ast.Name):
            return node.id in names
        if isinstance(node, ast.Attribute):
            return node.attr in HOLDERS
        if isinstance(node, ast.Subscript):
            return constant(node.slice) in KEYS or self._is_sentence(node.value, names)
        if isinstance(node, (ast.BoolOp, ast.List, ast.Tuple, ast.Set)):
            return any(self._is_sentence(v, names) for v in getattr(node, "values", getattr(node, "elts", [])))
        if isinstance(node, (ast.ListComp, ast.GeneratorExp, ast.SetComp)):
            return self._is_sentence(node.elt, names)
        if isinstance(node, ast.JoinedStr):
            shown = [v.value for v in node.values if isinstance(v, ast.FormattedValue)]
            return any(isinstance(v, ast.Name) and v.id in self.errors for v in shown)
        if isinstance(node, ast.Starred):
            return self._is_sentence(node.value, names)
        if not isinstance(node, ast.Call):
            return False
        function = called(node)
        if function == "get" and node.args and constant(node.args[0]) in KEYS:
            return True
        if function in self.makers:
            return True
        if function in ("str", "repr") and any(isinstance(a, ast.Name) and a.id in self.errors for a in node.args):
            return True
        if function in ("str", "plain_text", "tuple", "list", "set", "sorted", "frozenset", "fromkeys"):
            return any(self._is_sentence(a, names) for a in node.args)
        if isinstance(node.func, ast.Attribute) and function in READING_METHODS | {"strip", "replace"}:
            return self._is_sentence(node.func.value, names)
        return False


def found_in(source: str) -> set[tuple[str, int]]:
    """(function, line) of all that reads a sentence."""
    tree = ast.parse(source)
    reader = Reader(tree)
    inner = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return {(node.name, line) for node in inner for line in reader.readings(node)}


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_nothing_reads_a_sentence(path: Path) -> None:
    assert found_in(path.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_sentences_of_evidence_are_made_where_people_read_them(path: Path) -> None:
    made = {
        alias.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(MAKERS)
        for alias in node.names
    } & RENDERING
    own = path.relative_to(REPOSITORY / path.relative_to(REPOSITORY).parts[0]).as_posix()
    assert not made or own.startswith(SURFACES), f"{name_of(path)} makes sentences: {sorted(made)}"


@pytest.mark.parametrize(
    "reading",
    [
        'return "in use" in str(event.get("message", ""))',
        'return "locked" in message.lower()',
        "words = message.casefold()\n    return 'full' in words",
        "try:\n        pass\n    except OSError as error:\n        return 'full' in str(error)",
        "try:\n        pass\n    except OSError as error:\n        return str(error).startswith('disk')",
        "try:\n        pass\n    except OSError as error:\n        return 'full' in f'{error}'",
        "return item.reasons[0] == other",
        "return [w for w in details['evidence'] if w['text'] not in known]",
        "return any('looks like' in t for t in [text(e) for e in evidence])",
        "texts = [plain_text(text(e)) for e in evidence]\n    return any('looks like' in t for t in texts)",
        "return re.search('T[12]', text(evidence))",
        "return evidence.detail.split()[1]",
        "return deciding_text(label) == 'not certain enough'",
    ],
)
def test_every_way_of_reading_is_found(reading: str) -> None:
    head = "from SeriesClassifierLib.explain.evidence_text import text\n"
    head += "from SeriesClassifierLib.explain.label_reasons import deciding_text\n"
    assert found_in(f"{head}def f(message, event, evidence, item, other, details, known, label):\n    {reading}\n")


@pytest.mark.parametrize(
    "showing",
    [
        "say(event.get('message') or event['event'])",
        "return ' '.join(str(message).split())",
        "return [e for e in evidence if e.against and e.value == other]",
        "return text(evidence) if evidence is not None else ''",
        "return error.sqlite_errorcode in BUSY",
    ],
)
def test_what_only_shows_a_sentence_is_left_alone(showing: str) -> None:
    head = "from SeriesClassifierLib.explain.evidence_text import text\n"
    assert not found_in(f"{head}def f(message, event, evidence, other, error):\n    {showing}\n")
