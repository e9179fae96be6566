"""Studies and claims: every condition composes, every claim has what it needs."""

import re
from collections.abc import Iterator
from functools import cache

import pytest
from omegaconf import OmegaConf

from dropout_study.analysis.criteria import Check, Part
from dropout_study.claims import CLAIMS, FAMILIES, STUDIES
from dropout_study.config import condition, read, schema
from dropout_study.config.studies import Study, in_order
from dropout_study.report.scopes import stages
from support import smoke
from support.composing import composed_run
from support.paths import CONF

IDS = (
    "subnetworks arithmetic_ensemble geometric_ensemble weight_scaling_exact "
    "weight_scaling_approximate cost bagging mc_samples regularizers capacity dataset_size "
    "independent_units ensemble_gain co_adaptation robustness"
)
BEYOND = (
    "scaling_beats_sampling linear_regression boosting hidden_noise gaussian_masks "
    "untied_ensembles multiplicative fast_dropout large_data early_dropout"
)
pytestmark = pytest.mark.xdist_group("studies")
FIRST_FINAL_SEED = 100  # the first edition had seeds below
FIRST_TUNING_SEED = 900
EVALUATED = [study for study in STUDIES if Study.load(study).source]
"""Studies that train nothing."""


def split(values: str) -> list[str]:
    """The values of an axis, lists whole; a text in quotes or a mapping is one value."""
    if values.startswith(("'", "{")):
        return [values]

    return re.findall(r"\[[^\]]*\]|\$\{.*\}|[^,\[\]]+", values)


@cache  # most are asked for several times, by tests of one process
def ends(study: str, budget: str, stage: str) -> list[schema.Config]:
    """The conditions at both ends of all axes of a study in a stage, and one of each arm."""
    grid = Study.load(study).at(budget, stage=stage).grid
    axes = {key: split(values) for key, values in grid.items()}
    first, last = ({key: values[end] for key, values in axes.items()} for end in (0, -1))
    corners = [first, last, *(first | {"arm": arm} for arm in axes.get("arm", []))]
    different = {str(corner): corner for corner in corners}.values()
    jobs = [smoke.conditions(study, budget, corner, stage)[0] for corner in different]

    return [read.read_config(composed_run(job)) for job in jobs]


def scopes() -> Iterator[tuple[str, str, str]]:
    """Every study with its stages at `laptop`, and its last at `paper`."""
    for study in STUDIES:
        at_laptop = stages(Study.load(study).at("laptop"))
        yield from ((study, "laptop", stage) for stage in at_laptop)
        yield study, "paper", at_laptop[-1]


@pytest.mark.parametrize(("study", "budget", "stage"), list(scopes()))
def test_the_ends_of_every_axis_compose_and_are_conditions_of_their_own(
    study: str, budget: str, stage: str
) -> None:
    """If this failed, a sweep of hours would end in a mistake, or pay twice for the same."""
    found = ends(study, budget, stage)
    jobs = {(condition.condition_digest(config), *config.seeds) for config in found}
    assert len(jobs) == len(found)

    for config in found:
        assert config.study.name == study
        assert config.study.stage == stage

        if stage == "tuning":
            assert min(config.seeds) >= FIRST_TUNING_SEED
        else:
            assert FIRST_FINAL_SEED <= min(config.seeds) <= max(config.seeds) < FIRST_TUNING_SEED


@pytest.mark.parametrize("study", [name for name in STUDIES if name != "cost"])
def test_a_claim_rests_on_five_seeds_or_more(study: str) -> None:
    """If this failed, an interval would have two degrees of freedom."""
    for config in ends(study, "laptop", "final"):
        assert len(config.seeds) >= 5


CONTROLLED = [name for name in STUDIES if "half" in stages(Study.load(name).at("laptop"))]


def test_all_studies_but_theorems_and_timings_have_a_control() -> None:
    """If this failed, a claim would rest on networks whose training nobody had halved."""
    assert set(STUDIES) - set(CONTROLLED) == {"enumerable", "cost", "linear_regression"}


@pytest.mark.parametrize("study", CONTROLLED)
def test_half_is_half_the_updates_of_some_final_networks(study: str) -> None:
    """If this failed, the control would compare other networks, or at another budget."""
    for final, half in zip(
        ends(study, "laptop", "final"), ends(study, "laptop", "half"), strict=True
    ):
        assert 2 * half.budget.updates == final.budget.updates
        assert set(half.seeds) <= set(final.seeds)
        assert final.study.arm == half.study.arm


@pytest.mark.parametrize("study", EVALUATED)
@pytest.mark.parametrize(
    ("budget", "stage"), [("laptop", "final"), ("laptop", "half"), ("paper", "half")]
)
def test_what_a_study_evaluates_another_trains_and_stores(
    study: str, budget: str, stage: str
) -> None:
    """If this failed, a study that trains nothing would find no cohorts."""
    source = str(Study.load(study).content["cohorts_from"])
    trained = {condition.training_digest(cohort): cohort for cohort in ends(source, budget, stage)}

    for evaluated in ends(study, budget, stage):
        cohort = trained[condition.training_digest(evaluated)]
        assert condition.condition_digest(evaluated) != condition.condition_digest(cohort)
        assert evaluated.seeds == cohort.seeds
        assert cohort.tracking.cohort


def test_each_claim_has_a_module_a_study_and_a_question() -> None:
    """If this failed, a claim of the chapter would be left out."""
    assert [[claim.id for claim in family] for family in FAMILIES] == [IDS.split(), BEYOND.split()]

    for claim_id, claim in CLAIMS.items():
        folder = "claims.beyond" if claim_id in BEYOND.split() else "claims"
        assert type(claim).__module__ == f"dropout_study.{folder}.{claim_id}"
        assert claim.parts or claim.checks
        assert claim.deviations
        assert all(isinstance(part, Part) for part in claim.parts.values())
        assert all(isinstance(check, Check) for check in claim.checks.values())

        for study in claim.studies:
            assert (CONF / "study" / f"{study}.yaml").is_file()


def test_no_part_and_check_of_a_claim_share_a_name() -> None:
    """If this failed, one of the two would be decided and the other never shown."""
    for claim in CLAIMS.values():
        assert not set(claim.parts) & set(claim.checks), claim.id


def test_one_question_holds_at_every_budget_that_decides() -> None:
    """If this failed, what is compared could be moved from budget to budget."""
    for study in STUDIES:
        for key in ("gate", "rate", "others", "combined", "at_limit"):
            values = {str(Study.load(study).at(b).values.get(key)) for b in ("laptop", "paper")}
            assert len(values) == 1, (study, key)


def test_a_study_has_as_many_conditions_as_hydra_makes() -> None:
    """If this failed, a claim would be decided on half of its conditions, or never."""
    assert Study.load("regularizers").at("laptop", stage="tuning").size == 8 * 48
    assert Study.load("regularizers").at("laptop", stage="final").size == 8
    assert Study.load("capacity").at("laptop").size == 6 * 3 * 2
    assert Study.load("dataset_size").at("laptop", "digits", "final").size == 10
    assert Study.load("cost").at("laptop").size == 5

    for study in STUDIES:
        assert Study.load(study).at("smoke").size == len(smoke.conditions(study, "smoke", {})), (
            study
        )


def test_values_depend_on_budget_and_data() -> None:
    """If this failed, digits would be compared at sizes that they do not have."""
    assert Study.load("dataset_size").at("laptop").values["small"] == [100, 500]
    assert Study.load("dataset_size").at("laptop", "digits").values["small"] == [50, 100]
    assert Study.load("capacity").at("laptop").values["wide"] == "1024x1024"
    assert Study.load("capacity").at("paper").values["wide"] == "2048x2048"


def test_studies_run_behind_those_whose_cohorts_they_evaluate() -> None:
    """If this failed, reproduce would evaluate cohorts before they are trained."""
    assert in_order(["robustness", "capacity", "units"]) == [
        "reference",
        "robustness",
        "capacity",
        "units",
    ]


def test_the_minutes_of_every_study_are_stated() -> None:
    """If this failed, nobody could tell how long the laptop budget takes."""
    minutes = OmegaConf.load(CONF / "reproduce.yaml").minutes.laptop
    assert set(minutes) == set(STUDIES)
