"""The renormalized geometric mean is a distribution that can replace the arithmetic mean."""

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Published, Studies
from dropout_study.analysis.criteria import Equivalent, Exact, Part
from dropout_study.analysis.runs import Effect, Runs
from dropout_study.analysis.small_nets import mean_errors, mean_over, named, nonlinear
from dropout_study.measures.statistics import interval

MARGIN = 0.5  # points of test error


class GeometricEnsemble(Claim):
    """Both enumerated ensembles are compared by their test errors."""

    id = "geometric_ensemble"
    title = "The geometric ensemble"
    says = (
        "The renormalized geometric mean of the subnetworks' predictions is a distribution, and "
        "can stand in for their arithmetic mean."
    )
    source = "equations 7.54 and 7.55"
    studies = ("enumerable",)
    parts = {
        "a distribution": Part("sum over the classes, minus 1", Exact(1e-12), ""),
        "stands in": Part(
            "test error of the geometric mean minus test error of the arithmetic mean",
            Equivalent(MARGIN),
        ),
    }
    published = (
        Published(
            "geometric and arithmetic mean, small ReLU nets",
            "comparable",
            "Warde-Farley et al. 2014",
            "T",
        ),
    )
    caption = (
        "Test error of both enumerated ensembles; each point is one trained net with nonlinear "
        "units."
    )
    notes = (
        "The plain 2^n-th root of the book holds for keep = 1/2, where all masks are equally "
        "likely; in general the mean is weighted with the probabilities of the masks. Nets that "
        "are small enough to be enumerated perform poorly: half of 4 to 16 units is dropped."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """The error of the sum, and the difference in test error, mean over the nonlinear nets."""
        runs = studies["enumerable"]
        sum_error = runs.column("exact/geometric_sum_error").tolist()
        nets = nonlinear(runs)
        geometric = mean_errors([net.error("exact_geometric") for net in nets])
        arithmetic = mean_errors([net.error("exact_arithmetic") for net in nets])

        return {
            "a distribution": {"all nets": Effect(sum_error)},
            "stands in": {"nonlinear nets": geometric.minus(arithmetic)},
        }

    def context_lines(self, studies: Studies) -> list[str]:
        """Negative log-likelihoods."""
        differences = [
            net.column("test/nll/exact_geometric") - net.column("test/nll/exact_arithmetic")
            for net in nonlinear(studies["enumerable"])
        ]
        ci = interval(mean_over(differences).tolist())

        return [f"NLL of the geometric mean minus NLL of the arithmetic mean: {ci:+.4f} nats"]

    def figure(self, studies: Studies) -> Figure:
        """The error of one ensemble against that of the other."""
        sheet, (axes,) = figures.sheet()
        enumerated = studies["enumerable"].with_column("test/error/exact_geometric")

        for i, (arm, nets) in enumerate(enumerated.by("arm").items()):
            look = {**figures.look(arm, i + 1), "linestyle": "none"}
            x = nets.column("test/error/exact_arithmetic")
            y = nets.column("test/error/exact_geometric")
            axes.plot(x, y, label=arm, alpha=0.7, **look)

        low, high = axes.get_xlim()
        axes.plot([low, high], [low, high], color="0.6", linewidth=1)
        axes.set(
            xlabel="test error of the arithmetic mean (%)",
            ylabel="test error of the geometric mean (%)",
        )
        axes.legend(fontsize=8)

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """The nets with nonlinear units."""
        return named(nonlinear(studies["enumerable"]))
