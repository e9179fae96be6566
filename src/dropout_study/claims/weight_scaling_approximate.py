"""With nonlinear hidden units weight scaling is an approximation."""

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Published, Studies
from dropout_study.analysis.criteria import Equivalent, Greater, Part
from dropout_study.analysis.runs import Effect, Runs
from dropout_study.analysis.small_nets import (
    deep,
    is_deep,
    mean_errors,
    mean_over,
    named,
    nonlinear,
)
from dropout_study.measures.statistics import interval

MARGIN = 1.0  # points of test error


class WeightScalingApproximate(Claim):
    """The divergence from the enumerated ensemble, and what it costs in test error."""

    id = "weight_scaling_approximate"
    title = "Weight scaling, approximate"
    says = (
        "Where there are nonlinear hidden units, one pass with scaled weights approximates the "
        "ensemble."
    )
    source = "the sentence before equation 7.56, and the intuition behind 7.66"
    studies = ("enumerable",)
    parts = {
        "not exact": Part(
            "KL divergence from the geometric ensemble to weight scaling", Greater(1e-6), "nats"
        ),
        "close": Part(
            "test error of weight scaling minus test error of the geometric ensemble",
            Equivalent(MARGIN),
        ),
    }
    published = (
        Published(
            "weight scaling and the exact ensemble, small ReLU nets",
            "very close",
            "Warde-Farley et al. 2014",
            "T",
        ),
        Published(
            "KL divergence from the mean of 1,000 masks to halved weights, tanh",
            "4.4e-4",
            "code of Goodfellow et al. 2013",
            "P",
        ),
    )
    caption = (
        "Divergence of weight scaling from the enumerated geometric ensemble, on trained nets "
        "with masks on hidden units at rate 0.5, both on one scale. Mean and 95 % interval over "
        "seeds."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Means over the nets with two layers of nonlinear units."""
        nets = deep(studies["enumerable"])
        divergence = mean_over([net.column("exact/kl") for net in nets])
        scaled = mean_errors([net.error("weight_scaling") for net in nets])
        exact = mean_errors([net.error("exact_geometric") for net in nets])

        return {
            "not exact": {"two hidden layers": Effect(divergence.tolist())},
            "close": {"two hidden layers": scaled.minus(exact)},
        }

    def context_lines(self, studies: Studies) -> list[str]:
        """Divergence and both errors of each net."""
        lines = []

        for name, net in named(nonlinear(studies["enumerable"])).items():
            divergence = interval(net.column("exact/kl").tolist())
            scaled = net.column("test/error/weight_scaling").mean()
            exact = net.column("test/error/exact_geometric").mean()
            errors = f"{scaled:.2f} % with weight scaling, {exact:.2f} % of the geometric ensemble"
            lines.append(f"{name}: KL {divergence:.2g} nats; test error {errors}")

        return lines

    def figure(self, studies: Studies) -> Figure:
        """Divergence by number of units, for each activation and depth."""
        sheet, axes = figures.sheet(2)
        nets_by_arm = studies["enumerable"].by("arm")
        nets_by_arm.pop("softmax regression", None)

        for i, (arm, nets) in enumerate(nets_by_arm.items()):
            for axis, two_layers in zip(axes, (False, True), strict=True):
                chosen = [net for net in nets.conditions() if is_deep(net) == two_layers]
                chosen.sort(key=_units)
                x = [_units(net) for net in chosen]
                values = [net.column("exact/kl").tolist() for net in chosen]

                if chosen:
                    figures.points(axis, x, values, arm, i)

        for axis, title in zip(axes, ("one hidden layer: exact", "two hidden layers"), strict=True):
            axis.set(xlabel="droppable units", ylabel="KL to weight scaling (nats)")
            axis.set_title(title, fontsize=9, loc="left")

        axes[0].set_ylim(axes[1].get_ylim())

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """The nets with two layers of nonlinear units."""
        return named(deep(studies["enumerable"]))


def _units(net: Runs) -> float:
    return float(net.column("exact/units").iloc[0])
