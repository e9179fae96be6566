"""Dropout as an efficient alternative to bagging."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Group, Studies
from dropout_study.analysis.criteria import Answers, Better, Part
from dropout_study.analysis.margins import MNIST_SETTLED, NO_SIZE
from dropout_study.analysis.runs import Effect, Errors, Runs, minus
from dropout_study.measures.statistics import PERCENT

BAGS = {"bagged": "bag on resamples", "whole data": "bag on all data"}
"""Arm of bags of nets without dropout -> its name; each net learns from a bootstrap resample, or
from all data.
"""
SINGLE = {"dropout": "dropout", "long dropout": "dropout, long", "long plain": "plain, long"}
"""Arm of single nets -> its name in the figure; long: with as many updates as a whole bag."""


class Bagging(Claim):
    """Bags of nets without dropout against single nets with dropout, at equal training cost."""

    id = "bagging"
    title = "Against bagging"
    says = "Dropout is a computationally efficient alternative to bagging."
    source = "the paragraph Dropout, and equations 7.52 and 7.53"
    group = Group.HELP
    studies = ("bagging",)
    headline = ("at equal training cost",)
    parts = {
        "at equal training cost": Part(
            "test error of a bag of 10 nets without dropout minus test error of one dropout net "
            "with as many updates as the whole bag, for bags on bootstrap resamples and on all "
            "data and each width",
            Better(0, NO_SIZE),
            settled_within=MNIST_SETTLED,
            answers=Answers(
                "one dropout net makes {} fewer errors than a bag of 10 nets of the same cost "
                "of training",
                "one dropout net makes {} more errors than a bag of 10 nets of the same cost "
                "of training",
                "no difference was found between one dropout net and a bag of 10 nets of the "
                "same cost of training",
            ),
        ),
        "not the updates alone": Part(
            "test error of one net without dropout minus test error of one dropout net, both with "
            "as many updates as a whole bag, for each width",
            Better(0, NO_SIZE),
            settled_within=MNIST_SETTLED,
            answers=Answers(
                "with as many updates, one dropout net makes {} fewer errors than one net "
                "without dropout",
                "with as many updates, one dropout net makes {} more errors than one net "
                "without dropout",
                "with as many updates, no difference was found between one net with and one "
                "without dropout",
            ),
        ),
    }
    deviations = (
        "The learning rate of a bag is the one that suits its members, each by its own validation "
        "error, and not the bag; all are chosen after half of the final updates.",
        "The book gives no experiment; nets, data and bags are choices of this study: "
        "784-256-256-10 and 784-512-512-10 on MNIST, 5 bags of 10.",
        "A member of a bag has 5,000 updates and the long nets 50,000; more updates for all "
        "would favour whoever learns more slowly.",
        "AdamW with a one-cycle schedule; the learning rate of each arm and width is chosen among "
        "at least three on validation data.",
        "Dropout at rate 0.5 in hidden units alone, without max-norm.",
        "Costs are counted in updates of one net; that an update with dropout takes about as long "
        "as one without is a part of the claim on cost.",
    )
    caption = (
        "Test error of bags of nets without dropout (mean of the probabilities) by number of "
        "members, on bootstrap resamples and on all data, and of single nets; long: with as many "
        "updates as a bag of 10. Mean and 95 % interval over bags."
    )
    notes = (
        "At equal training cost dropout is cheaper still to predict with: one pass instead of 10. "
        "Each member of a bag on bootstrap resamples sees 63 % of the different images, so bags "
        "whose members see all of them, from different initial weights, are compared too. In the "
        "curves and the table of tuning, 'bagged' stands for nets on resamples, 'whole data' for "
        "nets on all data, 'long' for as many updates as a bag."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Differences of test errors; a single net shares the seed of its bag's first member."""
        runs = studies["bagging"]
        against_bags = {}
        control = {}

        for widths in widths_of(runs):
            long_dropout = single(runs, "long dropout", widths).error()
            long_plain = single(runs, "long plain", widths).error()
            net = in_words(widths)
            control[net] = long_plain.minus(long_dropout)

            for kind, name in BAGS.items():
                effect = whole_bag(bags(runs, kind, widths)).minus(long_dropout)
                against_bags[f"{name}, {net}"] = effect

        return {"at equal training cost": against_bags, "not the updates alone": control}

    def context_lines(self, studies: Studies) -> list[str]:
        """Comparisons at the cost of one member, and likelihoods at equal training cost."""
        runs = studies["bagging"]
        lines = []

        for widths in widths_of(runs):
            dropout = single(runs, "dropout", widths).error()
            long_dropout = single(runs, "long dropout", widths)

            for kind, name in BAGS.items():
                bag = bags(runs, kind, widths)
                error = whole_bag(bag).minus(dropout).estimate().interval()
                nll = minus(
                    bag.at("bag/nll", size(bag)), long_dropout.column("test/nll/weight_scaling")
                )
                passes = size(bag)
                lines.append(
                    f"{name}, {in_words(widths)}, {passes} members minus dropout with the updates "
                    f"of one member: {error:+.3f} points of test error; minus dropout with those "
                    f"of all members: {nll.estimate().interval():+.4f} nats of NLL; the bag "
                    f"predicts in {passes} passes, dropout in one"
                )

        return lines

    def remarks(self, studies: Studies) -> list[str]:  # noqa: ARG002
        """Which of the bags the book means."""
        return [
            "bagging proper draws resamples; bags whose nets all learn from all data are a "
            "stronger rival, which this study adds"
        ]

    def figure(self, studies: Studies) -> Figure:
        """Error by number of members, for each width, and the errors of single nets."""
        runs = studies["bagging"]
        sizes = widths_of(runs)
        sheet, axes = figures.sheet(len(sizes))

        for axis, widths in zip(axes, sizes, strict=True):
            _draw(axis, runs, widths)

        for axis in axes[1:]:
            axis.sharey(axes[0])

        axes[0].autoscale(axis="y")

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """All arms of all widths."""
        return studies["bagging"].by("arm")


def widths_of(runs: Runs) -> list[str]:
    """The widths of the study's nets, narrowest first: `256x256`."""
    return sorted(runs.values_of("model.widths"), key=lambda widths: int(widths.partition("x")[0]))


def in_words(widths: str) -> str:
    """The widths as they are written in a sentence: `256-256`."""
    return widths.replace("x", "-")


def single(runs: Runs, arm: str, widths: str) -> Runs:
    """The single nets of an arm and width.

    Raises:
        ResultsMissing: there are none.
    """
    return runs.where(arm=f"{arm}, {widths}")


def bags(runs: Runs, kind: str, widths: str) -> Runs:
    """The first member of each bag, which carries the bag's results.

    Raises:
        ResultsMissing: there are no such bags.
    """
    return runs.where(arm=f"{kind}, {widths}").with_column("curve/bag/error")


def size(bag: Runs) -> int:
    """The number of members of a whole bag."""
    return int(bag.curve("bag/error").index.max())


def whole_bag(bag: Runs) -> Errors:
    """Errors of whole bags."""
    return Errors(bag.at("bag/error", size(bag)), bag.wrong("bag"))


def _draw(axes: Axes, runs: Runs, widths: str) -> None:
    """The nets of one width."""
    for i, (kind, name) in enumerate(BAGS.items()):
        bag = bags(runs, kind, widths)
        figures.line(axes, bag.curve("bag/error"), name, i + 2, within=PERCENT)
        members = size(bag)

    for i, (arm, name) in enumerate(SINGLE.items(), 5):
        errors = single(runs, arm, widths).column("test/error/weight_scaling").tolist()
        figures.level(axes, errors, (1, members), name, i, within=PERCENT)

    axes.set(xlabel="members of the bag", ylabel="test error (%)")
    axes.set_title(in_words(widths), fontsize=9, loc="left")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
