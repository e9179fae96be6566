"""Units that do not co-adapt: redundant yet complementary representations."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Published, Studies
from dropout_study.analysis.criteria import Greater, Part
from dropout_study.analysis.runs import Effect, Runs, minus
from dropout_study.measures.statistics import interval

if TYPE_CHECKING:
    import pandas as pd

MEASURES = {
    "units/correlation": "mean absolute correlation",
    "units/active": "share of activations above zero",
    "units/activation": "mean activation",
    "units/rank": "effective rank by units",
}


def arms(runs: Runs) -> tuple[Runs, Runs]:
    """Nets trained without and with dropout."""
    return runs.where(model__hidden_rate=0), runs.where(model__hidden_rate=runs.values["rate"])


def over_layers(runs: Runs, key: str) -> "pd.Series[float]":
    """A measure by seed, mean over layers."""
    return runs.curve(key).mean()


def estimate(studies: Studies) -> dict[str, dict[str, Effect]]:
    """Correlation without less with dropout."""
    nets = arms(studies["co_adaptation"])
    plain, dropout = (over_layers(runs, "units/correlation") for runs in nets)
    return {"less correlated": {"mean over layers": minus(plain, dropout)}}


def beside(studies: Studies) -> list[str]:
    """All measures in both, mean over layers."""
    nets = arms(studies["co_adaptation"])
    lines = []

    for key, name in MEASURES.items():
        one, other = (interval(over_layers(runs, key).tolist()) for runs in nets)
        lines.append(f"{name}: {one:.3f} without, {other:.3f} with dropout")

    return lines


def figure(studies: Studies) -> Figure:
    """The measures by layer."""
    sheet, axes = figures.sheet(4, height=2.9)
    for axis, (key, name) in zip(axes, MEASURES.items(), strict=True):
        for i, (label, runs) in enumerate(
            zip(("no dropout", "dropout"), arms(studies["co_adaptation"]), strict=True)
        ):
            curve = runs.curve(key)
            figures.line(axis, curve, label, i, label=False)
            axis.set_xticks(curve.index.to_numpy())

        axis.set(xlabel="hidden layer", ylabel=name)
        axis.margins(x=0.15)
        axis.set_ylim(bottom=0)

    axes[0].legend(fontsize=8, loc="lower right")

    return sheet


def picture(studies: Studies) -> Figure | None:
    """The first features of every net, a row a seed."""
    of_arms = [runs.pictures("features") for runs in arms(studies["co_adaptation"])]
    if not all(of_arms):
        return None

    scale = float(
        np.quantile(
            np.abs(np.concatenate([w.ravel() for of in of_arms for w in of.values()])), 0.99
        )
    )

    sheet, axes = figures.sheet(2, height=0.7 + 0.65 * len(of_arms[0]))
    for axis, title, of_seeds in zip(axes, ("no dropout", "dropout"), of_arms, strict=True):
        figures.tiles(axis, {f"seed {seed}": weights for seed, weights in of_seeds.items()}, scale)
        axis.set_title(title, fontsize=9, loc="left")
        axis.set_xlabel(f"weights of the first units; black -{scale:.2g}, white {scale:.2g}")

    return sheet


def compared(studies: Studies) -> dict[str, Runs]:
    """The nets as capacity trained them."""
    nets = arms(studies["co_adaptation"].trained_by(studies.get("capacity")))
    return dict(zip(("no dropout", "dropout"), nets, strict=True))


CLAIM = Claim(
    id="co_adaptation",
    title="Co-adaptation",
    says="Dropout encourages redundant yet complementary representations, and units that are robust to co-adaptation.",
    source="Intuition and Insights behind Dropout, first and second paragraph",
    studies=("co_adaptation", "capacity"),
    parts={
        "less correlated": Part(
            "mean absolute correlation between hidden units on test data, trained without less trained with dropout",
            Greater(),
            "",
        ),
    },
    estimate=estimate,
    figure=figure,
    caption="Hidden units on test data, by layer, for nets trained with and without dropout. Mean and 95 % interval "
    "over seeds.",
    picture=picture,
    picture_caption="Incoming weights of the first units of the first hidden layer, not chosen but by their number; "
    "a row is a seed. One grey scale for both; 1 % of the weights lie beyond it.",
    published=(
        Published(
            "mean activation of 256 ReLU units of an autoencoder, without / with dropout",
            "2.0 / 0.7",
            "Srivastava et al. 2014, figures 7 and 8",
            "T",
        ),
    ),
    beside=beside,
    compared=compared,
)
