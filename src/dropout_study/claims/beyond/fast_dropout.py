"""The noise integrated out: moments in the place of masks."""

import math
from typing import TYPE_CHECKING

from dropout_study.analysis import small_nets
from dropout_study.analysis.claim import Claim, Group, Published, Studies
from dropout_study.analysis.criteria import Answers, Better, Part
from dropout_study.analysis.margins import NO_SIZE
from dropout_study.analysis.runs import Effect, Runs, minus

if TYPE_CHECKING:
    import pandas as pd


MEANS = ("geometric", "arithmetic")
RULES = ("weight_scaling", "fast_dropout")


def _nearer(mean: str) -> Part:
    """The part on one of the two means over all masks."""
    return Part(
        f"log2 of the KL divergence from the {mean} mean of all 2^20 masks: to weight scaling "
        "minus to fast dropout, for each pair of digits and rate",
        Better(0, NO_SIZE),
        unit="doublings",
        settled_within=0.5,
        answers=Answers(
            f"weight scaling is further from the {mean} mean of 2^20 masks than fast dropout, "
            "by {}",
            f"fast dropout is further from the {mean} mean of 2^20 masks than weight scaling, "
            "by {}",
            f"it is open whether fast dropout or weight scaling is nearer to the {mean} mean of "
            "2^20 masks",
        ),
    )


class FastDropout(Claim):
    """Fast dropout and weight scaling, beside all 2^20 masks of small nets."""

    id = "fast_dropout"
    title = "Fast dropout"
    says = (
        "At prediction the noise can be integrated out: moments of the units approximate the "
        "average over all subnetworks in one pass, and better than weight scaling does."
    )
    source = "the paragraph on Wang and Manning (2013)"
    group = Group.BEYOND
    studies = ("fast_dropout",)
    parts = {f"nearer to the {mean} mean": _nearer(mean) for mean in MEANS}
    published = (
        Published(
            "fast dropout in training compared with sampled dropout, small problems",
            "nearly matches it",
            "Wang and Manning 2013, as Deep Learning (2016), section 7.12, reports",
            "W",
        ),
    )
    deviations = (
        "Moments are used to predict with nets that ordinary dropout has trained; the publication "
        "also trains by them.",
        "Nets 784-10-10-2 on pairs of MNIST digits: 20 units are the most whose masks can all be "
        "evaluated on all test images. Behind the first layer moments are approximations, since "
        "sums of 10 units are no Gaussians, and units that share masks are correlated: these nets "
        "are presumably a hard case for the method.",
        "The book says 'the average over all subnetworks', of which there are two: both are asked, "
        "each with the moments in its own form. The geometric one is the softmax of the mean "
        "logits; for the arithmetic one the Gaussian difference of both logits is integrated, too "
        "(MacKay's approximation). That fast dropout was nearer to the geometric mean in a small "
        "trained net was known before the runs.",
        "AdamW with a one-cycle schedule, 10,000 updates of 100 examples. Hidden units alone are "
        "dropped, at rate 0.2 or 0.5.",
        "What the study `exact` says of such nets was known: the error of weight scaling is within "
        "0.02 points of that of all masks, so that errors cannot decide and divergences do.",
    )
    notes = (
        "Not tested is what else the book says of the method: that randomness is not necessary in "
        "training, that training converges faster by it, and nearly matches dropout's errors. "
        "The book calls these approximations 'more principled (but also more computationally "
        "expensive)' than weight scaling: that they are better is how this report reads it. A pass "
        "of fast dropout carries means and variances, at about twice the cost."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Ratios of divergences, by pair and rate."""
        return {
            f"nearer to the {mean} mean": {
                arm: minus(
                    divergence(nets, mean, "weight_scaling").map(math.log2),
                    divergence(nets, mean, "fast_dropout").map(math.log2),
                )
                for arm, nets in small_nets.pairs(studies["fast_dropout"]).items()
            }
            for mean in MEANS
        }

    def context_lines(self, studies: Studies) -> list[str]:
        """Both divergences, and the error of fast dropout beside that of all masks."""
        return [
            f"{arm}: {'; '.join(_divergences(nets, mean) for mean in MEANS)}; test error of fast "
            f"dropout minus that of all masks {_excess(nets).estimate().interval():+.3f} points"
            for arm, nets in small_nets.pairs(studies["fast_dropout"]).items()
        ]

    def left_out(self, studies: Studies) -> list[str]:
        """Nets that do not solve their task."""
        return small_nets.left_out(studies["fast_dropout"])

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """The nets that solve their task."""
        return small_nets.pairs(studies["fast_dropout"])


def divergence(nets: Runs, mean: str, rule: str) -> "pd.Series[float]":
    """KL divergence from an exact mean over all masks to a rule, in nats, by seed."""
    return nets.column(f"moments/kl_{mean}_{rule}")


def _divergences(nets: Runs, mean: str) -> str:
    scaling, fast = (divergence(nets, mean, rule).mean() for rule in RULES)

    return (
        f"KL divergence from the {mean} mean {scaling:.2g} nats to weight scaling, {fast:.2g} to "
        "fast dropout"
    )


def _excess(nets: Runs) -> Effect:
    return nets.error("fast_dropout").minus(nets.error("exact_geometric"))
