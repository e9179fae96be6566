"""Criteria: what is supported, contradicted and left open."""

import math

import numpy as np
import pytest

from dropout_study.analysis.criteria import (
    CONTRADICTED,
    INCONCLUSIVE,
    SUPPORTED,
    Criterion,
    Decision,
    Equivalent,
    Exact,
    Greater,
    Measured,
    Part,
    together,
)
from dropout_study.analysis.runs import Effect

UP = [1.0, 1.1, 0.9]
DOWN = [-1.0, -1.1, -0.9]
ZERO = [0.3, -0.3, 0.0]
LUCKY = [0.7, 1.0, 1.3]


@pytest.mark.parametrize(
    ("criterion", "values", "image_error", "verdict"),
    [
        (Exact(1e-12), [1e-13, -1e-13], None, SUPPORTED),
        (Exact(1e-12), [1e-13, -1e-11], None, CONTRADICTED),
        (Exact(0), [0.0], None, SUPPORTED),
        (Exact(0), [math.nan], None, CONTRADICTED),
        (Greater(), UP, None, SUPPORTED),
        (Greater(), DOWN, None, CONTRADICTED),
        (Greater(), ZERO, None, INCONCLUSIVE),
        (Greater(1.0), UP, None, INCONCLUSIVE),
        (Greater(-2.0), DOWN, None, SUPPORTED),
        (Greater(), UP, 0.5, SUPPORTED),  # 1.96 * 0.5 < 1
        (Greater(), UP, 0.52, INCONCLUSIVE),  # 1.96 * 0.52 > 1
        (Greater(), DOWN, 0.52, INCONCLUSIVE),
        (Greater(-0.2), UP, 0.6, SUPPORTED),  # what counts is the distance from the margin
        (Greater(), [1.0], None, INCONCLUSIVE),  # one seed has no interval
        (Equivalent(2.0), UP, None, SUPPORTED),
        (Equivalent(0.5), UP, None, CONTRADICTED),
        (Equivalent(1.0), UP, None, INCONCLUSIVE),
        (Equivalent(2.0), UP, 0.52, INCONCLUSIVE),  # 1 from the limit
        (Equivalent(2.0), UP, 0.5, SUPPORTED),
        (Equivalent(0.2, -1.0), DOWN, None, INCONCLUSIVE),
        (Equivalent(0.3, -1.0), DOWN, None, SUPPORTED),
        (Measured(below=1.5), UP, None, SUPPORTED),
        (Measured(below=0.5), UP, None, CONTRADICTED),
        (Measured(above=0.5), UP, None, SUPPORTED),
        (Measured(below=1.0), UP, None, INCONCLUSIVE),
    ],
)
def test_decisions(
    criterion: Criterion, values: list[float], image_error: float | None, verdict: str
) -> None:
    """If this failed, a claim would not be decided by its interval (UP: 1 ± 0.25)."""
    assert criterion.decide(Effect(values, image_error=image_error)).verdict == verdict


@pytest.mark.parametrize(
    ("some", "effects", "verdict"),
    [
        (False, [UP, UP], SUPPORTED),
        (False, [UP, ZERO], INCONCLUSIVE),
        (False, [UP, DOWN], CONTRADICTED),
        (True, [DOWN, UP], SUPPORTED),
        (True, [ZERO, LUCKY], INCONCLUSIVE),  # p 0.03 of two chances
        (False, [LUCKY, LUCKY], SUPPORTED),
        (True, [DOWN, ZERO], INCONCLUSIVE),
        (True, [DOWN, DOWN], CONTRADICTED),
    ],
)
def test_a_part_asks_for_all_of_its_effects_or_for_some(
    some: bool, effects: list[list[float]], verdict: str
) -> None:
    """If this failed, "some models" would mean all, or "beats L2, L1 and max-norm" one of them."""
    part = Part("", Greater(), some=some)
    assert (
        part.decide({str(i): Effect(values) for i, values in enumerate(effects)}).verdict == verdict
    )


def test_p_values_of_parts_count_how_many_chances_there_were() -> None:
    """If this failed, one lucky model of many would have the p value of a single test."""
    two = {"a": Effect(UP), "b": Effect(DOWN)}
    alone = Greater().decide(Effect(UP)).p
    assert Part("", Greater(), some=True).decide(two).p == pytest.approx(2 * alone)
    assert Part("", Greater()).decide({"a": Effect(UP), "b": Effect([1.0, 2.0, 3.0])}).p > alone


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        ([SUPPORTED, SUPPORTED], SUPPORTED),
        ([SUPPORTED, INCONCLUSIVE], INCONCLUSIVE),
        ([SUPPORTED, INCONCLUSIVE, CONTRADICTED], CONTRADICTED),
    ],
)
def test_a_claim_is_contradicted_if_a_part_is_and_supported_if_all_are(
    verdicts: list[str], whole: str
) -> None:
    """If this failed, a claim of several parts could be argued into passing."""
    decision = together(
        {str(i): Decision(verdict, reason="r") for i, verdict in enumerate(verdicts)}
    )
    assert decision.verdict == whole
    assert math.isnan(decision.p)


@pytest.mark.parametrize("models", [2, 4])
def test_more_chances_do_not_support_a_claim_more_often(models: int) -> None:
    """If this failed, four models without an effect would support "some models" in 10 %."""
    part = Part("", Greater(), some=True)
    trials = np.random.default_rng(models).normal(size=(4_000, models, 5))
    verdicts = [
        part.decide({str(i): Effect(e.tolist()) for i, e in enumerate(trial)}).verdict
        for trial in trials
    ]
    assert 0 < verdicts.count(SUPPORTED) / len(verdicts) < 0.025 + 0.0075
    sure = {"a": Effect([1.0, 1.01, 0.99, 1.0, 1.02])} | {
        str(i): Effect(ZERO) for i in range(models - 1)
    }
    assert part.decide(sure).verdict == SUPPORTED


@pytest.mark.parametrize("seeds", [5, 10])
@pytest.mark.parametrize("correlation", [0.0, 0.8])
def test_without_an_effect_at_most_2_5_percent_are_supported(
    seeds: int, correlation: float
) -> None:
    """If this failed, noise would support claims too often (4,000 trials: ± 0.5 points)."""
    source = np.random.default_rng(seeds)
    shared = source.normal(size=(4_000, seeds, 1)) * correlation**0.5
    arms = shared + source.normal(size=(4_000, seeds, 2)) * (1 - correlation) ** 0.5
    verdicts = [Greater().decide(Effect(d.tolist())).verdict for d in arms[..., 0] - arms[..., 1]]
    assert verdicts.count(SUPPORTED) / len(verdicts) < 0.025 + 0.0075
    assert verdicts.count(CONTRADICTED) / len(verdicts) < 0.025 + 0.0075
