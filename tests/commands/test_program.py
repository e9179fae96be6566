"""The program `dropout-study`, and the names that the package offers."""

import importlib
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import dropout_study
from dropout_study import commands
from dropout_study.commands.__main__ import COMMANDS, main
from dropout_study.config import folder
from dropout_study.config.choices import names_of_choices


def typed(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    """Run the program with some words behind its name."""
    monkeypatch.setattr(sys, "argv", ["dropout-study", *words])
    main()


def test_every_command_is_listed() -> None:
    """If this failed, a command could not be typed, or the list would name one too many."""
    files = {file.stem for file in Path(commands.__path__[0]).glob("[!_]*.py")}
    assert files == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_reads_the_words_behind_its_name(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a command would take its own name for an option."""
    module = importlib.import_module(f"dropout_study.commands.{name}")
    seen: list[list[str]] = []
    monkeypatch.setattr(module, "main", lambda: seen.append(sys.argv[1:]))
    typed(monkeypatch, name, "-m", "seeds=[0]")
    assert seen == [["-m", "seeds=[0]"]]


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_without_a_command_all_are_explained(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If this failed, a new user would see a traceback first."""
    typed(monkeypatch, *words)
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown for name in COMMANDS)


def test_a_word_that_is_no_command_is_refused_with_those_that_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If this failed, a typing error would end without a hint, or with exit code 0."""
    with pytest.raises(SystemExit, match=r"dropout-study trian cannot be run: .* train, evaluate"):
        typed(monkeypatch, "trian")


def test_the_version_is_that_of_the_distribution(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If this failed, a bug report would name another version."""
    typed(monkeypatch, "--version")
    assert capsys.readouterr().out.strip() == f"dropout-study {version('dropout-study')}"


def test_a_command_is_called_what_can_be_typed_where_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If this failed, a user of the wheel would be told to run a script of the checkout."""
    assert folder.command("train") == "python scripts/train.py"
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/dropout-study", "train"])
    assert folder.command("train") == "dropout-study train"
    monkeypatch.setattr(sys, "argv", ["worker"])
    monkeypatch.setattr(folder, "HOME", folder.CARRIED)
    assert folder.command("train") == "dropout-study train"


def test_the_checkout_is_used_where_there_is_one() -> None:
    """If this failed, an edited choice of conf/ would change nothing."""
    assert Path(__file__).parents[2] == folder.HOME
    assert "mnist" in names_of_choices("data")


def test_public_names_are_those_of_their_modules() -> None:
    """If this failed, a documented name would be an AttributeError, or hidden from `dir`."""
    for name in dropout_study.__all__:
        assert getattr(dropout_study, name).__name__ == name
        assert name in dir(dropout_study)

    assert "monte_carlo" in dropout_study.__all__


def test_importing_the_package_loads_none_of_its_dependencies() -> None:
    """If this failed, `import dropout_study` would take seconds, most of them for torch."""
    code = "import sys; import dropout_study; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"torch", "numpy", "hydra", "pandas", "mlflow"}.isdisjoint(done.stdout.split())
