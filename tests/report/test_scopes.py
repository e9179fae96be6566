"""Where a claim can be decided: all conditions of all stages of all its studies are there."""

import shlex

import pandas as pd
import pytest

from dropout_study.analysis.claim import Claim
from dropout_study.analysis.runs import ResultsMissing
from dropout_study.claims import CLAIMS
from dropout_study.config.overrides import parse_overrides
from dropout_study.config.planned import planned_seeds
from dropout_study.config.studies import Study, in_order
from dropout_study.report.scopes import Scope, options, runs_at, scopes, stages

LAPTOP = Scope("laptop", "mnist")


def rows(study: str, stage: str, budget: str = "laptop", **more: object) -> pd.DataFrame:
    """The networks of a stage of a study: those of all its conditions and seeds."""
    planned = planned_seeds(Study.load(study).at(budget, stage=stage))
    networks = [
        {
            "study": study,
            "budget": budget,
            "stage": stage,
            "arm": condition.arm,
            "candidate": condition.candidate,
            "condition": f"{study}, {condition}",
            "digest": f"{study}-{stage}-{condition}",
            "seed": seed,
            "optimizer.lr": 0.001,
            "val/error": 2.0,
            "data.name": "mnist",
        }
        for condition, seeds in planned.items()
        for seed in sorted(seeds)
    ]

    return pd.DataFrame(networks).assign(**more)


def whole(study: str) -> list[pd.DataFrame]:
    """The networks of each stage of a study."""
    return [rows(study, stage) for stage in stages(Study.load(study).at("laptop"))]


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

    gap = (results["stage"] == stage) & (results["arm"] == "dropout")
    what = "no candidate of dropout has all" if stage == "tuning" else "1 of 8 conditions"

    with pytest.raises(ResultsMissing, match=f"study regularizers, stage {stage}: {what}"):
        runs_at(LAPTOP, CLAIMS["regularizers"], results[~gap])


@pytest.mark.parametrize("stage", ["final", "half"])
def test_a_claim_waits_for_every_seed(stage: str) -> None:
    """If this failed, one of fifteen seeds would decide, or those that did not diverge."""
    results = pd.concat(whole("regularizers"), ignore_index=True)
    gap = (results["stage"] == stage) & (results["arm"] == "dropout")
    gap &= results["seed"].isin([118, 122])

    with pytest.raises(ResultsMissing, match=r"; dropout lacks seeds 118, 122$"):
        runs_at(LAPTOP, CLAIMS["regularizers"], results[~gap])


def test_an_arm_may_share_the_networks_of_another() -> None:
    """If this failed, a claim would wait for networks that are there, under another name."""
    results = pd.concat(whole("noise"), ignore_index=True)
    results = results[results["arm"] != "dropout, rate 0.35"]
    with pytest.raises(ResultsMissing, match=r"no candidate of dropout, rate 0\.35"):
        runs_at(LAPTOP, CLAIMS["boosting"], results)

    further = {"tuning": '[["dropout, rate 0.35", 3]]'}
    shared = results["stage"].map(further).fillna('[["dropout, rate 0.35", null]]')
    results["also"] = shared.where(results["arm"] == "dropout")
    runs = runs_at(LAPTOP, CLAIMS["boosting"], results)

    for studies in (runs.final, runs.half, runs.tuning):
        own, other = (studies["noise"].where(arm=f"dropout{more}") for more in ("", ", rate 0.35"))
        assert list(own.frame["seed"]) == list(other.frame["seed"])
        assert set(own.frame["digest"]) == set(other.frame["digest"])

    assert set(runs.tuning["noise"].where(arm="dropout, rate 0.35").frame["candidate"]) == {3}


def test_an_optional_study_is_there_as_a_whole_or_not_at_all() -> None:
    """If this failed, a claim would wait for runs that it can do without, or a study that was run
    in part would decide by what is there of it.
    """
    claim = CLAIMS["mc_samples"]
    own = [rows("mc_samples", stage) for stage in ("tuning", "final", "half")]
    assert set(runs_at(LAPTOP, claim, pd.concat(own, ignore_index=True)).final) == {"mc_samples"}

    sampling, half = rows("sampling", "final"), rows("sampling", "half")
    all_runs = pd.concat([*own, sampling, half], ignore_index=True)
    assert set(runs_at(LAPTOP, claim, all_runs).final) == {"mc_samples", "sampling"}

    with pytest.raises(ResultsMissing, match="study sampling, stage final"):
        runs_at(LAPTOP, claim, pd.concat([*own, sampling.iloc[1:], half], ignore_index=True))

    on_digits = [each.assign(**{"data.name": "digits"}) for each in own]
    other = pd.concat([*on_digits, sampling.iloc[1:], half], ignore_index=True)
    with pytest.raises(ResultsMissing, match="study sampling"):  # although it has none on digits
        runs_at(Scope("laptop", "digits"), claim, other)


def test_a_candidate_without_results_leaves_a_claim_to_the_others() -> None:
    """If this failed, a learning rate that is too large would leave a claim undecided for ever, or
    half of a candidate be enough.
    """
    results = pd.concat(whole("regularizers"), ignore_index=True)
    half_a_candidate = (results["stage"] == "tuning") & (results["seed"] == 900)
    half_a_candidate &= results["arm"] == "dropout"
    other = results[half_a_candidate].assign(candidate=7, digest="other")
    runs_at(LAPTOP, CLAIMS["regularizers"], pd.concat([results, other], ignore_index=True))

    alone = pd.concat([results[~half_a_candidate], other], ignore_index=True)
    with pytest.raises(ResultsMissing, match="no candidate of dropout has all seeds"):
        runs_at(LAPTOP, CLAIMS["regularizers"], alone)


def test_runs_without_the_tag_of_a_candidate_are_no_error() -> None:
    """If this failed, a store of runs that somebody else wrote would end the report."""
    results = pd.concat(whole("regularizers"), ignore_index=True).drop(columns="candidate")

    with pytest.raises(ResultsMissing, match="no candidate of none"):
        runs_at(LAPTOP, CLAIMS["regularizers"], results)


def test_final_runs_of_an_earlier_choice_do_not_count() -> None:
    """If this failed, tuning that was extended would leave a claim undecided, or decide it on the
    networks of another choice.
    """
    results = pd.concat(whole("regularizers"), ignore_index=True)
    tuning = results[(results["stage"] == "tuning") & (results["arm"] == "dropout")]
    worse = {"candidate": 1, "digest": "worse", "optimizer.lr": 0.004, "val/error": 9.0}
    final = results[(results["stage"] == "final") & (results["arm"] == "dropout")]
    earlier = final.assign(**{"digest": "earlier", "optimizer.lr": 0.004})
    both = pd.concat([results, tuning.assign(**worse), earlier], ignore_index=True)
    dropout = (
        runs_at(LAPTOP, CLAIMS["regularizers"], both).final["regularizers"].where(arm="dropout")
    )
    assert set(dropout.frame["optimizer.lr"]) == {0.001}

    unclear = pd.concat([results, earlier], ignore_index=True)
    with pytest.raises(ResultsMissing, match="several conditions are recorded for dropout"):
        runs_at(LAPTOP, CLAIMS["regularizers"], unclear)


def test_jobs_that_differ_in_their_seeds_alone_are_counted_by_them() -> None:
    """If this failed, one of five timings of a net would do for all."""
    both = pd.concat([*whole("cost"), *whole("reference")], ignore_index=True)
    assert len(runs_at(LAPTOP, CLAIMS["cost"], both).final["cost"].frame) == 5

    four = both.drop(index=both.index[both["study"] == "cost"][0])
    with pytest.raises(
        ResultsMissing, match=r"stage final: 1 of .* incomplete; .* lacks seeds 100"
    ):
        runs_at(LAPTOP, CLAIMS["cost"], four)


def test_studies_without_a_control_give_their_final_runs_to_it() -> None:
    """If this failed, a contrast at half the updates would lack what has no half."""
    both = pd.concat([*whole("cost"), *whole("reference")], ignore_index=True)
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

    with pytest.raises(
        ResultsMissing, match=r"study enumerable, stage final: (\d+) of \1 conditions"
    ):
        runs_at(LAPTOP, CLAIMS["geometric_ensemble"], results[~on_digits])


def test_the_largest_budget_and_mnist_come_first() -> None:
    """If this failed, a test of the machinery would hide results of hours."""
    small = rows("capacity", "final", "smoke", **{"data.name": "digits"})
    large = rows("capacity", "final")
    digits = rows("capacity", "final", **{"data.name": "digits"})
    results = pd.concat([small, digits, large], ignore_index=True)
    assert [str(scope) for scope in scopes(CLAIMS["capacity"], results)] == [
        "budget laptop, mnist",
        "budget laptop, digits",
        "budget smoke, digits",
    ]


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=lambda claim: claim.id)
def test_the_command_of_a_claim_runs_all_its_studies(claim: Claim) -> None:
    """If this failed, a reader would make runs, and the claim would still lack some."""
    typed = shlex.split(options(claim))
    values = {o.key_or_group: o.value() for o in parse_overrides(typed)}
    assert values["studies"] == in_order(claim.studies)
    assert values["budget"] == "laptop"
