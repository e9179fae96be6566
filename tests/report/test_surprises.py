"""The list of surprises: its numbers are those of the published results, and pages show it."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dropout_study.claims import CLAIMS
from dropout_study.report.page import write_report
from dropout_study.report.surprises import NAME, Surprise, recorded
from dropout_study.report.verdicts import NO_RUNS, Outcome
from support.paths import ROOT

REPORT = ROOT / "report"
ERROR = "test/error/weight_scaling"
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")


def networks(study: str, **where: object) -> pd.DataFrame:
    """The networks of a published study that have these values, by default of the final stage."""
    found = pd.read_parquet(REPORT / "results" / f"{study}.parquet")

    for column, value in ({"stage": "final"} | where).items():
        found = found[found[column] == value]

    return found.set_index("seed")


def effect(claim: str, part: str, case: str) -> float:
    """The mean effect of a case, as published."""
    claims = json.loads((REPORT / "verdicts.json").read_text(encoding="utf-8"))["claims"]
    (found,) = (each for each in claims if each["id"] == claim)
    mean: float = found["questions"][part]["cases"][case]["mean"]
    return mean


def mean_curve(nets: pd.DataFrame, key: str, step: int) -> float:
    """The mean of a curve's values at one step."""
    values = [
        dict(zip(steps, curve, strict=True))[step]
        for steps, curve in zip(nets[f"steps/{key}"], nets[f"curve/{key}"], strict=True)
    ]
    return float(np.mean(values))


def single_masks() -> list[str]:
    """A LeNet with one mask and with one pass; behind the pools, with 20 masks and one pass."""
    before, behind = (
        networks("mc_samples", arm=f"LeNet, {place} pools") for place in ("before", "after")
    )
    return [
        f"{mean_curve(before, 'blocks/error', 1):.2f}",
        f"{before[ERROR].mean():.2f}",
        f"{mean_curve(behind, 'blocks/error', 20):.2f}",
        f"{behind[ERROR].mean():.2f}",
    ]


def numbers_of_masks() -> list[str]:
    """What 20 masks lose, and 1,000 gain, against one pass."""
    model = "MLP, n = 1,000"
    lost = -effect("mc_samples", "some models gain", model)
    gained = -effect("scaling_beats_sampling", "scaling errs less", model)
    return [f"{lost:.3f}", f"{gained:.3f}"]


def updates() -> list[str]:
    """The time of a training divided by that of an update."""
    every = effect("cost", "all of training", "512x512")
    one = effect("cost", "one pass trains", "1024x1024")
    return [f"{every / one:.2f}"]


def widths() -> list[str]:
    """Gains by width: of test errors, of five seeds, of validation errors."""
    widest = {
        rate: networks("capacity", arm=f"1024x1024, rate {rate}")["val/error"]
        for rate in ("0.0", "0.2")
    }
    plain, dropout = (networks("reference", arm=arm)[ERROR] for arm in ("none", "hidden 0.2"))
    gains = plain - dropout
    return [
        f"{effect('capacity', 'wide nets gain', 'width 1024'):.2f}",
        f"{gains.mean():.2f}",
        f"{gains.loc[widest['0.0'].index].mean():.2f}",
        f"{(widest['0.0'] - widest['0.2']).mean():.2f}",
    ]


def small_rate() -> list[str]:
    """The chosen learning rate, how much smaller it is, and the candidate beside it."""
    where = {"data.train_size": 100, "model.hidden_rate": 0}
    nets = networks("dataset_size", **where)
    (chosen,) = nets["optimizer.lr"].unique()
    tried = networks("dataset_size", stage="tuning", **where)
    errors = tried.groupby("optimizer.lr")["val/error"].mean()
    assert (nets["train/error/weight_scaling"] == 0).all()
    assert errors.idxmin() == chosen
    return [
        f"{chosen:.7f}",
        f"{0.001 / chosen:.0f}",
        f"{errors[errors.index < chosen].iloc[-1]:.1f}",
        f"{errors[chosen]:.1f}",
        str(len(nets)),
    ]


def collapsed() -> list[str]:
    """The networks that collapsed: how many of how many, errors, learning rate."""
    where = {"data.train_size": 1000, "model.hidden_rate": 0}
    nets = networks("dataset_size", **where)
    (rate,) = nets["optimizer.lr"].unique()
    tried = networks("dataset_size", stage="tuning", **where)
    failed = nets[nets["train/error/weight_scaling"] > 1].sort_values(ERROR)
    others = nets.drop(failed.index)
    return [
        *(str(len(group)) for group in (failed, nets, others)),
        f"{others['train/error/weight_scaling'].max():.1f}",
        *(f"{error:.0f}" for error in failed[ERROR]),
        *(f"{error:.0f}" for error in failed["train/error/weight_scaling"]),
        f"{rate:g}",
        *{f"{error:.0f}" for error in tried[tried["optimizer.lr"] == rate]["val/error"]},
    ]


def hidden_units() -> list[str]:
    """What dropped hidden units cost under unseen conditions, and on noise."""
    unseen, noise = (
        -effect("robustness", part, "dropped hidden units")
        for part in ("unseen conditions", "noise and missing information")
    )
    return [f"{unseen:.1f}", f"{noise:.2f}"]


def worst_subnetworks() -> list[str]:
    """The error of one subnetwork in a hundred, above the whole net's."""
    return [f"{effect('independent_units', 'reasonably well', 'hidden 0.5'):.2f}"]


def interactions() -> list[str]:
    """Of two units, by layer, without and with dropout; and the range over the nets."""
    layers = {
        arm: np.stack(networks("units", arm=arm)["curve/interactions/ratio"])
        for arm in ("none", "hidden 0.5")
    }
    means = [values.mean(axis=0)[layer] for layer in (0, 1) for values in layers.values()]
    ends = [end for values in layers.values() for end in (values[:, 0].min(), values[:, 0].max())]
    return [f"{number:.3f}" for number in [*means, *ends]]


MEASURED: list[tuple[str, Callable[[], list[str]], set[str]]] = [
    ("mc_samples", single_masks, {"20"}),
    ("scaling_beats_sampling", numbers_of_masks, {"1,000", "20"}),
    ("cost", updates, {"2", "3", "0"}),
    ("capacity", widths, {"1,024", "512"}),
    ("dataset_size", small_rate, {"100", "0.001"}),
    ("dataset_size", collapsed, {"1,000"}),
    ("robustness", hidden_units, set()),
    ("independent_units", worst_subnetworks, set()),
    ("co_adaptation", interactions, {"10"}),
]
"""In the order of the list: claim, its numbers, and the numbers that its design has."""


@pytest.mark.parametrize("index", range(len(MEASURED)))
def test_every_number_of_the_list_is_that_of_the_published_results(index: int) -> None:
    """If this failed, the list would tell of other results, or of a number nobody measured."""
    claim, numbers, of_design = MEASURED[index]
    told = recorded(REPORT)[index]
    text = f"{told.found} {told.checked}"
    assert told.claim == claim
    assert set(NUMBER.findall(text)) - of_design == set(numbers())


def test_no_net_with_dropout_may_reach_the_error_in_half_of_the_updates() -> None:
    """If this failed, the check of what dropout costs would say so of nets that do."""
    plain = networks("reference", stage="half", arm="none")
    dropout = networks("reference", stage="half", arm="hidden 0.5")
    reached = [
        min(dropout.loc[seed, "curve/val/error"]) <= plain.loc[seed, "curve/val/error"][-1]
        for seed in plain.index
    ]
    assert 0 < sum(reached) < len(reached)


def test_pages_show_the_list_that_lies_beside_them() -> None:
    """If this failed, a surprise would be hidden, or be of a claim that there is not."""
    assert len(recorded(REPORT)) == len(MEASURED)
    assert {each.claim for each in recorded(REPORT)} <= set(CLAIMS)

    for page in ("README.md", "index.html"):
        text = (REPORT / page).read_text(encoding="utf-8")
        assert all(each.found.split(".")[0] in text for each in recorded(REPORT))


def test_without_a_list_there_are_no_surprises(tmp_path: Path) -> None:
    """If this failed, a report elsewhere would end in a traceback, or repeat the published list."""
    assert recorded(tmp_path) == []
    (tmp_path / NAME).write_text("- {claim: cost, found: a, checked: b}\n", encoding="utf-8")
    assert recorded(tmp_path) == [Surprise("cost", "a", "b")]


def test_a_page_of_some_claims_shows_what_surprised_in_these(tmp_path: Path) -> None:
    """If this failed, a row would name a claim that the page does not have."""
    listed = "[{claim: cost, found: dear, checked: a}, {claim: capacity, found: wide, checked: b}]"
    (tmp_path / NAME).write_text(listed, encoding="utf-8")
    write_report([Outcome(CLAIMS["cost"], NO_RUNS)], pd.DataFrame(), tmp_path, {}, None)

    for page in ("README.md", "index.html"):
        text = (tmp_path / page).read_text(encoding="utf-8")
        assert "dear" in text
        assert "wide" not in text
