"""Ensembles of nets with one mask each, against dropout."""

import numpy as np

from dropout_study.claims.beyond.untied_ensembles import UntiedEnsembles
from support.rows import Columns, curve, misclassified, row, runs

CLAIM = UntiedEnsembles()


def member(rate: float, seed: int, wrong: list[int]) -> Columns:
    """A member that misclassifies three of four images; the first of two has their ensemble's."""
    results: Columns = {"model.hidden_rate": rate, "test/nll/weight_scaling": 0.9}
    if seed % 2 == 0:
        share = 100 * sum(wrong) / len(wrong)
        results |= curve("bag/error", {1: 75, 2: share}) | curve("bag/nll", {1: 0.9, 2: 0.6})
        results["wrong/bag"] = np.array(wrong, dtype=float)

    named = f"ensemble, rate {rate:g}"

    return row(named, seed, misclassified("weight_scaling", [1, 1, 1, 0]), results)


def dropout(seed: int) -> Columns:
    settings = {"model.hidden_rate": 0.2, "test/nll/weight_scaling": 0.4}
    return row("dropout", seed, misclassified("weight_scaling", [1, 0, 0, 0]), settings)


STUDIES = {
    "untied": runs(
        *(member(0.2, seed, [1, 1, 0, 0]) for seed in (100, 101, 102, 103)),
        *(member(0.5, seed, [0, 0, 0, 0]) for seed in (100, 101, 102, 103)),
        dropout(100),
        dropout(102),
    )
}


def test_whole_ensembles_of_each_rate_are_compared_with_dropout() -> None:
    """If this failed, single members would be compared, one rate hide the other, or the sign be
    turned.

    50 - 25 and 0 - 25 points.
    """
    effects = CLAIM.estimate(STUDIES)["at equal training cost"]
    assert {arm: list(effect.values) for arm, effect in effects.items()} == {
        "ensemble, rate 0.2": [25, 25],
        "ensemble, rate 0.5": [-25, -25],
    }
    effect = effects["ensemble, rate 0.2"]
    assert list(effect.seeds) == [100, 102]
    assert effect.images is not None
    assert effect.images[0].tolist() == [0, 100, 0, 0]
    criterion = CLAIM.parts["at equal training cost"].criterion
    assert criterion.distance(effect.estimate()) == 25


def test_the_context_tells_what_further_members_add() -> None:
    """If this failed, nobody could see whether a larger ensemble would do better."""
    alone, low, high = CLAIM.context_lines(STUDIES)
    assert alone == "dropout: test error 25.00 %, at rate 0.2"
    assert "a member alone 75.00 %, 1 members 75.00 %, 2 members 50.00 %" in low
    assert "minus that of dropout +0.2000" in low
    assert "2 members 0.00 %" in high
    assert CLAIM.draw(STUDIES) is not None
