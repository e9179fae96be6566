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
        "A large portion of the power of dropout arises from the fact that the noise is applied to "
        "the hidden units."
    )
    source = "the paragraph on masking noise applied to the hidden units"
    group = Group.BEYOND
    studies = ("noise",)
    headline = ("a large portion",)
    parts = {
        "a large portion": Part(
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
        "adds to noise on inputs": Part(
            "test error with dropped inputs minus test error with dropped inputs and hidden units",
            Better(0, NO_SIZE),
            settled_within=SETTLED,
            answers=Answers(
                "where inputs are dropped, dropping hidden units as well saves {}",
                "where inputs are dropped, dropping hidden units as well costs {}",
                "it is open whether dropping hidden units adds to dropping inputs",
            ),
        ),
        "more than pixel noise": Part(
            "test error with Gaussian noise on pixels minus test error with dropped hidden units",
            Better(0, NO_SIZE),
            settled_within=SETTLED,
            answers=Answers(
                "dropped hidden units make {} fewer errors than noise on pixels",
                "dropped hidden units make {} more errors than noise on pixels",
                "no difference was found between dropped hidden units and noise on pixels",
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
        "0.82 (rates 0.1, 0.2, 0.4). A choice at an end extends these. Where both are dropped, "
        "rates are 0.2 and 0.5.",
    )
    caption = noise_nets.CAPTION
    notes = (
        "The book's reason, which nothing here tests: noise on hidden units destroys what a net "
        "has learned to see, where noise on inputs destroys raw values."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """What noise on hidden units saves, beside noise on inputs and beside both."""
        nets = noise_nets.arms(studies["noise"], ARMS)
        none, hidden, both = (nets[arm].error() for arm in ("none", "dropout", BOTH))

        inputs, pixels = (nets[arm].error() for arm in ON_INPUTS)

        return {
            "a large portion": {
                "hidden units": weighted([(0.5, none), (-1.0, hidden), (0.5, both)])
            },
            "adds to noise on inputs": {"hidden units": inputs.minus(both)},
            "more than pixel noise": {"hidden units": pixels.minus(hidden)},
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
