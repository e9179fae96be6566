"""The first edition: its verdicts, and what the second one asks in another way."""

from dataclasses import dataclass

FOLDER = "first-edition"
"""Beside the report: the archive, if it is there."""
WHY = (
    "A review of the first edition recomputed all of its numbers and found no error. It found that "
    "several questions had been asked in a way that decided the answer: unlike networks "
    "shared a learning rate, the LeNet dropped other units than the published one, two clauses of "
    "a sentence were averaged, and intervals knew of seeds but not of test images. The second "
    "edition tunes each arm, decides each clause, trains new seeds, and wrote its criteria down "
    "before."
)


@dataclass(frozen=True)
class Earlier:
    """What the first edition said of a claim.

    Attributes:
        verdict: its words.
        change: what is asked in another way now, and why; empty if nothing is.
    """

    verdict: str
    change: str = ""


EARLIER = {
    "subnetworks": Earlier("supported"),
    "arithmetic_ensemble": Earlier("supported"),
    "geometric_ensemble": Earlier(
        "contradicted",
        "It was contradicted for being better: 'can stand in' is one-sided. The nets had 4 to 16 "
        "units on 16 pixels; now they solve their task with all 2^20 masks.",
    ),
    "weight_scaling_exact": Earlier("supported"),
    "weight_scaling_approximate": Earlier(
        "inconclusive",
        "The same nets of 4 to 16 units; 'approximates' is one-sided, with a margin of 0.3 points.",
    ),
    "cost": Earlier(
        "supported",
        "It left out how many updates training takes, on which the cost depends.",
    ),
    "bagging": Earlier(
        "inconclusive",
        "It rested on a margin that no number of seeds can resolve; now costs of training are "
        "equal, and members on all data are compared too.",
    ),
    "mc_samples": Earlier(
        "inconclusive",
        "Its LeNet dropped units behind the pools, where weight scaling is nearly exact; the "
        "authors drop them before.",
    ),
    "regularizers": Earlier(
        "inconclusive",
        "It compared learning rates: five of seven arms chose the edge of their grid, and max-norm "
        "did not bind.",
    ),
    "capacity": Earlier("supported", "Intervals over seeds alone, and one learning rate."),
    "dataset_size": Earlier(
        "supported", "One learning rate, and 5,000 updates at every size, too few at 50,000."
    ),
    "independent_units": Earlier(
        "supported",
        "It judged the mean of the masks that were trained on, where the sentence says 'every'.",
    ),
    "ensemble_gain": Earlier("supported", "Intervals over seeds alone."),
    "co_adaptation": Earlier(
        "supported", "It measured correlation, which sparser activations lower by themselves."
    ),
    "robustness": Earlier(
        "contradicted",
        "It averaged two clauses. Apart, its nets, trained for 5,000 updates at 0.001, gained "
        "2.38 points from dropped hidden units on noise and missing information, and lost 3.11 "
        "under unseen conditions. Trained for 30,000 updates, nets lose under unseen conditions, "
        "too, and seem to lose on noise.",
    ),
}
"""Id of a claim -> what the first edition said."""
