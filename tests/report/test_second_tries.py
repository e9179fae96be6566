"""Second tries: their tables are those of their networks, and the page tells them."""

import shlex

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_ind

from dropout_study.claims import CLAIMS
from dropout_study.config.names import DECIDING_SEVERITIES
from dropout_study.config.overrides import expand_sweep, parse_overrides
from dropout_study.config.read import read_config
from dropout_study.measures.statistics import over_seeds
from dropout_study.report.first_edition import EARLIER
from dropout_study.report.second_tries import SECOND_TRIES, recorded, table
from support.composing import composed_run
from support.paths import ROOT

REPORT = ROOT / "report"
NAMED = ("noise", "missing_pixels", "occlusion")


def test_the_table_is_the_mean_effect_of_each_setting_and_part() -> None:
    """If this failed, the page would tell a gain with the wrong sign, or of other networks."""
    errors = pd.DataFrame(
        [("short", "noise", seed, 10.0, 10.0 - seed) for seed in (1, 2, 3)]
        + [("long", "noise", seed, 10.0, 12.0) for seed in (1, 2, 3)],
        columns=["setting", "part", "seed", "without", "with"],
    )
    wide = pd.DataFrame([("wide", "blur", 1, 3.0, 2.0)], columns=errors.columns)
    partial = table(pd.concat([errors, wide], ignore_index=True))
    assert [each.get("blur") for each in partial] == ["", "", "+1.00"]
    assert table(errors) == [
        {"setting": "short", "noise": "+2.00 (-0.48 to +4.48)"},
        {"setting": "long", "noise": "-2.00 (-2.00 to -2.00)"},
    ]


def test_every_try_is_of_a_claim_and_told_with_its_table() -> None:
    """If this failed, the page would link a file that is not there, or tell other numbers."""
    assert set(recorded(REPORT)) == set(SECOND_TRIES) <= set(CLAIMS)

    for claim, (second, effects) in recorded(REPORT).items():
        page = (REPORT / "README.md").read_text(encoding="utf-8")
        assert f"]({second.file})" in page
        assert f'href="{second.file}"' in (REPORT / "index.html").read_text(encoding="utf-8")
        assert f"{second.short} ([A second try](#{claim}_again)" in page
        assert f'id="{claim}_again"' in page
        for row in effects:
            assert f"| {' | '.join(row.values())} |" in page


@pytest.mark.parametrize("claim", SECOND_TRIES)
def test_its_commands_compose_and_train_its_seeds(claim: str) -> None:
    """If this failed, a reader could not train the networks of the table again."""
    second = SECOND_TRIES[claim]
    trained: set[int] = set()

    for command in second.commands:
        interpreter, script, many, *typed = shlex.split(command)
        assert (interpreter, script, many) == ("python", "scripts/train.py", "-m")
        for job in expand_sweep(parse_overrides(typed)):
            trained |= set(read_config(composed_run(job)).seeds)

    assert trained >= set(pd.read_csv(REPORT / second.file)["seed"])
    assert min(trained) == 200


def test_what_is_told_of_the_second_try_of_robustness_is_so() -> None:
    """If this failed, the sentence would say of the networks what their numbers do not."""
    errors = pd.read_csv(REPORT / SECOND_TRIES["robustness"].file)
    saved = (
        errors.assign(saved=errors["without"] - errors["with"])
        .groupby(["part", "setting"], sort=False)["saved"]
        .mean()
    )
    named = saved["noise and missing information"]
    assert set(errors["seed"]) == {200, 201, 202, 203, 204}
    assert (saved["clean images"] < 0).all()  # dropout does not yet lower the clean error
    assert (named > 0).all()  # the first clause holds
    of_small, of_wide = named.iloc[:2], named.iloc[2:]
    assert of_small.iloc[0] > of_small.iloc[1]  # trained longer, they gain less
    assert of_wide.iloc[0] > of_wide.iloc[1]  # or at a higher rate


def test_what_is_told_of_the_second_try_of_independent_units_is_so() -> None:
    """If this failed, the sentence would place the limit at a rate where the networks do not."""
    errors = pd.read_csv(REPORT / SECOND_TRIES["independent_units"].file)
    assert set(errors["seed"]) == {200, 201, 202, 203, 204}
    above = (errors["subnetwork"] - errors["whole net"]).groupby(errors["setting"])
    low, middle, high = (
        over_seeds(above.get_group(f"rate {rate}").tolist()) for rate in (0.3, 0.4, 0.5)
    )
    assert low.mean < middle.mean < high.mean
    assert low.interval().high < 1
    assert middle.interval().low < 1 < middle.interval().high
    assert high.interval().low > 1


def test_what_is_told_of_the_second_try_of_bagging_is_so() -> None:
    """If this failed, the loss would be laid on a rate at which nets err no more."""
    errors = pd.read_csv(REPORT / SECOND_TRIES["bagging"].file)
    assert set(errors["seed"]) == {200, 210, 220, 230, 240}
    saved = (errors["bag"] - errors["dropout"]).groupby([errors["setting"], errors["part"]])
    assert all(
        -0.25 < interval.low < 0 < interval.high
        for interval in (over_seeds(points.tolist()).interval() for _, points in saved)
    )

    published = pd.read_parquet(REPORT / "results" / "bagging.parquet")
    published = published[published["stage"] == "final"].set_index("arm")
    at_half = published.loc["long dropout, 256x256", "test/error/weight_scaling"]
    for _, at_a_fifth in errors[errors["part"] == "bag on all data"].groupby("setting"):
        less = ttest_ind(at_half, at_a_fifth["dropout"], equal_var=False)
        assert less.confidence_interval().low > 0

    for kind, bag in (("whole data", "bag on all data"), ("bagged", "bag on resamples")):
        before = published.loc[f"{kind}, 256x256", "curve/bag/error"].dropna().str[-1]
        again = errors[errors["part"] == bag].groupby("seed")["bag"].first()
        assert abs(before.mean() - again.mean()) < 0.05


def test_what_is_told_of_the_second_try_of_hidden_noise_is_so() -> None:
    """If this failed, the page would say that noise on pixels is ahead where it is not."""
    errors = pd.read_csv(REPORT / SECOND_TRIES["hidden_noise"].file)
    assert set(errors["seed"]) == {200, 201, 202, 203, 204}
    saved = errors["noise on the input"] - errors["dropped hidden units"]
    of_part = {
        part: [
            over_seeds(points.tolist()).interval()
            for _, points in saved[of_rates.index].groupby(of_rates["setting"])
        ]
        for part, of_rates in errors.groupby("part")
    }
    assert all(interval.high < 0 for interval in of_part["noise on pixels"])
    open_, *behind = of_part["dropped inputs"]
    assert open_.low < 0 < open_.high
    assert all(interval.high < 0 for interval in behind)


def test_what_is_told_of_the_first_edition_is_what_its_networks_give() -> None:
    """If this failed, the cause of a verdict would rest on numbers that its archive has not."""
    networks = pd.read_parquet(REPORT / "first-edition" / "results.parquet")
    nets = networks[(networks["study"] == "robustness") & (networks["model.input_rate"] == 0)]
    assert set(nets["budget.updates"]) == {5000}
    saved = {}

    for kind, last in DECIDING_SEVERITIES.items():
        curves = zip(
            nets[f"curve/corruption/{kind}"], nets[f"steps/corruption/{kind}"], strict=True
        )
        errors = [np.asarray(curve)[np.asarray(steps) <= last].mean() for curve, steps in curves]
        means = pd.Series(errors, index=nets.index).groupby(nets["model.hidden_rate"]).mean()
        saved[kind] = means[0.0] - means[0.5]

    gain = np.mean([saved[kind] for kind in NAMED])
    loss = -np.mean([of_kind for kind, of_kind in saved.items() if kind not in NAMED])
    assert f"gained {gain:.2f}" in EARLIER["robustness"].change
    assert f"lost {loss:.2f}" in EARLIER["robustness"].change
