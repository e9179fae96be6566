"""Units that do not co-adapt: redundant yet complementary representations."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

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
    "units/rank": "effective rank / units",
}
CLIPPED = 0.01  # share of the pictured weights that lie beyond black or white


class CoAdaptation(Claim):
    """How strongly hidden units correlate, without and with dropout."""

    id = "co_adaptation"
    title = "Co-adaptation"
    says = (
        "Dropout encourages redundant yet complementary representations, and units that are "
        "robust to co-adaptation."
    )
    source = "Intuition and Insights behind Dropout, first and second paragraph"
    studies = ("co_adaptation", "capacity")
    parts = {
        "less correlated": Part(
            "mean absolute correlation between pairs of hidden units on test data: without "
            "dropout minus with dropout",
            Greater(),
            "",
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
    caption = (
        "Hidden units on test data, by layer, for nets trained with and without dropout. Mean and "
        "95 % interval over seeds."
    )
    extra_caption = (
        "Incoming weights of the first units (by index) of the first hidden layer; each row is "
        f"one seed. Both panels share one grey scale; {100 * CLIPPED:g} % of the weights lie "
        "beyond it."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Correlation without dropout minus correlation with dropout."""
        plain, dropout = arms(studies["co_adaptation"]).values()
        effect = minus(
            over_layers(plain, "units/correlation"), over_layers(dropout, "units/correlation")
        )

        return {"less correlated": {"mean over layers": effect}}

    def context_lines(self, studies: Studies) -> list[str]:
        """All measures of both arms, mean over layers."""
        plain, dropout = arms(studies["co_adaptation"]).values()
        lines = []

        for key, name in MEASURES.items():
            without = interval(over_layers(plain, key).tolist())
            with_dropout = interval(over_layers(dropout, key).tolist())
            lines.append(f"{name}: {without:.3f} without, {with_dropout:.3f} with dropout")

        return lines

    def figure(self, studies: Studies) -> Figure:
        """The measures by layer."""
        sheet, axes = figures.sheet(4, height=2.9)
        nets = arms(studies["co_adaptation"])

        for axis, (key, name) in zip(axes, MEASURES.items(), strict=True):
            for i, (label, runs) in enumerate(nets.items()):
                curve = runs.curve(key)
                figures.line(axis, curve, label, i, label=False)
                axis.set_xticks(curve.index.to_numpy())

            axis.set(xlabel="hidden layer", ylabel=name)
            axis.margins(x=0.15)
            axis.set_ylim(bottom=0)

        axes[0].legend(fontsize=8, loc="lower right")

        return sheet

    def extra_figure(self, studies: Studies) -> Figure | None:
        """The first features of every net, one row per seed; None if no run kept them."""
        pictures = {
            name: runs.pictures("features") for name, runs in arms(studies["co_adaptation"]).items()
        }
        if not all(pictures.values()):
            return None

        scale = _grey_scale([weights for nets in pictures.values() for weights in nets.values()])
        rows = len(next(iter(pictures.values())))
        sheet, axes = figures.sheet(2, height=0.7 + 0.65 * rows)

        for axis, (name, nets) in zip(axes, pictures.items(), strict=True):
            tiles = {f"seed {seed}": weights for seed, weights in nets.items()}
            figures.tiles(axis, tiles, scale)
            axis.set_title(name, fontsize=9, loc="left")
            axis.set_xlabel(f"weights of the first units; black -{scale:.2g}, white {scale:.2g}")

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """The nets as the study `capacity` trained them."""
        return arms(studies["co_adaptation"].trained_by(studies.get("capacity")))


def arms(runs: Runs) -> dict[str, Runs]:
    """Nets trained without and with dropout."""
    return {
        "no dropout": runs.where(model__hidden_rate=0),
        "dropout": runs.where(model__hidden_rate=runs.values["rate"]),
    }


def over_layers(runs: Runs, key: str) -> "pd.Series[float]":
    """A measure by seed, mean over layers."""
    return runs.curve(key).mean()


def _grey_scale(pictures: list[NDArray[np.float64]]) -> float:
    """The absolute weight that is drawn black or white."""
    weights = np.concatenate([picture.ravel() for picture in pictures])
    return float(np.quantile(np.abs(weights), 1 - CLIPPED))
