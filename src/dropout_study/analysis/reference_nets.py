"""The nets of the study `reference`, whose hidden units the study `units` looks at."""

from dropout_study.analysis.claim import Studies, runs_of
from dropout_study.analysis.runs import Runs, competent

PLAIN = "none"
WITH_DROPOUT = ("hidden 0.2", "hidden 0.5")
ARMS = (PLAIN, *WITH_DROPOUT)
"""Arms of both studies; the number is the rate of dropping hidden units."""


def trained(studies: Studies) -> dict[str, Runs]:
    """The nets with their training, by arm.

    Raises:
        ResultsMissing: an arm is not there.
    """
    reference = runs_of(studies, "reference")

    return {arm: reference.where(arm=arm) for arm in ARMS}


def measured(studies: Studies) -> dict[str, Runs]:
    """The nets with what was measured on their hidden units, by arm.

    Raises:
        ResultsMissing: an arm is not there, or does not solve its task.
    """
    for nets in trained(studies).values():
        competent(nets, nets.values["gate"])

    return {arm: studies["units"].where(arm=arm) for arm in ARMS}
