"""Dropout as an efficient alternative to bagging."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Studies
from dropout_study.analysis.criteria import Greater, Part
from dropout_study.analysis.runs import Effect, Errors, Runs
from dropout_study.measures.statistics import interval, range_of

BAGGED = "bagged"
DROPOUT = "dropout"
LONG_DROPOUT = "dropout, trained as long as a bag"
MARGIN = -0.2  # points of test error
REFERENCES = {
    "dropout": (DROPOUT, "weight_scaling"),
    "dropout, Monte Carlo": (DROPOUT, "monte_carlo"),
    "dropout, long": (LONG_DROPOUT, "weight_scaling"),
}
"""Name in the figure -> arm and rule of what a bag is compared with."""


class Bagging(Claim):
    """Bags of nets without dropout against single nets with dropout."""

    id = "bagging"
    title = "Against bagging"
    says = "Dropout is a computationally efficient alternative to bagging."
    source = "the paragraph Dropout, and equations 7.52 and 7.53"
    studies = ("bagging",)
    parts = {
        "at the cost of one net": Part(
            "test error of a bag of one net minus test error of one dropout net", Greater()
        ),
        "against a whole bag": Part(
            "test error of a whole bag minus test error of one dropout net in one pass",
            Greater(MARGIN),
        ),
    }
    caption = (
        "Bags of nets without dropout on bootstrap resamples (mean of the probabilities) and "
        "single dropout nets with the same number of updates (long: as many as all members "
        "together)."
    )
    notes = (
        f"The margin lets dropout be up to {-MARGIN:g} points worse than a bag, whose training and "
        "prediction cost as much as those of all its members. The only member of a bag of one has "
        "seen a bootstrap resample, 63 % of the different images: a net without dropout trained "
        "on all images also beats it."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Differences of test errors; a dropout net shares the seed of its bag's first member."""
        runs = studies["bagging"]
        dropout = runs.where(arm=DROPOUT).error()

        return {
            "at the cost of one net": {"1 member": one_member(runs).minus(dropout)},
            "against a whole bag": {"all members": all_members(runs).minus(dropout)},
        }

    def context_lines(self, studies: Studies) -> list[str]:
        """Comparisons at equal cost of training or of prediction."""
        runs = studies["bagging"]
        dropout = runs.where(arm=DROPOUT)
        bag = all_members(runs)
        name = f"bag of {size(runs)}"

        longer = interval(bag.minus(runs.where(arm=LONG_DROPOUT).error()).values)
        sampled = interval(bag.minus(dropout.error("monte_carlo")).values)
        nll = {
            name: bags(runs).curve("bag/nll").iloc[-1],
            "dropout in one pass": dropout.column("test/nll/weight_scaling"),
            "dropout with Monte Carlo": dropout.column("test/nll/monte_carlo"),
        }
        nll_means = ", ".join(f"{of_what} {values.mean():.4f}" for of_what, values in nll.items())

        return [
            f"test error at equal training cost, {name} minus dropout trained as long, in one "
            f"pass: {longer:+.3f} points",
            f"test error, {name} minus dropout with Monte Carlo: {sampled:+.3f} points",
            f"NLL: {nll_means} nats",
        ]

    def figure(self, studies: Studies) -> Figure:
        """Error and NLL by number of members, and those of the dropout nets."""
        sheet, axes = figures.sheet(2)
        _draw(axes[0], studies["bagging"], "error", "test error (%)")
        _draw(axes[1], studies["bagging"], "nll", "NLL (nats)")

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """All arms."""
        return {arm: studies["bagging"].where(arm=arm) for arm in (BAGGED, DROPOUT, LONG_DROPOUT)}


def bags(runs: Runs) -> Runs:
    """The first member of each bag, which carries the bag's results."""
    return runs.where(arm=BAGGED).with_column("curve/bag/error")


def size(runs: Runs) -> int:
    """The number of members of a whole bag."""
    return int(bags(runs).curve("bag/error").index.max())


def one_member(runs: Runs) -> Errors:
    """Errors of bags of one member."""
    return Errors(bags(runs).at("bag/error", 1), bags(runs).wrong("weight_scaling"))


def all_members(runs: Runs) -> Errors:
    """Errors of whole bags."""
    return Errors(bags(runs).at("bag/error", size(runs)), bags(runs).wrong("bag"))


def _draw(axes: Axes, runs: Runs, measure: str, label: str) -> None:
    possible = range_of(measure)
    curve = bags(runs).curve(f"bag/{measure}")
    members = curve.index.max()
    figures.line(axes, curve, "bag", 0, within=possible)

    for i, (name, (arm, rule)) in enumerate(REFERENCES.items(), 1):
        values = runs.where(arm=arm).column(f"test/{measure}/{rule}").tolist()
        ci = interval(values).within(possible)
        look = figures.look(name, i)
        axes.axhspan(ci.low, ci.high, color=look["color"], alpha=0.12, linewidth=0)
        axes.axhline(ci.mean, color=look["color"], linestyle=look["linestyle"], label=name)
        figures.label_end(axes, name, (members, ci.mean), look["color"])

    axes.set(xlabel="members of the bag", ylabel=label, xlim=(0.5, members))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
