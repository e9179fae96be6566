"""Ensembles of nets with one mask each, against dropout."""

import numpy as np

from dropout_study.claims.beyond.untied_ensembles import UntiedEnsembles
from support.rows import Columns, curve, misclassified, row, runs

CLAIM = UntiedEnsembles()


def member(seed: int, first: bool) -> Columns:
    """A member that misclassifies three of four images; its ensemble misclassifies two."""
    results: Columns = {"model.hidden_rate": 0.5, "test/nll/weight_scaling": 0.9}
    if first:
        results |= curve("bag/error", {1: 75, 2: 50}) | curve("bag/nll", {1: 0.9, 2: 0.6})
        results["wrong/bag"] = np.array([1, 1, 0, 0], dtype=float)

    return row("ensemble", seed, misclassified("weight_scaling", [1, 1, 1, 0]), results)


def dropout(seed: int) -> Columns:
    settings = {"model.hidden_rate": 0.2, "test/nll/weight_scaling": 0.4}
    return row("dropout", seed, misclassified("weight_scaling", [1, 0, 0, 0]), settings)


STUDIES = {
    "untied": runs(
        *(member(seed, seed in (100, 102)) for seed in (100, 101, 102, 103)),
        dropout(100),
        dropout(102),
    )
}


def test_whole_ensembles_are_compared_with_dropout() -> None:
    """If this failed, single members would be compared, or the sign be turned. 50 - 25 points."""
    effect = CLAIM.estimate(STUDIES)["at equal training cost"]["ensemble"]
    assert list(effect.values) == [25, 25]
    assert list(effect.seeds) == [100, 102]
    assert effect.images is not None
    assert effect.images[0].tolist() == [0, 100, 0, 0]
    criterion = CLAIM.parts["at equal training cost"].criterion
    assert criterion.distance(effect.estimate()) == 25


def test_the_context_tells_members_ensembles_and_choices() -> None:
    """If this failed, the gain of an ensemble over its members would be missing."""
    errors, nll, rates = CLAIM.context_lines(STUDIES)
    assert errors == "a member alone 75.00 %, 2 members 50.00 %, dropout 25.00 %"
    assert nll.startswith("2 members minus dropout: +0.2000")
    assert rates == "chosen rates of dropping: 0.5 of members, 0.2 of dropout"
    assert CLAIM.draw(STUDIES) is not None
