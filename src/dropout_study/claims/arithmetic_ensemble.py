"""The ensemble is the probability-weighted sum of the subnetworks' predictions; sampling estimates it."""

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Studies
from dropout_study.analysis.criteria import Equivalent, Exact, Part
from dropout_study.analysis.runs import Effect, Runs


def by_seed(runs: Runs, column: str) -> Effect:
    """A measure of every seed, averaged over all conditions."""
    frame = runs.frame.assign(value=runs.column(column).to_numpy())
    return Effect(frame.groupby("seed")["value"].mean().tolist())


def estimate(studies: Studies) -> dict[str, dict[str, Effect]]:
    """How exact the sum is, and how fast sampling comes near it."""
    runs = studies["enumerable"]
    return {
        "a distribution": {"all nets": Effect(runs.column("exact/arithmetic_sum_error").tolist())},
        "sampling": {"all nets": by_seed(runs, "exact/mc_slope")},
    }


def figure(studies: Studies) -> Figure:
    """Distance of the sampled to the enumerated ensemble by number of masks."""
    sheet, (axes,) = figures.sheet()
    runs = studies["enumerable"]
    for i, (arm, frame) in enumerate(runs.frame.groupby("arm", sort=True)):
        curves = [
            Runs(same, runs.values).curve("exact/mc_distance")
            for _, same in frame.groupby("digest")
        ]
        figures.line(axes, sum(curves[1:], start=curves[0]) / len(curves), str(arm), i, label=False)

    k = [1, 100]
    axes.plot(k, [0.5 * i**-0.5 for i in k], color="0.6", linewidth=1)
    axes.annotate(
        "slope -1/2", (10, 0.5 * 10**-0.5), xytext=(4, 4), textcoords="offset points", color="0.4"
    )
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="sampled masks k",
        ylabel="distance to the ensemble (probability)",
    )
    axes.legend(fontsize=8)

    return sheet


CLAIM = Claim(
    id="arithmetic_ensemble",
    title="The arithmetic ensemble",
    says="The ensemble's prediction is the sum over all masks of p(mask) times the subnetwork's prediction.",
    source="equation 7.53",
    studies=("enumerable",),
    parts={
        "a distribution": Part(
            "sum over the classes of the enumerated ensemble, less 1", Exact(1e-12), ""
        ),
        "sampling": Part(
            "slope of the distance between k sampled masks and all, on logarithmic axes",
            Equivalent(0.05, -0.5),
            "",
        ),
    },
    estimate=estimate,
    figure=figure,
    caption="Root mean square difference between the mean probabilities of k sampled masks and of all masks. "
    "Mean over the nets of a kind; the band is a 95 % interval over seeds.",
)
