"""Dropout may be less effective on small data sets."""

import math

import numpy as np
from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Published, Studies
from dropout_study.analysis.criteria import Greater, Part
from dropout_study.analysis.runs import Effect, Errors, ResultsMissing, Runs, common, minus
from dropout_study.measures.statistics import PERCENT, image_error, interval


def pair(runs: Runs, size: int) -> tuple[Errors, Errors]:
    """Errors without and with dropout after training on so many examples."""
    of_size = runs.where(data__train_size=size)
    return of_size.where(model__hidden_rate=0).error(), of_size.where(
        model__hidden_rate=runs.values["rate"]
    ).error()


def log_ratio(plain: Errors, dropped: Errors, seed: int) -> float:
    """Logarithm of error without by error with dropout; half an image is added to each, so that none is zero."""
    half = 50 / len(plain.wrong[seed])
    return math.log((plain.percent[seed] + half) / (dropped.percent[seed] + half))


def sizes(runs: Runs) -> list[int]:
    """Numbers of training examples, ascending."""
    return sorted(int(size) for size in set(runs.frame["data.train_size"]))


def contrast(runs: Runs) -> Effect:
    """Mean log ratio at the middle sizes less that at the smallest ones, by seed."""
    weights = {int(size): 1 / len(runs.values["middle"]) for size in runs.values["middle"]}
    weights |= {int(size): -1 / len(runs.values["small"]) for size in runs.values["small"]}
    pairs = {size: pair(runs, size) for size in weights}
    seeds = common(*(errors.percent for both in pairs.values() for errors in both))
    values = [
        sum(w * log_ratio(*pairs[size], seed) for size, w in weights.items()) for seed in seeds
    ]
    # The logarithm of a mean error, linearized: an image adds its own share by the mean.
    images = sum(
        sign
        * w
        * np.mean([errors.wrong[s] for s in seeds], axis=0)
        / np.mean([errors.wrong[s].mean() for s in seeds])
        for size, w in weights.items()
        for sign, errors in zip((1, -1), pairs[size], strict=True)
    )

    return Effect(values, image_error(np.asarray(images)))


def estimate(studies: Studies) -> dict[str, dict[str, Effect]]:
    """The contrast."""
    return {"less effective": {"middle less smallest sizes": contrast(studies["dataset_size"])}}


def beside(studies: Studies) -> list[str]:
    """The benefit on both scales at every size, and how steady training was."""
    runs = studies["dataset_size"]
    lines = []

    for size in sizes(runs):
        plain, dropped = pair(runs, size)
        absolute = interval(plain.minus(dropped).values)
        ratio = interval(
            [log_ratio(plain, dropped, seed) for seed in common(plain.percent, dropped.percent)]
        )
        harm = "; dropout does harm" if absolute.high < 0 else ""
        spread = " / ".join(f"{errors.percent.std():.2f}" for errors in (plain, dropped))
        lines.append(
            f"{size} examples: benefit {absolute:+.2f} points, log ratio {ratio:+.3f}{harm}; without / with dropout: "
            f"spread over seeds {spread}, fluctuation of the training loss {_fluctuation(runs, size)}"
        )

    return lines


def _fluctuation(runs: Runs, size: int) -> str:
    """How much the training loss jumps, without / with dropout; too few updates tell nothing."""
    of_rates = [
        runs.where(data__train_size=size, model__hidden_rate=rate)
        for rate in (0, runs.values["rate"])
    ]

    try:
        return " / ".join(
            f"{nets.column('train/loss_fluctuation').mean():.2f}" for nets in of_rates
        )
    except ResultsMissing:
        return "not measured"


def figure(studies: Studies) -> Figure:
    """Errors, and both scales of the benefit, by number of examples."""
    runs = studies["dataset_size"]
    sheet, axes = figures.sheet(3)
    pairs = {size: pair(runs, size) for size in sizes(runs)}

    for i, name in enumerate(("no dropout", "dropout")):
        errors = [both[i].percent.tolist() for both in pairs.values()]
        figures.points(axes[0], list(pairs), errors, name, i, within=PERCENT)

    benefit = [minus(plain.percent, dropped.percent).values for plain, dropped in pairs.values()]
    ratios = [
        [log_ratio(*both, s) for s in common(both[0].percent, both[1].percent)]
        for both in pairs.values()
    ]
    figures.points(axes[1], list(pairs), benefit, "benefit", 1, label=False)
    figures.points(axes[2], list(pairs), ratios, "log ratio", 1, label=False)
    axes[0].set(ylabel="test error (%)", yscale="log")
    axes[1].set(ylabel="benefit (points)")
    axes[2].set(ylabel="log (error without / with dropout)")

    for axis in axes:
        axis.set(xlabel="training examples", xscale="log")

    for axis in axes[1:]:
        axis.axhline(0, color="0.3", linewidth=1, linestyle=":")

    return sheet


def compared(studies: Studies) -> dict[str, Runs]:
    """Both rates at every size."""
    runs = studies["dataset_size"]
    return {
        f"{size} examples, rate {rate:g}": runs.where(
            data__train_size=size, model__hidden_rate=rate
        )
        for size in sizes(runs)
        for rate in (0, runs.values["rate"])
    }


CLAIM = Claim(
    id="dataset_size",
    title="Size of the data set",
    says="Dropout may be less effective with small training sets: its noise can lead to unstable training or worse "
    "performance.",
    source="Limitations of Dropout, 2",
    studies=("dataset_size",),
    parts={
        "less effective": Part(
            "log of the error without by the error with dropout, mean of the middle sizes less mean of the smallest",
            Greater(),
            "",
        ),
    },
    estimate=estimate,
    figure=figure,
    caption="Test error with and without dropout, and the benefit in points and as a log ratio, by the number of "
    "training examples (nested, class-balanced, the same number of updates). Mean and 95 % interval over seeds.",
    published=(
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
            "dropout worse (7.57 against 3.18 %)",
            "an independent reproduction",
            "P",
        ),
    ),
    beside=beside,
    compared=compared,
    notes="The two scales can disagree: a benefit that grows in points may shrink as a ratio. The ratio decides. "
    "Both arms train with one learning rate, tuned for neither; the study regularizers tunes, on 10,000 examples.",
)
