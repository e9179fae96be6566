"""Units that do not co-adapt: redundant yet complementary representations."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Group, Published, Studies
from dropout_study.analysis.criteria import Answers, Better, Part
from dropout_study.analysis.margins import MNIST, NO_SIZE
from dropout_study.analysis.reference_nets import PLAIN, left_out, measured, trained
from dropout_study.analysis.runs import Effect, Errors, Runs, minus, weighted
from dropout_study.evaluation.sample_sizes import (
    HALVES_SPLITS,
    INTERACTION_IMAGES,
    INTERACTION_PAIRS,
)
from dropout_study.measures.statistics import PERCENT, interval

if TYPE_CHECKING:
    import pandas as pd

DROPOUT = "hidden 0.5"
ARMS = (PLAIN, DROPOUT)
AUTOENCODER = "autoencoder"
"""The study of nets whose features are shown; none of its numbers decides."""
AUTOENCODERS = {"rate 0.0": "without dropout", "rate 0.5": "with dropout"}
"""Arm of the study `autoencoder` -> its name in a sentence."""
MEASURES = {
    "units/activation": "mean activation",
    "units/active": "share of activations above zero",
    "units/correlation": "mean absolute correlation",
    "units/rank": "effective rank / units",
}
"""Curve by hidden layer -> what it is; none of them decides."""
INTERACTION = "interactions/ratio"
PREDICTORS = {"": "one half", "_mean": "two halves", "_whole": "all units"}
"""Ending of a metric -> which hidden units predict."""
CLIPPED = 0.01  # share of the pictured weights that lie beyond black or white


class CoAdaptation(Claim):
    """How much hidden units depend on each other, and what half of them can do."""

    id = "co_adaptation"
    title = "Co-adaptation"
    says = (
        "Dropout encourages redundant yet complementary representations, and units that are "
        "robust to co-adaptation."
    )
    source = "Intuition and Insights behind Dropout, first and second paragraph"
    group = Group.WHY
    studies = ("units", "reference", AUTOENCODER)
    optional = (AUTOENCODER,)
    headline = ("less co-adapted", "redundant")
    parts = {
        "less co-adapted": Part(
            "mean absolute interaction of two hidden units (loss without both, minus losses "
            "without either, plus loss with both) divided by the mean absolute effect of removing "
            "one, in the first hidden layer: without dropout minus with dropout",
            Better(0, NO_SIZE),
            unit="",
            axis="difference of interactions (shares of a unit's effect)",
            answers=Answers(
                "with dropout the interaction of two units, as a share of the effect of one, "
                "is {} smaller",
                "with dropout the interaction of two units, as a share of the effect of one, "
                "is {} larger",
                "no effect of dropout on the interaction of two units was found",
            ),
        ),
        "redundant": Part(
            "test error that removing a random half of the hidden units adds: without dropout "
            "minus with dropout",
            Better(0, NO_SIZE),
            settled_within=0.5,
            answers=Answers(
                "removing a random half of the units costs a net without dropout {} more than "
                "one with dropout",
                "removing a random half of the units costs a net with dropout {} more than one "
                "without",
                "it is open whether removing half of the units harms a net with dropout less",
            ),
        ),
        "complementary": Part(
            "test error of one half of the hidden units minus test error of the mean of both "
            "halves' probabilities, trained with dropout",
            Better(0, NO_SIZE),
            settled_within=MNIST,
            answers=Answers(
                "two halves together make {} fewer errors than one",
                "two halves together make {} more errors than one",
                "no difference was found between two halves together and one",
            ),
        ),
    }
    published = (
        Published(
            "mean activation of 256 ReLU units of an autoencoder, without / with dropout",
            "2.0 / 0.7",
            "Srivastava et al. 2014, figures 7 and 8",
            "T",
        ),
    )
    deviations = (
        "The book gives no measure of co-adaptation, redundancy or complementarity; these three "
        "are choices of this study, for which nothing is published.",
        "Correlation between units, which decided in the first edition, is context: sparser "
        "activations lower it by themselves.",
        f"{INTERACTION_PAIRS} random pairs per layer on {INTERACTION_IMAGES:,} test images; their "
        "interval is over 10 seeds alone.",
        "Logits are linear in the units of the last hidden layer, whose interaction is that of the "
        "softmax: only the first layer decides, the second stands beside the answer.",
        f"{HALVES_SPLITS} random splits of both hidden layers; the units of a half are scaled up "
        "by 2 as in training at rate 0.5, which the nets without dropout have never seen.",
        "Nets 784-512-512-10 without max-norm, trained for 30,000 updates with AdamW and a "
        "one-cycle schedule.",
        "The autoencoder has the published 256 ReLU units and rate 0.5; loss, updates and "
        "optimizer of the publication are not known. Here: sigmoid outputs, squared error, 20,000 "
        "updates with AdamW, 5 seeds.",
    )
    caption = (
        "Test error of one half of the hidden units, of the mean of two halves, and of all units. "
        "Mean and 95 % interval over seeds."
    )
    extra_caption = (
        "Incoming weights of the first hidden units (by index) of an autoencoder without and with "
        "dropout; each row is one seed. Both panels share one grey scale; "
        f"{100 * CLIPPED:g} % of the weights lie beyond it."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Interactions, and errors of halves."""
        nets = measured(studies, needed=ARMS)
        plain, dropout = nets[PLAIN], nets[DROPOUT]
        added = weighted(
            [
                (1.0, errors(plain, "")),
                (-1.0, errors(plain, "_whole")),
                (-1.0, errors(dropout, "")),
                (1.0, errors(dropout, "_whole")),
            ]
        )

        return {
            "less co-adapted": less_interaction(plain, dropout),
            "redundant": {DROPOUT: added},
            "complementary": {DROPOUT: errors(dropout, "").minus(errors(dropout, "_mean"))},
        }

    def context_lines(self, studies: Studies) -> list[str]:
        """What the activations are like, of the autoencoder and by layer of the other nets."""
        nets = measured(studies, needed=ARMS)
        lines = []

        if AUTOENCODER in studies:
            lines += [f"autoencoder, {line}" for line in _activations(autoencoders(studies), 1)]

        for layer in nets[PLAIN].curve("units/activation").index:
            both = {arm: nets[arm] for arm in ARMS}
            lines += [f"layer {layer}, {line}" for line in _activations(both, int(layer))]

        return lines

    def remarks(self, studies: Studies) -> list[str]:
        """How much two units interact, by layer, in each kind of net."""
        nets = measured(studies, needed=ARMS)
        layers = [
            f"layer {layer}, without dropout {_mean(nets[PLAIN].at(INTERACTION, layer))}, "
            f"with dropout {_mean(nets[DROPOUT].at(INTERACTION, layer))}"
            for layer in nets[PLAIN].curve(INTERACTION).index
        ]

        return [f"interaction of two units, as a share of the effect of one: {'; '.join(layers)}"]

    def left_out(self, studies: Studies) -> list[str]:
        """Arms that do not solve their task."""
        return left_out(studies)

    def figure(self, studies: Studies) -> Figure:
        """Errors of halves."""
        nets = measured(studies, needed=ARMS)
        errors_of_halves = {
            f"{words}, {arm}": Effect(nets[arm].column(f"halves/error{predictor}").tolist())
            for predictor, words in PREDICTORS.items()
            for arm in ARMS
        }

        sheet, (axes,) = figures.sheet(width=6.0)
        figures.intervals(axes, errors_of_halves, margin=None, within=PERCENT)
        axes.set(xlabel="test error (%)", xscale="log")

        return sheet

    def extra_figure(self, studies: Studies) -> Figure | None:
        """The first features of every autoencoder, one row per seed; None if no run kept them."""
        if AUTOENCODER not in studies:
            return None

        nets = autoencoders(studies)
        pictures = {name: runs.pictures("features") for name, runs in nets.items()}
        if not all(pictures.values()):
            return None

        scale = _grey_scale(pictures)
        rows = len(next(iter(pictures.values())))
        sheet, axes = figures.sheet(2, height=0.7 + 0.65 * rows)

        for axis, (name, by_seed) in zip(axes, pictures.items(), strict=True):
            tiles = {f"seed {seed}": weights for seed, weights in by_seed.items()}
            figures.tiles(axis, tiles, scale)
            axis.set_title(name, fontsize=9, loc="left")
            axis.set_xlabel(f"weights of the first units; black -{scale:.2g}, white {scale:.2g}")

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """The nets as the study `reference` trained them."""
        return {arm: nets for arm, nets in trained(studies).items() if arm in ARMS}


def autoencoders(studies: Studies) -> dict[str, Runs]:
    """The autoencoders without and with dropout.

    Raises:
        ResultsMissing: one of them is not there.
    """
    return {name: studies[AUTOENCODER].where(arm=arm) for arm, name in AUTOENCODERS.items()}


def errors(nets: Runs, predictor: str) -> Errors:
    """Errors of one half, of the mean of two halves, or of all units, see PREDICTORS."""
    name = f"halves{predictor}" if predictor else "half"
    return Errors(nets.column(f"halves/error{predictor}"), nets.wrong(name))


def less_interaction(plain: Runs, dropout: Runs) -> dict[str, Effect]:
    """Interaction per effect of one unit in the first layer, without dropout minus with dropout.

    Logits are linear in the units of the last layer, where only the softmax interacts.
    """
    return {"layer 1": minus(plain.at(INTERACTION, 1), dropout.at(INTERACTION, 1))}


def _activations(nets: dict[str, Runs], layer: int) -> list[str]:
    """One line per measure of a layer, with all nets."""
    lines = []

    for key, words in MEASURES.items():
        means = [f"{_mean(runs.at(key, layer))} {name}" for name, runs in nets.items()]
        lines.append(f"{words}: {', '.join(means)}")

    return lines


def _mean(values: "pd.Series[float]") -> str:
    return f"{interval(values.tolist()):.3f}"


def _grey_scale(pictures: dict[str, dict[int, NDArray[np.float64]]]) -> float:
    """The absolute weight that is drawn black or white."""
    weights = [picture.ravel() for by_seed in pictures.values() for picture in by_seed.values()]
    return float(np.quantile(np.abs(np.concatenate(weights)), 1 - CLIPPED))
