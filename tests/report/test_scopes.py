"""Where a claim can be decided: all conditions of all stages of all its studies are there."""

import pandas as pd
import pytest

from dropout_study.analysis.claim import Claim
from dropout_study.analysis.runs import ResultsMissing
from dropout_study.claims import CLAIMS
from dropout_study.config.overrides import parse_overrides
from dropout_study.config.studies import Study, in_order
from dropout_study.report.scopes import Scope, command, runs_at, scopes, stages

LAPTOP = Scope("laptop", "mnist")


def rows(study: str, stage: str, conditions: int, **more: object) -> pd.DataFrame:
    """Networks of a stage of a study, with a seed and a digest for each condition."""
    numbers = range(conditions)
    columns = {
        "study": study,
        "budget": "laptop",
        "stage": stage,
        "condition": [f"{study}, {i}" for i in numbers],
        "digest": [f"{study}-{stage}-{i}" for i in numbers],
        "seed": 100,
        "candidate": 0,
        "data.name": "mnist",
    }

    return pd.DataFrame(columns | more)


def whole(study: str) -> list[pd.DataFrame]:
    """As many networks in each stage of a study as it has conditions."""
    at_scope = Study.load(study).at("laptop")
    sizes = {stage: at_scope.at("laptop", stage=stage).size for stage in stages(at_scope)}
    return [rows(study, stage, size) for stage, size in sizes.items()]


def test_a_study_that_tunes_has_three_stages_and_a_theorem_one() -> None:
    """If this failed, a claim would wait for runs that nobody makes, or not for the control."""
    assert stages(Study.load("exact").at("laptop")) == ["tuning", "final", "half"]
    assert stages(Study.load("robustness").at("laptop")) == ["final", "half"]
    assert stages(Study.load("enumerable").at("laptop")) == ["final"]


@pytest.mark.parametrize("stage", ["tuning", "final", "half"])
def test_a_claim_waits_for_every_condition_of_every_stage(stage: str) -> None:
    """If this failed, the order of a sweep would decide a claim, or the control be left out."""
    results = pd.concat(whole("regularizers"), ignore_index=True)
    runs = runs_at(LAPTOP, CLAIMS["regularizers"], results)
    assert set(runs.final["regularizers"].frame["stage"]) == {"final"}
    assert set(runs.half["regularizers"].frame["stage"]) == {"half"}
    assert set(runs.tuning["regularizers"].frame["stage"]) == {"tuning"}

    in_stage = results["stage"] == stage
    one_less = results.drop(index=results.index[in_stage][0])
    expected = int(in_stage.sum())
    message = f"{expected - 1} of the {expected} conditions of study regularizers, stage {stage}"

    with pytest.raises(ResultsMissing, match=message):
        runs_at(LAPTOP, CLAIMS["regularizers"], one_less)


def test_candidates_that_extend_a_grid_stand_for_no_other() -> None:
    """If this failed, three candidates of one arm would count as those of three arms."""
    results = pd.concat(whole("regularizers"), ignore_index=True)
    first = results.index[results["stage"] == "tuning"][0]
    results.loc[first, "candidate"] = 16  # the grid has 0 to 15

    with pytest.raises(ResultsMissing, match="stage tuning"):
        runs_at(LAPTOP, CLAIMS["regularizers"], results)


def test_jobs_that_differ_in_their_seeds_alone_are_counted_by_them() -> None:
    """If this failed, five timings of one net would count as one, or one as five."""
    five = rows("cost", "final", 5, digest="one", seed=range(100, 105))
    reference = pd.concat(whole("reference"))
    both = pd.concat([five, reference], ignore_index=True)
    assert len(runs_at(LAPTOP, CLAIMS["cost"], both).final["cost"].frame) == 5

    four = both.drop(index=both.index[both["study"] == "cost"][0])
    with pytest.raises(ResultsMissing, match="4 of the 5 conditions of study cost, stage final"):
        runs_at(LAPTOP, CLAIMS["cost"], four)


def test_studies_without_a_control_give_their_final_runs_to_it() -> None:
    """If this failed, a contrast at half the updates would lack what has no half."""
    five = rows("cost", "final", 5, digest="one", seed=range(100, 105))
    both = pd.concat([five, *whole("reference")], ignore_index=True)
    runs = runs_at(LAPTOP, CLAIMS["cost"], both)
    assert set(runs.half["cost"].frame["stage"]) == {"final"}
    assert set(runs.half["reference"].frame["stage"]) == {"half"}


def test_theorems_on_digits_serve_a_claim_on_mnist() -> None:
    """If this failed, a claim that reads exact ensembles on digits would never be decided."""
    names = CLAIMS["geometric_ensemble"].studies
    assert "enumerable" in names
    frames = [frame for name in names for frame in whole(name)]
    results = pd.concat(frames, ignore_index=True)
    on_digits = results["study"] == "enumerable"
    results.loc[on_digits, "data.name"] = "digits"
    runs = runs_at(LAPTOP, CLAIMS["geometric_ensemble"], results)
    assert set(runs.final["enumerable"].frame["data.name"]) == {"digits"}

    with pytest.raises(ResultsMissing, match=r"0 of the .* study enumerable"):
        runs_at(LAPTOP, CLAIMS["geometric_ensemble"], results[~on_digits])


def test_the_largest_budget_and_mnist_come_first() -> None:
    """If this failed, a test of the machinery would hide results of hours."""
    small = rows("capacity", "final", 1, budget="smoke", **{"data.name": "digits"})
    large = rows("capacity", "final", 1)
    digits = rows("capacity", "final", 1, **{"data.name": "digits"})
    results = pd.concat([small, digits, large], ignore_index=True)
    assert [str(scope) for scope in scopes(CLAIMS["capacity"], results)] == [
        "budget laptop, mnist",
        "budget laptop, digits",
        "budget smoke, digits",
    ]


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=lambda claim: claim.id)
def test_the_command_of_a_claim_runs_all_its_studies(claim: Claim) -> None:
    """If this failed, a reader would make runs, and the claim would still lack some."""
    typed = command(claim).removeprefix("python scripts/reproduce.py ").split()
    values = {o.key_or_group: o.value() for o in parse_overrides(typed)}
    assert values["studies"] == in_order(claim.studies)
    assert values["budget"] == "laptop"
