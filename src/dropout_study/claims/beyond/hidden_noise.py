"""Noise on hidden units against noise on inputs."""

from matplotlib.figure import Figure

from dropout_study.analysis.claim import Claim, Group, Studies
from dropout_study.analysis.criteria import Answers, Better, Part
from dropout_study.analysis.margins import NO_SIZE
from dropout_study.analysis.runs import Effect, Runs, weighted
from dropout_study.claims.beyond import noise_nets
from dropout_study.claims.beyond.noise_nets import SETTLED

ON_INPUTS = ("input dropout", "pixel noise")
BOTH = "dropout, inputs too"
ARMS = ("none", "dropout", *ON_INPUTS, BOTH)


class HiddenNoise(Claim):
    """Errors with noise on hidden units, on inputs, and on both."""

    id = "hidden_noise"
    title = "Noise on hidden units"
    says = (
        "A large portion of the power of dropout arises from noise that is applied to hidden "
        "units: it destroys features adaptively, where noise on inputs destroys raw values."
    )
    source = "the paragraph on masking noise applied to the hidden units"
    group = Group.BEYOND
    studies = ("noise",)
    parts = {
        "more than noise on inputs": Part(
            "test error with noise on inputs minus test error with dropout of hidden units",
            Better(0, NO_SIZE),
            settled_within=SETTLED,
            answers=Answers(
                "dropped hidden units make {} fewer errors than noise on inputs",
                "dropped hidden units make {} more errors than noise on inputs",
                "no difference was found between dropped hidden units and noise on inputs",
            ),
        ),
        "most of the power": Part(
            "points that dropout of hidden units saves, minus half of those that dropout of "
            "hidden units and inputs saves",
            Better(0, "a large portion is taken as more than half"),
            settled_within=SETTLED,
            answers=Answers(
                "hidden units alone account for more than half of what dropping both saves",
                "hidden units alone account for less than half of what dropping both saves",
                "it is open whether hidden units account for half of what dropping both saves",
            ),
        ),
    }
    deviations = (
        "The book gives no experiment; the arms are choices of this study.",
        *noise_nets.DEVIATIONS,
        "Strengths are chosen by each arm: hidden units are dropped at rate 0.2 or 0.5, inputs at "
        "0.1 or 0.2; the standard deviation of pixel noise is 0.23 or 0.5, of pixels in [0, 1]. "
        "Where both are dropped, inputs are at rate 0.2.",
    )
    caption = noise_nets.CAPTION

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """What noise on hidden units saves, beside noise on inputs and beside both."""
        nets = noise_nets.arms(studies["noise"], ARMS)
        none, hidden, both = (nets[arm].error() for arm in ("none", "dropout", BOTH))

        return {
            "more than noise on inputs": {
                arm: nets[arm].error().minus(hidden) for arm in ON_INPUTS
            },
            "most of the power": {
                "dropout": weighted([(0.5, none), (-1.0, hidden), (0.5, both)]),
            },
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
