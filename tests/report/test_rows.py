"""The numbers of a claim as they are printed, worked out by hand."""

import math

import pytest

from dropout_study.analysis.criteria import CONTRADICTED, NOT_RESOLVED, SUPPORTED, Exact
from dropout_study.analysis.runs import Effect
from dropout_study.claims import CLAIMS
from dropout_study.report.rows import adjusted_p, check_rows, decisive, p_in_words, rows, signed
from dropout_study.report.scopes import Scope
from dropout_study.report.verdict_table import kind
from dropout_study.report.verdicts import NO_RUNS, Outcome, decide_together
from support.outcomes import CONTRADICTING, LIKELY, SUPPORTING, UNCLEAR, effect, outcome


def test_a_row_shows_mean_interval_networks_and_the_control() -> None:
    """If this failed, the report would print other numbers than it decides by."""
    found = rows(outcome("capacity", SUPPORTING, half=[0.5, 0.6, 0.4, 0.55, 0.45]))
    assert [row.part for row in found] == list(CLAIMS["capacity"].parts)
    row = found[0]
    # sd 0.0791, standard error 0.0354, t_4 = 2.776
    assert (row.effect, row.interval) == ("+1.00", "+0.902 to +1.10")
    assert (row.networks, row.outcome) == ("5", SUPPORTED)
    assert (row.half, row.settled) == ("+0.500", "settled")  # 1 point was allowed


def test_a_control_that_fails_is_named_in_words() -> None:
    """If this failed, an effect that half the updates do not have would look settled."""
    reversed_at_half = outcome("capacity", SUPPORTING, half=CONTRADICTING)
    assert {row.settled for row in rows(reversed_at_half)} == {"not settled"}
    assert {row.settled for row in rows(outcome("capacity", SUPPORTING))} == {""}


def test_a_control_that_fails_for_some_cases_is_named_beside_these() -> None:
    """If this failed, the table would doubt effects that half the updates confirm."""
    made = outcome("capacity", SUPPORTING, half=SUPPORTING)
    moved = {"moved": effect([value / 2 for value in SUPPORTING])}
    made.half = {name: {**cases, **moved} for name, cases in made.half.items()}
    made.effects = {name: {**c, "moved": c["case"]} for name, c in made.effects.items()}
    decide_together([made])
    found = {row.case: row.settled for row in rows(made) if row.part == "wide nets gain"}
    assert found == {"case": "settled", "moved": "size not settled"}


def test_a_case_of_a_part_that_is_left_open_is_judged_apart() -> None:
    """If this failed, one effect would be supported in a figure and not resolved in the verdict."""
    made = outcome("capacity", LIKELY)
    assert {made.decisions[name].outcome for name in made.claim.parts} == {NOT_RESOLVED}
    assert {case.outcome for part in made.decisions.values() for case in part.cases.values()} == {
        SUPPORTED
    }
    assert {row.outcome for row in rows(made)} == {"judged apart: supported"}
    assert kind("judged apart: supported") == "open"


def test_networks_are_seeds_times_images() -> None:
    """If this failed, a reader would not see which of the two is small."""
    assert rows(outcome("capacity", SUPPORTING, images=3))[0].networks == "5 x 3"


@pytest.mark.parametrize(
    ("values", "verdict"),
    [(SUPPORTING, SUPPORTED), (CONTRADICTING, CONTRADICTED), (UNCLEAR, NOT_RESOLVED)],
)
def test_the_decisive_effect_has_the_outcome_of_its_claim(
    values: list[float], verdict: str
) -> None:
    """If this failed, the table would show a number that speaks against its verdict."""
    decided = outcome("capacity", values)
    row = decisive(decided)
    assert decided.verdict == verdict
    assert row is not None
    assert row.outcome == verdict
    assert not math.isnan(adjusted_p(decided))
    assert (adjusted_p(decided) <= 0.05) == (verdict != NOT_RESOLVED)


def test_a_supported_claim_shows_its_least_certain_effect_a_contradicted_one_its_most() -> None:
    """If this failed, the best of several numbers would stand for all of them."""
    claim = CLAIMS["capacity"]
    sure, unsure, *_ = claim.parts

    for sign, shown in ((1, unsure), (-1, sure)):
        effects = {name: {"case": effect([sign * v for v in SUPPORTING])} for name in claim.parts}
        effects[unsure] = {"case": effect([sign * v for v in (0.5, 1.5, 1.0, 0.7, 1.3)])}
        effects[sure] = {"case": effect([sign * v for v in (9.0, 9.1, 9.2, 9.1, 9.0)])}
        made = Outcome(claim, NOT_RESOLVED, scope=Scope("laptop", "mnist"), effects=effects)
        decide_together([made])
        row = decisive(made)
        assert row is not None
        assert row.part == shown


def test_a_check_shows_its_largest_deviation_and_whether_it_holds() -> None:
    """If this failed, a theorem that the code violates would look fulfilled."""
    claim = CLAIMS["weight_scaling_exact"]
    assert {row.outcome for row in check_rows(Outcome(claim, NO_RUNS))} == {NO_RUNS}

    name, check = next(iter(claim.checks.items()))
    assert isinstance(check.criterion, Exact)

    for deviation, verdict in ((check.criterion.tolerance / 2, "holds"), (0.5, "fails")):
        effects = {other: {"net": Effect([0.0, 0.0])} for other in claim.checks}
        effects[name] = {"net": Effect([0.0, -deviation]), "other net": Effect([0.0])}
        made = Outcome(claim, NOT_RESOLVED, scope=Scope("laptop", "digits"), effects=effects)
        decide_together([made])
        row = check_rows(made)[0]
        assert (row.deviation, row.outcome) == (f"{deviation:.2g}", verdict)
        assert made.shown == verdict


def test_numbers_have_about_three_digits() -> None:
    """If this failed, a small effect would be printed as 0, or 0 with a sign."""
    shown = [signed(value) for value in (12.345, -0.0123, 0.00123, 0.0, math.nan)]
    assert shown == ["+12.35", "-0.012", "+0.00123", "0", "-"]
    assert [p_in_words(p) for p in (0.03124, 1e-9, math.nan)] == ["0.0312", "< 0.0001", ""]
