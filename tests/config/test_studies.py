"""Studies and claims: every condition composes, every claim has what it needs."""

import re

import pytest
from omegaconf import OmegaConf

from dropout_study.analysis.columns import BUDGETS
from dropout_study.analysis.criteria import Equivalent, Exact, Greater, Measured
from dropout_study.analysis.results import from_file
from dropout_study.claims import CLAIMS, mc_samples
from dropout_study.config import condition, read
from dropout_study.config.studies import Study, in_order
from dropout_study.report.publish import STUDIES
from support import smoke
from support.paths import CONF, ROOT

RESULTS = from_file(ROOT / "report" / "results.parquet")
RECORDED = {str(study): set(rows["digest"]) for study, rows in RESULTS.groupby("study")}
CHANGED = {"lenet all"}
"""Arms that mean something else than when report/results.parquet was recorded."""
IDS = (
    "subnetworks arithmetic_ensemble geometric_ensemble weight_scaling_exact "
    "weight_scaling_approximate cost bagging mc_samples regularizers capacity dataset_size "
    "independent_units ensemble_gain co_adaptation robustness"
)


def split(values: str) -> list[str]:
    """The values of an axis, lists whole."""
    return re.findall(r"\[[^\]]*\]|[^,\[\]]+", values)


@pytest.mark.parametrize("study", STUDIES)
def test_the_ends_of_every_axis_compose_and_are_conditions_of_their_own(study: str) -> None:
    """If this failed, a sweep of hours would end in a mistake, or pay twice for the same."""
    axes = {key: split(values) for key, values in Study.load(study).at("laptop").grid.items()}
    ends = {key: ",".join(dict.fromkeys([values[0], values[-1]])) for key, values in axes.items()}
    ends |= {"arm": ",".join(axes["arm"])} if "arm" in axes else {}
    found = [read.read_config(c) for c in smoke.composed(study, "laptop", ends)]
    digests = {condition.condition_digest(config): config.study.arm for config in found}
    assert len(digests) == len(found)
    unrecorded = {arm for digest, arm in digests.items() if digest not in RECORDED[study]}
    assert unrecorded <= CHANGED, "what is committed in report/results.parquet counts no more"

    for config in found:
        assert config.study.name == study
        assert len(config.seeds) >= (1 if study == "cost" else 5), (
            "a claim rests on five seeds or more"
        )


@pytest.mark.parametrize(
    "study", ["independent_units", "ensemble_gain", "co_adaptation", "robustness"]
)
@pytest.mark.parametrize("budget", ["smoke", "laptop", "paper"])
def test_what_a_study_evaluates_another_trains_and_stores(study: str, budget: str) -> None:
    """If this failed, a study that trains nothing would find no cohorts."""
    source = str(OmegaConf.load(CONF / "study" / f"{study}.yaml").cohorts_from)
    own = Study.load(study).at(budget).grid
    trained = Study.load(source).at(budget).grid

    for axis in ("arm", "model.widths", "model.hidden_rate"):
        assert set(split(own.get(axis, ""))) <= set(split(trained.get(axis, ""))), axis

    first = {
        key: split(own[key])[0]
        for key in ("arm", "model.widths", "model.hidden_rate")
        if key in own
    }
    (evaluated,) = (read.read_config(c) for c in smoke.composed(study, budget, first))
    (cohort,) = (read.read_config(c) for c in smoke.composed(source, budget, first))
    assert condition.training_digest(evaluated) == condition.training_digest(cohort)
    assert condition.condition_digest(evaluated) != condition.condition_digest(cohort)
    assert evaluated.seeds == cohort.seeds
    assert cohort.tracking.cohort


def test_the_15_claims_have_a_module_a_study_and_a_figure() -> None:
    """If this failed, a claim of the chapter would be left out."""
    assert list(CLAIMS) == IDS.split()

    for claim_id, claim in CLAIMS.items():
        assert type(claim).__module__ == f"dropout_study.claims.{claim_id}"

        for study in claim.studies:
            assert (CONF / "study" / f"{study}.yaml").is_file()

        for part in claim.parts.values():
            assert isinstance(part.criterion, Exact | Greater | Equivalent | Measured)


def test_one_margin_holds_at_every_budget() -> None:
    """If this failed, what is compared, or its margin, could be moved from budget to budget."""
    for study in STUDIES:
        for key in ("margin", "k", "rate", "others", "combined"):
            assert (
                len({str(Study.load(study).at(budget).values.get(key)) for budget in BUDGETS}) == 1
            ), (study, key)


def test_a_study_has_as_many_conditions_as_hydra_makes() -> None:
    """If this failed, a claim would be decided on half of its conditions, or never."""
    assert Study.load("regularizers").at("laptop").size == 48
    assert Study.load("dataset_size").at("laptop", "digits").size == 10
    assert Study.load("ensemble_gain").at("laptop").size == 4
    assert Study.load("cost").at("laptop").size == 1

    for study in STUDIES:
        assert Study.load(study).at("smoke").size == len(smoke.conditions(study, "smoke", {})), (
            study
        )


def test_values_depend_on_budget_and_data() -> None:
    """If this failed, digits would be compared at sizes that they do not have."""
    assert Study.load("dataset_size").at("laptop").values["small"] == [100, 500]
    assert Study.load("dataset_size").at("laptop", "digits").values["small"] == [50, 100]
    assert Study.load("capacity").at("laptop").values["wide"] == "512x512"
    assert Study.load("capacity").at("paper").values["wide"] == "2048x2048"


def test_a_study_of_stored_cohorts_has_the_conditions_of_the_study_that_trained_them() -> None:
    """If this failed, it would look for cohorts that were never trained."""
    grid = Study.load("co_adaptation").at("laptop").grid
    assert grid["budget.updates"] == Study.load("capacity").at("laptop").grid["budget.updates"]
    assert grid["model.widths"] == "[512,512]"
    assert not any(key.startswith("study.values.") for key in grid)


def test_studies_run_behind_those_whose_cohorts_they_evaluate() -> None:
    """If this failed, reproduce would evaluate cohorts before they are trained."""
    order = in_order(["robustness", "capacity", "co_adaptation"])
    assert order == ["dropout_rate", "robustness", "capacity", "co_adaptation"]


def test_the_minutes_of_every_study_are_stated() -> None:
    """If this failed, nobody could tell how long the laptop budget takes."""
    minutes = OmegaConf.load(CONF / "reproduce.yaml").minutes.laptop
    assert set(minutes) == set(STUDIES)
    assert sum(minutes.values()) < 5 * 60


def test_the_number_of_masks_that_decides_is_the_one_that_is_kept() -> None:
    """If this failed, the claim on Monte-Carlo samples would speak of a number that was not
    measured.
    """
    (config, *_) = (read.read_config(c) for c in smoke.composed("mc_samples", "smoke", {}))
    assert config.mc.per_image == [Study.load("mc_samples").values["k"]] == [mc_samples.MASKS]
