"""Dropout with very much data."""

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Group, Studies
from dropout_study.analysis.criteria import Answers, Better, NotWorse, Part
from dropout_study.analysis.margins import NO_SIZE
from dropout_study.analysis.runs import Effect, Runs, weighted, weighted_logs
from dropout_study.measures.statistics import PERCENT

SHARE = 0.1
"""Of the error without dropout, which a gain has to reach to count."""


class LargeData(Claim):
    """What dropout saves at the published size of MNIST-1D, and at fifty times that."""

    id = "large_data"
    title = "Very large data sets"
    says = (
        "When the data set is very large, regularization reduces the generalization error little."
    )
    source = "the paragraph on the cost of dropout"
    group = Group.BEYOND
    studies = ("large_data",)
    parts = {
        "gains less": Part(
            "log(error without dropout / error with dropout): at the smallest size minus at the "
            "largest",
            Better(0, NO_SIZE),
            unit="",
            axis="difference of log ratios of errors",
            settled_within=0.1,
            answers=Answers(
                "dropout saves a larger part of the error at 4,000 examples than at the largest "
                "number, by a log ratio of {}",
                "dropout saves a smaller part of the error at 4,000 examples than at the largest "
                "number, by a log ratio of {}",
                "it is open whether dropout saves a smaller part of the error with more data",
            ),
        ),
        "gains little": Part(
            "points of test error that dropout saves at the largest size, minus a tenth of the "
            "error without dropout there",
            NotWorse(0, "a tenth of the error is what the margins of this report count from"),
            settled_within=0.3,
            answers=Answers(
                "at the largest number dropout saves {} less than a tenth of the error",
                "at the largest number dropout saves {} more than a tenth of the error",
                "it is open whether dropout saves a tenth of the error at the largest number",
            ),
        ),
    }
    deviations = (
        "The book gives no experiment and no number. The largest set here has 200,000 generated "
        "examples of 40 numbers, for a net of 79,000 weights; larger ones are not tested. The "
        "sentence goes on that the cost may then outweigh the benefit, which is not tested.",
        "40-256-256-10 on MNIST-1D, which is no image classification; fully connected nets solve "
        "it badly with few examples.",
        "10,000 updates of 100 examples at 4,000 examples, 20,000 at 30,000 and 40,000 at 200,000: "
        "250, 67 and 20 epochs. Nets have less time to overfit where there are more examples: at "
        "the largest number, where half of the updates stand beside all, the effect of dropout "
        "still moves towards a gain, so that after more epochs it might save a tenth.",
        "Learning rate and, with dropout, rate (0.1, 0.25 or 0.5; a choice at an end extends "
        "these) are chosen for each size, at half of the updates, by four nets on the 1,000 "
        "published test examples: candidates that differ by a point can be taken for each other, "
        "which no interval includes.",
        "All networks of a size learn from the same examples, or nearly so: intervals do not "
        "include their choice.",
        "The book speaks of the cost of dropout and of larger models; here the net is the same "
        "with and without dropout.",
        "Test examples: 40,000, generated with other seeds.",
    )
    caption = (
        "Test error of nets with and without dropout by the number of training examples, each with "
        "the constants that validation data chose. Mean and 95 % interval over seeds."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Gains at the smallest and at the largest size."""
        runs = studies["large_data"]
        smallest, *_, largest = sizes(runs)
        few, few_dropped = (arm(runs, name, smallest).error() for name in ("none", "dropout"))
        many, many_dropped = (arm(runs, name, largest).error() for name in ("none", "dropout"))
        shrinking = weighted_logs(
            [(1.0, few), (-1.0, few_dropped), (-1.0, many), (1.0, many_dropped)]
        )
        excess = weighted([(1 - SHARE, many), (-1.0, many_dropped)])

        return {
            "gains less": {"smallest minus largest": shrinking},
            "gains little": {"largest": excess},
        }

    def context_lines(self, studies: Studies) -> list[str]:
        """Errors and choices at every size."""
        runs = studies["large_data"]
        lines = []

        for size in sizes(runs):
            none, dropout = (arm(runs, name, size) for name in ("none", "dropout"))
            gain = none.error().minus(dropout.error()).estimate().interval()
            lines.append(
                f"{size:,} examples: test error "
                f"{none.column('test/error/weight_scaling').mean():.2f} % without dropout, "
                f"{dropout.column('test/error/weight_scaling').mean():.2f} % with, at rate "
                f"{float(dropout.frame.iloc[0]['model.hidden_rate']):g}; saved {gain:+.2f} points"
            )

        return lines

    def figure(self, studies: Studies) -> Figure:
        """Error by number of training examples."""
        runs = studies["large_data"]
        sheet, (axes,) = figures.sheet()

        for i, name in enumerate(("none", "dropout")):
            errors = [
                arm(runs, name, size).column("test/error/weight_scaling").tolist()
                for size in sizes(runs)
            ]
            figures.points(axes, sizes(runs), errors, name, i, within=PERCENT)

        axes.set(xscale="log", yscale="log", xlabel="training examples", ylabel="test error (%)")

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """All sizes with and without dropout."""
        return studies["large_data"].by("arm")


def sizes(runs: Runs) -> list[int]:
    """The numbers of training examples, ascending."""
    return [int(size) for size in runs.values_of("data.train_size")]


def arm(runs: Runs, name: str, size: int) -> Runs:
    """The nets of an arm at a size.

    Raises:
        ResultsMissing: there are none.
    """
    return runs.where(arm=f"{name}, n = {size}")
