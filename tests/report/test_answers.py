"""The answers to claims in plain sentences."""

import math
from dataclasses import replace

import pytest

from dropout_study.analysis.claim import Claim
from dropout_study.analysis.criteria import (
    CONTRADICTED,
    NOT_RESOLVED,
    SUPPORTED,
    Answers,
    Better,
    Case,
    Decision,
    Measured,
    NotWorse,
    Part,
)
from dropout_study.analysis.margins import NO_SIZE
from dropout_study.claims import CLAIMS
from dropout_study.measures.statistics import Estimate
from dropout_study.report.answers import answer, clauses, finding, sentences
from dropout_study.report.verdicts import NO_RUNS, Outcome, decide_together
from support.outcomes import CONTRADICTING, SUPPORTING, UNCLEAR, effect, outcome

PART = Part(
    "gain",
    Better(0, NO_SIZE),
    answers=Answers("masks make {} fewer errors", "masks make {} more errors", "nobody can tell"),
)


def case(mean: float, outcome: str) -> Case:
    """A case with a mean and an outcome."""
    return Case(Estimate(mean, 0.1, 9.0, 10), outcome)


def said(outcome: str, **cases: Case) -> str:
    """The clauses of a part with some outcome and cases."""
    return "; ".join(clauses(PART, Decision(outcome, cases)))


def test_cases_are_told_by_outcome_that_of_the_part_first() -> None:
    """If this failed, a reader would take the exception for the rule."""
    cases = {
        "lenet": case(0.123, SUPPORTED),
        "mlp": case(-0.2, CONTRADICTED),
        "wide": case(0.034, SUPPORTED),
        "digits": case(0.001, NOT_RESOLVED),
    }
    assert said(CONTRADICTED, **cases) == (
        "for mlp: masks make 0.20 points more errors (-0.026 to 0.43); for lenet and wide: masks "
        "make 0.034 to 0.12 points fewer errors; for digits: nobody can tell (0.0010, -0.23 to "
        "0.23 points)"
    )


def test_names_with_commas_are_listed_with_semicolons() -> None:
    """If this failed, a sentence would begin with "For LeNet, pools and LeNet, n = 9"."""
    cases = {
        "LeNet, pools": case(0.123, SUPPORTED),
        "LeNet, n = 9": case(0.034, SUPPORTED),
        "mlp": case(-0.2, CONTRADICTED),
    }
    assert said(CONTRADICTED, **cases) == (
        "for mlp: masks make 0.20 points more errors (-0.026 to 0.43); masks make 0.034 to 0.12 "
        "points fewer errors (LeNet, pools; LeNet, n = 9)"
    )


def test_in_a_finding_cases_beside_the_outcome_of_the_part_are_counted() -> None:
    """If this failed, a cell of the table of verdicts would list all models."""
    decision = Decision(
        SUPPORTED,
        {
            "LeNet, pools": case(0.123, SUPPORTED),
            "MLP, n = 9": case(-0.2, CONTRADICTED),
            "MLP, digits": case(-0.3, CONTRADICTED),
            "mlp": case(0.001, NOT_RESOLVED),
        },
    )
    assert list(clauses(replace(PART, some=True), decision, brief=True)) == [
        "masks make 0.12 points fewer errors (LeNet, pools: -0.10 to 0.35)",
        "masks make 0.20 to 0.30 points more errors (in 2 of 4 cases)",
        "for mlp: nobody can tell (0.0010, -0.23 to 0.23 points)",
    ]


def test_one_case_needs_no_name_and_many_are_counted() -> None:
    """If this failed, a sentence would list thirty networks."""
    one = "masks make 1.23 points fewer errors (1.01 to 1.46)"
    assert said(SUPPORTED, lenet=case(1.234, SUPPORTED)) == one
    many = {f"pair {i}": case(1.0, SUPPORTED) for i in range(6)}
    assert said(SUPPORTED, **many) == "masks make 1.00 points fewer errors (in all 6 cases)"
    many["other"] = case(-1.0, CONTRADICTED)
    assert "(in 6 of 7 cases)" in said(CONTRADICTED, **many)


def test_the_outcome_of_a_part_counts_not_that_of_its_case_alone() -> None:
    """If this failed, an answer would find what the verdict beside it leaves open, or doubt it, or
    deny an effect and affirm it in one sentence.
    """
    assert said(NOT_RESOLVED, lenet=case(0.2, SUPPORTED)) == (
        "judged apart: masks make 0.20 points fewer errors (-0.026 to 0.43)"
    )
    assert said(NOT_RESOLVED, lenet=case(0.2, NOT_RESOLVED)) == (
        "nobody can tell (0.20, -0.026 to 0.43 points)"
    )
    several = {"lenet": case(0.2, SUPPORTED), "mlp": case(0.1, NOT_RESOLVED)}
    assert said(NOT_RESOLVED, **several) == (
        "for mlp: nobody can tell (0.10, -0.13 to 0.33 points); for lenet, judged apart: masks "
        "make 0.20 points fewer errors (-0.026 to 0.43)"
    )
    assert said(SUPPORTED, **several) == (
        "masks make 0.10 to 0.20 points fewer errors (in both cases: lenet; mlp)"
    )


def test_an_effect_within_a_margin_keeps_its_sign() -> None:
    """If this failed, a mean that is better would be told as one that is worse."""
    part = Part("harm", NotWorse(0.3, NO_SIZE), answers=Answers("the error is {value}", "worse"))
    cases = {"a": case(-0.5, SUPPORTED), "b": case(0.1, SUPPORTED)}
    assert list(clauses(part, Decision(SUPPORTED, cases))) == [
        "the error is -0.50 to 0.10 points (in both cases: a; b)"
    ]


@pytest.mark.parametrize("claim", [claim for claim in CLAIMS.values() if claim.parts])
def test_clauses_of_opposite_outcomes_differ_or_hold_in_both(claim: Claim) -> None:
    """If this failed, a contradiction would be told in the words of a support."""
    for part in claim.parts.values():
        texts = part.answers
        if texts.supported and texts.supported == texts.contradicted:
            assert isinstance(part.criterion, Measured) or "{value}" in texts.supported

    pairs = [("fewer", "more"), ("lowers", "raises"), ("grows", "shrinks"), ("less", "more")]
    for part in claim.parts.values():
        for first, second in pairs:
            if f" {first} " in part.answers.supported and "{}" in part.answers.supported:
                assert f" {second} " in part.answers.contradicted


def test_several_open_cases_show_the_range_of_their_effects() -> None:
    """If this failed, a reader would not know whether an open effect is large or small."""
    several = {"lenet": case(0.2, NOT_RESOLVED), "mlp": case(-0.1, NOT_RESOLVED)}
    assert said(NOT_RESOLVED, **several) == (
        "nobody can tell (in both cases: lenet; mlp: effects of -0.10 to 0.20 points)"
    )


@pytest.mark.parametrize("claim", [claim for claim in CLAIMS.values() if claim.parts])
def test_a_finding_is_one_sentence_of_the_parts_in_the_headline(claim: Claim) -> None:
    """If this failed, the table of verdicts would not say what was found, or say everything."""
    assert set(claim.headline) <= set(claim.parts)

    for values in (SUPPORTING, CONTRADICTING, UNCLEAR):
        made = outcome(claim.id, values)
        text = finding(made)
        assert text.endswith(".")
        assert ". " not in text
        assert len(text) <= len(answer(made))

    assert finding(Outcome(claim, NO_RUNS, "none")) == ""


@pytest.mark.parametrize("claim", [claim for claim in CLAIMS.values() if len(claim.parts) > 1])
def test_a_finding_says_what_contradicts_its_claim(claim: Claim) -> None:
    """If this failed, a contradicted claim would stand beside a sentence that supports it."""
    for deviating, part in claim.parts.items():
        if isinstance(part.criterion, Measured):
            continue

        made = outcome(claim.id, SUPPORTING)
        values = {name: supporting(claim.parts[name]) for name in claim.parts}
        values[deviating] = contradicting(claim.parts[deviating])
        made.effects = {name: {"case": effect(each)} for name, each in values.items()} | {
            name: {"case": effect([0.0])} for name in claim.checks
        }
        decide_together([made])
        assert made.verdict != SUPPORTED

        said = "; ".join(clauses(claim.parts[deviating], made.decisions[deviating]))
        assert said.lower() in finding(made).lower()


def supporting(part: Part) -> list[float]:
    """Values per seed far on the side that supports a part."""
    return SUPPORTING if contradicting(part) == CONTRADICTING else CONTRADICTING


def contradicting(part: Part) -> list[float]:
    """Values per seed far on the side that contradicts a part."""
    return CONTRADICTING if isinstance(part.criterion, Better) else [50 * v for v in SUPPORTING]


def test_what_could_not_be_measured_is_no_number() -> None:
    """If this failed, a sentence would say that dropout makes nan points fewer errors."""
    assert "nan" not in said(SUPPORTED, lenet=case(math.nan, SUPPORTED))


@pytest.mark.parametrize("claim", [claim for claim in CLAIMS.values() if claim.parts])
def test_every_claim_has_a_sentence_whatever_comes_out(claim: Claim) -> None:
    """If this failed, a reader would see numbers without being told what they say."""
    for values in (SUPPORTING, CONTRADICTING, UNCLEAR):
        made = outcome(claim.id, values)
        text = answer(made)
        assert text.endswith(".")
        assert "{}" not in text
        assert len(sentences(made)) >= len(claim.parts) - 1


def test_a_theorem_and_a_claim_without_runs_are_answered_too() -> None:
    """If this failed, a section of the report would begin with nothing."""
    assert answer(Outcome(CLAIMS["capacity"], NO_RUNS, "none")) == "Runs missing: none."
    assert "all checks of the code hold" in answer(outcome("subnetworks", [0.0, 0.0]))
    assert "checks of the code fail" in answer(outcome("subnetworks", [0.0, 1.0]))


def test_an_answer_says_that_it_may_change_or_says_nothing() -> None:
    """If this failed, seconds of training, or too few updates, would be told as a finding."""
    assert "Not settled, since half the updates give another outcome: " in answer(
        outcome("capacity", SUPPORTING, CONTRADICTING)
    )
    assert "Not settled" not in answer(outcome("capacity", SUPPORTING, SUPPORTING))
    assert "say nothing about dropout" in answer(outcome("capacity", SUPPORTING, budget="smoke"))
