"""Dropout against an ensemble of nets that have one mask each, and weights of their own."""

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Group, Published, Studies
from dropout_study.analysis.criteria import Answers, Better, Part
from dropout_study.analysis.margins import NO_SIZE
from dropout_study.analysis.runs import Effect, Runs, minus
from dropout_study.claims.bagging import size, whole_bag
from dropout_study.measures.statistics import PERCENT, interval


class UntiedEnsembles(Claim):
    """An ensemble of masked nets, each trained alone, and one dropout net of the same cost."""

    id = "untied_ensembles"
    title = "Ensembles without shared weights"
    says = (
        "Dropout improves generalization beyond ensembles of independently trained subnetworks: "
        "sharing weights is a gain of its own."
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
                "no difference was found between dropout and an ensemble of independent "
                "subnetworks",
            ),
        ),
    }
    published = (
        Published(
            "ensembles of independently trained masked nets, compared with dropout",
            "worse",
            "Warde-Farley et al. 2014, as Deep Learning (2016), section 7.12, reports",
            "S",
        ),
    )
    deviations = (
        "Ensembles of 10 members; the publication's number could not be read.",
        "784-256-256-10 on 10,000 examples of MNIST; a member has 5,000 updates and the dropout "
        "net 50,000. Test images: 10,000, and 30,000 of the training set that nothing was trained "
        "or chosen on.",
        "A member keeps each hidden unit with the probability 1 - rate, once and for all. Its "
        "rate, 0.2 or 0.5, and learning rate are chosen by the validation error of members, and "
        "not of the ensemble; those of dropout by its own.",
        "AdamW with a one-cycle schedule; candidates are chosen after half of the final updates.",
    )
    caption = (
        "Test error of the mean prediction of nets with one mask each, by number of members, and "
        "of one dropout net that is trained as long as all of them. Mean and 95 % interval over "
        "ensembles."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Errors of whole ensembles minus those of dropout; seeds are those of first members."""
        ensembles, dropout = ensembles_of(studies["untied"]), studies["untied"].where(arm="dropout")
        return {
            "at equal training cost": {"ensemble": whole_bag(ensembles).minus(dropout.error())},
        }

    def context_lines(self, studies: Studies) -> list[str]:
        """Errors of single members, ensembles and dropout, their likelihoods and choices."""
        members = studies["untied"].where(arm="ensemble")
        ensembles, dropout = ensembles_of(studies["untied"]), studies["untied"].where(arm="dropout")
        count = size(ensembles)
        alone = members.column("test/error/weight_scaling").mean()
        together = whole_bag(ensembles).percent.mean()
        nll = minus(ensembles.at("bag/nll", count), dropout.column("test/nll/weight_scaling"))

        return [
            f"a member alone {alone:.2f} %, {count} members {together:.2f} %, dropout "
            f"{dropout.column('test/error/weight_scaling').mean():.2f} %",
            f"{count} members minus dropout: {nll.estimate().interval():+.4f} nats of NLL",
            f"chosen rates of dropping: {_rate(members)} of members, {_rate(dropout)} of dropout",
        ]

    def figure(self, studies: Studies) -> Figure:
        """Error by number of members, and the error of dropout."""
        runs = studies["untied"]
        sheet, (axes,) = figures.sheet()
        curve = ensembles_of(runs).curve("bag/error")
        figures.line(axes, curve, "ensemble", 2, label=False, within=PERCENT)

        values = runs.where(arm="dropout").column("test/error/weight_scaling").tolist()
        ci = interval(values).within(PERCENT)
        look = figures.look("dropout", 1)
        axes.axhspan(ci.low, ci.high, color=look["color"], alpha=0.12, linewidth=0)
        axes.axhline(ci.mean, color=look["color"], linestyle=look["linestyle"], label="dropout")
        axes.set(xlabel="members of the ensemble", ylabel="test error (%)")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(fontsize=8)

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """Members and dropout."""
        return studies["untied"].by("arm")


def ensembles_of(untied: Runs) -> Runs:
    """The first member of each ensemble, which carries its results.

    Raises:
        ResultsMissing: there are none.
    """
    return untied.where(arm="ensemble").with_column("curve/bag/error")


def _rate(nets: Runs) -> str:
    return f"{float(nets.frame.iloc[0]['model.hidden_rate']):g}"
