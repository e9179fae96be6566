"""Dropout may be less effective on small data sets."""

import math

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Published, Studies
from dropout_study.analysis.criteria import Greater, Part
from dropout_study.analysis.runs import Effect, Errors, ResultsMissing, Runs, common, minus
from dropout_study.measures.statistics import PERCENT, image_error, interval


class DatasetSize(Claim):
    """The benefit of dropout, as a log ratio of errors, by the number of training examples."""

    id = "dataset_size"
    title = "Size of the data set"
    says = (
        "Dropout may be less effective with small training sets: its noise can lead to unstable "
        "training or worse performance."
    )
    source = "Limitations of Dropout, 2"
    studies = ("dataset_size",)
    parts = {
        "less effective": Part(
            "log(error without dropout / error with dropout): mean over the middle sizes minus "
            "mean over the smallest sizes",
            Greater(),
            "",
        ),
    }
    published = (
        Published(
            "100 and 500 examples, 784-1024-1024-2048-10",
            "no gain",
            "Srivastava et al. 2014, figure 10",
            "T, S",
        ),
        Published(
            "1K to 50K", "gain grows, then declines", "Srivastava et al. 2014, figure 10", "T, S"
        ),
        Published(
            "a reproduction of 2020, two epochs",
            "dropout worse (7.57 compared with 3.18 %)",
            "an independent reproduction",
            "P",
        ),
    )
    caption = (
        "Test error with and without dropout, and the benefit in points and as a log ratio, by "
        "the number of training examples (nested, class-balanced, the same number of updates). "
        "Mean and 95 % interval over seeds."
    )
    notes = (
        "The two scales can disagree: a benefit that grows in points may shrink as a ratio. The "
        "ratio decides. Both arms train with one learning rate, tuned for neither; the study "
        "regularizers tunes, on 10,000 examples."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """The contrast between middle and smallest sizes."""
        effect = contrast(studies["dataset_size"])
        return {"less effective": {"middle minus smallest sizes": effect}}

    def context_lines(self, studies: Studies) -> list[str]:
        """The benefit on both scales at every size, and how steady training was."""
        runs = studies["dataset_size"]
        lines = []

        for size in sizes(runs):
            plain, dropout = pair(runs, size)
            points = interval(plain.minus(dropout).values)
            ratio = interval(log_ratios(plain, dropout))
            harm = "; dropout does harm" if points.high < 0 else ""
            spread = f"{plain.percent.std():.2f} / {dropout.percent.std():.2f}"
            lines.append(
                f"{size} examples: benefit {points:+.2f} points, log ratio {ratio:+.3f}{harm}; "
                f"without / with dropout: standard deviation over seeds {spread} points, "
                f"fluctuation of the training loss {_fluctuation(runs, size)}"
            )

        return lines

    def figure(self, studies: Studies) -> Figure:
        """Errors, and both scales of the benefit, by number of examples."""
        runs = studies["dataset_size"]
        pairs = {size: pair(runs, size) for size in sizes(runs)}
        plain_errors = [plain.percent.tolist() for plain, _ in pairs.values()]
        dropout_errors = [dropout.percent.tolist() for _, dropout in pairs.values()]
        points = [minus(plain.percent, dropout.percent).values for plain, dropout in pairs.values()]
        ratios = [log_ratios(plain, dropout) for plain, dropout in pairs.values()]

        sheet, axes = figures.sheet(3)
        figures.points(axes[0], list(pairs), plain_errors, "no dropout", 0, within=PERCENT)
        figures.points(axes[0], list(pairs), dropout_errors, "dropout", 1, within=PERCENT)
        figures.points(axes[1], list(pairs), points, "benefit", 1, label=False)
        figures.points(axes[2], list(pairs), ratios, "log ratio", 1, label=False)
        axes[0].set(ylabel="test error (%)", yscale="log")
        axes[1].set(ylabel="benefit (points)")
        axes[2].set(ylabel="log (error without / with dropout)")

        for axis in axes:
            axis.set(xlabel="training examples", xscale="log")

        for axis in axes[1:]:
            axis.axhline(0, color="0.3", linewidth=1, linestyle=":")

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """Both rates at every size."""
        runs = studies["dataset_size"]
        conditions = {}

        for size in sizes(runs):
            for rate in (0, runs.values["rate"]):
                nets = runs.where(data__train_size=size, model__hidden_rate=rate)
                conditions[f"{size} examples, rate {rate:g}"] = nets

        return conditions


def sizes(runs: Runs) -> list[int]:
    """Numbers of training examples, ascending."""
    return [int(size) for size in runs.values_of("data.train_size")]


def pair(runs: Runs, size: int) -> tuple[Errors, Errors]:
    """Errors without and with dropout after training on a number of examples."""
    nets = runs.where(data__train_size=size)
    plain = nets.where(model__hidden_rate=0)
    dropout = nets.where(model__hidden_rate=runs.values["rate"])

    return plain.error(), dropout.error()


def log_ratio(plain: Errors, dropout: Errors, seed: int) -> float:
    """log(error without dropout / error with dropout), plus half an image each to avoid zeros."""
    half_an_image = 50 / len(plain.wrong[seed])
    return math.log((plain.percent[seed] + half_an_image) / (dropout.percent[seed] + half_an_image))


def log_ratios(plain: Errors, dropout: Errors) -> list[float]:
    """The log ratio of every seed that both have."""
    return [log_ratio(plain, dropout, seed) for seed in common(plain.percent, dropout.percent)]


def contrast(runs: Runs) -> Effect:
    """Mean log ratio over the middle sizes minus that over the smallest sizes, by seed."""
    middle = [int(size) for size in runs.values["middle"]]
    small = [int(size) for size in runs.values["small"]]
    weights = {size: 1 / len(middle) for size in middle}
    weights |= {size: -1 / len(small) for size in small}

    pairs = {size: pair(runs, size) for size in weights}
    seeds = common(*(errors.percent for both in pairs.values() for errors in both))
    values = [
        sum(weight * log_ratio(*pairs[size], seed) for size, weight in weights.items())
        for seed in seeds
    ]
    images = sum(
        sign * weight * _log_error_shares(errors, seeds)
        for size, weight in weights.items()
        for sign, errors in zip((1, -1), pairs[size], strict=True)
    )

    return Effect(values, seeds, image_error=image_error(np.asarray(images)))


def _log_error_shares(errors: Errors, seeds: list[int]) -> NDArray[np.float64]:
    """What each image adds to the log of the mean error, linearized: its share / mean, `[N]`."""
    shares = np.mean([errors.wrong[seed] for seed in seeds], axis=0)
    mean = np.mean([errors.wrong[seed].mean() for seed in seeds])
    return np.asarray(shares / mean)


def _fluctuation(runs: Runs, size: int) -> str:
    """How much the training loss jumps, without / with dropout; needs enough updates."""
    plain = runs.where(data__train_size=size, model__hidden_rate=0)
    dropout = runs.where(data__train_size=size, model__hidden_rate=runs.values["rate"])

    try:
        without, with_dropout = (
            nets.column("train/loss_fluctuation").mean() for nets in (plain, dropout)
        )
    except ResultsMissing:
        return "not measured"

    return f"{without:.2f} / {with_dropout:.2f}"
