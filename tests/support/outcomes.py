"""Outcomes of real claims on effects that a test chooses."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dropout_study.analysis.runs import Effect, Runs
from dropout_study.claims import CLAIMS
from dropout_study.report.scopes import ClaimRuns, Scope
from dropout_study.report.verdicts import NOT_RESOLVED, Outcome, decide_together

SUPPORTING = [1.0, 1.1, 0.9, 1.05, 0.95]
CONTRADICTING = [-1.0, -1.1, -0.9, -1.05, -0.95]
UNCLEAR = [-1.0, 1.1, -0.9, 1.05, 0.3]
LIKELY = [0.1, 0.5, 0.3, -0.1, 0.4]
"""An effect whose p value, 0.04, further questions in its family would take above 0.05."""


def effect(values: Sequence[float], images: int = 0) -> Effect:
    """An effect of seeds from 100 on; with images, each contributes the value of its seed."""
    seeds = list(range(100, 100 + len(values)))
    contributions = np.repeat(np.array(values)[:, None], images, axis=1) if images else None
    return Effect(list(values), seeds, contributions)


def outcome(
    claim: str,
    values: Sequence[float],
    half: Sequence[float] | None = None,
    budget: str = "laptop",
    images: int = 0,
) -> Outcome:
    """A claim whose parts and checks all have one case with the same effect.

    Args:
        claim: its id.
        values: one per seed.
        half: the same at half the updates.
        budget: of the runs.
        images: of the test set, if they were kept.
    """
    parts, checks = CLAIMS[claim].parts, CLAIMS[claim].checks
    frame = pd.DataFrame({"seed": [100], "data.name": ["mnist"], "data.train_size": [50_000]})
    made = Outcome(
        claim=CLAIMS[claim],
        verdict=NOT_RESOLVED,
        scope=Scope(budget, "mnist"),
        runs=ClaimRuns(final={CLAIMS[claim].studies[0]: Runs(frame, {})}),
        effects={name: {"case": effect(values, images)} for name in (*parts, *checks)},
        half={} if half is None else {name: {"case": effect(half, images)} for name in parts},
        options="studies=[capacity] budget=laptop",
    )
    decide_together([made])

    return made
