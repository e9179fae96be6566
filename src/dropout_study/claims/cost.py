"""All subnetworks are trained in one forward and one backward pass; prediction takes one pass."""

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Published, Studies
from dropout_study.analysis.criteria import Measured, Part
from dropout_study.analysis.runs import Effect
from dropout_study.evaluation.sample_sizes import TIMED_NETWORKS

RATIOS = {
    "dropout": "an update with dropout / without",
    "bag": f"an update of {TIMED_NETWORKS} nets / of one with dropout",
    "scaling": "a pass of weight scaling / of a net without dropout",
    "monte_carlo": f"{TIMED_NETWORKS} masks / one pass of weight scaling",
}
"""Name of a measured ratio -> what is divided by what."""


class Cost(Claim):
    """Ratios of the times of training and prediction."""

    id = "cost"
    title = "Cost"
    says = (
        "All subnetworks are trained within a single pass forwards and backwards, and prediction "
        "takes one pass."
    )
    source = "Computational Efficiency of Dropout Compared to Explicit Ensemble"
    studies = ("cost",)
    parts = {
        "one pass trains": Part(f"time of {RATIOS['dropout']}", Measured(below=1.5), "times"),
        "a bag costs more": Part(f"time of {RATIOS['bag']}", Measured(above=5.0), "times"),
        "one pass predicts": Part(f"time of {RATIOS['scaling']}", Measured(below=1.2), "times"),
        "sampling costs more": Part(
            f"time of {RATIOS['monte_carlo']}", Measured(above=5.0), "times"
        ),
    }
    published = (
        Published(
            "training with dropout, until convergence",
            "2 to 3 times as long",
            "Srivastava et al. 2014",
            "T, S",
        ),
    )
    caption = (
        "Ratios of times for a net with two hidden layers; the two times of a ratio are measured "
        "one after the other. Grey: every round; black: mean and 95 % interval over rounds."
    )
    notes = (
        "The published factor counts the further updates that dropout needs; here one update is "
        "timed. Two of the four hold by construction: weight scaling is an ordinary pass, since "
        "dropout divides by keep during training, and a bag is timed as "
        f"{TIMED_NETWORKS} updates one after another."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Ratios of times."""
        measured = ratios(studies)
        return {
            "one pass trains": {RATIOS["dropout"]: measured["dropout"]},
            "a bag costs more": {RATIOS["bag"]: measured["bag"]},
            "one pass predicts": {RATIOS["scaling"]: measured["scaling"]},
            "sampling costs more": {RATIOS["monte_carlo"]: measured["monte_carlo"]},
        }

    def context_lines(self, studies: Studies) -> list[str]:
        """Ratios of floating-point operations."""
        lines = []

        for key, ratio in RATIOS.items():
            operations = studies["cost"].column(f"cost/flops_{key}").iloc[0]
            lines.append(f"operations in matrix products, {ratio}: {operations:.2f}")

        return lines

    def figure(self, studies: Studies) -> Figure:
        """All rounds, and their means."""
        sheet, (axes,) = figures.sheet(width=5.3, height=2.4)
        effects = {RATIOS[key]: effect for key, effect in ratios(studies).items()}
        figures.forest(axes, effects, margin=1.0)
        axes.set(
            xlabel="ratio of times",
            xscale="log",
            xticks=[1, 2, 5, 10],
            xticklabels=["1", "2", "5", "10"],
        )

        return sheet


def ratios(studies: Studies) -> dict[str, Effect]:
    """Each ratio of times, one value per round, of the first seed."""
    runs = studies["cost"]
    return {key: Effect(runs.curve(f"cost/{key}").iloc[:, 0].tolist()) for key in RATIOS}
