"""What was contradicted, tried once more under conditions that might rescue the sentence."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SecondTry:
    """A try to rescue a sentence, outside of its criteria: it decides nothing.

    Attributes:
        changed: what was changed, and on which seeds.
        found: what came out.
        file: its networks, one per row; beside the report.
    """

    changed: str
    found: str
    file: str


SECOND_TRIES = {
    "robustness": SecondTry(
        "Half of the hidden units was dropped, or none, in nets trained for a shorter time, both "
        "at one learning rate; five nets each, on seeds 200 to 204.",
        "Points saved on noise, missing pixels and occlusion, with 95 % intervals over seeds: "
        "+2.74 (+1.84 to +3.65) in 256-256-256 after 2,000 updates at 0.001, and +0.89 (-0.05 to "
        "+1.82) after 10,000; +1.58 (+0.89 to +2.27) in 512-512 after 5,000 at 0.001, and +0.46 "
        "(-0.92 to +1.84) at 0.002. Under unseen conditions, in the same order: +1.14 (+0.61 to "
        "+1.67), -5.21 (-6.08 to -4.34), -0.55 (-0.87 to -0.24), and -3.77 (-4.96 to -2.59). So "
        "the first clause holds for nets trained for a short time at a low rate, whose clean "
        "error dropout does not yet lower; trained longer, or at a higher rate, they lose the "
        "gain.",
        "second-tries/robustness.csv",
    ),
}
"""Id of a claim -> its second try."""
