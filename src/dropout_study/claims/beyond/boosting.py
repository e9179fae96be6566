"""Dropout boosting: the noise of dropout, without an ensemble that is regularized."""

from matplotlib.figure import Figure

from dropout_study.analysis.claim import Claim, Group, Published, Studies
from dropout_study.analysis.criteria import Answers, Better, NotWorse, Part
from dropout_study.analysis.margins import NO_SIZE
from dropout_study.analysis.runs import Effect, Runs, weighted
from dropout_study.claims.beyond import noise_nets
from dropout_study.claims.beyond.noise_nets import SETTLED
from dropout_study.claims.beyond.premise import UNMET, undecided

ARMS = ("none", "dropout, rate 0.35", "boosting")
LEARNED = 0.01
"""Nats of training loss that nets with boosting may have above those without noise: nets that learn
nothing have no regularizing effect either, and would say nothing about boosting."""
SHARE = 0.25
"""Of what dropout saves: 'almost no' effect is less."""
ALMOST_NO = (
    "'almost no' effect is taken as less than a quarter of that of dropout; boosting that does "
    "harm has none, too"
)


class Boosting(Claim):
    """Errors without noise, with dropout, and with its noise in the service of the ensemble."""

    id = "boosting"
    title = "Dropout boosting"
    says = (
        "Dropout boosting, the same noise with the log-likelihood of the ensemble as its target, "
        "has almost no regularizing effect: the noise alone does not regularize; subnetworks have "
        "to be trained to predict well independently of each other."
    )
    source = "the paragraph on Warde-Farley et al. (2014)"
    group = Group.BEYOND
    studies = ("noise",)
    parts = {
        "almost no effect": Part(
            "points that boosting saves, compared with no dropout, minus a quarter of those that "
            "dropout saves",
            NotWorse(0, ALMOST_NO),
            settled_within=0.1,  # about what decides: a quarter of 0.4 points
            answers=Answers(
                "dropout boosting saves {} less than a quarter of what dropout saves",
                "dropout boosting saves {} more than a quarter of what dropout saves",
                "it is open whether dropout boosting saves a quarter of what dropout saves",
            ),
        ),
        "dropout has one": Part(
            "test error without noise minus test error of dropout",
            Better(0, NO_SIZE),
            settled_within=SETTLED,
            answers=Answers(
                "dropout with the same masks saves {}",
                "dropout with the same masks costs {}",
                "no effect of dropout with the same masks was found",
            ),
        ),
    }
    published = (
        Published(
            "dropout boosting compared with training the whole net",
            "almost no regularizing effect",
            "Warde-Farley et al. 2014, as Deep Learning (2016), section 7.12, reports",
            "W",
        ),
    )
    deviations = (
        *noise_nets.DEVIATIONS,
        "The ensemble of the objective is the geometric one by weight scaling, whose logits are "
        "detached: a subnetwork is moved by the error of the ensemble in the place of its own.",
        "That ensemble is exact behind one hidden layer and an approximation behind two, as here.",
        "Boosting and dropout have rate 0.35 on hidden units, the same masks, and six learning "
        "rates each to choose from: could boosting choose its rate, it would escape from noise "
        "that does harm. 0.35 is near the best rate of dropout on this net, as a first run of "
        "`regularizers` had found; the free arm of dropout chooses it here, too.",
        f"That boosting learns is the premise: its mean training loss has to be within {LEARNED:g} "
        "nats of that without noise; else nothing is decided.",
    )
    caption = noise_nets.CAPTION

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """What boosting saves beside dropout, and what dropout does."""
        none, dropout, boosting = (studies["noise"].where(arm=arm).error() for arm in ARMS)
        saved = weighted([(1 - SHARE, none), (-1.0, boosting), (SHARE, dropout)])
        effects = {
            "almost no effect": {"boosting": saved},
            "dropout has one": {"boosting": none.minus(dropout)},
        }

        return effects if excess_loss(studies) <= LEARNED else undecided(effects)

    def context_lines(self, studies: Studies) -> list[str]:
        """How well boosting learns; errors, likelihoods and choices."""
        return [
            "training loss with boosting minus that without noise: "
            f"{excess_loss(studies):+.2g} nats",
            *noise_nets.describe(studies["noise"], ARMS),
        ]

    def remarks(self, studies: Studies) -> list[str]:
        """What boosting does by itself."""
        none, boosting = (studies["noise"].where(arm=arm).error() for arm in ("none", "boosting"))
        change = boosting.minus(none).estimate().interval()

        return [
            f"boosting itself changes the error by {change:+.2f} points, compared with no noise; "
            "harm counts as 'almost no regularizing effect', too"
        ]

    def left_out(self, studies: Studies) -> list[str]:
        """That boosting does not learn, if so."""
        excess = excess_loss(studies)
        if excess <= LEARNED:
            return []

        return [
            f"{UNMET}nets with boosting do not learn, since their training loss is {excess:.2g} "
            "nats above that of nets without noise"
        ]

    def figure(self, studies: Studies) -> Figure:
        """The errors of the arms."""
        return noise_nets.figure(studies["noise"], ARMS)

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """The arms that are compared."""
        return noise_nets.arms(studies["noise"], ARMS)


def excess_loss(studies: Studies) -> float:
    """Mean training loss with boosting minus that without noise, in nats."""
    boosting, none = (
        studies["noise"].where(arm=arm).column("train/nll/weight_scaling").mean()
        for arm in ("boosting", "none")
    )

    return float(boosting - none)
