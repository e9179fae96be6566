"""The source of a module: its files, and a digest that layout and comments do not change."""

import ast
import hashlib
import importlib.util
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

INSTALLED = ("site-packages", "dist-packages")
OWN_PACKAGE = "dropout_study"


@dataclass(frozen=True)
class Source:
    """The files of a module of a user, as they were when it was imported.

    Attributes:
        texts: path, from the folder that the module was found in -> text.
        digest: twelve hexadecimal digits for the syntax trees of all files.
    """

    texts: Mapping[str, str]
    digest: str

    @classmethod
    def read(cls, place: Path) -> "Source":
        """Read a module, and the modules that it imports from beside it, and so on.

        An installed package is read alone: what lies beside it are other distributions.

        Args:
            place: a file, or the folder of a package.
        """
        texts = {
            str(file.relative_to(place.parent)): file.read_text(encoding="utf-8")
            for file in modules_of(place)
        }
        return cls(texts, digest_of({name: tree_of(text) for name, text in texts.items()}))


def modules_of(place: Path) -> list[Path]:
    """The files of a module, and of the modules that it imports from beside it, and so on.

    Args:
        place: a file, or the folder of a package.
    """
    files: set[Path] = set()
    waiting = [place]

    while waiting:
        for file in python_files(waiting.pop()):
            if file not in files:
                files.add(file)
                waiting += _beside(file, place.parent)

    return sorted(files)


def _beside(file: Path, folder: Path) -> Iterator[Path]:
    """The modules and packages of a folder that a file imports, as Python finds them."""
    if folder.name in INSTALLED:
        return

    for name in _imported(file):
        for place in _places_of(name):
            if place.parent == folder:
                yield place


def _places_of(name: str) -> list[Path]:
    """Where a module is: its file, or the folders of a package, also of one without __init__."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):  # of a module that is no longer what was imported
        spec = None

    if spec is None:
        return []

    if spec.submodule_search_locations is not None:
        return [Path(folder) for folder in spec.submodule_search_locations]

    return [Path(spec.origin)] if spec.origin else []


def _imported(file: Path) -> set[str]:
    """The first parts of the absolute names that a module imports, wherever in it."""
    names: set[str] = set()

    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])

    return names - {OWN_PACKAGE}


def python_files(place: Path) -> list[Path]:
    """A module, or all modules of a package."""
    return sorted(place.rglob("*.py")) if place.is_dir() else [place]


def digest_of(content: Any) -> str:
    """Twelve hexadecimal digits for what JSON can hold."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def tree_of(text: str) -> list[Any]:
    """The syntax tree of a module as nested lists, without docstrings.

    It is the same under every version of Python.
    """
    tree = ast.parse(text)

    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [statement for statement in node.body if not _is_text(statement)]

    return _as_lists(tree)


def _is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a text that stands alone, as docstrings do."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _as_lists(node: ast.AST) -> list[Any]:
    """A node as its kind and its fields without the empty ones, which new Pythons add."""
    return [type(node).__name__, *_filled_fields(node)]


def _filled_fields(node: ast.AST) -> Iterator[list[Any]]:
    """The fields of a node that hold anything, each with its name."""
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            yield [name, _as_lists(value)]
        elif isinstance(value, list) and value:
            yield [name, [_as_lists(v) if isinstance(v, ast.AST) else repr(v) for v in value]]
        elif value is not None and value != []:
            yield [name, repr(value)]
