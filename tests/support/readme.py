"""The commands and links of README, CONTRIBUTING and docs, and what a test runs or looks up."""

import re
import shlex
from pathlib import Path

from support.paths import ROOT

README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
"""The pages whose commands a reader can type as they stand."""
SMALL = {"budget": "smoke", "seeds": "[0]", "rules": "[weight_scaling]"}
PLANNED = {"dry_run": "true", "model.widths": "[16,16]"}
"""Of a study: nothing is trained, and networks of one width alone are timed."""
TRIALS = "hydra.sweeper.n_trials"
ELSEWHERE = ("hydra/launcher", "data=mnist")  # needs a cluster, or the files of MNIST


def read(page: Path) -> str:
    """The text of a page."""
    return page.read_text(encoding="utf-8")


def commands(text: str) -> list[str]:
    """Every command of the project's scripts in a text, once."""
    joined = re.sub(r" *\\\n *", " ", text)
    typed = re.findall(r"^(?:eval .*|(python scripts/.*))$|`(python scripts/[^`]*)`", joined, re.M)
    found = [(line or quoted).strip() for line, quoted in typed]

    return list(dict.fromkeys(command for command in found if command))


def typed_lines(text: str) -> list[str]:
    """Every line that is typed in a shell: those of the blocks `bash`, without comments."""
    blocks = re.findall(r"^ *```bash\n(.*?)^ *```$", text, re.M | re.S)
    lines = [line.strip() for block in blocks for line in block.splitlines()]

    return [line for line in lines if line and not line.startswith("#")]


def can_be_pasted(command: str) -> bool:
    """Whether any shell takes a command as it stands.

    Interactive zsh reads no comments, and takes brackets and braces outside of quotes for patterns.
    """
    bare = re.sub(r"'[^']*'|\"[^\"]*\"", "", command)
    return not re.search(r"[#\[\](){}*?<>]", bare)


def smaller(command: str) -> list[str]:
    """The script and arguments that a test runs in place of a command.

    The smoke budget; or the configuration alone, where another machine or other data are needed.
    """
    _, script, *arguments = shlex.split(command)
    typed = {argument.partition("=")[0] for argument in arguments}

    match Path(script).name:
        case "train.py" if typed.intersection({"--help", "--cfg"}):
            added = []
        case "train.py" if "hydra/sweeper" in typed and "hydra/launcher" in typed:
            added = ["dry_run=true", "budget=smoke"]
        case "train.py" if any(argument.startswith(ELSEWHERE) for argument in arguments):
            is_kept = "hydra/sweeper" in typed  # only with -m are there intervals
            arguments = [argument for argument in arguments if argument != "-m" or is_kept]
            added = ["--cfg", "job"]
        case "train.py" if "hydra/sweeper" in typed:
            arguments = [argument for argument in arguments if argument.partition("=")[0] != TRIALS]
            added = [f"{TRIALS}=2", *(f"{key}={value}" for key, value in SMALL.items())]
        case "train.py":
            values = SMALL | (PLANNED if "study" in typed else {})
            added = [f"{key}={value}" for key, value in values.items() if key not in typed]
        case "reproduce.py":
            added = [] if "dry_run" in typed else ["dry_run=true"]
        case "report.py":
            added = [] if "claims" in typed else ["claims=[subnetworks]"]
        case "evaluate.py":
            added = ["mc.redraws=2"]
        case "status.py":  # there is no sweep of that date
            arguments = []
            added = []
        case "stop.py" | "retry.py" | "ui.py":  # what needs a sweep, or serves until Ctrl-C
            arguments = []
            added = ["--help"]
        case "exactness.py" | "benchmark.py":  # minutes, and no smaller form
            arguments = []
            added = ["--help"]
        case _:
            added = []

    return [Path(script).name, *arguments, *added]


def links(text: str) -> list[str]:
    """The targets of a text's links and images that point into the project."""
    targets = re.findall(r"\]\(([^)\s]+)\)", without_code(text))
    return [target for target in targets if "://" not in target]


def without_code(text: str) -> str:
    """A text without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)


def anchors(text: str) -> set[str]:
    """What a link into a page can name after `#`: its headings, as GitHub writes them, and ids."""
    plain = without_code(text)
    headings = re.findall(r"^#+ (.*)$", plain, re.M)
    slugs = {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}

    return slugs | set(re.findall(r'id="([^"]+)"', plain))


def rows(text: str, heading: str) -> list[dict[str, str]]:
    """The rows of the table whose first heading is given, as heading -> cell.

    Raises:
        ValueError: there is no such table.
    """
    lines = text[text.index(f"| {heading} |") :].split("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]
    names, _, *body = cells

    return [dict(zip(names, row, strict=False)) for row in body]
