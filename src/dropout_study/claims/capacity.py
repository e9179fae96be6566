"""Dropout needs capacity: small nets underfit, wide ones gain, and the gain grows with width."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Group, Published, Studies, runs_of
from dropout_study.analysis.criteria import Answers, Better, Part
from dropout_study.analysis.margins import MNIST_SETTLED, NO_SIZE
from dropout_study.analysis.runs import Effect, Errors, Runs, minus, weighted
from dropout_study.analysis.signs import by_sign
from dropout_study.measures.statistics import PERCENT

if TYPE_CHECKING:
    import pandas as pd

REFERENCE = {0.0: "none", 0.2: "hidden 0.2", 0.5: "hidden 0.5"}
"""Rate -> arm of the study `reference`, whose nets are one of the widths."""


class Capacity(Claim):
    """Dropout and none by width, each with a learning rate of its own."""

    id = "capacity"
    title = "Capacity"
    says = "Dropout requires a sufficiently large capacity; small models may underfit."
    source = "Limitations of Dropout, 1"
    group = Group.HELP
    studies = ("capacity", "narrow", "reference")
    headline = ("small nets do worse", "wide nets gain")
    parts = {
        "small nets underfit": Part(
            "training error of the narrowest nets, trained as the others and five times as long: "
            "with dropout minus without",
            Better(0, NO_SIZE),
            settled_within=1.0,
            answers=Answers(
                "dropout raises the training error of the narrowest nets by {}",
                "dropout lowers the training error of the narrowest nets by {}",
                "no change of the training error of the narrowest nets was found",
            ),
        ),
        "small nets do worse": Part(
            "test error of the narrowest nets, trained as the others and five times as long: with "
            "dropout minus without",
            Better(0, NO_SIZE),
            settled_within=1.0,
            answers=Answers(
                "dropout raises the test error of the narrowest nets by {}",
                "dropout lowers the test error of the narrowest nets by {}",
                "no change of the test error of the narrowest nets was found",
            ),
        ),
        "wide nets gain": Part(
            "test error of the widest nets: without dropout minus with, at the rate that "
            "validation data chose",
            Better(0, NO_SIZE),
            settled_within=MNIST_SETTLED,
            answers=Answers(
                "dropout lowers the test error of the widest nets by {}",
                "dropout raises the test error of the widest nets by {}",
                "no gain of the widest nets was found",
            ),
        ),
        "the gain grows": Part(
            "change of the gain in test error when the width doubles, by least squares over all "
            "widths, at the rates that validation data chose",
            Better(0, NO_SIZE),
            unit="points per doubling",
            settled_within=MNIST_SETTLED,
            answers=Answers(
                "fitted over all widths, the gain of dropout grows by {} of the width",
                "fitted over all widths, the gain of dropout shrinks by {} of the width",
                "it is open whether the gain of dropout grows with the width",
            ),
        ),
    }
    published = (
        Published(
            "n fixed (2048-2048-2048), keep 0.4 to 0.8",
            "flat",
            "Srivastava et al. 2014, figure 9",
            "T",
        ),
        Published("n fixed, keep 0.1", "about 2.7 %", "Srivastava et al. 2014, figure 9", "T"),
        Published(
            "n * keep fixed (256/256/512), keep 0.1",
            "about 1.7 %",
            "Srivastava et al. 2014, figure 9",
            "T",
        ),
    )
    deviations = (
        "The publication varies the rate at one size of the net and at one number of kept units; "
        "here the width varies, with two hidden layers of equal width.",
        "Nets have at most 1024-1024 units instead of 2048-2048-2048, and no max-norm constraint.",
        "AdamW with a one-cycle schedule instead of SGD with momentum; 20,000 updates of 100 "
        "examples (the narrowest also 100,000) instead of 1,000,000.",
        "The nets of width 512 are those of the study reference, trained for 30,000 updates with "
        "and without dropout; the slope joins their gain to the gains after 20,000.",
        "A learning rate is chosen for every width and rate; the publication does not say so.",
        "The widest nets have 5 seeds, the others 10.",
        "Learning rates are chosen at a quarter of the updates (a fifth for those of 100,000). The "
        "better of two dropout rates is then chosen by the validation error of the nets that are "
        "judged, a choice that nets without dropout do not have.",
        "Nets 512-512 are those of the study reference: 30,000 updates, four learning rates.",
    )
    caption = (
        "Test and training error by the width of two hidden layers, each width and rate with the "
        "learning rate that validation data chose. Mean and 95 % interval over seeds."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Differences on the narrowest and widest nets, and the slope over all widths."""
        runs = studies["capacity"]
        # Their names are the same at half the updates, so that both can be compared.
        narrow = {
            "as the others": runs.where(model__widths=runs.values["narrow"]),
            "five times as long": runs_of(studies, "narrow"),
        }
        gains = {units: gain_terms(by_rate) for units, by_rate in by_width(studies).items()}
        widest = _units(runs.values["wide"])

        return {
            "small nets underfit": {
                name: minus(*map(_training_error, pair(nets))) for name, nets in narrow.items()
            },
            "small nets do worse": {
                name: weighted(_difference(*pair(nets))) for name, nets in narrow.items()
            },
            "wide nets gain": {f"width {widest}": weighted(gains[widest])},
            "the gain grows": {f"{len(gains)} widths": slope(gains)},
        }

    def context_lines(self, studies: Studies) -> list[str]:
        """Gain at every width, in error and in NLL."""
        lines = []

        for units, by_rate in by_width(studies).items():
            rate = best_rate(by_rate)
            gain = weighted(gain_terms(by_rate)).estimate().interval()
            nll = minus(_nll(by_rate[0.0]), _nll(by_rate[rate])).estimate().interval()
            lines.append(
                f"width {units}: gain {gain:+.2f} points at rate {rate:g}, which validation data "
                f"chose; NLL {nll:+.4f} nats"
            )

        return lines

    def remarks(self, studies: Studies) -> list[str]:
        """The rates that are compared, and the widths at which dropout gains or loses."""
        gains = {
            f"{units} units": weighted(gain_terms(by_rate)).estimate().interval()
            for units, by_rate in by_width(studies).items()
        }

        return [
            f"the narrowest nets drop at rate {studies['capacity'].values['rate']:g}; in the other "
            "parts each width drops at the rate that validation data chose",
            f"by width, at the chosen rates (intervals not adjusted): {by_sign(gains)}",
        ]

    def figure(self, studies: Studies) -> Figure:
        """Test and training error by width for each rate."""
        sheet, axes = figures.sheet(2)
        _draw_widths(axes[0], by_width(studies), "test")
        axes[0].set(ylabel="test error (%)", yscale="log")
        _draw_widths(axes[1], by_width(studies), "train")
        axes[1].set(ylabel="training error (%)")

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """Every width at every rate."""
        return {
            f"width {units}, rate {rate:g}": nets
            for units, by_rate in by_width(studies).items()
            for rate, nets in by_rate.items()
        }


def by_width(studies: Studies) -> dict[int, dict[float, Runs]]:
    """Units of a layer -> rate -> networks, with those of the study `reference` among them.

    A width that the study `capacity` trains itself keeps its own networks.

    Raises:
        ResultsMissing: there are no networks of `reference`, or none at one of the rates.
    """
    runs = studies["capacity"]
    reference = runs_of(studies, "reference")
    rates = [float(rate) for rate in runs.values_of("model.hidden_rate")]
    width_of_reference = _units(reference.frame["model.widths"].iloc[0])
    nets = {width_of_reference: {rate: reference.where(arm=REFERENCE[rate]) for rate in rates}}

    for widths in runs.values_of("model.widths"):
        of_width = runs.where(model__widths=widths)
        nets[_units(widths)] = {rate: of_width.where(model__hidden_rate=rate) for rate in rates}

    return dict(sorted(nets.items()))


def best_rate(by_rate: dict[float, Runs]) -> float:
    """The rate above 0 with the lowest mean validation error."""
    errors = {rate: nets.last("val/error").mean() for rate, nets in by_rate.items() if rate > 0}
    return min(errors, key=lambda rate: float(errors[rate]))


def gain_terms(by_rate: dict[float, Runs]) -> list[tuple[float, Errors]]:
    """Error without dropout minus error at the best rate, as weighted errors."""
    return _difference(by_rate[0.0], by_rate[best_rate(by_rate)])


def slope(gains: dict[int, list[tuple[float, Errors]]]) -> Effect:
    """Least-squares slope of the gain on log2 of the width, over the seeds that all widths have."""
    x = np.log2(list(gains))
    centred = x - x.mean()
    weights = centred / np.square(centred).sum()
    terms = [
        (float(weight) * sign, errors)
        for weight, of_width in zip(weights, gains.values(), strict=True)
        for sign, errors in of_width
    ]

    return weighted(terms)


def pair(nets: Runs) -> tuple[Runs, Runs]:
    """The networks of one width with dropout, and those without."""
    with_dropout = nets.where(model__hidden_rate=nets.values["rate"])
    return with_dropout, nets.where(model__hidden_rate=0)


def _difference(minuend: Runs, subtrahend: Runs) -> list[tuple[float, Errors]]:
    return [(1.0, minuend.error()), (-1.0, subtrahend.error())]


def _units(widths: object) -> int:
    return int(str(widths).partition("x")[0])


def _training_error(nets: Runs) -> "pd.Series[float]":
    return nets.column("train/error/weight_scaling")


def _nll(nets: Runs) -> "pd.Series[float]":
    return nets.column("test/nll/weight_scaling")


def _draw_widths(axes: Axes, nets: dict[int, dict[float, Runs]], part: str) -> None:
    """Error by width, one line per rate."""
    rates = sorted({rate for by_rate in nets.values() for rate in by_rate})

    for i, rate in enumerate(rates):
        errors = [
            by_rate[rate].column(f"{part}/error/weight_scaling").tolist()
            for by_rate in nets.values()
        ]
        figures.points(axes, list(nets), errors, f"rate {rate:g}", i, within=PERCENT)

    axes.set_xscale("log", base=2)
    axes.set(xlabel="units of each hidden layer")
