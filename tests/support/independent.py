"""Decide all claims from a file of results again, by code that shares nothing with the package.

    python tests/support/independent.py report/results

What is compared is read from docs/claims.md and docs/statistics.md; criteria, margins and values
of the studies from report/criteria.json; the columns are those of docs/results.md. Errors are in
percent, their differences in points. S is a number of seeds, N one of test images.
"""

import itertools
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

MANIFEST = Path(__file__).parents[2] / "report" / "criteria.json"
LEVEL = 0.05
ROUNDING = 1e-12
"""Relative differences up to this size are 0."""
BUDGETS = ("paper", "laptop", "smoke")
SMOKE_VALUES = {
    "exact": {"gate": 100},
    "reference": {"gate": 100},
    "capacity": {"wide": "64x64"},
    "dataset_size": {"small": [50, 100], "middle": [500]},
    "fast_dropout": {"gate": 100},
    "growth": {"gate": 100},
}
"""What `at: smoke` of conf/study/*.yaml changes in `study.values`: the manifest leaves it out."""

Json = dict[str, Any]


# What was measured


@dataclass(frozen=True)
class Measured:
    """A quantity of each seed.

    Attributes:
        values: [S], by seed.
        images: [S, N], what each test image contributes, by seed; None where it is no mean over
            images.
    """

    values: pd.Series
    images: pd.DataFrame | None = None


def weighted_sum(terms: Iterable[tuple[float, Measured]]) -> Measured:
    """The sum of weight times quantity, over the seeds that all quantities share."""
    terms = list(terms)
    shared = set.intersection(*(set(term.values.index) for _, term in terms))
    seeds = sorted(shared)
    values = sum(weight * term.values.loc[seeds] for weight, term in terms)

    if any(term.images is None for _, term in terms):
        return Measured(values)

    return Measured(values, sum(weight * term.images.loc[seeds] for weight, term in terms))


def minus(first: Measured, second: Measured) -> Measured:
    """The paired difference of two quantities."""
    return weighted_sum([(1.0, first), (-1.0, second)])


def mean_of(quantities: Iterable[Measured]) -> Measured:
    """The mean of several quantities, seed by seed."""
    quantities = list(quantities)
    return weighted_sum((1 / len(quantities), quantity) for quantity in quantities)


def logarithm(error: Measured) -> Measured:
    """The logarithm of an error in percent: exact per seed, linearized per image.

    Half an image is added, so that an error of 0 has a logarithm.
    """
    half_an_image = 100 * 0.5 / error.images.shape[1]
    shifted = error.values + half_an_image
    return Measured(np.log(shifted), error.images.div(shifted, axis=0))


def restricted(measured: Measured, seeds: Iterable[int]) -> Measured:
    """The same quantity of some seeds alone."""
    chosen = sorted(set(seeds) & set(measured.values.index))
    images = None if measured.images is None else measured.images.loc[chosen]
    return Measured(measured.values.loc[chosen], images)


# Estimates


@dataclass(frozen=True)
class Estimate:
    """A mean, the variance of this mean and the degrees of freedom of its t distribution.

    Of one seed, variance and degrees of freedom are not numbers.
    """

    mean: float
    variance: float
    df: float

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval; not a number where there is one seed."""
        if np.isnan(self.variance):
            return np.nan, np.nan

        half_width = stats.t.ppf(0.975, self.df) * np.sqrt(self.variance)
        return self.mean - half_width, self.mean + half_width

    def above(self, limit: float) -> float:
        """The one-sided p value for a true mean above a limit."""
        if np.isnan(self.variance):
            return np.nan

        distance = self.mean - limit

        if abs(distance) <= ROUNDING * max(abs(self.mean), abs(limit)):
            distance = 0.0

        if self.variance == 0:
            return 0.0 if distance > 0 else 1.0

        return float(stats.t.sf(distance / np.sqrt(self.variance), self.df))

    def below(self, limit: float) -> float:
        """The one-sided p value for a true mean below a limit."""
        return Estimate(-self.mean, self.variance, self.df).above(-limit)


def estimate(measured: Measured) -> Estimate:
    """The crossed estimate where images contribute, else Student's t over seeds."""
    values = measured.values.to_numpy()
    seeds = len(values)

    if seeds < 2:
        return Estimate(float(values.mean()), np.nan, np.nan)

    if measured.images is None:
        return Estimate(float(values.mean()), float(values.var(ddof=1)) / seeds, seeds - 1)

    return crossed(values, measured.images.to_numpy())


def crossed(values: np.ndarray, contributions: np.ndarray) -> Estimate:
    """The mean over random seeds and random test images, with Satterthwaite's degrees of freedom.

    Args:
        values: [S], of each seed.
        contributions: [S, N], of each seed and image.
    """
    seeds, images = contributions.shape
    mean = values.mean()
    of_seed = contributions.mean(axis=1)
    of_image = contributions.mean(axis=0)
    rest = contributions - of_seed[:, None] - of_image[None, :] + contributions.mean()

    # Rounding errors count relative to the largest cell of the table.
    size = np.abs(contributions - of_seed[:, None] + values[:, None]).max()
    ms_seed = without_rounding(((values - mean) ** 2).sum() / (seeds - 1), size) * images
    ms_image = without_rounding(((of_image - of_image.mean()) ** 2).sum() / (images - 1), size)
    ms_image *= seeds
    ms_rest = without_rounding((rest**2).sum() / ((seeds - 1) * (images - 1)), size)

    total = max(ms_seed + ms_image - ms_rest, min(ms_seed, ms_image))

    spread = ms_seed**2 / (seeds - 1) + ms_image**2 / (images - 1)
    spread += ms_rest**2 / ((seeds - 1) * (images - 1))
    df = max(total**2 / spread, 1.0) if spread > 0 else 1.0

    return Estimate(float(mean), total / (seeds * images), df)


def without_rounding(square: float, size: float) -> float:
    """A mean square, 0 where it is a rounding error of values of a size."""
    return 0.0 if square <= (ROUNDING * size) ** 2 else float(square)


# Which networks


@dataclass(frozen=True)
class Nets:
    """The networks of one budget and one stage.

    Attributes:
        table: a row per network.
        values: study -> `study.values`.
        sources: study -> the study whose stored networks it evaluates, or None.
    """

    table: pd.DataFrame
    values: Mapping[str, Json]
    sources: Mapping[str, str | None]

    def select(self, study: str, **settings: object) -> pd.DataFrame:
        """The rows of a study with some settings; in a name `__` stands for a dot."""
        rows = self.table[self.table["study"] == study]

        for name, value in settings.items():
            rows = rows[rows[name.replace("__", ".")] == value]

        return rows.set_index("seed").sort_index()

    def arms(self, study: str) -> list[str]:
        """The arms of a study whose networks solve their task, in the order of the file."""
        rows = self.table[self.table["study"] == study]
        return [arm for arm in rows["arm"].unique() if self.is_competent(study, arm)]

    def is_competent(self, study: str, arm: str) -> bool:
        """Whether an arm's mean validation error is at most the study's gate, if it has one."""
        gate = self.values[study].get("gate", np.inf)
        trained = self.select(self.sources[study] or study, arm=arm)
        return bool(trained["val/error"].mean() <= gate)


def wrong(rows: pd.DataFrame, name: str) -> Measured:
    """An error in percent, from the share of misclassifications of each test image."""
    images = 100 * pd.DataFrame(np.stack(rows[f"wrong/{name}"]), index=rows.index, dtype=float)
    return Measured(images.mean(axis=1), images)


def number(rows: pd.DataFrame, column: str) -> Measured:
    """A measure that is no mean over test images."""
    return Measured(rows[column].astype(float))


def point(rows: pd.DataFrame, curve: str, step: int) -> Measured:
    """The value of a curve at a step."""
    values = [
        float(np.asarray(ys)[list(xs).index(step)])
        for xs, ys in zip(rows[f"steps/{curve}"], rows[f"curve/{curve}"], strict=True)
    ]
    return Measured(pd.Series(values, index=rows.index))


Cases = dict[str, Measured]
Parts = dict[str, Cases]


# The parts of each claim: what is compared


def geometric_ensemble(nets: Nets) -> Parts:
    """Both exact means, of each pair of digits and activation."""
    return {"stands in": exact_difference(nets, "exact_geometric", "exact_arithmetic")}


def weight_scaling_approximate(nets: Nets) -> Parts:
    """One pass and the exact geometric mean, of each pair of digits and activation."""
    return {"close": exact_difference(nets, "weight_scaling", "exact_geometric")}


def exact_difference(nets: Nets, first: str, second: str) -> Cases:
    """The error under one rule minus that under another, of each arm of the study `exact`."""
    chosen = {arm: nets.select("exact", arm=arm) for arm in nets.arms("exact")}
    return {
        _pair_in_words(arm): minus(wrong(rows, first), wrong(rows, second))
        for arm, rows in chosen.items()
    }


def _pair_in_words(arm: str) -> str:
    """`relu, [1, 7]` as the report names it: `1 or 7 (ReLU)`."""
    kind, one, other = re.fullmatch(r"(.+), \[(\d), (\d)\]", arm).groups()
    return f"{one} or {other} ({kind.replace('relu', 'ReLU')})"


def bagging(nets: Nets) -> Parts:
    """Bags and long nets without dropout, each against the long dropout net of its width."""
    rows = nets.table[nets.table["study"] == "bagging"]
    bags: Cases = {}
    singles: Cases = {}

    for widths in rows["model.widths"].unique():
        long_dropout = wrong(
            nets.select("bagging", arm=f"long dropout, {widths}"), "weight_scaling"
        )

        net = widths.replace("x", "-")
        for kind, name in (("bagged", "bag on resamples"), ("whole data", "bag on all data")):
            members = nets.select("bagging", arm=f"{kind}, {widths}")
            first = members[members.index.isin(long_dropout.values.index)]
            bags[f"{name}, {net}"] = minus(wrong(first, "bag"), long_dropout)

        long_plain = wrong(nets.select("bagging", arm=f"long plain, {widths}"), "weight_scaling")
        singles[net] = minus(long_plain, long_dropout)

    return {"at equal training cost": bags, "not the updates alone": singles}


def mc_samples(nets: Nets) -> Parts:
    """One pass against 20 masks, and what 20 masks save of what the pool saves, by model."""
    models = {arm: nets.select("mc_samples", arm=arm) for arm in nets.arms("mc_samples")}
    names = {"hidden 0.5": "MLP, hidden 0.5", "input 0.2, hidden 0.5": "MLP, input and hidden"}
    models |= {names[arm]: nets.select("sampling", arm=arm) for arm in nets.arms("sampling")}

    gains = {
        model: minus(wrong(rows, "weight_scaling"), wrong(rows, "blocks_20"))
        for model, rows in models.items()
    }
    shares = {model: share_saved(rows) for model, rows in models.items()}

    return {
        "some models gain": gains,
        "others lose": gains,
        "about 20": {model: share for model, share in shares.items() if share is not None},
    }


def share_saved(rows: pd.DataFrame) -> Measured | None:
    """What 20 masks save, compared with one, divided by what the whole pool saves.

    A ratio of means over seeds. Seeds and images contribute as the delta method says; None where
    the pool saves nothing.
    """
    one = wrong(rows, "blocks_1")
    by_twenty = minus(one, wrong(rows, "blocks_20"))
    by_pool = minus(one, wrong(rows, "pool_arithmetic"))
    whole = by_pool.values.mean()

    if whole <= 0:
        return None

    ratio = by_twenty.values.mean() / whole
    deviation = weighted_sum([(1 / whole, by_twenty), (-ratio / whole, by_pool)])

    return Measured(ratio + deviation.values, deviation.images)


def scaling_beats_sampling(nets: Nets) -> Parts:
    """The whole pool against one pass, in the models whose pools are the largest of the study."""
    models = {arm: nets.select("mc_samples", arm=arm) for arm in nets.arms("mc_samples")}
    pools = {arm: max(rows["steps/blocks/error"].iloc[0]) for arm, rows in models.items()}

    return {
        "scaling errs less": {
            arm: minus(wrong(rows, "pool_arithmetic"), wrong(rows, "weight_scaling"))
            for arm, rows in models.items()
            if pools[arm] == max(pools.values())
        }
    }


def regularizers(nets: Nets) -> Parts:
    """Every other arm against dropout, and dropout against its combinations.

    An arm with max-norm enters where the norm limits more than a share of the units.
    """
    values = nets.values["regularizers"]
    rows = {
        arm: nets.select("regularizers", arm=arm)
        for arm in [values["dropout"], *values["others"], *values["combined"]]
    }
    limited = {arm: of_arm["train/at_limit"].mean() for arm, of_arm in rows.items()}
    error = {
        arm: wrong(of_arm, "weight_scaling")
        for arm, of_arm in rows.items()
        if np.isnan(limited[arm]) or limited[arm] > values["at_limit"]
    }
    dropout = error[values["dropout"]]

    return {
        "beats": {arm: minus(error[arm], dropout) for arm in values["others"] if arm in error},
        "combines": {arm: minus(dropout, error[arm]) for arm in values["combined"] if arm in error},
    }


def capacity(nets: Nets) -> Parts:
    """The narrowest nets, the widest nets, and the slope of the gain over all widths."""
    values = nets.values["capacity"]
    narrow = nets.select("capacity", model__widths=values["narrow"])
    long = nets.select("narrow", model__widths=values["narrow"])
    pairs = {
        "as the others": (narrow, values["rate"]),
        "five times as long": (long, nets.values["narrow"]["rate"]),
    }
    training: Cases = {}
    testing: Cases = {}

    for name, (rows, rate) in pairs.items():
        dropped = rows[rows["model.hidden_rate"] == rate]
        plain = rows[rows["model.hidden_rate"] == 0]
        column = "train/error/weight_scaling"
        training[name] = minus(number(dropped, column), number(plain, column))
        testing[name] = minus(wrong(dropped, "weight_scaling"), wrong(plain, "weight_scaling"))

    gains = gains_by_width(nets)

    return {
        "small nets underfit": training,
        "small nets do worse": testing,
        "wide nets gain": {f"width {values['wide'].split('x')[0]}": gains[values["wide"]]},
        "the gain grows": {f"{len(gains)} widths": slope(gains)},
    }


def gains_by_width(nets: Nets) -> Cases:
    """What dropout saves at each width, at the rate with the lowest mean validation error."""
    of_capacity = nets.select("capacity")
    of_reference = nets.select("reference")
    of_reference = of_reference[of_reference["arm"].isin(["none", "hidden 0.2", "hidden 0.5"])]
    gains: Cases = {}

    for rows in (of_capacity, of_reference):
        for widths, group in rows.groupby("model.widths", sort=False):
            dropped = group[group["model.hidden_rate"] > 0]
            means = dropped.groupby("model.hidden_rate")["val/error"].mean()
            best = dropped[dropped["model.hidden_rate"] == means.idxmin()]
            plain = group[group["model.hidden_rate"] == 0]
            gains[str(widths)] = minus(
                wrong(plain, "weight_scaling"), wrong(best, "weight_scaling")
            )

    return gains


def slope(gains: Cases) -> Measured:
    """Least-squares slope of the gain against the binary logarithm of the width."""
    doublings = np.log2([int(widths.split("x")[0]) for widths in gains])
    centred = doublings - doublings.mean()
    weights = centred / (centred**2).sum()
    return weighted_sum(zip(weights, gains.values(), strict=True))


def dataset_size(nets: Nets) -> Parts:
    """The ratio of errors at middle and smallest sizes; harm and spread at the smallest."""
    values = nets.values["dataset_size"]

    def pair(size: int) -> tuple[Measured, Measured]:
        rows = nets.select("dataset_size", data__train_size=size)
        plain = rows[rows["arm"].str.startswith("none")]
        dropped = rows[rows["arm"].str.startswith("dropout")]
        return wrong(plain, "weight_scaling"), wrong(dropped, "weight_scaling")

    def log_ratio(size: int) -> Measured:
        plain, dropped = pair(size)
        return minus(logarithm(plain), logarithm(dropped))

    def mean_log_ratio(sizes: Iterable[int]) -> Measured:
        return mean_of(log_ratio(size) for size in sizes)

    harm: Cases = {}

    for size in values["small"]:
        plain, dropped = pair(size)
        harm[f"{size:,} examples, points"] = minus(dropped, plain)
        harm[f"{size:,} examples, spread"] = spread(dropped, plain)

    middle, small = (
        " and ".join(f"{size:,}" for size in values[which]) for which in ("middle", "small")
    )
    middle_minus_small = minus(mean_log_ratio(values["middle"]), mean_log_ratio(values["small"]))

    return {
        "less effective": {f"{middle} minus {small} examples": middle_minus_small},
        "unstable training or worse performance": harm,
    }


def spread(first: Measured, second: Measured) -> Measured:
    """Log ratio of two standard deviations over common seeds, as pseudo-values of the jackknife.

    Not a number below three seeds, and where a standard deviation is 0.
    """
    both = pd.DataFrame({"first": first.values, "second": second.values}).dropna()
    seeds = len(both)

    if seeds < 3:
        return Measured(pd.Series(np.nan, index=both.index))

    whole = log_ratio_of_spreads(both)
    without = {seed: log_ratio_of_spreads(both.drop(seed)) for seed in both.index}

    return Measured(seeds * whole - (seeds - 1) * pd.Series(without))


def log_ratio_of_spreads(both: pd.DataFrame) -> float:
    """The logarithm of the ratio of two standard deviations over seeds."""
    if (both.nunique() == 1).any():
        return np.nan

    variances = both.var(ddof=1)
    return float(np.log(variances["first"] / variances["second"]) / 2)


def dropout_arms(nets: Nets, study: str) -> list[str]:
    """The arms with dropout of a study on the nets of `reference`."""
    return [arm for arm in nets.arms(study) if arm != "none"]


def independent_units(nets: Nets) -> Parts:
    """Single subnetworks of half the units, and the worst of a hundred, for each rate."""
    plain = wrong(nets.select("units", arm="none"), "removed_50")
    halved: Cases = {}
    worst: Cases = {}

    for arm in dropout_arms(nets, "units"):
        rows = nets.select("units", arm=arm)
        halved[arm] = minus(plain, wrong(rows, "removed_50"))
        whole = number(rows, "test/error/weight_scaling")
        worst[arm] = minus(number(rows, "subnetworks/error_p99"), whole)

    return {"without specific others": halved, "reasonably well": worst}


def ensemble_gain(nets: Nets) -> Parts:
    """Single subnetworks against the mean of their probabilities, for each rate."""
    chosen = {arm: nets.select("units", arm=arm) for arm in dropout_arms(nets, "units")}
    gains = {
        arm: minus(wrong(rows, "blocks_1"), wrong(rows, "pool_arithmetic"))
        for arm, rows in chosen.items()
    }
    return {"more powerful": gains}


def co_adaptation(nets: Nets) -> Parts:
    """Interactions in the first layer, and one half of the units against both, at rate 0.5."""
    plain = nets.select("units", arm="none")
    dropped = nets.select("units", arm="hidden 0.5")
    ratio = "interactions/ratio"
    together = minus(wrong(dropped, "half"), wrong(dropped, "halves_mean"))

    return {
        "less co-adapted": {"layer 1": minus(point(plain, ratio, 1), point(dropped, ratio, 1))},
        "redundant": {"hidden 0.5": minus(damage(plain), damage(dropped))},
        "complementary": {"hidden 0.5": together},
    }


def damage(rows: pd.DataFrame) -> Measured:
    """The error that removing a random half of the hidden units adds."""
    return minus(wrong(rows, "half"), wrong(rows, "halves_whole"))


def robustness(nets: Nets) -> Parts:
    """Errors on corrupted images without dropout minus with, averaged over kinds.

    Dropout of hidden units and dropout of inputs are the cases; the arm with both is context.
    """
    kinds = {
        "noise and missing information": ("noise", "missing_pixels", "occlusion"),
        "unseen conditions": ("blur", "contrast", "rotation", "translation"),
    }
    names = {"hidden 0.5": "dropped hidden units", "input 0.2": "dropped inputs"}
    plain = nets.select("robustness", arm="none")
    dropped = {
        names[arm]: nets.select("robustness", arm=arm)
        for arm in nets.arms("robustness")
        if arm in names
    }

    def gain(rows: pd.DataFrame, kind: str) -> Measured:
        return minus(wrong(plain, f"corrupted/{kind}"), wrong(rows, f"corrupted/{kind}"))

    return {
        part: {
            case: mean_of(gain(rows, kind) for kind in averaged) for case, rows in dropped.items()
        }
        for part, averaged in kinds.items()
    }


def noise_errors(nets: Nets) -> dict[str, Measured]:
    """The test error of every arm of the study `noise`."""
    return {
        arm: wrong(nets.select("noise", arm=arm), "weight_scaling") for arm in nets.arms("noise")
    }


def without_values(measured: Measured) -> Measured:
    """What a claim whose premise is not met is asked on."""
    return Measured(measured.values * np.nan)


def boosting(nets: Nets) -> Parts:
    """What boosting saves beside a quarter of what dropout saves with the same masks."""
    error = noise_errors(nets)
    of_boosting = minus(error["none"], error["boosting"])
    of_dropout = minus(error["none"], error["dropout, rate 0.35"])
    loss = {
        arm: nets.select("noise", arm=arm)["train/nll/weight_scaling"].mean()
        for arm in ("none", "boosting")
    }

    if loss["boosting"] - loss["none"] > 0.01:
        of_boosting, of_dropout = without_values(of_boosting), without_values(of_dropout)

    return {
        "almost no effect": {"boosting": weighted_sum([(1, of_boosting), (-0.25, of_dropout)])},
        "dropout has one": {"boosting": of_dropout},
    }


def hidden_noise(nets: Nets) -> Parts:
    """Dropped hidden units beside half of what both save, and beside noise on inputs."""
    error = noise_errors(nets)
    hidden = error["dropout"]
    saved, saved_by_both = (
        minus(error["none"], other) for other in (hidden, error["dropout, inputs too"])
    )

    return {
        "a large portion": {"hidden units": weighted_sum([(1, saved), (-0.5, saved_by_both)])},
        "more than noise on pixels": {"hidden units": minus(error["pixel noise"], hidden)},
        "more than dropped inputs": {"hidden units": minus(error["input dropout"], hidden)},
    }


def gaussian_masks(nets: Nets) -> Parts:
    """Dropped units beside Gaussian factors at the same places."""
    error = noise_errors(nets)

    return {
        "does better": {
            "hidden units": minus(error["dropout"], error["Gaussian"]),
            "inputs too": minus(error["dropout, inputs too"], error["Gaussian, inputs too"]),
        }
    }


def multiplicative(nets: Nets) -> Parts:
    """log2 of the mean active unit with the strongest noise, minus that with the weakest."""
    weakest, strongest = nets.values["growth"]["rates"]

    def size(noise: str, rate: float, layer: int) -> Measured:
        rows = nets.select("growth", arm=f"{noise}, rate {rate}")
        mean, share = (point(rows, f"units/{name}", layer) for name in ("activation", "active"))
        return Measured(np.log2(mean.values / share.values))

    def growth(noise: str, layer: int) -> Measured:
        return minus(size(noise, strongest, layer), size(noise, weakest, layer))

    layers = {f"layer {layer}": layer for layer in (1, 2)}
    grown = {case: growth("additive", layer) for case, layer in layers.items()}
    more = {case: minus(grown[case], growth("gaussian", layer)) for case, layer in layers.items()}

    errors = [
        nets.select("growth", arm=f"{noise}, rate {rate}")["val/error"].mean()
        for noise in ("additive", "gaussian")
        for rate in (weakest, strongest)
    ]
    if max(errors) > nets.values["growth"]["gate"]:
        grown, more = (
            {case: without_values(each) for case, each in of_part.items()}
            for of_part in (grown, more)
        )

    return {"units grow with additive noise": grown, "more than multiplicative": more}


def untied_ensembles(nets: Nets) -> Parts:
    """Ensembles of nets with one mask each, and dropout nets that cost as much."""
    dropout = wrong(nets.select("untied", arm="dropout"), "weight_scaling")
    cases: Cases = {}

    for arm in ("ensemble, rate 0.2", "ensemble, rate 0.5"):
        members = nets.select("untied", arm=arm)
        cases[arm] = minus(wrong(members[members["wrong/bag"].notna()], "bag"), dropout)

    return {"at equal training cost": cases}


def fast_dropout(nets: Nets) -> Parts:
    """log2 of the distances of weight scaling and of fast dropout from all masks."""
    chosen = {arm: nets.select("fast_dropout", arm=arm) for arm in nets.arms("fast_dropout")}

    def distance(rows: pd.DataFrame, mean: str, rule: str) -> Measured:
        return Measured(np.log2(rows[f"moments/kl_{mean}_{rule}"].astype(float)))

    return {
        f"nearer to the {mean} mean": {
            _pair_in_words(arm): minus(
                distance(rows, mean, "weight_scaling"), distance(rows, mean, "fast_dropout")
            )
            for arm, rows in chosen.items()
        }
        for mean in ("geometric", "arithmetic")
    }


def large_data(nets: Nets) -> Parts:
    """What dropout saves with the fewest and with the most examples."""
    sizes = sorted(nets.select("large_data")["data.train_size"].unique())

    def error(arm: str, size: float) -> Measured:
        rows = nets.select("large_data", arm=f"{arm}, n = {int(size)}")
        return wrong(rows, "weight_scaling")

    def log_ratio(size: float) -> Measured:
        return minus(logarithm(error("none", size)), logarithm(error("dropout", size)))

    saved = minus(error("none", sizes[-1]), error("dropout", sizes[-1]))

    return {
        "gains less": {"smallest minus largest": minus(log_ratio(sizes[0]), log_ratio(sizes[-1]))},
        "gains little": {
            "largest": weighted_sum([(1, saved), (-0.1, error("none", sizes[-1]))]),
        },
    }


def early_dropout(nets: Nets) -> Parts:
    """Dropout in the first updates beside none, in training loss and test error.

    Not numbers where dropout in all updates does no harm: such nets do not underfit.
    """
    arms = ("none", "first updates", "all updates")
    none, early, whole = (nets.select("early_dropout", arm=arm) for arm in arms)
    loss = "train/nll/weight_scaling"
    fitted = minus(number(none, loss), number(early, loss))
    saved = minus(wrong(none, "weight_scaling"), wrong(early, "weight_scaling"))
    harm = estimate(minus(wrong(whole, "weight_scaling"), wrong(none, "weight_scaling")))

    if not harm.interval[0] > 0:
        fitted, saved = without_values(fitted), without_values(saved)

    return {
        "fits better": {"first updates": fitted},
        "generalizes better": {"first updates": saved},
    }


TIMINGS = {
    "one pass trains": "dropout",
    "one pass predicts": "scaling",
    "a bag costs more": "bag",
    "sampling costs more": "monte_carlo",
}
"""Part -> the ratio that the probe measures; timings are of no stage, and have no control."""


def cost(nets: Nets) -> Parts:
    """Medians of timed ratios, one per job, and the updates that a net with dropout needs."""
    timed = nets.select("cost")

    def medians(name: str) -> Measured:
        return Measured(timed[f"curve/cost/{name}"].map(np.median))

    widths = timed["model.widths"].iloc[0]
    once = medians("dropout").values.mean()

    return {part: {widths: medians(name)} for part, name in TIMINGS.items()} | {
        "all of training": {"512x512": weighted_sum([(once, further_updates(nets))])}
    }


def further_updates(nets: Nets) -> Measured:
    """The updates of a net with dropout to the final validation error of one without.

    Divided by those that the net without needs. Not a number where a net never reaches it.
    """
    plain = nets.select("reference", arm="none")
    dropped = nets.select("reference", arm="hidden 0.5")
    targets = plain["curve/val/error"].map(lambda curve: curve[-1])

    return Measured(updates_to(dropped, targets) / updates_to(plain, targets))


def updates_to(rows: pd.DataFrame, targets: pd.Series) -> pd.Series:
    """The first update at which the validation curve of a seed is at most its target."""
    needed = {}

    for seed, net in rows.iterrows():
        reached = np.asarray(net["curve/val/error"]) <= targets[seed]
        steps = np.asarray(net["steps/val/error"])
        needed[seed] = float(steps[reached][0]) if reached.any() else np.nan

    return pd.Series(needed)


PARTS: dict[str, Callable[[Nets], Parts]] = {
    "geometric_ensemble": geometric_ensemble,
    "weight_scaling_approximate": weight_scaling_approximate,
    "cost": cost,
    "bagging": bagging,
    "mc_samples": mc_samples,
    "regularizers": regularizers,
    "capacity": capacity,
    "dataset_size": dataset_size,
    "independent_units": independent_units,
    "ensemble_gain": ensemble_gain,
    "co_adaptation": co_adaptation,
    "robustness": robustness,
    "scaling_beats_sampling": scaling_beats_sampling,
    "boosting": boosting,
    "hidden_noise": hidden_noise,
    "gaussian_masks": gaussian_masks,
    "multiplicative": multiplicative,
    "untied_ensembles": untied_ensembles,
    "fast_dropout": fast_dropout,
    "large_data": large_data,
    "early_dropout": early_dropout,
}


# The checks of each claim: numbers that a theorem settles


Numbers = dict[str, dict[str, np.ndarray]]
LINEAR = ("softmax regression", "linear")


def checks_of_subnetworks(nets: Nets) -> Numbers:
    """Counts of a 2-2-1 net, and of the masks that were enumerated."""
    rows = nets.select("enumerable")
    return {
        "counted": {"2-2-1": np.array(counts_of_smallest_net()) - [16, 9, 13, 10]},
        "enumerated": {"all": (np.log2(rows["exact/masks"]) - rows["exact/units"]).to_numpy()},
        "probabilities": {"all": rows["exact/probability_error"].to_numpy()},
    }


def counts_of_smallest_net() -> tuple[int, int, int, int]:
    """Masks of a 2-2-1 net, connected ones, and functions with and without biases."""
    masks = np.array(list(itertools.product((0.0, 1.0), repeat=4)))
    connected = masks[:, :2].any(axis=1) & masks[:, 2:].any(axis=1)
    return len(masks), int(connected.sum()), functions(masks, 1.0), functions(masks, 0.0)


def functions(masks: np.ndarray, biases: float) -> int:
    """How many different functions the masks of a random 2-2-1 net compute."""
    random = np.random.default_rng(0)
    inputs = random.normal(size=(50, 2))
    first = random.normal(size=(2, 2))
    second = random.normal(size=2)
    offset = biases * random.uniform(1, 2, size=2)

    hidden = np.tanh((inputs * masks[:, None, :2]) @ first + offset)
    outputs = (hidden * masks[:, None, 2:]) @ second

    return len(np.unique(outputs.round(9), axis=0))


def checks_of_arithmetic_ensemble(nets: Nets) -> Numbers:
    """Sums of probabilities, and the slope at which sampled masks approach all of them."""
    rows = nets.select("enumerable")
    slopes = {
        arm: group.groupby(level="seed")["exact/mc_slope"].mean().to_numpy()
        for arm, group in rows.groupby("arm", sort=False)
    }
    return {
        "a distribution": {"all": rows["exact/arithmetic_sum_error"].to_numpy()},
        "sampling": slopes,
    }


def checks_of_geometric_ensemble(nets: Nets) -> Numbers:
    """Sums of the probabilities of the renormalized geometric mean."""
    rows = nets.select("enumerable")
    return {"a distribution": {"all": rows["exact/geometric_sum_error"].to_numpy()}}


def checks_of_weight_scaling_exact(nets: Nets) -> Numbers:
    """Deviations from the ensemble where there are no nonlinear hidden units."""
    rows = nets.select("enumerable")
    linear = rows[rows["arm"].isin(LINEAR)]
    return {
        "classification": {"all": linear["exact/weight_scaling_error"].to_numpy()},
        "regression": {"all": linear["exact/normal_error"].to_numpy()},
    }


def checks_of_weight_scaling_approximate(nets: Nets) -> Numbers:
    """The number of nets with two nonlinear hidden layers in which one pass is exact."""
    rows = nets.select("enumerable")
    deep = ~rows["arm"].isin(LINEAR) & rows["model.widths"].str.contains("x")
    exact = rows[deep]["exact/weight_scaling_error"] <= 1e-12
    return {"not exact": {"all": np.array([exact.sum()])}}


def checks_of_linear_regression(nets: Nets) -> Numbers:
    """Losses and solutions, over all masks and of the ridge twin, by rate."""
    chosen = {
        arm: nets.select("linear_regression", arm=arm) for arm in nets.arms("linear_regression")
    }

    return {
        check: {arm: rows[f"ridge/{name}_error"].to_numpy() for arm, rows in chosen.items()}
        for check, name in {"the loss": "loss", "its solution": "solution"}.items()
    }


CHECKS: dict[str, Callable[[Nets], Numbers]] = {
    "subnetworks": checks_of_subnetworks,
    "arithmetic_ensemble": checks_of_arithmetic_ensemble,
    "geometric_ensemble": checks_of_geometric_ensemble,
    "weight_scaling_exact": checks_of_weight_scaling_exact,
    "weight_scaling_approximate": checks_of_weight_scaling_approximate,
    "linear_regression": checks_of_linear_regression,
}


def holds(check: Json, numbers: np.ndarray) -> bool:
    """Whether the numbers of a check are what its criterion says."""
    if check["kind"] == "Exact":
        return bool(np.abs(numbers).max() <= check["tolerance"])

    return bool(abs(numbers.mean() - check["centre"]) <= check["margin"])


# From estimates to outcomes

SUPPORTED = "supported"
CONTRADICTED = "contradicted"
NOT_FOUND = "not found"
NOT_RESOLVED = "not resolved"


def one_sided(criterion: Json, effect: Estimate) -> tuple[float, float]:
    """The p values of support and of contradiction; timings have none."""
    kind = criterion["kind"]

    if kind == "Better":
        return effect.above(criterion["margin"]), effect.below(criterion["margin"])

    if kind == "NotWorse":
        return effect.below(criterion["margin"]), effect.above(criterion["margin"])

    return np.nan, np.nan


def judged_by_interval(criterion: Json, effect: Estimate) -> str:
    """The outcome of timings: on which side of a bound their interval lies."""
    low, high = effect.interval

    if "below" in criterion:
        return sided(high < criterion["below"], low > criterion["below"])

    return sided(low > criterion["above"], high < criterion["above"])


def sided(supported: bool, contradicted: bool) -> str:
    """The outcome of two statements that exclude each other."""
    if supported:
        return SUPPORTED

    return CONTRADICTED if contradicted else NOT_RESOLVED


def holm(p_values: Mapping[Any, float]) -> dict[Any, float]:
    """Holm's adjusted p values; a part without p value does not count in the family."""
    family = {name: p for name, p in p_values.items() if not np.isnan(p)}
    adjusted: dict[Any, float] = {}
    largest = 0.0

    for place, name in enumerate(sorted(family, key=lambda key: family[key])):
        largest = max(largest, min(1.0, family[name] * (len(family) - place)))
        adjusted[name] = largest

    return adjusted | {name: np.nan for name in p_values if name not in family}


def bonferroni(p_values: list[float]) -> float:
    """The smallest p value times the number of cases; not a number if no case has one."""
    if np.isnan(p_values).all():
        return np.nan

    return float(min(1.0, len(p_values) * np.nanmin(p_values)))


@dataclass
class Part:
    """One question, with the estimates of its cases.

    Attributes:
        criterion: as in the manifest.
        effects: case -> estimate.
        adjusted: Holm's p of support and of contradiction, over the parts of a family of
            claims.
        settled: what half the updates say, in words; None where there is no such control.
    """

    criterion: Json
    effects: dict[str, Estimate]
    adjusted: tuple[float, float] = (np.nan, np.nan)
    settled: str | None = None
    sides: dict[str, tuple[float, float]] = field(init=False)

    def __post_init__(self) -> None:
        self.sides = {case: one_sided(self.criterion, e) for case, e in self.effects.items()}

    @property
    def support(self) -> float:
        """The p value of support: the largest of all cases, or Bonferroni's of some case."""
        values = [p for p, _ in self.sides.values()]

        return bonferroni(values) if self.criterion["some"] else float(np.max(values))

    @property
    def contradiction(self) -> float:
        """The p value of contradiction, Bonferroni's; a sentence about some case has none."""
        values = [p for _, p in self.sides.values()]

        return np.nan if self.criterion["some"] else bonferroni(values)

    def outcome(self, support: float, contradiction: float) -> str:
        """The outcome that two p values give, adjusted or not."""
        if self.criterion["kind"] == "Measured":
            cases = {judged_by_interval(self.criterion, e) for e in self.effects.values()}
            return sided(cases == {SUPPORTED}, CONTRADICTED in cases)

        decided = sided(support <= LEVEL, contradiction <= LEVEL)
        opposite = all(p <= LEVEL for _, p in self.sides.values())

        if decided == NOT_RESOLVED and self.criterion["some"] and opposite:
            return NOT_FOUND

        return decided

    @property
    def decided(self) -> str:
        """The outcome after adjustment."""
        return self.outcome(*self.adjusted)

    def of_cases(self) -> dict[str, tuple[str, float, float]]:
        """Outcome, p of support and p of contradiction of each case, by Holm among the cases."""
        if self.criterion["kind"] == "Measured":
            return {
                case: (judged_by_interval(self.criterion, effect), np.nan, np.nan)
                for case, effect in self.effects.items()
            }

        support = holm({case: p for case, (p, _) in self.sides.items()})
        contradiction = holm({case: p for case, (_, p) in self.sides.items()})

        return {
            case: (
                sided(support[case] <= LEVEL, contradiction[case] <= LEVEL),
                support[case],
                contradiction[case],
            )
            for case in self.effects
        }


def control(criterion: Json, final: Cases, half: Cases) -> str:
    """Whether half the updates give the same outcome, and effects that are close enough."""
    if set(final) - set(half):
        return "not controlled"

    seeds = {case: set(final[case].values.index) & set(half[case].values.index) for case in final}
    after_all = {case: restricted(final[case], seeds[case]) for case in final}
    after_half = {case: restricted(half[case], seeds[case]) for case in final}

    if unadjusted(criterion, after_all) != unadjusted(criterion, after_half):
        return "not settled"

    limit = criterion["settled_within"]

    if limit is None:
        return "settled"

    changes = [minus(after_all[case], after_half[case]) for case in final]
    intervals = [estimate(change).interval for change in changes]

    stay = all(-limit <= low and high <= limit for low, high in intervals)

    return "settled" if stay else "size not settled"


def unadjusted(criterion: Json, cases: Cases) -> str:
    """The outcome that a part would have alone."""
    part = Part(criterion, {case: estimate(effect) for case, effect in cases.items()})
    return part.outcome(part.support, part.contradiction)


# The whole file


@dataclass
class Claim:
    """What was decided about a claim.

    Attributes:
        budget: of its networks.
        parts: name -> part.
        checks: name -> case -> whether it holds.
        is_small: whether its networks were trained on digits instead of MNIST.
    """

    budget: str
    parts: dict[str, Part]
    checks: dict[str, dict[str, bool]]
    is_small: bool

    @property
    def verdict(self) -> str:
        """The verdict, by the outcomes of its parts; by its checks where it has no parts."""
        if not self.parts:
            passed = all(all(cases.values()) for cases in self.checks.values())
            return "holds" if passed else "fails"

        outcomes = {part.decided for part in self.parts.values()}

        if CONTRADICTED in outcomes:
            return CONTRADICTED

        if outcomes == {SUPPORTED}:
            return SUPPORTED

        if NOT_RESOLVED in outcomes:
            return "needs MNIST" if self.is_small else NOT_RESOLVED

        return NOT_FOUND


def decide(networks: pd.DataFrame, manifest: Json) -> dict[str, Claim]:
    """Every claim at its largest budget whose runs are complete."""
    present = of_present_choice(networks)
    claims = {}

    for name in manifest["claims"]:
        for budget in BUDGETS:
            rows = present[present["budget"] == budget]
            complete = is_complete(rows, name, budget, manifest)
            claim = claim_at(name, rows, budget, manifest) if complete else None

            if claim is not None:
                claims[name] = claim
                break

    for family in manifest["families"]:
        members = [claims[name] for name in family if name in claims]
        adjust([claim for claim in members if claim.budget == "smoke"])
        adjust([claim for claim in members if claim.budget != "smoke"])

    return claims


def is_complete(rows: pd.DataFrame, claim: str, budget: str, manifest: Json) -> bool:
    """Whether all arms of all stages of a claim's studies are there; optional ones, or nothing.

    The manifest has no grid of the smoke budget, at which some networks of each study are enough.
    """
    for study in manifest["claims"][claim]["studies"]:
        of_study = rows[rows["study"] == study]

        if of_study.empty and study in manifest["claims"][claim]["optional"]:
            continue

        if of_study.empty:
            return False

        if budget == "smoke":
            continue

        stated = manifest["studies"][study]["budgets"][budget]
        arms = of_study.groupby("stage")["arm"].nunique(dropna=False)

        if any(arms.get(stage, 0) < arms_of(stated["grid"]) for stage in stated["stages"]):
            return False

    return True


def arms_of(grid: Mapping[str, str]) -> int:
    """How many arms a grid has: the product of the numbers of values that are typed out."""
    count = 1

    for key, text in grid.items():
        if key not in ("study.stage", "study.candidate", "seeds") and "${" not in text:
            count *= len(re.findall(r"\[[^]]*\]|\{[^}]*\}|[^,]+", text))

    return count


def values_at(budget: str, manifest: Json) -> dict[str, Json]:
    """`study.values` of every study at a budget."""
    stated = "laptop" if budget == "smoke" else budget
    values = {
        name: study["budgets"][stated]["values"] for name, study in manifest["studies"].items()
    }

    if budget != "smoke":
        return values

    sources = {name: study["cohorts_from"] or name for name, study in manifest["studies"].items()}

    return {name: value | SMOKE_VALUES.get(sources[name], {}) for name, value in values.items()}


def claim_at(name: str, rows: pd.DataFrame, budget: str, manifest: Json) -> Claim | None:
    """A claim on the networks of one budget, before adjustment; None if a part has no case."""
    stated = manifest["claims"][name]
    values = values_at(budget, manifest)
    sources = {study: entry["cohorts_from"] for study, entry in manifest["studies"].items()}
    final = Nets(rows[rows["stage"] == "final"], values, sources)
    half = Nets(at_half(rows), values, sources)
    cases = PARTS[name](final) if name in PARTS else {}
    controls = PARTS[name](half) if name in PARTS else {}
    numbers = CHECKS[name](final) if name in CHECKS else {}

    if not all(cases.values()):
        return None

    parts = {
        part: Part(stated["parts"][part], {case: estimate(of) for case, of in effects.items()})
        for part, effects in cases.items()
    }

    for part in controls.keys() - TIMINGS:
        parts[part].settled = control(stated["parts"][part], cases[part], controls[part])

    checks = {
        check: {case: holds(stated["checks"][check], of) for case, of in found.items()}
        for check, found in numbers.items()
    }

    return Claim(budget, parts, checks, is_small(name, rows, manifest))


def at_half(rows: pd.DataFrame) -> pd.DataFrame:
    """The networks at half the updates, with the final ones of studies without this stage."""
    half = rows[rows["stage"] == "half"]
    unstaged = rows[(rows["stage"] == "final") & ~rows["study"].isin(half["study"])]

    return pd.concat([half, unstaged])


def is_small(claim: str, rows: pd.DataFrame, manifest: Json) -> bool:
    """Whether the networks of a claim's first study have seen digits instead of larger data."""
    study = manifest["claims"][claim]["studies"][0]
    stated = manifest["studies"][study]["budgets"]["laptop"]["first condition"]["data.name"]
    used = set(rows.loc[rows["study"] == study, "data.name"])

    return used == {"digits"} and stated != "digits"


def adjust(claims: list[Claim]) -> None:
    """Holm's adjustment over the parts of some claims, of supports and of contradictions apart."""
    parts = [part for claim in claims for part in claim.parts.values()]
    support = holm({i: part.support for i, part in enumerate(parts)})
    contradiction = holm({i: part.contradiction for i, part in enumerate(parts)})

    for i, part in enumerate(parts):
        part.adjusted = support[i], contradiction[i]


# What tuning chose

ARM = ["budget", "study", "arm"]
TUNED = (
    "optimizer.lr",
    "optimizer.weight_decay",
    "regularizer.l1",
    "regularizer.sparsity",
    "regularizer.max_norm",
    "model.hidden_rate",
    "model.input_rate",
)
"""What candidates may have of their own."""


def best_candidates(networks: pd.DataFrame) -> pd.DataFrame:
    """The candidate with the lowest mean validation error of each arm, the first of equal ones.

    A network that diverged counts with an infinite error.

    Returns:
        A row per budget, study and arm that tunes, with the candidate's number, `error`, and its
        settings.
    """
    tuning = networks[networks["stage"] == "tuning"]
    errors = tuning.assign(error=tuning["val/error"].fillna(np.inf))
    means = errors.groupby([*ARM, "candidate"])["error"].mean().reset_index()
    lowest = means.loc[means.groupby(ARM)["error"].idxmin()]
    settings = tuning[[*ARM, "candidate", *tuned_keys(networks)]].drop_duplicates()

    return lowest.merge(settings, on=[*ARM, "candidate"], validate="one_to_one")


def tuned_keys(networks: pd.DataFrame) -> list[str]:
    """The columns of what can be tuned, as far as a file has them."""
    return [key for key in TUNED if key in networks]


def has_choice(networks: pd.DataFrame) -> pd.Series:
    """Whether each network has the settings that tuning chose for its arm."""
    keys = [*ARM, *tuned_keys(networks)]
    matches = networks[keys].merge(best_candidates(networks)[keys], how="left", indicator=True)
    return pd.Series(matches["_merge"].to_numpy() == "both", index=networks.index)


def of_present_choice(networks: pd.DataFrame) -> pd.DataFrame:
    """The networks without those of an earlier choice, where an arm has those of the present one.

    Studies that train nothing are left as they are.
    """
    matches = has_choice(networks)
    stages = [*ARM, "stage"]
    arms = [networks[key] for key in stages]
    any_match = matches.groupby(arms, dropna=False).transform("any")

    return networks[matches | ~any_match | (networks["stage"] == "tuning")]


def selection(networks: pd.DataFrame) -> pd.DataFrame:
    """What tuning chose, and whether the judged networks have it.

    Returns:
        A row per budget, study and arm: `candidate`, its mean validation error `error`, `taken`
        (the networks of the other stages have its settings) and `apart` (no seed of theirs tuned).
    """
    chosen = best_candidates(networks)[[*ARM, "candidate", "error"]]
    judged = of_present_choice(networks).query("stage != 'tuning'")
    taken = has_choice(networks)[judged.index].groupby([judged[key] for key in ARM]).all()
    tuning_seeds = networks[networks["stage"] == "tuning"].groupby(ARM)["seed"].agg(set)
    judging_seeds = judged.groupby(ARM)["seed"].agg(set)
    pairs = pd.DataFrame({"tuning": tuning_seeds, "judging": judging_seeds}).dropna()
    apart = pairs["tuning"].combine(pairs["judging"], set.isdisjoint)

    return chosen.join(taken.rename("taken"), on=ARM).join(apart.rename("apart"), on=ARM)


def edges(networks: pd.DataFrame, manifest: Json) -> list[str]:
    """The choices that are the smallest or largest value tried, of keys that are extended.

    Those of studies with final networks: elsewhere tuning may go on.
    """
    tuning = networks[networks["stage"] == "tuning"]
    final = networks[networks["stage"] == "final"]
    judged = set(zip(final["study"], final["budget"], strict=True))
    found = []

    for _, best in best_candidates(networks).iterrows():
        if (best["study"], best["budget"]) not in judged:
            continue

        stated = manifest["studies"][best["study"]]["budgets"].get(best["budget"], {})
        candidates = tuning[(tuning[ARM] == best[ARM]).all(axis=1)]

        for key in stated.get("extend", {}):
            tried = pd.to_numeric(candidates[key], errors="coerce")
            value = pd.to_numeric(best[key], errors="coerce")

            if tried.nunique() > 1 and not tried.min() < value < tried.max():
                found.append(f"{best['study']}, {best['arm']}: {key} = {best[key]}")

    return found


def evaluated_elsewhere(networks: pd.DataFrame, manifest: Json) -> pd.DataFrame:
    """Whether studies that train nothing evaluate the networks of their source.

    Returns:
        A row per study with a source: `study` and `same`.
    """
    rows = []

    for study, entry in manifest["studies"].items():
        if entry["cohorts_from"]:
            source = trained(networks, entry["cohorts_from"])
            rows.append({"study": study, "same": trained(networks, study) <= source})

    return pd.DataFrame(rows)


def trained(networks: pd.DataFrame, study: str) -> set[tuple[Any, ...]]:
    """What identifies the trained networks of a study."""
    columns = ["budget", "stage", "arm", "seed", "training_digest"]
    return set(networks.loc[networks["study"] == study, columns].itertuples(index=False, name=None))


# As tables


COLUMNS = (
    "claim",
    "part",
    "case",
    "effect",
    "low",
    "high",
    "p of support",
    "p of contradiction",
    "outcome of case",
    "adjusted support",
    "adjusted contradiction",
    "outcome of part",
    "settled",
)
"""Of the table of parts, which has no rows where checks alone are decided."""


def table_of_parts(claims: Mapping[str, Claim]) -> pd.DataFrame:
    """A row per claim, part and case."""
    rows = []

    for name, claim in claims.items():
        for title, part in claim.parts.items():
            outcomes = part.of_cases()

            for case, effect in part.effects.items():
                outcome, support, contradiction = outcomes[case]
                low, high = effect.interval
                rows.append(
                    {
                        "claim": name,
                        "part": title,
                        "case": case,
                        "effect": effect.mean,
                        "low": low,
                        "high": high,
                        "p of support": support,
                        "p of contradiction": contradiction,
                        "outcome of case": outcome,
                        "adjusted support": part.adjusted[0],
                        "adjusted contradiction": part.adjusted[1],
                        "outcome of part": part.decided,
                        "settled": part.settled,
                    }
                )

    return pd.DataFrame(rows, columns=list(COLUMNS))


def read(folder: Path) -> pd.DataFrame:
    """The networks of all studies; those that several arms share once for each of them."""
    tables = map(pd.read_parquet, sorted(folder.glob("*.parquet")))
    networks = pd.concat(tables, ignore_index=True)
    if "also" not in networks:
        return networks

    pairs = networks["also"].dropna().map(json.loads).explode()
    copies = networks.loc[pairs.index].copy()
    copies["arm"] = pairs.str[0].to_numpy()
    copies["candidate"] = pairs.str[1].to_numpy(dtype=float)

    return pd.concat([networks, copies], ignore_index=True)


def main(folder: str) -> None:
    """Print what is decided on a folder of results."""
    networks = read(Path(folder))
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    claims = decide(networks, manifest)

    print(table_of_parts(claims).to_string(index=False, float_format="%.4g"))
    print()

    for name, claim in claims.items():
        print(f"{name}: {claim.verdict} ({claim.budget})")

        for check, cases in claim.checks.items():
            failing = [case for case, passed in cases.items() if not passed]
            print(f"  {check}: " + (f"fails for {failing}" if failing else "holds"))

    print()
    print(selection(networks).to_string(index=False, float_format="%.4g"))
    print()
    print(evaluated_elsewhere(networks, manifest).to_string(index=False))
    print(f"Choices on an edge: {edges(networks, manifest) or 'none'}")


if __name__ == "__main__":
    main(sys.argv[1])
