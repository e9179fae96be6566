"""The ensemble is the probability-weighted sum of the subnetworks; sampling estimates it."""

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Studies
from dropout_study.analysis.criteria import Equivalent, Exact, Part
from dropout_study.analysis.runs import Effect, Runs


class ArithmeticEnsemble(Claim):
    """The enumerated sum is a distribution, and sampled masks approach it at the rate of chance."""

    id = "arithmetic_ensemble"
    title = "The arithmetic ensemble"
    says = (
        "The ensemble's prediction is the sum over all masks of p(mask) times the subnetwork's "
        "prediction."
    )
    source = "equation 7.53"
    studies = ("enumerable",)
    parts = {
        "a distribution": Part(
            "sum over the classes of the enumerated ensemble, minus 1", Exact(1e-12), ""
        ),
        "sampling": Part(
            "slope of the distance between k sampled masks and all masks, on logarithmic axes",
            Equivalent(0.05, -0.5),
            "",
        ),
    }
    caption = (
        "Root mean square difference between the mean probabilities of k sampled masks and of all "
        "masks. Mean over the nets of each kind; the band is a 95 % interval over seeds."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """The error of the sum, and how fast sampling approaches it."""
        runs = studies["enumerable"]
        sum_error = runs.column("exact/arithmetic_sum_error").tolist()

        return {
            "a distribution": {"all nets": Effect(sum_error)},
            "sampling": {"all nets": mean_by_seed(runs, "exact/mc_slope")},
        }

    def figure(self, studies: Studies) -> Figure:
        """Distance of the sampled to the enumerated ensemble by number of masks."""
        sheet, (axes,) = figures.sheet()

        for i, (arm, nets) in enumerate(studies["enumerable"].by("arm").items()):
            curves = [net.curve("exact/mc_distance") for net in nets.conditions()]
            mean = sum(curves[1:], start=curves[0]) / len(curves)
            figures.line(axes, mean, arm, i, label=False)

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


def mean_by_seed(runs: Runs, column: str) -> Effect:
    """A measure of every seed, averaged over all conditions."""
    measured = runs.frame.assign(value=runs.column(column).to_numpy())
    return Effect(measured.groupby("seed")["value"].mean().tolist())
