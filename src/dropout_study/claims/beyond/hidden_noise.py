"""Noise on hidden units against noise on inputs."""

from matplotlib.figure import Figure

from dropout_study.analysis.claim import Claim, Group, Studies
from dropout_study.analysis.criteria import Answers, Better, Part
from dropout_study.analysis.margins import NO_SIZE
from dropout_study.analysis.runs import Effect, Runs
from dropout_study.claims.beyond import noise_nets
from dropout_study.claims.beyond.noise_nets import SETTLED

ARMS = ("none", "dropout", "input dropout", "pixel noise", "dropout, inputs too")
MORE_THAN_HALF = (
    "'a large portion' is taken as more than half; if what both save together is split between "
    "them by what each adds alone and to the other (Shapley values), hidden units have more than "
    "half exactly if they save more alone"
)


class HiddenNoise(Claim):
    """Errors with noise on hidden units, on inputs, and on both."""

    id = "hidden_noise"
    title = "Noise on hidden units"
    says = (
        "A large portion of the power of dropout arises from the fact that the noise is applied to "
        "the hidden units."
    )
    source = "the paragraph on masking noise applied to the hidden units"
    group = Group.BEYOND
    studies = ("noise",)
    headline = ("the larger portion",)
    parts = {
        "a portion": Part(
            "test error without noise minus test error with dropped hidden units",
            Better(0, NO_SIZE),
            settled_within=SETTLED,
            answers=Answers(
                "dropping hidden units saves {}",
                "dropping hidden units costs {}",
                "no effect of dropping hidden units was found",
            ),
        ),
        "the larger portion": Part(
            "test error with dropped inputs minus test error with dropped hidden units, each at "
            "the rate that it chose",
            Better(0, MORE_THAN_HALF),
            settled_within=SETTLED,
            answers=Answers(
                "dropping hidden units saves {} more than dropping inputs",
                "dropping hidden units saves {} less than dropping inputs",
                "no difference was found between dropping hidden units and dropping inputs",
            ),
        ),
    }
    deviations = (
        "The book gives no experiment; the arms are choices of this study.",
        "The errors of the study `reference`, with other nets and on all of MNIST, were known "
        "before these criteria were written down: dropped inputs err less there than dropped "
        "hidden units, and as much as both.",
        *noise_nets.DEVIATIONS,
        "Strengths are chosen by each arm: hidden units are dropped at rate 0.2, 0.35 or 0.5, "
        "inputs at 0.1, 0.2 or 0.4; pixels in [0, 1] have noise of standard deviation 0.33, 0.5 or "
        "0.82 (rates 0.1, 0.2, 0.4). A choice at an end extends these.",
        "Noise on pixels, and dropping both at rates 0.2 and 0.5, are shown beside them and decide "
        "nothing: the sentence compares noise on hidden units with noise on inputs.",
    )
    caption = noise_nets.CAPTION
    notes = (
        "The book's reason, which nothing here tests: noise on hidden units destroys what a net "
        "has learned to see, where noise on inputs destroys raw values."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """What dropping hidden units saves, and how much more than dropping inputs."""
        nets = noise_nets.arms(studies["noise"], ARMS)
        none, inputs, hidden = (nets[arm].error() for arm in ("none", "input dropout", "dropout"))

        return {
            "a portion": {"hidden units": none.minus(hidden)},
            "the larger portion": {"hidden units": inputs.minus(hidden)},
        }

    def context_lines(self, studies: Studies) -> list[str]:
        """Errors, likelihoods and choices."""
        return noise_nets.describe(studies["noise"], ARMS)

    def figure(self, studies: Studies) -> Figure:
        """The errors of the arms."""
        return noise_nets.figure(studies["noise"], ARMS)

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """The arms that are compared."""
        return noise_nets.arms(studies["noise"], ARMS)
