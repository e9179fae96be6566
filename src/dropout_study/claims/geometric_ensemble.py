"""The renormalized geometric mean is a distribution that can stand in for the arithmetic mean."""

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Published, Studies
from dropout_study.analysis.criteria import Equivalent, Exact, Part
from dropout_study.analysis.runs import Effect, Runs
from dropout_study.analysis.small_nets import mean_errors, mean_over, named, nonlinear
from dropout_study.measures.statistics import interval

MARGIN = 0.5


def estimate(studies: Studies) -> dict[str, dict[str, Effect]]:
    """Whether it is a distribution, and how its error differs, averaged over the nets with nonlinear units."""
    runs = studies["enumerable"]
    geometric, arithmetic = (
        mean_errors([same.error(rule) for same in nonlinear(runs)])
        for rule in ("exact_geometric", "exact_arithmetic")
    )

    return {
        "a distribution": {"all nets": Effect(runs.column("exact/geometric_sum_error").tolist())},
        "stands in": {"nonlinear nets": geometric.minus(arithmetic)},
    }


def beside(studies: Studies) -> list[str]:
    """Negative log-likelihoods."""
    nll = [
        same.column("test/nll/exact_geometric") - same.column("test/nll/exact_arithmetic")
        for same in nonlinear(studies["enumerable"])
    ]
    of = interval(mean_over(nll).tolist())
    return [f"NLL of the geometric less that of the arithmetic mean: {of:+.4f} nats"]


def figure(studies: Studies) -> Figure:
    """The error of one ensemble against that of the other."""
    sheet, (axes,) = figures.sheet()

    for i, (arm, frame) in enumerate(
        _with_ensembles(studies["enumerable"]).frame.groupby("arm", sort=True)
    ):
        runs = Runs(frame, {})
        look = {**figures.look(str(arm), i + 1), "linestyle": "none"}
        x, y = (runs.column(f"test/error/exact_{mean}") for mean in ("arithmetic", "geometric"))
        axes.plot(x, y, label=str(arm), alpha=0.7, **look)

    low, high = axes.get_xlim()
    axes.plot([low, high], [low, high], color="0.6", linewidth=1)
    axes.set(
        xlabel="test error of the arithmetic mean (%)",
        ylabel="test error of the geometric mean (%)",
    )
    axes.legend(fontsize=8)

    return sheet


def compared(studies: Studies) -> dict[str, Runs]:
    """The nets with nonlinear units."""
    return named(nonlinear(studies["enumerable"]))


def _with_ensembles(runs: Runs) -> Runs:
    return Runs(
        runs.frame[
            runs.frame.get("test/error/exact_geometric", runs.frame["seed"] * float("nan")).notna()
        ],
        {},
    )


CLAIM = Claim(
    id="geometric_ensemble",
    title="The geometric ensemble",
    says="The renormalized geometric mean of the subnetworks' predictions is a distribution, and can stand in for "
    "their arithmetic mean.",
    source="equations 7.54 and 7.55",
    studies=("enumerable",),
    parts={
        "a distribution": Part("sum over the classes, less 1", Exact(1e-12), ""),
        "stands in": Part(
            "test error of the geometric less that of the arithmetic mean", Equivalent(MARGIN)
        ),
    },
    estimate=estimate,
    figure=figure,
    caption="Test error of both enumerated ensembles; a point is one trained net with nonlinear units.",
    published=(
        Published(
            "geometric against arithmetic mean, small ReLU nets",
            "comparable",
            "Warde-Farley et al. 2014",
            "T",
        ),
    ),
    beside=beside,
    compared=compared,
    notes="The plain 2^n-th root of the notes holds for keep = 1/2, where all masks are equally likely; in general "
    "the mean is weighted with the probabilities of the masks. Nets that are small enough to be enumerated are poor "
    "ones: half of 4 to 16 units is dropped.",
)
