"""The nets of the study `reference`, whose hidden units the study `units` looks at."""

from collections.abc import Collection, Mapping

from dropout_study.analysis.claim import Studies, runs_of
from dropout_study.analysis.runs import ResultsMissing, Runs, competent

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


def measured(studies: Studies, needed: Collection[str] = (PLAIN,)) -> dict[str, Runs]:
    """What was measured on the hidden units of the nets that solve their task, by arm.

    Args:
        studies: runs of `reference` and `units`.
        needed: arms without which nothing can be compared.

    Raises:
        ResultsMissing: an arm is not there, or one of those that are needed, or every arm with
            dropout, does not solve its task.
    """
    units = runs_of(studies, "units")
    solving = {}

    for arm, nets in trained(studies).items():
        try:
            competent(nets, nets.values["gate"])
        except ResultsMissing:
            if arm in needed:
                raise
        else:
            solving[arm] = units.where(arm=arm)

    if not with_dropout(solving):
        raise ResultsMissing("no net with dropout solves its task")

    return solving


def with_dropout(nets: Mapping[str, Runs]) -> dict[str, Runs]:
    """Those of some nets, by arm, that were trained with dropout."""
    return {arm: runs for arm, runs in nets.items() if arm in WITH_DROPOUT}


def left_out(studies: Studies) -> list[str]:
    """A sentence for each arm that does not solve its task."""
    bounds = {arm: nets.values["gate"] for arm, nets in trained(studies).items()}
    errors = {arm: nets.last("val/error").mean() for arm, nets in trained(studies).items()}

    return [
        f"{arm} is left out: mean validation error {error:.2f} %, above {bounds[arm]:g} %"
        for arm, error in errors.items()
        if error > bounds[arm]
    ]
