"""The ensemble is the probability-weighted sum of the subnetworks; sampling estimates it."""

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Group, Studies
from dropout_study.analysis.criteria import Check, Exact, Within
from dropout_study.analysis.runs import Effect, Runs

if TYPE_CHECKING:
    import pandas as pd


class ArithmeticEnsemble(Claim):
    """The enumerated sum is a distribution, and sampled masks approach it at the rate of chance."""

    id = "arithmetic_ensemble"
    title = "The arithmetic ensemble"
    says = (
        "The ensemble's prediction is the sum over all masks of p(mask) times the subnetwork's "
        "prediction."
    )
    source = "equation 7.53"
    group = Group.ENSEMBLE
    studies = ("enumerable",)
    checks = {
        "a distribution": Check(
            "sum over the classes of the enumerated ensemble, minus 1",
            Exact(1e-12, "far above the rounding errors of 65,536 terms in double precision"),
        ),
        "sampling": Check(
            "slope of the distance between k sampled masks and all masks, on logarithmic axes, "
            "mean over the shapes of a kind of net",
            Within(0.05, -0.5, "the slope of one net varies by up to 0.06 with the masks drawn"),
        ),
    }
    deviations = (
        "Nets of at most 16 droppable units on digits of 4 x 4 pixels: larger sums cannot be "
        "compared with sampling on as many seeds.",
        "The slope is that of 1 to 100 masks, from a pool of 1,000, on 100 test images.",
    )
    caption = (
        "Root mean square difference between the mean probabilities of k sampled masks and of all "
        "masks. Mean over the shapes of each kind of net; the band is a 95 % interval over seeds."
    )
    notes = (
        "The slope of -1/2 holds for every net. Shapes of one kind are averaged by seed, since "
        "what varies between them is which masks were drawn."
    )

    def check(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """The error of the sum, and how fast sampling approaches it."""
        kinds = studies["enumerable"].by("arm")
        sum_errors = {
            kind: Effect(nets.column("exact/arithmetic_sum_error").tolist())
            for kind, nets in kinds.items()
        }

        return {
            "a distribution": sum_errors,
            "sampling": {kind: _slope(nets) for kind, nets in kinds.items()},
        }

    def figure(self, studies: Studies) -> Figure:
        """Distance of the sampled to the enumerated ensemble by number of masks."""
        sheet, (axes,) = figures.sheet()

        for i, (kind, nets) in enumerate(studies["enumerable"].by("arm").items()):
            figures.line(axes, _mean_distance(nets), kind, i, label=False)

        k = [1, 100]
        axes.plot(k, [0.5 * i**-0.5 for i in k], color="0.6", linewidth=1)
        axes.annotate(
            "slope -1/2",
            (10, 0.5 * 10**-0.5),
            xytext=(4, 4),
            textcoords="offset points",
            color="0.4",
        )
        axes.set(
            xscale="log",
            yscale="log",
            xlabel="sampled masks k",
            ylabel="distance to the ensemble (probability)",
        )
        axes.legend(fontsize=8)

        return sheet


def _slope(nets: Runs) -> Effect:
    """The slope of every seed, mean over shapes."""
    slopes = nets.column("exact/mc_slope").groupby(level=0).mean()
    return Effect(slopes.tolist(), seeds=[int(seed) for seed in slopes.index])


def _mean_distance(nets: Runs) -> "pd.DataFrame":
    """The distance of every seed by number of masks, mean over shapes."""
    curves = [net.curve("exact/mc_distance") for net in nets.conditions()]
    return sum(curves[1:], start=curves[0]) / len(curves)
