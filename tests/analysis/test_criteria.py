"""Criteria with reasons: what is supported, contradicted, not resolved and not found."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropout_study.analysis.criteria import (
    CONTRADICTED,
    FAILS,
    HOLDS,
    NOT_FOUND,
    NOT_RESOLVED,
    NOT_SETTLED,
    SIZE_NOT_SETTLED,
    SUPPORTED,
    Asked,
    Better,
    Check,
    Decision,
    Doubt,
    Exact,
    Measured,
    NotWorse,
    Part,
    Settling,
    Tested,
    Within,
    decide,
    settling,
    together,
)
from dropout_study.analysis.runs import Effect, ResultsMissing

UP = [1.0, 1.1, 0.9]
DOWN = [-1.0, -1.1, -0.9]
ZERO = [0.3, -0.35, 0.04]
LUCKY = [0.7, 1.0, 1.6]
"""One-sided p of 0.028."""
ANY = Better(0.0, "any gain")


def alone(part: Part | Check, *values: Sequence[float]) -> Decision:
    """The decision on a question that has no others beside it; its cases are numbered."""
    effects = {str(number): Effect(case) for number, case in enumerate(values)}
    return decide({"": Asked(part, effects)})[""]


@pytest.mark.parametrize(
    ("criterion", "values", "outcome"),
    [
        (ANY, UP, SUPPORTED),
        (ANY, DOWN, CONTRADICTED),
        (ANY, ZERO, NOT_RESOLVED),
        (Better(1.0, ""), UP, NOT_RESOLVED),
        (Better(-2.0, ""), DOWN, SUPPORTED),
        (Better(2.0, ""), UP, CONTRADICTED),
        (ANY, [1.0], NOT_RESOLVED),  # one seed has no interval
        (ANY, [1.0, math.nan], NOT_RESOLVED),
        (NotWorse(0.5, ""), DOWN, SUPPORTED),
        (NotWorse(0.5, ""), UP, CONTRADICTED),
        (NotWorse(0.5, ""), ZERO, NOT_RESOLVED),
        (NotWorse(2.0, ""), UP, SUPPORTED),  # worse, but by less than the margin
        (NotWorse(0.5, ""), [1.0], NOT_RESOLVED),
        (Within(2.0, 0.0, ""), UP, SUPPORTED),
        (Within(0.5, 0.0, ""), UP, CONTRADICTED),
        (Within(0.5, 0.0, ""), DOWN, CONTRADICTED),
        (Within(1.0, 0.0, ""), UP, NOT_RESOLVED),
        (Within(0.3, -1.0, ""), DOWN, SUPPORTED),
        (Within(0.3, -1.0, ""), [-1.0], NOT_RESOLVED),
        (Measured(below=1.5), UP, SUPPORTED),
        (Measured(below=0.5), UP, CONTRADICTED),
        (Measured(above=0.5), UP, SUPPORTED),
        (Measured(below=1.0), UP, NOT_RESOLVED),
        (Measured(below=1.0), [1.0], NOT_RESOLVED),
    ],
)
def test_outcomes_of_one_effect(
    criterion: Tested | Measured, values: list[float], outcome: str
) -> None:
    """If this failed, a part would not be decided by its one-sided tests (UP: 1 ± 0.25)."""
    assert alone(Part("gain", criterion), values).outcome == outcome


@pytest.mark.parametrize(
    ("criterion", "values", "outcome"),
    [
        (Exact(1e-12, ""), [1e-13, -1e-13], HOLDS),
        (Exact(1e-12, ""), [1e-13, -1e-11], FAILS),
        (Exact(0, ""), [0.0], HOLDS),
        (Exact(0, ""), [math.nan], FAILS),
        (Within(0.1, -0.5, ""), [-0.55, -0.57], HOLDS),
        (Within(0.1, -0.5, ""), [-0.65, -0.57], FAILS),
        (Within(0.1, -0.5, ""), [-0.5], HOLDS),
        (Within(0.1, -0.5, ""), [math.nan], FAILS),
    ],
)
def test_checks_hold_or_fail(criterion: Exact | Within, values: list[float], outcome: str) -> None:
    """If this failed, an identity that the code violates would pass, or one seed could not check
    it.
    """
    decision = alone(Check("difference", criterion), values)
    assert decision.outcome == outcome
    assert math.isnan(decision.p_support)
    assert bool(decision.reason) == (outcome == FAILS)


@pytest.mark.parametrize(
    ("some", "effects", "outcome"),
    [
        (False, [UP, UP], SUPPORTED),
        (False, [UP, ZERO], NOT_RESOLVED),
        (False, [UP, DOWN], CONTRADICTED),
        (False, [UP, [-0.7, -1.0, -1.6]], NOT_RESOLVED),  # p 0.028 of two chances
        (False, [LUCKY, LUCKY], SUPPORTED),
        (True, [DOWN, UP], SUPPORTED),
        (True, [ZERO, LUCKY], NOT_RESOLVED),
        (True, [DOWN, ZERO], NOT_RESOLVED),
        (True, [DOWN, DOWN], NOT_FOUND),
        (True, [DOWN, [1.0]], NOT_RESOLVED),
        (False, [UP, [1.0]], NOT_RESOLVED),
    ],
)
def test_a_part_asks_for_all_of_its_cases_or_for_some(
    some: bool, effects: list[list[float]], outcome: str
) -> None:
    """If this failed, "some models" would mean all of them, or four models could refute that there
    is one.
    """
    assert alone(Part("gain", ANY, some=some), *effects).outcome == outcome


def test_p_values_of_a_part_count_its_cases_as_the_question_does() -> None:
    """If this failed, one lucky model of many would have the p value of a single test."""
    p_up = Effect(UP).estimate().p_above()
    p_lucky = Effect(LUCKY).estimate().p_above()
    p_down = Effect(DOWN).estimate().p_below()

    every = alone(Part("gain", ANY), UP, LUCKY)
    assert every.p_support == p_lucky
    assert every.p_contradiction == 1

    some = alone(Part("gain", ANY, some=True), UP, LUCKY, ZERO)
    assert some.p_support == pytest.approx(3 * p_up)
    assert math.isnan(some.p_contradiction)

    one_down = alone(Part("gain", ANY), UP, LUCKY, DOWN)
    assert one_down.p_contradiction == pytest.approx(3 * p_down)


def test_each_case_has_its_own_outcome_adjusted_for_the_cases_of_the_part() -> None:
    """If this failed, heterogeneous nets would be averaged, or one of many called by chance."""
    cases = alone(Part("gain", ANY, some=True), UP, LUCKY, DOWN, ZERO).cases
    assert [case.outcome for case in cases.values()] == [
        SUPPORTED,
        NOT_RESOLVED,  # 0.028 times 3
        CONTRADICTED,
        NOT_RESOLVED,
    ]
    assert cases["1"].p_support == pytest.approx(3 * Effect(LUCKY).estimate().p_above())


def test_holm_over_the_parts_of_all_claims_decides() -> None:
    """If this failed, forty parts would support two of their sentences by chance.

    LUCKY has p 0.028: supported alone and beside a part that is supported, not beside an open one.
    Checks and timings do not count.
    """
    lucky = Asked(Part("gain", ANY), {"": Effect(LUCKY)})
    sure = Asked(Part("gain", ANY), {"": Effect(UP)})
    unclear = Asked(Part("gain", ANY), {"": Effect(ZERO)})
    check = Asked(Check("sum", Exact(0, "")), {"": Effect([0.0])})
    timing = Asked(Part("time", Measured(below=2.0), ""), {"": Effect(ZERO)})
    p = Effect(LUCKY).estimate().p_above()

    beside_sure = decide({"a": lucky, "b": sure, "c": check, "d": timing})
    assert beside_sure["a"].outcome == SUPPORTED
    assert beside_sure["a"].adjusted == pytest.approx(p)

    beside_unclear = decide({"a": lucky, "b": unclear})
    assert beside_unclear["a"].outcome == NOT_RESOLVED
    assert beside_unclear["a"].adjusted_support == pytest.approx(2 * p)
    assert math.isnan(beside_unclear["a"].adjusted)

    against = decide({"a": Asked(Part("gain", ANY), {"": Effect(DOWN)}), "b": unclear})
    assert against["a"].outcome == CONTRADICTED
    assert against["a"].adjusted == pytest.approx(2 * Effect(DOWN).estimate().p_below())


@pytest.mark.parametrize("some", [False, True])
def test_families_without_effects_are_decided_in_5_percent(some: bool) -> None:
    """If this failed, noise would support or contradict claims too often: 4 parts of 2 cases and
    6 seeds, 600 trials (± 0.9 points).
    """
    source = np.random.default_rng(3)
    trials = source.normal(size=(600, 4, 2, 6))
    part = Part("gain", ANY, some=some)
    counts = {SUPPORTED: 0, CONTRADICTED: 0}

    for trial in trials.tolist():
        asked = {
            number: Asked(part, {"0": Effect(first), "1": Effect(second)})
            for number, (first, second) in enumerate(trial)
        }
        outcomes = {decision.outcome for decision in decide(asked).values()}
        for outcome in counts:
            counts[outcome] += outcome in outcomes

    assert counts[SUPPORTED] / 600 < 0.05 + 0.027
    assert counts[CONTRADICTED] / 600 < 0.05 + 0.027
    if some:
        assert counts[SUPPORTED] > 0.02 * 600
        assert counts[CONTRADICTED] == 0


@given(
    values=st.lists(st.floats(-5, 5), min_size=2, max_size=6),
    margin=st.floats(-2, 2),
)
@settings(max_examples=60, deadline=None)
def test_better_and_not_worse_are_mirror_images(values: list[float], margin: float) -> None:
    """If this failed, the sign of a difference would change an outcome."""
    better = alone(Part("gain", Better(margin, "")), values)
    not_worse = alone(Part("harm", NotWorse(-margin, "")), [-value for value in values])
    assert better.outcome == not_worse.outcome
    assert better.p_support == pytest.approx(not_worse.p_support)
    assert better.p_contradiction == pytest.approx(not_worse.p_contradiction)


def test_test_images_count_as_much_as_seeds() -> None:
    """If this failed, an effect of a few test images would pass for one of the networks: every seed
    gains exactly 1 point, but on two of 200 images alone.
    """
    images = np.zeros((5, 200))
    images[:, :2] = 100.0
    effect = Effect([1.0] * 5, [0, 1, 2, 3, 4], images)
    part = Part("gain", ANY)
    assert alone(part, effect.values).outcome == SUPPORTED

    decision = decide({"": Asked(part, {"": effect})})[""]
    assert decision.outcome == NOT_RESOLVED
    assert decision.cases[""].estimate.se == pytest.approx(
        math.sqrt(2 * 198 / 200 / 199 / 200) * 100
    )
    assert "no number of seeds would be enough" in decision.reason
    assert "test images would be needed" in decision.reason


def test_an_open_part_says_what_it_would_take() -> None:
    """If this failed, "not resolved" would not say whether more seeds help, or how many."""
    assert (
        alone(Part("gain", ANY), ZERO).reason
        == "to contradict it, about 60,000 seeds would be needed"
    )
    assert alone(Part("gain", ANY), [0.7, 1.0, -0.2]).reason == (
        "to support it, about 12 seeds would be needed"
    )
    assert alone(Part("gain", ANY), [1.0]).reason == "one seed has no interval"
    assert alone(Part("gain", ANY), [1.0, -1.0]).reason == "the effect lies on the limit"
    assert alone(Part("gain", ANY), UP, [0.7, 1.0, -0.2]).reason == (
        "1: to support it, about 12 seeds would be needed"
    )
    assert alone(Part("time", Measured(below=1.0), ""), [1.0]).reason == "one seed has no interval"
    never = alone(Part("time", Measured(below=1.0), ""), [1.0, math.nan])
    assert never.reason == "some seeds have no value"
    assert alone(Part("time", Measured(below=1.0), ""), UP).reason == (
        "the interval contains the bound"
    )
    assert alone(Part("gain", ANY), UP).reason == ""

    found = alone(Part("gain", ANY, some=True), DOWN, [0.7, 1.0, -0.2]).reason
    assert found.startswith(
        "0: its mean is on the other side of the limit; 1: to support it, about "
    )


def test_more_parts_beside_an_open_one_need_more_seeds() -> None:
    """If this failed, the number of seeds would be for a test that does not decide: one without
    the adjustment for other parts.
    """
    part = Asked(Part("gain", ANY), {"": Effect([0.7, 1.0, -0.2])})
    four = decide(dict.fromkeys("abcd", part))
    assert four["a"].reason == "to support it, about 18 seeds would be needed"


def effects(values: Sequence[float], seeds: Sequence[int] = (100, 101, 102)) -> dict[str, Effect]:
    """One case with seeds."""
    return {"net": Effect(values, seeds)}


@pytest.mark.parametrize(
    ("final", "half", "within", "settled", "reason"),
    [
        (UP, UP, 0.5, True, ""),
        (UP, [0.9, 1.1, 0.9], 0.5, True, ""),
        (
            UP,
            DOWN,
            None,
            False,
            "contradicted after half of the updates and supported after all of them",
        ),
        (
            UP,
            ZERO,
            None,
            False,
            "not resolved after half of the updates and supported after all of them",
        ),
        (UP, [0.7, 1.0, -0.2], None, False, "(after half of them, to support it, about 12 seeds "),
        (UP, [2.0, 2.1, 1.9], None, True, ""),
        (
            UP,
            [2.0, 2.1, 1.9],
            0.5,
            False,
            "to all, a change by more than 0.5 points is not ruled out",
        ),
        (ZERO, ZERO, 0.1, True, ""),
    ],
)
def test_a_contrast_is_settled_if_half_the_updates_give_the_same(
    final: list[float], half: list[float], within: float | None, settled: bool, reason: str
) -> None:
    """If this failed, a verdict that longer training would change would stand without a word."""
    part = Part("gain", ANY, settled_within=within)
    result = settling(part, effects(final), effects(half))
    doubt = result.doubt
    assert (doubt is None) == settled
    assert doubt is None or reason in doubt.reason
    by_size = "change by more" in reason
    assert doubt is None or doubt.name == (SIZE_NOT_SETTLED if by_size else NOT_SETTLED)
    change = result.changes["net"]
    assert change.mean == pytest.approx(np.mean(final) - np.mean(half))


@pytest.mark.parametrize(
    ("changes", "takes"),
    [
        # The t test at 0.025 has a power of 0.8 for a distance of 1 - 0.25, at a deviation of 1.5.
        ([1.0, -1.0, 2.0, -1.0], "about 34 seeds would be needed"),
        ([1.0, 2.0, 0.5, 1.7], "the mean changed by 1.3 points"),
        ([0.4], "one seed has no interval"),
    ],
)
def test_a_size_that_is_not_settled_says_what_it_takes(changes: list[float], takes: str) -> None:
    """If this failed, a reader would not know if more seeds help, or the nets still learn."""
    seeds = range(100, 100 + len(changes))
    part = Part("gain", ANY, settled_within=1.0)
    half = effects([9.0] * len(changes), seeds)
    doubt = settling(part, effects([9 + each for each in changes], seeds), half).doubt
    assert doubt is not None
    assert doubt.reason.endswith(f"{takes})")


def test_half_the_updates_are_compared_over_common_seeds() -> None:
    """If this failed, fewer seeds at half the updates would look like a change.

    The two seeds that were run at both budgets agree exactly.
    """
    part = Part("gain", ANY, settled_within=0.1)
    final = effects([1.0, 1.1, 5.0, -3.0], (100, 101, 102, 103))
    half = effects([1.0, 1.1], (100, 101))
    decision = decide({"": Asked(part, final, half)})[""]
    assert decision.outcome == NOT_RESOLVED
    assert decision.settling is not None
    assert decision.settling.doubt is None
    assert decision.settling.changes["net"].seeds == 2

    with pytest.raises(ResultsMissing, match="no seed in common"):
        settling(part, final, effects([1.0], (900,)))
    with pytest.raises(ResultsMissing, match="not run for net"):
        settling(part, final, {})


def test_one_common_seed_settles_nothing_that_has_a_limit() -> None:
    """If this failed, a control without an interval would pass."""
    part = Part("gain", ANY, settled_within=5.0)
    result = settling(part, effects(UP), effects([1.0], (100,)))
    assert result.doubt is not None


@pytest.mark.parametrize(
    ("outcomes", "whole"),
    [
        ([SUPPORTED, SUPPORTED], SUPPORTED),
        ([SUPPORTED, NOT_RESOLVED], NOT_RESOLVED),
        ([SUPPORTED, NOT_FOUND], NOT_FOUND),
        ([NOT_FOUND, NOT_RESOLVED], NOT_RESOLVED),
        ([SUPPORTED, NOT_RESOLVED, CONTRADICTED], CONTRADICTED),
        ([HOLDS, SUPPORTED], SUPPORTED),
        ([FAILS, SUPPORTED], SUPPORTED),  # checks stand apart
        ([HOLDS, HOLDS], HOLDS),
        ([HOLDS, FAILS], FAILS),
    ],
)
def test_a_claim_is_contradicted_if_a_part_is_and_supported_if_all_are(
    outcomes: list[str], whole: str
) -> None:
    """If this failed, a claim of several parts could be argued into passing."""
    decisions = {str(i): Decision(outcome, {}, reason="r") for i, outcome in enumerate(outcomes)}
    assert together(decisions).outcome == whole


def test_the_verdict_on_a_claim_says_what_it_rests_on() -> None:
    """If this failed, the report could not say which part is open, or which has not settled."""
    doubt = Doubt(NOT_SETTLED, "contradicted at half the updates")
    decisions: Mapping[str, Decision] = {
        "narrow": Decision(SUPPORTED, {}, adjusted_support=0.01, settling=Settling(doubt)),
        "wide": Decision(SUPPORTED, {}, adjusted_support=0.04),
        "timing": Decision(SUPPORTED, {}),
    }
    verdict = together(decisions)
    assert verdict.adjusted == 0.04
    assert verdict.unsettled == {"narrow": doubt}
    assert verdict.reason == ""

    open_part = Decision(NOT_RESOLVED, {}, reason="about 23 seeds would be needed")
    against = Decision(CONTRADICTED, {}, adjusted_contradiction=0.02)
    verdict = together(dict(decisions) | {"trend": open_part, "gain": against})
    assert verdict.adjusted == 0.02
    assert verdict.reason == "trend: about 23 seeds would be needed"
    assert together({"trend": open_part}).reason == "about 23 seeds would be needed"


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (Part("gain", Better(0.0, "")), "gain: above 0 points"),
        (Part("gain", Better(1.0, ""), some=True), "gain: above 1 point, in at least one case"),
        (Part("harm", NotWorse(0.3, "")), "harm: below 0.3 points"),
        (Part("slope", Within(0.1, -0.5, ""), ""), "slope: within -0.5 ± 0.1"),
        (Part("bias", Within(0.1, 0.0, "")), "bias: within ± 0.1 points"),
        (Part("ratio", Measured(above=1.0, below=1.5), ""), "ratio: above 1 and below 1.5"),
        (Check("count", Exact(0, "")), "count: exactly 0"),
        (Check("sum", Exact(1e-12, "")), "sum: at most 1e-12 in absolute value"),
    ],
)
def test_a_question_reads_as_a_sentence(question: Part | Check, words: str) -> None:
    """If this failed, the table of criteria would not say what was asked."""
    assert str(question) == words
