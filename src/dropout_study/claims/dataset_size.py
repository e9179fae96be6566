"""Dropout may be less effective on small data sets."""

import math
from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Group, Published, Studies
from dropout_study.analysis.criteria import Answers, Better, Part
from dropout_study.analysis.margins import NO_SIZE
from dropout_study.analysis.runs import Effect, Errors, Runs, common, minus, weighted_logs
from dropout_study.measures.statistics import PERCENT, interval

COLLAPSED = 2
"""Times the median error of its arm: a network beyond it has not learned as the others did."""


class DatasetSize(Claim):
    """The benefit of dropout by the number of training examples, each size tuned apart."""

    id = "dataset_size"
    title = "Size of the data set"
    says = (
        "Dropout may be less effective with small training sets: its noise can lead to unstable "
        "training or worse performance."
    )
    source = "Limitations of Dropout, 2"
    group = Group.HELP
    studies = ("dataset_size",)
    parts = {
        "less effective": Part(
            "log(error without dropout / error with dropout): mean over the middle sizes minus "
            "mean over the smallest sizes",
            Better(0, NO_SIZE),
            unit="",
            axis="difference of log ratios of errors",
            settled_within=0.1,
            answers=Answers(
                "dropout helps less at the smallest sizes than at the middle ones: the log ratio "
                "of errors, without / with, is {} lower",
                "dropout helps more at the smallest sizes than at the middle ones: the log ratio "
                "of errors, without / with, is {} higher",
                "it is open whether dropout helps less at the smallest sizes than at the "
                "middle ones: the log ratios differ by {value}",
            ),
        ),
        "unstable training or worse performance": Part(
            "at the smallest sizes, with dropout minus without: test error in points, and log of "
            "its standard deviation over seeds",
            Better(0, NO_SIZE),
            unit="",
            some=True,
            answers=Answers(
                "dropout raises the error or its spread at the smallest sizes",
                "dropout lowers the error or its spread at the smallest sizes",
                "no rise of the error or of its spread was found at the smallest sizes",
            ),
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
    deviations = (
        "784-256-256-10 instead of 784-1024-1024-2048-10.",
        "Learning rate and dropout rate are chosen for every size, with six candidates per arm; "
        "the publication has one setting for all sizes.",
        "Learning rates are chosen at the final number of updates up to 5,000 examples, and at "
        "half of it above.",
        "AdamW with a one-cycle schedule; 5,000 updates up to 1,000 examples, then 10,000, 20,000 "
        "and 40,000.",
        "The subset differs from seed to seed, so that the interval includes the choice of the "
        "examples; the publication does not say how often it drew them.",
        "Up to 10,000 examples, 30,000 images of MNIST's training set that nothing was trained or "
        "chosen on are further test images.",
    )
    caption = (
        "Test error with and without dropout, and the benefit in points and as a log ratio, by "
        "the number of training examples (nested, class-balanced). Mean and 95 % interval over "
        "seeds."
    )
    notes = (
        "The sentence joins unstable training and worse performance by an or: one of them, at one "
        "of the smallest sizes, is enough; where no size shows either, harm was not found. The two "
        "scales can disagree: a benefit that grows in points may shrink as a ratio. The ratio "
        "decides. The spread over seeds is compared by a jackknife over seeds."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """The contrast of benefits, the harm and the spread at the smallest sizes."""
        runs = studies["dataset_size"]
        pairs = {f"{size:,} examples": pair(runs, size) for size in runs.values["small"]}

        return {
            "less effective": {"{} minus {} examples".format(*compared(runs)): contrast(runs)},
            "unstable training or worse performance": harm(pairs),
        }

    def context_lines(self, studies: Studies) -> list[str]:
        """The benefit on both scales at every size, the spread, and the chosen constants."""
        runs = studies["dataset_size"]
        lines = []

        for size in sizes(runs):
            plain, dropout = pair(runs, size)
            points = plain.minus(dropout).estimate().interval()
            ratio = interval(list(weighted_logs(log_ratio(plain, dropout)).values))
            median = f"{plain.percent.median():.2f} / {dropout.percent.median():.2f}"
            spread = f"{plain.percent.std():.2f} / {dropout.percent.std():.2f}"
            lines.append(
                f"{size:,} examples: benefit {points:+.2f} points, log ratio {ratio:+.3f}; "
                f"without / with dropout: median error {median} %, standard deviation over seeds "
                f"{spread} points, "
                f"chosen {_chosen(runs, size)}"
            )

        return lines

    def remarks(self, studies: Studies) -> list[str]:
        """Which sizes are compared, and networks that ended far above the others of their arm."""
        runs = studies["dataset_size"]
        middle, small = compared(runs)
        seeds = len(contrast(runs).seeds)
        remarks = [
            f"the smallest sizes are {small} examples, the middle ones {middle}, compared over the "
            f"{seeds} seeds that all of them have"
        ]

        for size in sizes(runs):
            for arm, errors in zip(("without", "with"), pair(runs, size), strict=True):
                if failed := collapsed(errors.percent.tolist()):
                    remarks.append(
                        f"{size:,} examples, {arm} dropout: {len(failed)} of "
                        f"{len(errors.percent)} networks ended at more than {COLLAPSED} times the "
                        f"median error ({', '.join(f'{error:.1f}' for error in failed)} %)"
                    )

        return remarks

    def figure(self, studies: Studies) -> Figure:
        """Errors, and both scales of the benefit, by number of examples."""
        runs = studies["dataset_size"]
        pairs = {size: pair(runs, size) for size in sizes(runs)}
        plain_errors = [plain.percent.tolist() for plain, _ in pairs.values()]
        dropout_errors = [dropout.percent.tolist() for _, dropout in pairs.values()]
        points = [minus(plain.percent, dropout.percent).values for plain, dropout in pairs.values()]
        ratios = [
            weighted_logs(log_ratio(plain, dropout)).values for plain, dropout in pairs.values()
        ]

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
        """Both arms at every size."""
        return studies["dataset_size"].by("arm")


def collapsed(errors: Sequence[float]) -> list[float]:
    """Errors above COLLAPSED times their median, the largest first.

    >>> collapsed([10.0, 11.0, 60.0, 12.0, 45.0])
    [60.0, 45.0]
    """
    limit = COLLAPSED * float(np.median(errors))
    return sorted((error for error in errors if error > limit), reverse=True)


def compared(runs: Runs) -> list[str]:
    """The middle sizes and the smallest in words: `5,000 and 10,000`, `100 and 500`."""
    return [" and ".join(f"{size:,}" for size in runs.values[key]) for key in ("middle", "small")]


def sizes(runs: Runs) -> list[int]:
    """Numbers of training examples, ascending."""
    return [int(size) for size in runs.values_of("data.train_size")]


def arms(runs: Runs, size: int) -> tuple[Runs, Runs]:
    """The networks without and with dropout, trained on a number of examples."""
    nets = runs.where(data__train_size=size)
    return nets.where(arm=f"none, n = {size}"), nets.where(arm=f"dropout, n = {size}")


def pair(runs: Runs, size: int) -> tuple[Errors, Errors]:
    """Errors without and with dropout after training on a number of examples."""
    plain, dropout = arms(runs, size)
    return plain.error(), dropout.error()


def log_ratio(plain: Errors, dropout: Errors, weight: float = 1.0) -> list[tuple[float, Errors]]:
    """log(error without dropout / error with dropout), times a weight, as weighted logarithms."""
    return [(weight, plain), (-weight, dropout)]


def contrast(runs: Runs) -> Effect:
    """Mean log ratio over the middle sizes minus that over the smallest sizes, by seed."""
    middle = [int(size) for size in runs.values["middle"]]
    small = [int(size) for size in runs.values["small"]]
    weights = {size: 1 / len(middle) for size in middle}
    weights |= {size: -1 / len(small) for size in small}
    terms = [log_ratio(*pair(runs, size), weight) for size, weight in weights.items()]

    return weighted_logs(list(chain.from_iterable(terms)))


def harm(pairs: Mapping[str, tuple[Errors, Errors]]) -> dict[str, Effect]:
    """What dropout adds to the error and to its spread over seeds, for each number of examples."""
    points = {f"{name}, points": dropout.minus(plain) for name, (plain, dropout) in pairs.items()}
    spreads = {
        f"{name}, spread": spread_ratio(dropout, plain) for name, (plain, dropout) in pairs.items()
    }

    return points | spreads


def spread_ratio(first: Errors, second: Errors) -> Effect:
    """Log ratio of two standard deviations over common seeds, as jackknife pseudo-values.

    With theta the log ratio over n seeds and theta_i that without seed i, the pseudo-values are
    n theta - (n - 1) theta_i. Their variance estimates that of theta and tends to be too large
    (Efron and Stein 1981, https://doi.org/10.1214/aos/1176345462), and unlike an F test they allow
    for errors that are not normal and that both arms share.

    The values are nan with fewer than three seeds, and where a standard deviation is 0.
    """
    seeds = common(first.percent, second.percent)
    n = len(seeds)
    if n < 3:
        return Effect([math.nan] * n, seeds)

    errors = first.percent[seeds].to_numpy(dtype=np.float64)
    others = second.percent[seeds].to_numpy(dtype=np.float64)
    whole = _log_ratio_of_spreads(errors, others)
    values = []

    for i in range(n):
        without = _log_ratio_of_spreads(np.delete(errors, i), np.delete(others, i))
        values.append(n * whole - (n - 1) * without)

    return Effect(values, seeds)


def _log_ratio_of_spreads(errors: NDArray[np.floating], others: NDArray[np.floating]) -> float:
    if np.ptp(errors) == 0 or np.ptp(others) == 0:
        return math.nan

    return float(np.log(np.std(errors, ddof=1) / np.std(others, ddof=1)))


def _chosen(runs: Runs, size: int) -> str:
    plain, dropout = (nets.frame.iloc[0] for nets in arms(runs, size))
    rate = f"rate {dropout['model.hidden_rate']:g}"
    return f"lr {plain['optimizer.lr']:g} / lr {dropout['optimizer.lr']:g}, {rate}"
