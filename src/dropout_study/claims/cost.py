"""All subnetworks are trained in one forward and one backward pass; prediction takes one pass."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Group, Published, Studies, runs_of
from dropout_study.analysis.criteria import Answers, Measured, Part
from dropout_study.analysis.runs import Effect, Runs
from dropout_study.evaluation.sample_sizes import TIMED_NETWORKS
from dropout_study.measures.statistics import PERCENT, interval

PLAIN = "none"
DROPOUT = "hidden 0.5"
"""Arms of the study `reference`."""
HALF_OF_TEN = f"{TIMED_NETWORKS} passes cost {TIMED_NETWORKS} times as much; half of that is asked"
RATIOS = {
    "dropout": "an update with dropout / without",
    "bag": f"an update of {TIMED_NETWORKS} nets / of one with dropout",
    "scaling": "a pass of weight scaling / of a net without dropout",
    "monte_carlo": f"{TIMED_NETWORKS} masks / one pass of weight scaling",
}
"""Name of a measured ratio -> what is divided by what."""
RATIO_OF = {
    "one pass trains": "dropout",
    "one pass predicts": "scaling",
    "a bag costs more": "bag",
    "sampling costs more": "monte_carlo",
}
"""Part -> name of the ratio that decides it."""
TO_THE_SAME_ERROR = (
    "to reach the final validation error of the net without dropout, training takes an estimated "
    "{} as long"
)


class Cost(Claim):
    """Ratios of the times of training and prediction, and of the updates to the same error."""

    id = "cost"
    title = "Cost"
    says = (
        "All subnetworks are trained within a single pass forwards and backwards, and prediction "
        "takes one pass."
    )
    source = "Computational Efficiency of Dropout Compared to Explicit Ensemble"
    group = Group.COST
    studies = ("cost", "reference")
    headline = ("one pass trains", "all of training")
    parts = {
        "one pass trains": Part(
            f"time of {RATIOS['dropout']}",
            Measured(below=1.5, reason="a second pass would make it 2; half of one is asked"),
            "times",
            answers=Answers.always("an update with dropout takes {} as long as one without"),
        ),
        "all of training": Part(
            "updates that a net with dropout needs to the final validation error of the same net "
            "without, divided by those that this net needs, times the time of an update",
            Measured(
                below=float(TIMED_NETWORKS), reason=f"a bag of {TIMED_NETWORKS} nets costs as much"
            ),
            "times",
            answers=Answers(
                TO_THE_SAME_ERROR,
                TO_THE_SAME_ERROR,
                "it is open how much longer training takes to the final error of the net "
                "without dropout, which some net with dropout may never reach",
            ),
        ),
        "one pass predicts": Part(
            f"time of {RATIOS['scaling']}",
            Measured(
                below=1.2, reason="a second pass would make it 2; a fifth of one is tolerated"
            ),
            "times",
            answers=Answers.always(
                "a pass of weight scaling takes {} as long as one of a net without dropout"
            ),
        ),
        "a bag costs more": Part(
            f"time of {RATIOS['bag']}",
            Measured(above=5.0, reason=HALF_OF_TEN),
            "times",
            answers=Answers.always(
                "an update of a bag of 10 nets takes {} as long as one of a dropout net"
            ),
        ),
        "sampling costs more": Part(
            f"time of {RATIOS['monte_carlo']}",
            Measured(above=5.0, reason=HALF_OF_TEN),
            "times",
            answers=Answers.always("10 sampled masks take {} as long as one scaled pass"),
        ),
    }
    published = (
        Published(
            "time to train a net with dropout / the same net without",
            "2 to 3",
            "Srivastava et al. 2014",
            "T, S",
            same=True,
        ),
    )
    deviations = (
        "Nets 784-1024-1024-10 in batches of 100 on one machine, each ratio timed in five jobs of "
        "30 rounds; what is compared are the medians of the jobs.",
        "The further updates are those of 784-512-512-10, counted on validation curves with a "
        "point every twentieth of the training.",
        "Both nets have the same number of updates and a learning rate that falls to 0 at the "
        "end. The publication trains to convergence without such a schedule, so that its factor "
        "can exceed the one that is possible here.",
        "AdamW instead of SGD with momentum; the published factor names no machine.",
    )
    caption = (
        "Validation error of 784-512-512-10 during training, mean and 95 % interval over seeds; "
        "dotted: the final error without dropout."
    )
    notes = (
        "Two of the five parts hold by construction: weight scaling is an ordinary pass, since "
        f"dropout divides by keep during training, and a bag is timed as {TIMED_NETWORKS} updates "
        "one after another. Left to measure is how many updates the whole training takes."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Ratios of times by the widths of the net, and the time of the whole training."""
        nets = studies["cost"].by("model.widths")

        times = {
            part: {widths: ratio(runs, key) for widths, runs in nets.items()}
            for part, key in RATIO_OF.items()
        }

        return times | {"all of training": {"512x512": whole_training(studies)}}

    def context_lines(self, studies: Studies) -> list[str]:
        """Ratios of updates, and of floating-point operations."""
        lines = [_updates_in_words(studies)]

        for key, what in RATIOS.items():
            operations = studies["cost"].column(f"cost/flops_{key}").iloc[0]
            lines.append(f"operations in matrix products, {what}: {operations:.2f}")

        return lines

    def figure(self, studies: Studies) -> Figure:
        """Both validation curves, from which the updates are counted."""
        sheet, (axes,) = figures.sheet()
        _draw_training(axes, runs_of(studies, "reference"))

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """The two nets whose updates are counted."""
        reference = runs_of(studies, "reference")
        return {arm: reference.where(arm=arm) for arm in (PLAIN, DROPOUT)}


def ratio(runs: Runs, key: str) -> Effect:
    """A ratio of times of each job, median over its rounds."""
    return Effect(runs.curve(f"cost/{key}").median().tolist())


def updates_needed(curve: pd.DataFrame, error: "pd.Series[float]") -> "pd.Series[float]":
    """The first step at which a validation curve is as low as an error, by seed; nan if none is.

    >>> curve = pd.DataFrame({100: [9.0, 4.0, 2.0], 101: [9.0, 8.0, 7.0]}, index=[10, 20, 30])
    >>> updates_needed(curve, pd.Series({100: 4.0, 101: 4.0})).to_dict()
    {100: 20.0, 101: nan}
    """
    reached = curve.sort_index().le(error, axis=1)
    return reached.idxmax().where(reached.any()).astype(float)


def updates_to_same_error(reference: Runs) -> "pd.Series[float]":
    """Updates that dropout needs to the plain net's final validation error / those of that net.

    By seed; nan where dropout does not reach it.
    """
    plain = reference.where(arm=PLAIN).curve("val/error").sort_index()
    target = plain.iloc[-1]  # of the curve, whose points have fewer digits than the metric
    needed = updates_needed(reference.where(arm=DROPOUT).curve("val/error"), target)

    return needed / updates_needed(plain, target)


def whole_training(studies: Studies) -> Effect:
    """The ratio of updates of each seed times the mean ratio of the times of an update."""
    factors = updates_to_same_error(runs_of(studies, "reference"))
    time = float(np.mean(ratio(studies["cost"], "dropout").values))

    return Effect((factors * time).tolist(), factors.index.tolist())


def _updates_in_words(studies: Studies) -> str:
    """The ratio of updates, and what it makes of the time of an update, in words."""
    factors = updates_to_same_error(runs_of(studies, "reference"))
    reached = factors.dropna()
    if reached.empty:
        return "no dropout net reaches the plain net's final validation error"

    time = interval(ratio(studies["cost"], "dropout").values)
    updates = interval(reached.tolist())

    return (
        f"updates to the plain net's final validation error, with dropout / without: "
        f"{updates:.2f} ({len(reached)} of {len(factors)} seeds reach it); times the time of an "
        f"update, {time.mean:.2f}: training takes {updates.mean * time.mean:.2f} times as long"
    )


def _draw_training(axes: Axes, reference: Runs) -> None:
    """Validation error by update, with and without dropout."""
    for i, arm in enumerate((PLAIN, DROPOUT)):
        figures.line(axes, reference.where(arm=arm).curve("val/error"), arm, i, within=PERCENT)

    final_error = reference.where(arm=PLAIN).last("val/error").mean()
    axes.axhline(final_error, color="0.3", linewidth=1, linestyle=":")
    axes.set(xlabel="updates", ylabel="validation error (%)", yscale="log")
