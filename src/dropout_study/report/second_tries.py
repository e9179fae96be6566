"""What was contradicted, tried once more under conditions that might rescue the sentence."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from dropout_study.measures.statistics import over_seeds


@dataclass(frozen=True)
class SecondTry:
    """A try to rescue a sentence, outside of its criteria: it decides nothing.

    Attributes:
        changed: what was changed, and on which seeds.
        found: what came out, without its numbers.
        effect: what the first of two errors minus the second is, in points.
        file: both errors in percent, for each setting, part and seed; beside the report.
    """

    changed: str
    found: str
    effect: str
    file: str


SECOND_TRIES = {
    "robustness": SecondTry(
        "Half of the hidden units was dropped, or none, in nets trained for a shorter time, both "
        "at one learning rate; five nets each, on seeds 200 to 204.",
        "With few updates at a low learning rate, dropout helps on noise and missing information, "
        "and in the shortest training under unseen conditions, too. With more updates, or at a "
        "higher learning rate, it gains less or loses. In no setting does it lower the error on "
        "clean images.",
        "points that dropout saves",
        "second-tries/robustness.csv",
    ),
    "independent_units": SecondTry(
        "Nets of the same size were trained for a third of the updates with hidden units dropped "
        "at three rates; five nets each, on seeds 200 to 204, and 300 subnetworks of each.",
        "The lower the rate, the closer the worst of a hundred subnetworks comes to the whole "
        "net. At rate 0.3 it stays within the limit of 1 point; at 0.4 the interval contains the "
        "limit; at 0.5 it is beyond it, as above.",
        "the error of the worst of a hundred subnetworks minus that of the whole net, in points",
        "second-tries/independent_units.csv",
    ),
}
"""Id of a claim -> its second try."""


def recorded(folder: Path) -> dict[str, tuple[SecondTry, list[dict[str, str]]]]:
    """The second tries whose files lie beside a report: claim -> try, and its table.

    Args:
        folder: of the report.
    """
    return {
        claim: (second, table(pd.read_csv(folder / second.file)))
        for claim, second in SECOND_TRIES.items()
        if (folder / second.file).is_file()
    }


def table(errors: pd.DataFrame) -> list[dict[str, str]]:
    """The effects, with their 95 % intervals over seeds: a row per setting.

    Args:
        errors: `setting`, `part`, `seed`, and two columns of errors.

    Returns:
        In each row the setting, and part -> the first error minus the second, in points.
    """
    _, _, _, first, second = errors.columns
    effects = errors[first] - errors[second]
    rows = []

    for setting, of_setting in errors.groupby("setting", sort=False):
        row = {"setting": str(setting)}
        for part, of_part in of_setting.groupby("part", sort=False):
            points = over_seeds(effects[of_part.index].tolist()).interval()
            row[str(part)] = f"{points:+.2f}"
        rows.append(row)

    return rows
