"""The list of surprises: its numbers are those of the published results, and pages show it."""

import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from dropout_study.claims import CLAIMS
from dropout_study.config.schema import ConfigError
from dropout_study.measures.statistics import Interval, over_seeds
from dropout_study.report.page import write_report
from dropout_study.report.surprises import NAME, Surprise, recorded
from dropout_study.report.verdicts import NO_RUNS, Outcome
from support.outcomes import SUPPORTING, outcome
from support.paths import ROOT

REPORT = ROOT / "report"
ERROR = "test/error/weight_scaling"
NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?")


def networks(study: str, **where: object) -> pd.DataFrame:
    """The networks of a published study that have these values, by default of the final stage."""
    found = pd.read_parquet(REPORT / "results" / f"{study}.parquet")

    for column, value in ({"stage": "final"} | where).items():
        found = found[found[column] == value]

    return found.set_index("seed")


def verdict(claim: str) -> dict[str, Any]:
    """What was published of a claim."""
    claims = json.loads((REPORT / "verdicts.json").read_text(encoding="utf-8"))["claims"]
    (found,) = (each for each in claims if each["id"] == claim)
    return cast("dict[str, Any]", found)


def effect(claim: str, part: str, case: str) -> dict[str, float]:
    """The mean effect of a case and its interval, as published."""
    return cast("dict[str, float]", verdict(claim)["questions"][part]["cases"][case])


def interval_of(claim: str, part: str, case: str) -> list[str]:
    """The same in words: mean, low, high."""
    of_case = effect(claim, part, case)
    return [f"{of_case[key]:.2f}" for key in ("mean", "low", "high")]


def in_words(interval: Interval) -> list[str]:
    """Mean, low and high of an interval."""
    return [f"{end:.2f}" for end in (interval.mean, interval.low, interval.high)]


def at_step(nets: pd.DataFrame, key: str, step: int) -> "pd.Series[float]":
    """A curve's value of each net at one step."""
    values = [
        dict(zip(steps, curve, strict=True))[step]
        for steps, curve in zip(nets[f"steps/{key}"], nets[f"curve/{key}"], strict=True)
    ]
    return pd.Series(values, nets.index)


def mean_curve(nets: pd.DataFrame, key: str, step: int) -> float:
    """The mean of a curve's values at one step."""
    return float(at_step(nets, key, step).mean())


def single_masks() -> list[str]:
    """A LeNet with one pass and one mask; behind the pools, also with 20; on training examples."""
    before, behind = (
        networks("mc_samples", arm=f"LeNet, {place} pools") for place in ("before", "after")
    )
    training = before["train/error/weight_scaling"]
    return [
        f"{before[ERROR].mean():.2f}",
        f"{mean_curve(before, 'blocks/error', 1):.2f}",
        f"{behind[ERROR].mean():.2f}",
        f"{mean_curve(behind, 'blocks/error', 1):.2f}",
        f"{mean_curve(behind, 'blocks/error', 20):.2f}",
        str(len(before)),
        f"{training.min():.1f}",
        f"{training.max():.1f}",
    ]


def first_reached(nets: pd.DataFrame, seed: int, error: float) -> float | None:
    """The share of the updates after which a validation error is first reached, in percent."""
    steps, curve = (nets.loc[seed, f"{kind}/val/error"] for kind in ("steps", "curve"))
    reached = [step for step, value in zip(steps, curve, strict=True) if value <= error]
    return 100 * reached[0] / steps[-1] if reached else None


def training_times() -> list[str]:
    """Time of a training; when the plain net reaches its own error; who never does at half."""
    stages: dict[str, tuple[pd.DataFrame, pd.DataFrame]] = {
        stage: (
            networks("reference", stage=stage, arm="none"),
            networks("reference", stage=stage, arm="hidden 0.5"),
        )
        for stage in ("final", "half")
    }
    plain, _ = stages["final"]
    finals = {seed: plain.loc[seed, "curve/val/error"][-1] for seed in plain.index}
    own = [share for seed in finals if (share := first_reached(plain, seed, finals[seed]))]
    short, dropout = stages["half"]
    never = [
        seed
        for seed in short.index
        if first_reached(dropout, seed, short.loc[seed, "curve/val/error"][-1]) is None
    ]
    return [
        *interval_of("cost", "all of training", "512x512"),
        f"{min(own):.0f}",
        f"{max(own):.0f}",
        str(len(never)),
        str(len(short)),
    ]


def bags() -> list[str]:
    """What bags on all data save; at half the updates; what both gain by the other half."""
    part = "at equal training cost"
    (mean, low, high), (on_resamples, lower, upper) = (
        (float(number) for number in interval_of("bagging", part, f"bag on {data}, 256-256"))
        for data in ("all data", "resamples")
    )
    errors = {}

    for stage in ("final", "half"):
        members = networks("bagging", stage=stage, arm="whole data, 256x256")
        errors[stage, "bag"] = members["curve/bag/error"].dropna().str[-1].mean()
        dropout = networks("bagging", stage=stage, arm="long dropout, 256x256")
        errors[stage, "dropout"] = dropout[ERROR].mean()

    assert errors["final", "dropout"] > errors["half", "dropout"]
    assert "not resolved after half" in verdict("bagging")["questions"][part]["doubt"]["reason"]

    return [
        f"{-mean:.2f}",
        f"{-high:.2f}",
        f"{-low:.2f}",
        f"{-on_resamples:.2f}",
        f"{-upper:z.2f}",
        f"{-lower:.2f}",
        f"{errors['half', 'dropout'] - errors['half', 'bag']:.2f}",
        f"{errors['half', 'bag'] - errors['final', 'bag']:.2f}",
        f"{-effect('bagging', part, 'bag on all data, 512-512')['mean']:.2f}",
    ]


def limits() -> list[str]:
    """What max-norm saves, alone and beside dropout, and how its limit was chosen."""
    alone = effect("regularizers", "beats", "max-norm")
    _, *beside = interval_of("regularizers", "combines", "dropout + max-norm")
    tuning = networks("regularizers", stage="tuning")
    best = tuning.groupby(["arm", "candidate"])["val/error"].mean().groupby("arm").min()
    limits = set()

    for arm in ("max-norm", "dropout + max-norm"):
        tried = tuning.loc[tuning["arm"] == arm, "regularizer.max_norm"].astype(float)
        (chosen,) = networks("regularizers", arm=arm)["regularizer.max_norm"].unique()
        assert tried.min() < float(chosen) < tried.max()
        limits.add(str(chosen))

    half = networks("regularizers", stage="half").groupby("arm")[ERROR].mean()
    return [
        *(f"{-alone[end]:.2f}" for end in ("mean", "high", "low")),
        *beside,
        str(tuning.groupby("arm")["candidate"].nunique().min()),
        *limits,
        f"{best['max-norm']:.2f}",
        f"{best['dropout']:.2f}",
        f"{half['dropout'] - half['max-norm']:.2f}",
    ]


def widths() -> list[str]:
    """Gains by width, their difference on common seeds, updates, gains of validation images."""
    widest, narrower = (
        (networks(study, arm=plain), networks(study, arm=dropout))
        for study, plain, dropout in (
            ("capacity", "1024x1024, rate 0.0", "1024x1024, rate 0.2"),
            ("reference", "none", "hidden 0.2"),
        )
    )
    of_512, of_1024 = (plain[ERROR] - dropout[ERROR] for plain, dropout in (narrower, widest))
    difference = (of_512 - of_1024).dropna()
    return [
        *interval_of("capacity", "wide nets gain", "width 1024"),
        f"{of_512.mean():.2f}",
        str(len(difference)),
        *in_words(over_seeds(difference.tolist()).interval()),
        *(f"{nets[0]['budget.updates'].iloc[0]:,}" for nets in (narrower, widest)),
        *(
            f"{(plain['val/error'] - dropout['val/error']).mean():.2f}"
            for plain, dropout in (narrower, widest)
        ),
    ]


def small_rate() -> list[str]:
    """The chosen learning rate, and validation errors of candidates around it."""
    where = {"data.train_size": 100, "model.hidden_rate": 0}
    nets = networks("dataset_size", **where)
    (chosen,) = nets["optimizer.lr"].unique()
    tried = networks("dataset_size", stage="tuning", **where)
    errors = tried.groupby("optimizer.lr")["val/error"].mean()
    assert (nets["train/error/weight_scaling"] == 0).all()
    assert set(tried.groupby("optimizer.lr").size()) == {2}
    assert errors.idxmin() == chosen
    near = [errors[np.isclose(errors.index, factor * chosen)].item() for factor in (0.5, 1, 2)]
    return [
        f"{chosen:.7f}",
        f"{0.001 / chosen:.0f}",
        *(f"{error:.1f}" for error in near),
        f"{errors[0.001]:.1f}",
        str(len(nets)),
    ]


def collapsed() -> list[str]:
    """The networks that collapsed: how many of how many, errors, learning rate, and beyond it."""
    where = {"data.train_size": 1000, "model.hidden_rate": 0}
    nets = networks("dataset_size", **where)
    (rate,) = nets["optimizer.lr"].unique()
    tried = networks("dataset_size", stage="tuning", **where)
    failed = nets[nets["train/error/weight_scaling"] > 1].sort_values(ERROR)
    (chosen_error,) = {f"{error:.0f}" for error in of_rate(tried, rate)}
    return [
        str(len(failed)),
        str(len(nets)),
        *(f"{error:.0f}" for error in failed[ERROR]),
        *(f"{error:.0f}" for error in failed["train/error/weight_scaling"]),
        f"{nets.drop(failed.index)['train/error/weight_scaling'].max():.1f}",
        f"{rate:g}",
        chosen_error,
        f"{of_rate(tried, 2 * rate).mean():.0f}",
    ]


def of_rate(tried: pd.DataFrame, rate: float) -> pd.Series:
    """The validation errors of a candidate."""
    return tried[np.isclose(tried["optimizer.lr"], rate)]["val/error"]


def hidden_units() -> list[str]:
    """What dropped hidden units cost under unseen conditions, and on noise."""
    unseen, noise = (
        -effect("robustness", part, "dropped hidden units")["mean"]
        for part in ("unseen conditions", "noise and missing information")
    )
    return [f"{unseen:.1f}", f"{noise:.1f}"]


def worst_subnetworks() -> list[str]:
    """One subnetwork in a hundred, above the whole net: as published, and in the second try."""
    first = effect("independent_units", "reasonably well", "hidden 0.5")["mean"]
    second = pd.read_csv(REPORT / "second-tries" / "independent_units.csv")
    above = (second["subnetwork"] - second["whole net"]).groupby(second["setting"]).mean()
    tried = [(f"{above[f'rate {rate}']:.2f}", rate) for rate in ("0.3", "0.4", "0.5")]
    return [f"{first:.2f}", *(number for pair in tried for number in pair)]


def interactions() -> list[str]:
    """Of two units: means, ranges, seeds of the other order, learning rates."""
    nets = [networks("units", arm=arm) for arm in ("none", "hidden 0.5")]
    plain, dropout = (each["curve/interactions/ratio"].str[0] for each in nets)
    rates = [f"{each['optimizer.lr'].iloc[0]:g}" for each in nets]
    ends = [f"{end:.3f}" for each in (plain, dropout) for end in (each.min(), each.max())]
    return [
        *(f"{each.mean():.3f}" for each in (plain, dropout)),
        str(len(plain)),
        *ends,
        str((plain < dropout).sum()),
        str(len(plain)),
        *rates,
    ]


def plain_errors(*kinds: str) -> list[str]:
    """Mean errors of the nets that were trained by tests/support/plain_training.py."""
    errors = pd.read_csv(REPORT / "second-tries" / "plain_training.csv").groupby("kind")["error"]
    assert (errors.count() == 3).all()
    return [f"{errors.mean()[kind]:.2f}" for kind in kinds]


def noises() -> list[str]:
    """What noise on the input saves beyond dropped hidden units; errors by another program."""
    kinds = ("none", "dropout", "pixel noise")
    means = networks("noise").groupby("arm")[[ERROR, "val/error"]].mean()
    pixels = effect("hidden_noise", "more than noise on pixels", "hidden units")
    inputs = effect("hidden_noise", "more than dropped inputs", "hidden units")
    return [
        *(f"{-pixels[end]:.2f}" for end in ("mean", "high", "low")),
        f"{-inputs['mean']:.2f}",
        *plain_errors(*kinds),
        *(f"{means.loc[kind, ERROR]:.2f}" for kind in kinds),
        *(
            f"{means.loc[kind, 'val/error']:.2f}"
            for kind in ("dropout", "input dropout", "pixel noise")
        ),
    ]


def boosted() -> list[str]:
    """What boosting costs, by another program, too; the training loss; who loses; validation."""
    none, boosting = (networks("noise", arm=arm) for arm in ("none", "boosting"))
    lost = boosting[ERROR] - none[ERROR]
    loss = "train/nll/weight_scaling"
    assert max(boosting[loss].mean(), none[loss].mean()) < 0.00001
    return [
        *in_words(over_seeds(lost.tolist()).interval()),
        *plain_errors("boosting", "none"),
        str((lost > 0).sum()),
        str(len(lost)),
        f"{(boosting['val/error'] - none['val/error']).mean():.2f}",
    ]


def untied() -> list[str]:
    """What an ensemble without shared weights gains; errors of one of its nets, and of dropout."""
    part = "at equal training cost"
    fifth, half = (effect("untied_ensembles", part, f"ensemble, rate {r}") for r in (0.2, 0.5))
    assert half["low"] < 0 < half["high"]
    assert (
        "not resolved after half"
        in verdict("untied_ensembles")["questions"][part]["doubt"]["reason"]
    )
    final = networks("untied")
    alone = final.groupby("arm")[ERROR].mean()
    (rate,) = final.loc[final["arm"] == "dropout", "model.hidden_rate"].astype(float).unique()
    return [
        *(f"{-fifth[end]:.2f}" for end in ("mean", "high", "low")),
        f"{alone['ensemble, rate 0.2']:.2f}",
        f"{alone['dropout']:.2f}",
        f"{100 * rate:.0f}",
    ]


MEASURED: list[tuple[str, Callable[[], list[str]], set[str]]] = [
    ("mc_samples", single_masks, {"20"}),
    ("cost", training_times, {"3", "0", "2"}),
    ("bagging", bags, {"256", "10", "512", "0.2"}),
    ("regularizers", limits, {"1.5"}),
    ("capacity", widths, {"1,024", "512"}),
    ("dataset_size", small_rate, {"100", "0.001"}),
    ("dataset_size", collapsed, {"1,000"}),
    ("robustness", hidden_units, {"0.001"}),
    ("independent_units", worst_subnetworks, set()),
    ("co_adaptation", interactions, set()),
    ("hidden_noise", noises, set()),
    ("boosting", boosted, {"0.00001"}),
    ("untied_ensembles", untied, {"20,000", "10,000", "0.40"}),
]
"""In the order of the list: claim, its numbers in theirs, and numbers of designs and others."""


@pytest.mark.parametrize("index", range(len(MEASURED)))
def test_every_number_of_the_list_is_that_of_the_published_results(index: int) -> None:
    """If this failed, the list would tell of other results, or of a number nobody measured."""
    claim, numbers, of_design = MEASURED[index]
    told = recorded(REPORT)[index]
    text = f"{told.found} {told.checked}"
    assert told.claim == claim
    assert [each for each in NUMBER.findall(text) if each not in of_design] == numbers()


def test_kinds_of_corruption_have_the_signs_that_the_list_says() -> None:
    """If this failed, a mean would be told to hide what it does not hide."""
    (remark, _) = verdict("robustness")["remarks"]
    fall, rise = remark.split("error rises: ")
    assert [fall.count("("), rise.count("(")] == [1 + 4, 3]  # one says that intervals are raw
    assert all(kind in rise for kind in ("noise", "blur", "contrast"))


def test_the_published_pages_show_the_list() -> None:
    """If this failed, a surprise or its check would be hidden."""
    assert len(recorded(REPORT)) == len(MEASURED)

    for page in ("README.md", "index.html"):
        text = html.unescape((REPORT / page).read_text(encoding="utf-8"))
        assert all(each.found in text and each.checked in text for each in recorded(REPORT))


def test_without_a_list_there_are_no_surprises(tmp_path: Path) -> None:
    """If this failed, a report elsewhere would end in a traceback, or a row name no claim."""
    assert recorded(tmp_path) == []
    (tmp_path / NAME).write_text("- {claim: cost, found: a, checked: b}\n", encoding="utf-8")
    assert recorded(tmp_path) == [Surprise("cost", "a", "b")]

    (tmp_path / NAME).write_text("- {claim: costs, found: a, checked: b}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"surprises\.yaml: 'costs' is no claim"):
        recorded(tmp_path)


def test_a_page_shows_what_surprised_in_the_claims_that_it_decides(tmp_path: Path) -> None:
    """If this failed, a row would name a claim that the page does not have, or has no runs of."""
    listed = "[{claim: cost, found: dear, checked: a}, {claim: capacity, found: wide, checked: b}]"
    (tmp_path / NAME).write_text(listed, encoding="utf-8")
    outcomes = [outcome("capacity", SUPPORTING), Outcome(CLAIMS["cost"], NO_RUNS)]
    write_report(outcomes, pd.DataFrame(), tmp_path, {}, None)

    for page in ("README.md", "index.html"):
        text = (tmp_path / page).read_text(encoding="utf-8")
        assert "wide" in text
        assert "dear" not in text
