"""Gaussian factors against masks of zeros and ones."""

from matplotlib.figure import Figure

from dropout_study.analysis.claim import Claim, Group, Published, Studies
from dropout_study.analysis.criteria import Answers, Better, Part
from dropout_study.analysis.margins import NO_SIZE
from dropout_study.analysis.runs import Effect, Runs
from dropout_study.claims.beyond import noise_nets
from dropout_study.claims.beyond.noise_nets import SETTLED

PAIRS = {
    "hidden units": ("dropout", "Gaussian"),
    "inputs too": ("dropout, inputs too", "Gaussian, inputs too"),
}
"""Where there is noise -> arm with masks, arm with Gaussian factors."""
ARMS = ("none", *(arm for pair in PAIRS.values() for arm in pair))


class GaussianMasks(Claim):
    """Errors with factors from N(1, rate / (1 - rate)), and with dropped units."""

    id = "gaussian_masks"
    title = "Gaussian masks"
    says = (
        "Multiplying units by Gaussian factors of mean 1 can do better than dropping them, and "
        "needs no scaling of weights."
    )
    source = "the paragraph on real valued masks"
    group = Group.BEYOND
    studies = ("noise",)
    parts = {
        "does better": Part(
            "test error with dropped units minus test error with Gaussian factors",
            Better(0, NO_SIZE),
            some=True,
            settled_within=SETTLED,
            answers=Answers(
                "Gaussian factors make {} fewer errors than dropped units",
                "Gaussian factors make {} more errors than dropped units",
                "no difference was found between Gaussian factors and dropped units",
            ),
        ),
    }
    published = (
        Published(
            "MNIST, 784-1024-1024-10, error with dropped units minus with Gaussian factors",
            "1.08 - 0.95 %",
            "Srivastava et al. 2014, table 10",
            "S",
            same=True,
        ),
    )
    deviations = (
        *noise_nets.DEVIATIONS,
        "Both choose the strength on hidden units, rate 0.2, 0.35 or 0.5, where a choice at an end "
        "extends these. Where inputs have noise, too, it is that of rate 0.2: factors from "
        "N(1, 0.25). In the publication rates 0.2 and 0.5, N(1, 0.25) and N(1, 1), are given.",
        "Layers of 256 units instead of 1,024.",
    )
    caption = noise_nets.CAPTION
    notes = (
        "That Gaussian factors need no scaling is no question: their mean is 1, as is that of "
        "masks that are divided by keep in training, the form which all nets here have."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Differences of test errors, by where there is noise."""
        nets = noise_nets.arms(studies["noise"], ARMS)

        return {
            "does better": {
                where: nets[dropped].error().minus(nets[gaussian].error())
                for where, (dropped, gaussian) in PAIRS.items()
            }
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
