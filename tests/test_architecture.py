"""The packages and what each may import: imports point downward."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import dropout_study
from support import readme
from support.packages import FLOORS, OUTSIDE
from support.paths import ROOT

PACKAGE = ROOT / "src" / "dropout_study"
MODULES = sorted(PACKAGE.rglob("*.py"))


def imports(file: Path) -> Iterator[str]:
    """The dotted names that a module imports, wherever in it, also for type checking alone."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "dropout_study":
            yield from (f"dropout_study.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports hide where they point"
            yield str(node.module)


def package_of(file: Path) -> str:
    """The package of a module; one that lies beside the packages is its own."""
    return file.relative_to(PACKAGE).with_suffix("").parts[0]


def test_every_package_has_a_floor() -> None:
    """If this failed, a new package could import what it likes."""
    assert {package_of(file) for file in MODULES} - {"__init__"} == set(FLOORS)


def test_the_page_on_architecture_shows_the_same_floors() -> None:
    """If this failed, docs/architecture.md would allow imports that are refused, or the reverse."""
    page = readme.read(ROOT / "docs" / "architecture.md")
    rows = {row["package"].strip("`"): row for row in readme.rows(page, "floor")}
    assert {package: int(row["floor"]) for package, row in rows.items()} == FLOORS

    for package, allowed in OUTSIDE.items():
        assert set(rows[package]["imports from outside"].split(", ")) == allowed, package


def test_the_package_says_what_is_where() -> None:
    """If this failed, the map that `help(dropout_study)` shows would be of another house."""
    lines = [line.split() for line in str(dropout_study.__doc__).splitlines()]
    floors = {words[1]: int(words[0]) for words in lines if words and words[0].isdigit()}
    assert floors == FLOORS


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_point_downward(file: Path) -> None:
    """If this failed, the layout would not show what depends on what."""
    package = package_of(file)
    floor = FLOORS.get(package, 0)

    for name in imports(file):
        head, *parts = name.split(".")
        if head == "dropout_study" and parts and parts[0] != package:
            assert FLOORS[parts[0]] < floor, f"{package} ({floor}) imports {name}"


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_what_comes_from_outside_is_agreed_on(file: Path) -> None:
    """If this failed, the mathematics could depend on a framework, or a page on what trains."""
    package = package_of(file)
    roots = {name.split(".")[0] for name in imports(file)}
    outside = roots - set(sys.stdlib_module_names) - {"dropout_study"}

    if package in OUTSIDE:
        assert outside <= OUTSIDE[package]


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        ("config.read, config.condition, config.studies", "torch, mlflow, pytorch_lightning"),
        ("dropout.rules, dropout.any_model, measures.scores", "hydra, mlflow, pytorch_lightning"),
        ("running.command_line, running.sweep", "torch, mlflow, pytorch_lightning"),
        ("commands.status, commands.stop, commands.retry", "torch, mlflow, pandas, sqlalchemy"),
        ("running.start, running.job", "torch, pytorch_lightning, scipy.optimize"),
        ("report.mlflow_run_page, tracking.recorder", "torch, matplotlib, scipy.optimize"),
        ("report.mlflow_description, claims.capacity", "torch, pytorch_lightning, mlflow"),
    ],
)
def test_what_has_to_be_quick_loads_nothing_heavy(modules: str, absent: str) -> None:
    """If this failed, `--help`, a mistake or a finished sweep would be answered seconds later."""
    names = ", ".join(f"dropout_study.{name}" for name in modules.split(", "))
    code = f"import sys; import {names}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(absent.split(", ")).isdisjoint(done.stdout.split())
