"""Dropout against an ensemble of nets that have one mask each, and weights of their own."""

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Group, Published, Studies
from dropout_study.analysis.criteria import Answers, Better, Part
from dropout_study.analysis.margins import NO_SIZE
from dropout_study.analysis.runs import Effect, Runs, minus
from dropout_study.claims.bagging import size, whole_bag
from dropout_study.measures.statistics import PERCENT

ENSEMBLES = ("ensemble, rate 0.2", "ensemble, rate 0.5")


class UntiedEnsembles(Claim):
    """An ensemble of masked nets, each trained alone, and one dropout net of the same cost."""

    id = "untied_ensembles"
    title = "Ensembles without shared weights"
    says = (
        "Dropout improves generalization beyond what ensembles of independently trained "
        "subnetworks reach."
    )
    source = "the paragraph on Warde-Farley et al. (2014)"
    group = Group.BEYOND
    studies = ("untied",)
    parts = {
        "at equal training cost": Part(
            "test error of the ensemble minus test error of one dropout net with the updates of "
            "all its members",
            Better(0, NO_SIZE),
            settled_within=0.3,
            answers=Answers(
                "one dropout net makes {} fewer errors than an ensemble of 10 subnetworks with "
                "weights of their own",
                "one dropout net makes {} more errors than an ensemble of 10 subnetworks with "
                "weights of their own",
                "no difference was found between one dropout net and an ensemble of 10 "
                "subnetworks with weights of their own",
            ),
        ),
    }
    published = (
        Published(
            "ensembles of independently trained masked nets, compared with dropout",
            "worse",
            "Warde-Farley et al. 2014, as Deep Learning (2016), section 7.12, reports",
            "W",
        ),
    )
    deviations = (
        "The sentence sets no limit to the cost of the ensemble; here both cost as much to train.",
        "Ensembles of 10 members, where the publication's are large (its number could not be "
        "read); what the second five add is given below.",
        "784-256-256-10 on 10,000 examples of MNIST; a member has 5,000 updates and the dropout "
        "net 50,000. Test images: 10,000, and 40,000 of the training set that nothing was trained "
        "or chosen on. All nets learn from the same examples, whose choice no interval includes.",
        "A member keeps each hidden unit with the probability 1 - rate, once and for all. Members "
        "choose their learning rate by their own validation error, and not by that of the "
        "ensemble; both rates of dropping are to be beaten. Dropout chooses 0.2, 0.35 or 0.5, "
        "where a choice at an end extends these.",
        "A member starts with weights of the whole net, and units that are kept are not scaled: "
        "its logits start smaller than those of a net that was built without the other units.",
        "Ensembles of nets that lack no units are asked for by `bagging`, on all of MNIST.",
        "AdamW with a one-cycle schedule; candidates are chosen after half of the final updates.",
    )
    notes = (
        "The book's reading is that sharing weights makes the subnetworks better; nothing here "
        "separates that from other differences."
    )
    caption = (
        "Test error of the mean prediction of nets with one mask each, by number of members, and "
        "of one dropout net that is trained as long as all of them. Mean and 95 % interval over "
        "ensembles."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Errors of whole ensembles minus those of dropout; seeds are those of first members."""
        runs = studies["untied"]
        dropout = runs.where(arm="dropout").error()

        return {
            "at equal training cost": {
                arm: whole_bag(ensembles(runs, arm)).minus(dropout) for arm in ENSEMBLES
            }
        }

    def context_lines(self, studies: Studies) -> list[str]:
        """Errors of members, of half and whole ensembles and of dropout, and their likelihoods."""
        runs = studies["untied"]
        dropout = runs.where(arm="dropout")
        error = dropout.column("test/error/weight_scaling").mean()
        rate = float(dropout.frame.iloc[0]["model.hidden_rate"])

        return [
            f"dropout: test error {error:.2f} %, at rate {rate:g}",
            *(_describe(ensembles(runs, arm), arm, dropout) for arm in ENSEMBLES),
        ]

    def figure(self, studies: Studies) -> Figure:
        """Error by number of members, and the error of dropout."""
        runs = studies["untied"]
        sheet, (axes,) = figures.sheet()

        for i, arm in enumerate(ENSEMBLES, 2):
            first = ensembles(runs, arm)
            figures.line(axes, first.curve("bag/error"), arm, i, within=PERCENT)

        errors = runs.where(arm="dropout").column("test/error/weight_scaling").tolist()
        figures.level(axes, errors, (1, size(first)), "dropout", within=PERCENT)
        axes.set(xlabel="members of the ensemble", ylabel="test error (%)")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """Members and dropout."""
        return studies["untied"].by("arm")


def ensembles(untied: Runs, arm: str) -> Runs:
    """The first member of each ensemble of an arm, which carries its results.

    Raises:
        ResultsMissing: there are none.
    """
    return untied.where(arm=arm).with_column("curve/bag/error")


def _describe(first: Runs, arm: str, dropout: Runs) -> str:
    count = size(first)
    errors = [first.at("bag/error", members).mean() for members in (1, count // 2, count)]
    nll = minus(first.at("bag/nll", count), dropout.column("test/nll/weight_scaling"))

    return (
        f"{arm}: a member alone {errors[0]:.2f} %, {count // 2} members {errors[1]:.2f} %, {count} "
        f"members {errors[2]:.2f} %; NLL of {count} members minus that of dropout "
        f"{nll.estimate().interval():+.4f} nats"
    )
