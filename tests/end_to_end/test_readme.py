"""README, CONTRIBUTING and docs: commands run, links lead somewhere, numbers are the criteria's."""

import dataclasses
import os
import re
import shutil
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self, get_type_hints

import pytest
from mlflow.tracking import MlflowClient

from dropout_study.analysis.claim import Claim
from dropout_study.claims import CLAIMS, NOTES
from dropout_study.config import schema
from dropout_study.config.composed import stated_minutes
from dropout_study.config.names import DATASETS, PROBES, RULES
from dropout_study.report.first_edition import EARLIER
from support import plugins, readme
from support.paths import CONF, ROOT
from support.scripts import Script

TEXT = readme.read(readme.README)
MOST_WORDS = 1_100
COLUMNS = 80
"""Of a terminal, and of a block on GitHub."""
RESULTS = ROOT / "report" / "results"
"""There is none before the second edition's runs."""
FIRST_EDITION = ROOT / "report" / "first-edition" / "README.md"
RECIPES = readme.rows(readme.read(ROOT / "CONTRIBUTING.md"), "I want to add")
ADDED = (
    "a mask family",
    "a data set",
    "a corruption",
    "a column in MLflow",
    "a launcher",
    "a claim",
    "a study that tunes",
    "a rule",
    "a probe",
    "an optimizer",
    "a metric",
    "a column of the verdict table",
    "an option",
)


class Terminal:
    """A terminal of 80 by 24 characters.

    Attributes:
        name: of its device.
        text: what was shown on it.
    """

    def __enter__(self) -> Self:
        self._near, self._far = os.openpty()
        termios.tcsetwinsize(self._far, (24, 80))
        self.name = os.ttyname(self._far)
        self._shown = bytearray()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

        return self

    def _read(self) -> None:
        with suppress(OSError):  # Linux raises it when no process has the terminal open any more
            while piece := os.read(self._near, 4096):
                self._shown.extend(piece)

    @property
    def text(self) -> str:
        """What was shown until it was closed."""
        return self._shown.decode()

    def __exit__(self, *_: object) -> None:
        os.close(self._far)
        self._reader.join()
        os.close(self._near)


def last_cohort(folder: Path) -> str:
    """The run ID of the cohort that was trained last."""
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    order = ["start_time DESC"]
    (run,) = client.search_runs(experiments, "tags.role = 'cohort'", order_by=order, max_results=1)

    return str(run.info.run_id)


def test_every_script_is_shown() -> None:
    """If this failed, nobody would know of a script."""
    text = "\n\n".join(map(readme.read, readme.PAGES))
    shown = {command.split()[1].removeprefix("scripts/") for command in readme.commands(text)}
    assert shown == {file.name for file in (ROOT / "scripts").glob("*.py")}


@pytest.mark.long
@pytest.mark.usefixtures("uri")
@pytest.mark.parametrize("page", readme.PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    """If this failed, a reader who types what is printed, in a terminal, would see an error.

    What takes minutes, or another machine, is only planned, composed or explained; what reads the
    results of the report is left out as long as there are none. A command that several pages show
    is run for the first of them.
    """
    if RESULTS.exists():
        shutil.copytree(RESULTS, tmp_path / "report" / "results")

    if page in plugins.PAGES:
        plugins.write_files_of_pages(tmp_path)
        subprocess.run([sys.executable, "wine.py"], cwd=tmp_path, check=True)

    commands = [
        command
        for command in readme.commands(readme.read(page))
        if RESULTS.exists() or not needs_results(command)
    ]
    smaller = {tuple(readme.smaller(command)): command for command in commands}

    for earlier in readme.PAGES[: readme.PAGES.index(page)]:
        for command in readme.commands(readme.read(earlier)):
            smaller.pop(tuple(readme.smaller(command)), None)

    for (script, *arguments), command in smaller.items():
        typed = [
            argument.replace("RUN_ID", last_cohort(tmp_path)) if "RUN_ID" in argument else argument
            for argument in arguments
        ]

        with Terminal() as terminal:
            process = Script(script, tmp_path, terminal.name).start(*typed)
            try:
                process.join()
            finally:
                process.kill()

        assert process.exitcode == 0, f"{command}: {terminal.text}"

        if command == "python scripts/train.py":
            assert "updates/s" in terminal.text, "a single run shows no progress"


@pytest.mark.parametrize(
    "page", [*readme.PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name
)
def test_every_command_can_be_pasted(page: Path) -> None:
    """If this failed, a command that is copied would end in an error of the shell, or be cut."""
    text = readme.read(page)
    typed = [*readme.typed_lines(text), *readme.commands(text)]
    assert [command for command in typed if not readme.can_be_pasted(command)] == []
    assert [line for line in readme.typed_lines(text) if len(line) > COLUMNS] == []


def test_what_cannot_be_pasted_is_noticed() -> None:
    """If this failed, the test above would let through what a shell refuses."""
    for command in ("train.py -m  # a sweep", "train.py seeds=[0,1]", "train.py tags={a: b}"):
        assert not readme.can_be_pasted(command), command

    assert readme.can_be_pasted("train.py 'seeds=[0,1]' \"optimizer.lr=interval(0,1)\" x=1,2 \\")


def test_the_shell_completes_choices(tmp_path: Path) -> None:
    """If this failed, the Tab key would answer nothing after the line in docs/sweeps.md."""
    page = readme.read(ROOT / "docs" / "sweeps.md")
    assert 'eval "$(python scripts/train.py -sc install=bash)"' in page
    line = "python scripts/train.py data="
    done = Script("train.py", tmp_path).alone(
        "-sc", "query=bash", COMP_LINE=line, COMP_POINT=str(len(line))
    )
    assert done.stdout.split() == [f"data={name}" for name in sorted(DATASETS)]


def test_the_measure_of_the_source_runs() -> None:
    """If this failed, the numbers of docs/architecture.md could not be measured again."""
    assert "python docs/measure.py" in readme.read(ROOT / "docs" / "architecture.md")
    command = [sys.executable, "docs/measure.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "lines over 100 columns" in done.stdout


@pytest.mark.parametrize(
    "page", [*readme.PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name
)
def test_every_link_leads_somewhere(page: Path) -> None:
    """If this failed, a reader would follow a link to nothing."""
    for link in readme.links(readme.read(page)):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{page.name}: {link}"

        if anchor:
            assert anchor in readme.anchors(readme.read(target)), f"{page.name}: {link}"


@pytest.mark.parametrize(
    "page", [*readme.PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name
)
def test_every_file_that_is_named_exists(page: Path) -> None:
    """If this failed, a page would send its reader to a file that was moved."""
    text = readme.without_code(readme.read(page))
    for path in re.findall(r"`([\w/]+/\w+\.(?:py|yaml|csv|json|html))`", text):
        assert existing(path), f"{page.name}: {path}"


def test_every_page_is_linked_from_the_readme() -> None:
    """If this failed, nobody would find a page."""
    linked = {link.partition("#")[0] for link in readme.links(TEXT)}
    pages = {str(page.relative_to(ROOT)) for page in readme.PAGES} - {"README.md"}
    assert pages <= linked


def test_the_readme_stays_short() -> None:
    """If this failed, a newcomer would be given a manual instead of a first page."""
    assert len(TEXT.split()) <= MOST_WORDS


def test_no_command_of_the_readme_needs_results_that_are_not_there() -> None:
    """If this failed, a first command would end with the name of a missing file."""
    assert RESULTS.exists() or not any(map(needs_results, readme.commands(TEXT)))


def needs_results(command: str) -> bool:
    """Whether a command reads the results file of the report."""
    return "results=report/results" in command


def test_the_readme_lists_every_claim_with_its_criteria() -> None:
    """If this failed, the first page would leave out a claim of the notes, or ask for other numbers
    than are committed.
    """
    shown = readme.rows(TEXT, "claim")

    for claim, row in zip(NOTES, shown, strict=True):
        assert row["claim"] == f"[{claim.title}](report/README.md#{claim.id})"

        question = row["asked by the second edition"]
        assert question.startswith("check: ") == (not claim.parts)
        assert numbers(question) <= numbers(asked(claim)), claim.id


def test_the_report_quotes_the_verdicts_of_the_first_edition() -> None:
    """If this failed, a changed verdict would be shown beside one that the archive lacks."""
    archive = readme.rows(readme.read(FIRST_EDITION), "claim")
    decided = {anchor_of(row["claim"]): row["verdict"] for row in archive}

    for claim, earlier in EARLIER.items():
        assert re.findall(r"[a-z]+", decided[claim]) == [earlier.verdict]

    assert list(EARLIER) == [claim.id for claim in NOTES]


def anchor_of(cell: str) -> str:
    """The id of a claim, from the link in a table."""
    return cell.rpartition("#")[2].rstrip(")")


def asked(claim: Claim) -> str:
    """All questions of a claim, with their criteria."""
    return " ".join(map(str, [*claim.parts.values(), *claim.checks.values()]))


def numbers(text: str) -> set[str]:
    """The numbers in a text, without signs."""
    return set(re.findall(r"\d+(?:[.,]\d+)*", text))


def test_the_hours_are_those_of_the_studies() -> None:
    """If this failed, a reader would wait for longer than the first page says."""
    minutes = stated_minutes("laptop")
    (hours,) = re.findall(
        r"^# all studies on MNIST: about (\d+) hours\n.* budget=laptop launcher=joblib$", TEXT, re.M
    )
    names = dict.fromkeys(study for claim in CLAIMS.values() for study in claim.studies)
    assert int(hours) == pytest.approx(sum(minutes[name] for name in names) / 60, abs=0.5)


def keys(config: type, path: str = "") -> Iterator[str]:
    """Every key of a configuration, such as `data.root`; those of all architectures
    and the like.
    """
    hints = get_type_hints(config)

    for field in dataclasses.fields(config):
        kind = hints[field.name]
        if dataclasses.is_dataclass(kind):
            for choice in (kind, *kind.__subclasses__()):
                yield from keys(choice, f"{path}{field.name}.")
        else:
            yield f"{path}{field.name}"


def test_the_comparison_gives_what_the_page_shows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If this failed, the example of docs/statistics.md would end in an error or other numbers."""
    page = readme.read(ROOT / "docs" / "statistics.md")
    ((example, shown),) = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", page, re.S)
    monkeypatch.chdir(ROOT)
    exec(example, {})
    assert capsys.readouterr().out == shown


def test_every_option_is_documented() -> None:
    """If this failed, an option could be set and nobody would know."""
    page = readme.without_code(readme.read(ROOT / "docs" / "configuration.md"))
    named = set(re.findall(r"`([^`]+)`", page))
    assert sorted(set(keys(schema.Config)) - named) == []
    assert set(RULES) | set(PROBES) <= named

    for group in ("data", "model", "regularizer", "optimizer", "schedule", "budget", "trainer"):
        choices = {file.stem for file in (CONF / group).glob("*.yaml")}
        assert choices <= named, group


def test_contributing_names_every_change() -> None:
    """If this failed, a contributor would have to search for the files of a change."""
    assert tuple(row["I want to add"] for row in RECIPES) == ADDED


@pytest.mark.parametrize("row", RECIPES, ids=lambda row: row["I want to add"])
def test_contributing_names_files_that_there_are(row: dict[str, str]) -> None:
    """If this failed, a contributor would look for a file, or in it for a name, in vain."""
    entries = re.findall(r"`([^`]+)`(?: \(([^)]*)\))?", row["files"])
    assert entries

    for path, names in entries:
        files = existing(path)
        assert files, path
        text = "".join(map(readme.read, files))
        for name in re.findall(r"`([^`]+)`", names):
            assert re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text), f"{path}: {name}"


def existing(path: str) -> list[Path]:
    """The files of a path in CONTRIBUTING, where NAME and STUDY stand for any name."""
    pattern = path.replace("NAME", "*").replace("STUDY", "*")
    return sorted([*ROOT.glob(pattern), *(ROOT / "src" / "dropout_study").glob(pattern)])
