"""How large units become against additive noise, and against noise that grows with them."""

import math
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Group, Studies
from dropout_study.analysis.criteria import Answers, Better, Part
from dropout_study.analysis.margins import NO_SIZE
from dropout_study.analysis.runs import Effect, Runs, minus
from dropout_study.claims.beyond.premise import UNMET, undecided

if TYPE_CHECKING:
    import pandas as pd

ACTIVATION = "units/activation"
ACTIVE = "units/active"
LAYERS = (1, 2)
NOISES = ("additive", "gaussian")


class Multiplicative(Claim):
    """Sizes of ReLU units by the strength of the noise that they are trained with."""

    id = "multiplicative"
    title = "Multiplicative noise"
    says = (
        "Against additive noise of a fixed size a rectified unit can learn to become large, which "
        "makes the noise insignificant; multiplicative noise leaves no such way out."
    )
    source = "the paragraph on multiplicative noise"
    group = Group.BEYOND
    studies = ("growth",)
    parts = {
        "units grow with additive noise": Part(
            "log2 of the mean of a hidden layer's active units: with the strongest additive noise "
            "minus with the weakest",
            Better(0, NO_SIZE),
            unit="doublings",
            answers=Answers(
                "while additive noise grows by 2 doublings, units grow by {value}",
                "while additive noise grows by 2 doublings, units shrink: {value}",
                "it is open whether units grow with additive noise ({value} for 2 doublings)",
            ),
        ),
        "more than multiplicative": Part(
            "the same growth with additive noise minus that with multiplicative noise",
            Better(0, NO_SIZE),
            unit="doublings",
            answers=Answers(
                "additive noise makes units grow more than multiplicative noise, by {}",
                "additive noise makes units grow less than multiplicative noise, by {}",
                "it is open whether additive noise makes units grow more than multiplicative noise",
            ),
        ),
    }
    deviations = (
        "The book gives no experiment and no number.",
        "784-256-256-10 on 10,000 examples of MNIST, 10,000 updates with AdamW and a one-cycle "
        "schedule, all at one learning rate: a rate of its own would change the size of units. "
        "They may still grow at the end: the book's 'very large' is a tendency here.",
        "Additive noise is N(0, s^2) on every hidden unit behind its ReLU, multiplicative noise "
        "a factor from N(1, s^2); s is 0.5, 1 or 2.",
        "There is no weight decay: nothing but the noise holds units down or up. A unit can also "
        "grow by its bias.",
        "That all nets learn is the premise: their mean validation error has to be at most 10 %; "
        "else nothing is decided.",
    )
    caption = (
        "Mean of the active units of the hidden layers, without noise, of nets that were trained "
        "with noise of standard deviation s. Mean and 95 % interval over seeds."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Growth between the weakest and the strongest noise, by layer."""
        growth = studies["growth"]
        additive, multiplicative = (
            {f"layer {layer}": grown(growth, noise, layer) for layer in LAYERS} for noise in NOISES
        )
        more = {layer: grow.minus(multiplicative[layer]) for layer, grow in additive.items()}

        effects = {"units grow with additive noise": additive, "more than multiplicative": more}

        return undecided(effects) if failures(growth) else effects

    def context_lines(self, studies: Studies) -> list[str]:
        """Error and units of every kind and strength, and the noise beside the units."""
        lines = []

        for arm, nets in studies["growth"].by("arm").items():
            error = nets.column("test/error/weight_scaling").mean()
            deviation = strength(float(nets.frame.iloc[0]["model.hidden_rate"]))
            sizes = [of_active(nets, layer).mean() for layer in LAYERS]
            listed = " and ".join(f"{size:.3g}" for size in sizes)
            shares = " and ".join(f"{nets.at(ACTIVE, layer).mean():.2f}" for layer in LAYERS)
            relative = " and ".join(f"{deviation / size:.2g}" for size in sizes)
            lines.append(
                f"{arm}: test error {error:.2f} %; by layer, mean of active units {listed}, share "
                f"of active units {shares}, s divided by that mean {relative}"
            )

        return lines

    def left_out(self, studies: Studies) -> list[str]:
        """That nets do not learn, if so."""
        failed = failures(studies["growth"])
        return [f"{UNMET}{'; '.join(failed)}"] if failed else []

    def figure(self, studies: Studies) -> Figure:
        """Size against the strength, a panel per layer."""
        growth = studies["growth"]
        rates = growth.values_of("model.hidden_rate")
        strengths = [strength(rate) for rate in rates]
        sheet, axes = figures.sheet(len(LAYERS))

        for axis, layer in zip(axes, LAYERS, strict=True):
            for i, noise in enumerate(NOISES):
                sizes = [of_active(at_rate(growth, noise, rate), layer) for rate in rates]
                values = [of_seeds.tolist() for of_seeds in sizes]
                figures.points(axis, strengths, values, noise, i + 1)

            axis.set(xscale="log", yscale="log", xlabel="standard deviation s of the noise")
            axis.set_ylabel("mean of active units")
            axis.set_title(f"layer {layer}", fontsize=9, loc="left")

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """Every kind and strength."""
        return studies["growth"].by("arm")


def grown(growth: Runs, noise: str, layer: int) -> Effect:
    """log2 of the mean of active units, with the strongest noise minus with the weakest."""
    weakest, strongest = (
        of_active(at_rate(growth, noise, rate), layer).map(math.log2)
        for rate in growth.values["rates"]
    )

    return minus(strongest, weakest)


def failures(growth: Runs) -> list[str]:
    """The kinds and strengths that are compared and whose nets do not solve their task."""
    gate = float(growth.values["gate"])
    compared = {
        f"{noise}, rate {rate:g}": at_rate(growth, noise, rate)
        for noise in NOISES
        for rate in growth.values["rates"]
    }
    errors = {arm: float(nets.last("val/error").mean()) for arm, nets in compared.items()}

    return [
        f"nets with {arm} have a mean validation error of {error:.1f} %, above {gate:g} %"
        for arm, error in errors.items()
        if error > gate
    ]


def at_rate(growth: Runs, noise: str, rate: float) -> Runs:
    """The nets that were trained with a kind of noise at a rate."""
    return growth.where(arm=f"{noise}, rate {rate:g}")


def of_active(nets: Runs, layer: int) -> "pd.Series[float]":
    """Mean of the units of a layer that are above 0, on test images without noise, by seed."""
    return nets.at(ACTIVATION, layer) / nets.at(ACTIVE, layer)


def strength(rate: float) -> float:
    """The standard deviation s of noise at a rate."""
    return math.sqrt(rate / (1 - rate))
