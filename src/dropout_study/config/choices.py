"""Every choice of every group, for `--help`."""

import re
from pathlib import Path


def studies_of_arms(conf: Path) -> dict[str, list[str]]:
    """Arm -> the studies that sweep over it."""
    found: dict[str, list[str]] = {}

    for file in sorted((conf / "study").glob("*.yaml")):
        if axis := re.search(r"^  arm: (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE):
            for arm in axis[1].split(","):
                found.setdefault(arm, []).append(file.stem)

    return found


def list_choices(conf: Path) -> str:
    """Every choice of every group with the comment of its file, for `--help`.

    Groups stand in the order in which they are composed; arms, which belong to studies, are last.
    """
    composed = (conf / "train.yaml").read_text(encoding="utf-8")
    groups = re.findall(r"^  - (\w+):", composed, re.MULTILINE)
    groups = [group for group in groups if group != "arm"]
    lines = [_choice(group, file) for group in groups for file in sorted((conf / group).glob("*"))]
    lines += [_choice("hydra/launcher", file) for file in sorted(conf.glob("hydra/launcher/*"))]

    for arm, studies in sorted(
        studies_of_arms(conf).items(), key=lambda entry: (entry[1], entry[0])
    ):
        file = conf / "arm" / f"{arm}.yaml"
        lines.append(f"{_choice('arm', file)} (study={', '.join(studies)})")

    return "\n".join(lines)


def _choice(group: str, file: Path) -> str:
    """A line of the list of choices."""
    comment = re.search(r"^# (?!@package)(.*)", file.read_text(encoding="utf-8"), re.MULTILINE)
    return f"  {f'{group}={file.stem}':<32} {comment[1] if comment else ''}"
