"""How large units become against additive noise, and against noise that grows with them."""

import math

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Group, Studies
from dropout_study.analysis.criteria import Answers, Better, NotWorse, Part
from dropout_study.analysis.margins import NO_SIZE
from dropout_study.analysis.runs import Effect, Runs, minus

ACTIVATION = "units/activation"
LAYERS = (1, 2)
NOISES = ("additive", "gaussian")


class Multiplicative(Claim):
    """Mean activations of ReLU units by the strength of the noise that they are trained with."""

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
        "additive: units grow": Part(
            "log2 of the mean activation of a hidden layer: with the strongest additive noise "
            "minus with the weakest",
            Better(0, NO_SIZE),
            unit="doublings",
            settled_within=0.5,
            answers=Answers(
                "units that are trained with four times the additive noise are larger by {}",
                "units that are trained with four times the additive noise are smaller by {}",
                "it is open whether units grow with additive noise",
            ),
        ),
        "multiplicative: they do not": Part(
            "log2 of the mean activation of a hidden layer: with the strongest multiplicative "
            "noise minus with the weakest",
            NotWorse(0, "growth by any factor leaves multiplicative noise as large as before"),
            unit="doublings",
            settled_within=0.5,
            answers=Answers(
                "with four times the multiplicative noise they are smaller by {}",
                "with four times the multiplicative noise they are larger by {}",
                "it is open whether they grow with multiplicative noise",
            ),
        ),
    }
    deviations = (
        "The book gives no experiment and no number.",
        "784-256-256-10 on 10,000 examples of MNIST, 5,000 updates with AdamW and a one-cycle "
        "schedule; a learning rate is chosen for each kind and strength after half of them.",
        "Additive noise is N(0, s^2) on every hidden unit behind its ReLU, multiplicative noise "
        "a factor from N(1, s^2); s is 0.5, 1 or 2.",
        "The decoupled weight decay of AdamW is 0: nothing but the noise holds units down or up.",
    )
    caption = (
        "Mean activation of the hidden layers, without noise, of nets that were trained with noise "
        "of standard deviation s. Mean and 95 % interval over seeds."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Growth between the weakest and the strongest noise, by layer."""
        growth = studies["growth"]
        additive, multiplicative = (
            {f"layer {layer}": grown(growth, noise, layer) for layer in LAYERS} for noise in NOISES
        )

        return {"additive: units grow": additive, "multiplicative: they do not": multiplicative}

    def context_lines(self, studies: Studies) -> list[str]:
        """Error, activation and learning rate of every kind and strength."""
        lines = []

        for arm, nets in studies["growth"].by("arm").items():
            error = nets.column("test/error/weight_scaling").mean()
            sizes = " and ".join(f"{nets.at(ACTIVATION, layer).mean():.3g}" for layer in LAYERS)
            lr = float(nets.frame.iloc[0]["optimizer.lr"])
            lines.append(
                f"{arm}: test error {error:.2f} %, activation {sizes}, learning rate {lr:g}"
            )

        return lines

    def figure(self, studies: Studies) -> Figure:
        """Activation against the strength, a panel per layer."""
        growth = studies["growth"]
        rates = growth.values_of("model.hidden_rate")
        deviations = [math.sqrt(rate / (1 - rate)) for rate in rates]
        sheet, axes = figures.sheet(len(LAYERS))

        for axis, layer in zip(axes, LAYERS, strict=True):
            for i, noise in enumerate(NOISES):
                sizes = [at_rate(growth, noise, rate).at(ACTIVATION, layer) for rate in rates]
                values = [of_seeds.tolist() for of_seeds in sizes]
                figures.points(axis, deviations, values, noise, i + 1)

            axis.set(xscale="log", yscale="log", xlabel="standard deviation s of the noise")
            axis.set_ylabel("mean activation")
            axis.set_title(f"layer {layer}", fontsize=9, loc="left")

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """Every kind and strength."""
        return studies["growth"].by("arm")


def grown(growth: Runs, noise: str, layer: int) -> Effect:
    """log2 of the mean activation, with the strongest noise minus with the weakest."""
    weakest, strongest = (
        at_rate(growth, noise, rate).at(ACTIVATION, layer).map(math.log2)
        for rate in growth.values["rates"]
    )

    return minus(strongest, weakest)


def at_rate(growth: Runs, noise: str, rate: float) -> Runs:
    """The nets that were trained with a kind of noise at a rate."""
    return growth.where(arm=f"{noise}, rate {rate:g}")
