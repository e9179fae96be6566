"""Every number of a verdict, beside those of a script that shares no code with the package."""

import ast
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dropout_study.analysis import results_files
from dropout_study.analysis.criteria import CONTRADICTED, HOLDS, NOT_RESOLVED, SUPPORTED, Decision
from dropout_study.claims import CLAIMS
from dropout_study.report import verdicts
from support import independent
from support.paths import ROOT, SMOKE

pytestmark = SMOKE
MANIFEST = json.loads(independent.MANIFEST.read_text(encoding="utf-8"))
COMMITTED = ROOT / "report"

CASE = ["claim", "part", "case"]
WORDS = ["outcome of case", "outcome of part", "settled"]
EXACT = 1e-9
SINGLE_PRECISION = 1e-6
"""For intervals and p values: the package keeps contributions of images in single precision."""
SIX_DIGITS = 1e-3
"""For `mc_samples`, whose errors the package takes from curves: files keep six digits of these,
and its shares are differences of errors divided by a small one.
"""


@pytest.fixture(scope="module")
def folder(smoke_folder: Path) -> Path:
    """The results of small runs of all studies."""
    return smoke_folder / "report" / "results"


@pytest.fixture(scope="module")
def networks(folder: Path) -> pd.DataFrame:
    """The same, as the package reads them."""
    return with_ends_of_curves(results_files.read(folder))


@pytest.fixture(scope="module")
def raw(folder: Path) -> pd.DataFrame:
    """The same, as pandas reads them."""
    return with_ends_of_curves(independent.read(folder))


def with_ends_of_curves(networks: pd.DataFrame) -> pd.DataFrame:
    """Validation errors with the six digits that their curves have."""
    ends = networks["curve/val/error"].dropna().map(lambda curve: float(curve[-1]))
    return networks.assign(**{"val/error": ends})


def decided_by_package(networks: pd.DataFrame) -> dict[str, verdicts.Outcome]:
    """The claims that the package decides, by name."""
    return {o.claim.id: o for o in verdicts.decide(networks) if o.decided}


def table_of_package(outcomes: dict[str, verdicts.Outcome]) -> pd.DataFrame:
    """What the package decides, with the columns of the script's table."""
    rows = []

    for claim, outcome in outcomes.items():
        for part in outcome.claim.parts:
            decision = outcome.decisions[part]
            settled = None if decision.settling is None else "settled"
            settled = outcome.unsettled[part].name if part in outcome.unsettled else settled

            for case in decision.cases:
                names = {"claim": claim, "part": part, "case": case}
                rows.append(names | numbers_of_case(decision, case) | {"settled": settled})

    return pd.DataFrame(rows, columns=list(independent.COLUMNS))


def numbers_of_case(decision: Decision, case: str) -> dict[str, object]:
    """The estimate and outcome of a case, and those of its part."""
    of_case = decision.cases[case]
    interval = of_case.estimate.interval()

    return {
        "effect": of_case.estimate.mean,
        "low": interval.low,
        "high": interval.high,
        "p of support": of_case.p_support,
        "p of contradiction": of_case.p_contradiction,
        "outcome of case": of_case.outcome,
        "adjusted support": decision.adjusted_support,
        "adjusted contradiction": decision.adjusted_contradiction,
        "outcome of part": decision.outcome,
    }


def compare(networks: pd.DataFrame, raw: pd.DataFrame) -> pd.DataFrame:
    """Assert that package and script decide alike.

    Args:
        networks: as the package reads them.
        raw: the same, as pandas reads them.

    Returns:
        The script's table of parts.
    """
    outcomes = decided_by_package(networks)
    claims = independent.decide(raw, MANIFEST)
    assert {name: o.verdict for name, o in outcomes.items()} == {
        name: claim.verdict for name, claim in claims.items()
    }

    for name, outcome in outcomes.items():
        checks = {
            check: outcome.decisions[check].outcome == HOLDS for check in outcome.claim.checks
        }
        assert checks == {
            check: all(cases.values()) for check, cases in claims[name].checks.items()
        }

    package = table_of_package(outcomes).set_index(CASE).sort_index()
    script = independent.table_of_parts(claims).set_index(CASE).sort_index()
    compare_tables(package, script)

    return script


def compare_tables(package: pd.DataFrame, script: pd.DataFrame) -> None:
    """Assert that two tables of parts have the same words, and numbers up to rounding."""
    assert list(package.index) == list(script.index)
    from_curves = package.index.get_level_values("claim") == "mc_samples"

    for column in package.columns:
        if column in WORDS:
            assert package[column].tolist() == script[column].tolist(), column
            continue

        tolerance = EXACT if column == "effect" else SINGLE_PRECISION
        tolerance = np.where(from_curves, SIX_DIGITS, tolerance)
        expected = script[column].to_numpy(dtype=float)
        found = package[column].to_numpy(dtype=float)
        assert (np.isnan(found) == np.isnan(expected)).all(), column
        apart = np.abs(found - expected) > tolerance * np.maximum(1.0, np.abs(expected))
        assert not apart.any(), f"{column}: {package.index[apart].tolist()}"


def shuffled(networks: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Made-up results: networks of a study exchange their measures, and get four further seeds.

    In about half of the arms all seeds measure the same, so that effects are clear there.
    """
    random = np.random.default_rng(seed)
    judged = networks[networks["stage"] != "tuning"]
    copied = judged[(judged["seed"] == 101) & (judged["study"] != "bagging")]
    further = [copied.assign(seed=102 + i) for i in range(4)]
    table = pd.concat([networks, *further], ignore_index=True)

    measures = [column for column in table if "/" in column and column != "train/at_limit"]
    measured = table[measures].notna().apply(tuple, axis=1)
    judged = table[table["stage"] != "tuning"]
    before = table[measures].copy()

    for key, rows in judged.groupby(["study", "stage", "arm", measured[judged.index]]):
        # Of one stage, whose curves have the same updates.
        like = (judged["study"] == key[0]) & (judged["stage"] == key[1])
        donors = judged.index[like & (measured[judged.index] == key[3])]
        taken = random.choice(donors, 1 if random.random() < 0.6 else len(rows))
        table.loc[rows.index, measures] = before.loc[np.resize(taken, len(rows))].to_numpy()

    limited = table["train/at_limit"].notna()
    table.loc[limited, "train/at_limit"] = random.uniform(0.03, 0.2, limited.sum())
    return with_ends_of_curves(table)


def at_laptop(networks: pd.DataFrame, studies: list[str]) -> pd.DataFrame:
    """Small runs of some studies as if they were those of the laptop budget, on MNIST.

    Every seed of the budget gets the measures of a small run, and a validation error below 5 %.
    """
    rows = []

    for study in studies:
        seeds = seeds_at_laptop(study)

        for stage, nets in networks[networks["study"] == study].groupby("stage"):
            pairs = nets.groupby("arm", dropna=False, sort=False)
            numbered = nets.assign(place=pairs.cumcount())
            places = pd.DataFrame({"seed": seeds[stage]})
            places["place"] = places.index % numbered["place"].nunique()
            rows.append(
                numbered.drop(columns="seed").merge(places, on="place").drop(columns="place")
            )

    renamed = pd.concat(rows, ignore_index=True).assign(budget="laptop")
    curves = renamed["curve/val/error"].dropna()
    lowered = curves.map(lambda curve: np.asarray(curve) - curve[-1] + 2.0)

    return with_ends_of_curves(renamed.assign(**{"data.name": "mnist", "curve/val/error": lowered}))


def seeds_at_laptop(study: str) -> dict[str, list[int]]:
    """The seeds of each stage of a study at the laptop budget."""
    stated = MANIFEST["studies"][study]["budgets"]["laptop"]
    return stated["values"].get("seeds", {"final": [100, 101, 102, 103, 104]})


def test_the_script_shares_no_code_with_the_package() -> None:
    """If this failed, an error of the package could be repeated by what is to find it."""
    tree = ast.parse(Path(independent.__file__).read_text(encoding="utf-8"))
    imported = set()

    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add(str(node.module).partition(".")[0])

    assert imported <= {"numpy", "pandas", "scipy"} | sys.stdlib_module_names
    assert not {"importlib", "runpy", "subprocess"} & imported


def test_package_and_script_decide_alike(networks: pd.DataFrame, raw: pd.DataFrame) -> None:
    """If this failed, an effect, interval, p value or verdict would not be what is documented."""
    compare(networks, raw)
    assert set(independent.decide(raw, MANIFEST)) == set(CLAIMS)


@pytest.mark.parametrize("seed", [3, 6])
def test_they_decide_alike_where_effects_are_clear(networks: pd.DataFrame, seed: int) -> None:
    """If this failed, outcomes would differ that small runs, which resolve little, do not reach."""
    table = shuffled(networks, seed)
    script = compare(table, table)
    assert {SUPPORTED, CONTRADICTED, NOT_RESOLVED} <= set(script["outcome of part"])
    assert {"settled", "not settled", "size not settled"} <= set(script["settled"])


def test_they_decide_alike_where_budgets_are_mixed(networks: pd.DataFrame) -> None:
    """If this failed, small runs would count in the adjustment of larger ones, or hide them."""
    studies = ["regularizers", "reference", "units", "robustness", "cost"]
    table = pd.concat([networks, at_laptop(shuffled(networks, 3), studies)], ignore_index=True)
    compare(table, table)
    budgets = {name: claim.budget for name, claim in independent.decide(table, MANIFEST).items()}
    assert budgets["regularizers"] == budgets["robustness"] == budgets["cost"] == "laptop"
    assert budgets["bagging"] == "smoke"


def test_what_nothing_controls_is_not_settled(networks: pd.DataFrame) -> None:
    """If this failed, half the updates, which decide nothing, could take a verdict away."""
    failing = (networks["study"] == "exact") & (networks["stage"] == "half")
    table = networks.assign(**{"val/error": networks["val/error"].mask(failing, 101.0)})
    script = compare(table, table)
    assert set(script.loc[["geometric_ensemble"], "settled"]) == {"not controlled"}


@pytest.mark.parametrize("stage", ["final", "half"])
def test_they_leave_out_the_same_conditions(networks: pd.DataFrame, stage: str) -> None:
    """If this failed, a condition that does not solve its task could enter a claim."""
    failing = (networks["arm"] == "relu, [1, 7]") & (networks["stage"] == stage)
    assert failing.any()
    table = networks.assign(**{"val/error": networks["val/error"].mask(failing, 101.0)})
    compare(table, table)


def test_they_leave_out_the_networks_of_an_earlier_choice(networks: pd.DataFrame) -> None:
    """If this failed, networks that tuning has chosen no more would enter a claim."""
    worse = (networks["stage"] == "tuning") & (networks["candidate"] == 1)
    settled = networks.assign(**{"val/error": networks["val/error"] + worse})
    with_earlier = with_networks_of_an_earlier_choice(settled)
    script = compare(with_earlier, with_earlier)
    without = independent.table_of_parts(independent.decide(settled, MANIFEST))
    pd.testing.assert_frame_equal(script, without.set_index(CASE).sort_index())


def with_networks_of_an_earlier_choice(networks: pd.DataFrame) -> pd.DataFrame:
    """The same, and networks of the study `capacity` with another learning rate."""
    judged = networks[(networks["study"] == "capacity") & (networks["stage"] != "tuning")]
    earlier = judged.assign(**{"digest": judged["digest"] + "0", "optimizer.lr": 0.1})
    earlier["wrong/weight_scaling"] = earlier["wrong/weight_scaling"].map(lambda wrong: 1 - wrong)

    return pd.concat([networks, earlier], ignore_index=True)


def test_of_equal_candidates_the_first_is_chosen(networks: pd.DataFrame) -> None:
    """If this failed, the report could not decide a study whose candidates have equal errors."""
    table = with_networks_of_an_earlier_choice(networks)
    compare(table, table)


def test_an_arm_that_is_left_out_leaves_the_others(networks: pd.DataFrame) -> None:
    """If this failed, one condition that does not solve its task would hide what others show."""
    failing = (networks["arm"] == "hidden 0.2") & (networks["study"] == "reference")
    table = networks.assign(**{"val/error": networks["val/error"].mask(failing, 101.0)})
    compare(table, table)


def test_one_changed_image_is_noticed(networks: pd.DataFrame) -> None:
    """If this failed, the comparison would let numbers pass that differ."""
    changed = networks.copy()
    rows = (changed["study"] == "bagging") & (changed["arm"] == "long plain, 64x64")
    place = changed.index[rows & (changed["stage"] == "final")][0]
    wrong = np.array(changed.at[place, "wrong/weight_scaling"], dtype=float)
    wrong[0] = 1 - wrong[0]
    changed.at[place, "wrong/weight_scaling"] = wrong

    with pytest.raises(AssertionError, match="not the updates alone"):
        compare(networks, changed)


def test_a_net_reaches_its_own_final_validation_error(networks: pd.DataFrame) -> None:
    """If this failed, a rounded curve would look like training that never gets where it ends."""
    third = networks[networks["study"].isin(CLAIMS["cost"].studies)].copy()
    validated = third.index[third["val/error"].notna()]
    third.loc[validated, "val/error"] = 200 / 3

    for place in validated:
        third.at[place, "curve/val/error"] = np.full(
            len(third.at[place, "steps/val/error"]), 66.6667
        )

    compare(third, third)


def test_judged_networks_have_the_settings_that_tuning_chose(raw: pd.DataFrame) -> None:
    """If this failed, a verdict would rest on networks that validation data did not choose."""
    assert_chosen(raw)
    arms = raw.loc[raw["stage"] == "tuning", ["study", "arm"]].drop_duplicates()
    assert len(independent.selection(raw)) == len(arms)


def assert_chosen(networks: pd.DataFrame) -> None:
    """Assert that judged networks have what tuning chose, and seeds that did not tune."""
    chosen = independent.selection(networks)
    assert chosen["taken"].all()
    assert chosen["apart"].all()
    assert independent.evaluated_elsewhere(networks, MANIFEST)["same"].all()


def test_the_script_prints_every_verdict(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """If this failed, nobody could read what the script decides."""
    independent.main(str(folder))
    printed = capsys.readouterr().out
    claims = independent.decide(independent.read(folder), MANIFEST)
    assert all(f"{name}: {claim.verdict} (smoke)" in printed for name, claim in claims.items())


def test_another_choice_is_noticed(raw: pd.DataFrame) -> None:
    """If this failed, the choice of a candidate would not be recomputed."""
    chosen = independent.selection(raw)
    best = chosen.loc[chosen["study"] == "capacity", ["study", "arm", "candidate"]]
    worse = raw.merge(best.assign(stage="tuning"), how="left", indicator=True)["_merge"] == "both"
    changed = raw.assign(**{"val/error": raw["val/error"].mask(worse.to_numpy(), 101.0)})

    again = independent.selection(changed).set_index("study")
    assert not again.loc["capacity", "taken"].any()
    assert again.drop(index="capacity")["taken"].all()


def test_a_choice_on_the_edge_is_noticed(raw: pd.DataFrame) -> None:
    """If this failed, a learning rate could be chosen beyond which a better one lies."""
    assert not independent.edges(raw, MANIFEST), "the smoke budget extends nothing"
    found = independent.edges(raw.assign(budget="laptop"), MANIFEST)
    assert [edge for edge in found if edge.startswith("capacity, 16x16, rate 0.5: optimizer.lr")]

    begun = raw[(raw["stage"] == "tuning") | (raw["study"] != "capacity")].assign(budget="laptop")
    assert not [edge for edge in independent.edges(begun, MANIFEST) if edge.startswith("capacity")]


def test_the_committed_results_are_decided_alike() -> None:
    """If this failed, the committed report would show a verdict that its results do not give."""
    committed = COMMITTED / "results"

    if not committed.exists():
        page = (COMMITTED / "README.md").read_text(encoding="utf-8")
        undecided = [line for line in page.splitlines() if line.startswith("## <a id=")]
        assert len(undecided) == len(CLAIMS)
        assert all(line.endswith(": runs missing") for line in undecided)
        return

    raw = independent.read(committed)
    compare(results_files.read(committed), raw)
    assert_chosen(raw)
    assert not independent.edges(raw, MANIFEST)
