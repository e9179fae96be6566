"""The choices of every group of conf/, for `--help` and for messages."""

import re
from pathlib import Path

from dropout_study.config.folder import CONF
from dropout_study.config.parts import LISTED, NOISE, PARTS, Part, names_of_parts

FIRST = ("data", "model", "optimizer", "budget", "study")  # what a newcomer sets
LAST = ("hydra/sweeper", "hydra/launcher", "arm")  # an arm belongs to a study, which sets it


def names_of_choices(group: str, conf: Path = CONF) -> list[str]:
    """The choices of a group as they are typed; an arm has the folder of its study in front."""
    files = (conf / group).rglob("*.yaml")
    names = (file.relative_to(conf / group).with_suffix("").as_posix() for file in files)
    return sorted([*names, *names_of_parts(group)])


def list_choices(conf: Path = CONF) -> str:
    """Every choice of every group of train.yaml, line by line, with the comment of its file.

    Choices, rules and metrics of plug-ins have the first line of their docstring.
    """
    defaults = (conf / "train.yaml").read_text(encoding="utf-8")
    groups = re.findall(r"^  - (\w+):", defaults, re.MULTILINE)
    between = [group for group in groups if group not in (*FIRST, *LAST)]
    lines = []

    for group in (*FIRST, *between, *LAST):
        for name in names_of_choices(group, conf):
            part = PARTS.get((group, name))
            about = part.about if part else comment_of(conf / group / f"{name}.yaml")
            lines.append(f"  {f'{group}={name}':<32} {about}")

    listed = [part for part in PARTS.values() if part.kind in LISTED]
    lines += [f"  {f'{part.kind}={_typed(part)}':<32} {part.about}" for part in listed]

    return "\n".join(lines)


def _typed(part: Part) -> str:
    """What one types behind the = for a part that a key names."""
    return part.name if part.kind == NOISE else f"[{part.name}]"


def comment_of(file: Path) -> str:
    """The first comment of a file."""
    comment = re.search(r"^# (?!@package)(.*)", file.read_text(encoding="utf-8"), re.MULTILINE)
    return comment[1] if comment else ""
