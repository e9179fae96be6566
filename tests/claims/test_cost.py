"""What dropout costs."""

import math

import pytest

from dropout_study.analysis.runs import Effect, ResultsMissing
from dropout_study.claims.cost import RATIO_OF, Cost, updates_to_same_error
from support.rows import Columns, curve, row, runs

CLAIM = Cost()


def job(seed: int, **rounds: list[float]) -> Columns:
    """The timings of one job: name of the ratio -> its rounds."""
    columns: Columns = {"model.widths": "1024x1024"}

    for name, times in rounds.items():
        columns |= curve(f"cost/{name}", dict(enumerate(times, 1)))
        columns |= {f"cost/flops_{name}": 1.0}

    return row("", seed, columns)


def trained(arm: str, seed: int, errors: list[float]) -> Columns:
    """A net with its validation errors after 10, 20, ... updates."""
    return row(arm, seed, curve("val/error", {10 * (i + 1): e for i, e in enumerate(errors)}))


TIMES = runs(
    job(100, dropout=[1, 2, 9], bag=[10, 10, 10], scaling=[1, 1, 1], monte_carlo=[8, 9, 10]),
    job(101, dropout=[3, 4, 1], bag=[10.2, 10.2, 10.2], scaling=[1, 1, 1], monte_carlo=[7, 9, 10]),
)
REFERENCE = runs(
    trained("none", 100, [9, 5, 4]),
    trained("none", 101, [9, 4, 4]),
    trained("hidden 0.5", 100, [9, 4, 2]),
    trained("hidden 0.5", 101, [9, 8, 7]),
)
STUDIES = {"cost": TIMES, "reference": REFERENCE}


def test_a_job_has_one_value_the_median_of_its_rounds() -> None:
    """If this failed, rounds of one job would count as repetitions, or one pause would decide."""
    effects = CLAIM.estimate(STUDIES)
    assert list(effects["one pass trains"]["1024x1024"].values) == [2, 3]
    assert list(effects["a bag costs more"]["1024x1024"].values) == [10, 10.2]
    assert list(effects["sampling costs more"]["1024x1024"].values) == [9, 9]


def test_small_ratios_support_one_pass_and_large_ones_the_cost_of_others() -> None:
    """If this failed, a limit would be on the wrong side."""
    effects = CLAIM.estimate(STUDIES)
    outcomes = {
        name: CLAIM.parts[name].criterion.decide(effects[name]["1024x1024"]) for name in RATIO_OF
    }
    assert outcomes["one pass predicts"] == "supported"  # 1 twice, below 1.2
    assert outcomes["a bag costs more"] == "supported"  # 10.1 ± 1.3, above 5
    assert outcomes["one pass trains"] == "not resolved"  # 2.5 ± 6.4 contains 1.5
    assert outcomes["sampling costs more"] == "supported"  # 9 twice, above 5


def test_updates_are_counted_to_the_plain_net_s_last_error() -> None:
    """If this failed, dropout would be measured against its own last error.

    Seed 100: 4 % after 20 updates, without dropout after 30. Seed 101 does not reach 4 %.
    """
    factors = updates_to_same_error(REFERENCE)
    assert factors[100] == pytest.approx(20 / 30)
    assert factors.isna().to_dict() == {100: False, 101: True}
    assert "0.67 (1 of 2 seeds reach it)" in CLAIM.context_lines(STUDIES)[0]


def test_all_of_training_is_the_ratio_of_updates_times_the_time_of_an_update() -> None:
    """If this failed, an update as cheap as without dropout would hide that more are needed.

    Updates to 4 %: 20 of 30 in seed 100, 40 of 20 in seed 101, which goes on to 3 %. The mean
    time of an update is (2 + 3) / 2 = 2.5 of one without: 2.5 * 2 / 3 and 2.5 * 2.
    """
    reference = runs(
        trained("none", 100, [9, 5, 4, 4]),
        trained("none", 101, [9, 4, 4, 4]),
        trained("hidden 0.5", 100, [9, 4, 2, 2]),
        trained("hidden 0.5", 101, [9, 8, 7, 3]),
    )
    effect = CLAIM.estimate({"cost": TIMES, "reference": reference})["all of training"]["512x512"]
    assert list(effect.values) == pytest.approx([5 / 3, 5])
    assert list(effect.seeds) == [100, 101]


def test_all_of_training_is_cheap_below_a_bag_of_ten() -> None:
    """If this failed, training as expensive as ten nets would pass for one pass.

    Ten nets cost 10: 5 and 5.5 are below, 20 and 20.5 above, 5 and 20 undecided.
    """
    criterion = CLAIM.parts["all of training"].criterion
    assert criterion.decide(Effect([5, 5.5])) == "supported"
    assert criterion.decide(Effect([20, 20.5])) == "contradicted"
    assert criterion.decide(Effect([5, 20])) == "not resolved"


def test_a_net_that_does_not_reach_the_error_leaves_all_of_training_open() -> None:
    """If this failed, seeds with the slowest training would be left out of its mean.

    Seed 101 does not reach 4 %.
    """
    effect = CLAIM.estimate(STUDIES)["all of training"]["512x512"]
    assert effect.values[0] == pytest.approx(2.5 * 20 / 30)
    assert math.isnan(effect.values[1])
    assert CLAIM.parts["all of training"].criterion.decide(effect) == "not resolved"


def test_the_figure_shows_both_curves() -> None:
    """If this failed, the figure would show other curves than those that updates are counted on."""
    (axes,) = CLAIM.draw(STUDIES).axes
    curves = {str(line.get_label()): list(line.get_ydata()) for line in axes.lines}
    assert curves["none"] == [9, 4.5, 4]
    assert curves["hidden 0.5"] == [9, 6, 4.5]


def test_missing_results_are_named() -> None:
    """If this failed, timings without the nets of reference would end in a traceback."""
    with pytest.raises(ResultsMissing, match="no results of study reference"):
        CLAIM.context_lines({"cost": TIMES})
    with pytest.raises(ResultsMissing, match="no results of study reference"):
        CLAIM.estimate({"cost": TIMES})

    untimed = runs(row("", 100, {"model.widths": "1024x1024"}))
    with pytest.raises(ResultsMissing, match="cost/dropout was not measured"):
        CLAIM.estimate({"cost": untimed, "reference": REFERENCE})
