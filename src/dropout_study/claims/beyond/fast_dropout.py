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


class FastDropout(Claim):
    """Fast dropout and weight scaling, beside all 2^20 masks of small nets."""

    id = "fast_dropout"
    title = "Fast dropout"
    says = (
        "The noise can be integrated out: at prediction, moments of the units approximate the "
        "geometric mean of all subnetworks in one pass, and better than weight scaling does."
    )
    source = "the paragraph on Wang and Manning (2013)"
    group = Group.BEYOND
    studies = ("fast_dropout",)
    parts = {
        "nearer than weight scaling": Part(
            "log2 of the KL divergence from the geometric mean of all 2^20 masks: to weight "
            "scaling minus to fast dropout, for each pair of digits and rate",
            Better(0, NO_SIZE),
            unit="doublings",
            settled_within=0.5,
            answers=Answers(
                "weight scaling is further from the mean of 2^20 masks than fast dropout, by {}",
                "fast dropout is further from the mean of 2^20 masks than weight scaling, by {}",
                "it is open whether fast dropout or weight scaling is nearer to the mean of 2^20 "
                "masks",
            ),
        ),
    }
    published = (
        Published(
            "fast dropout in training compared with sampled dropout, small problems",
            "nearly matches it",
            "Wang and Manning 2013, as Deep Learning (2016), section 7.12, reports",
            "S",
        ),
    )
    deviations = (
        "Moments are used to predict with nets that ordinary dropout has trained; the publication "
        "also trains by them.",
        "Nets 784-10-10-2 on pairs of MNIST digits: 20 units are the most whose masks can all be "
        "evaluated on all test images. Behind the first layer moments are approximations, since "
        "sums of 10 units are no Gaussians: these nets are presumably a hard case for the method.",
        "The book says 'the average over all subnetworks', of which there are two. From the "
        "arithmetic mean fast dropout was further than weight scaling in three small nets with "
        "random weights, and to the geometric mean it was nearer in a small trained one; both was "
        "known before the runs. Only the geometric mean is asked.",
        "AdamW with a one-cycle schedule, 10,000 updates of 100 examples. Hidden units alone are "
        "dropped, at rate 0.2 or 0.5.",
        "What the study `exact` says of such nets was known: the error of weight scaling is within "
        "0.02 points of that of all masks, so that errors cannot decide and divergences do.",
    )
    notes = (
        "The book calls these approximations 'more principled (but also more computationally "
        "expensive)' than weight scaling: that they are better is how this report reads it. A pass "
        "of fast dropout carries means and variances, at about twice the cost."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Ratios of divergences, by pair and rate."""
        return {
            "nearer than weight scaling": {
                arm: minus(
                    divergence(nets, "weight_scaling").map(math.log2),
                    divergence(nets, "fast_dropout").map(math.log2),
                )
                for arm, nets in small_nets.pairs(studies["fast_dropout"]).items()
            }
        }

    def context_lines(self, studies: Studies) -> list[str]:
        """Both divergences, and the error of fast dropout beside that of all masks."""
        return [
            f"{arm}: KL divergence {divergence(nets, 'weight_scaling').mean():.2g} nats to weight "
            f"scaling, {divergence(nets, 'fast_dropout').mean():.2g} to fast dropout; test error "
            f"of fast dropout minus that of all masks {_excess(nets).estimate().interval():+.3f} "
            "points"
            for arm, nets in small_nets.pairs(studies["fast_dropout"]).items()
        ]

    def left_out(self, studies: Studies) -> list[str]:
        """Nets that do not solve their task."""
        return small_nets.left_out(studies["fast_dropout"])

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """The nets that solve their task."""
        return small_nets.pairs(studies["fast_dropout"])


def divergence(nets: Runs, rule: str) -> "pd.Series[float]":
    """KL divergence from the exact geometric mean to a rule, in nats, by seed."""
    return nets.column(f"moments/kl_{rule}")


def _excess(nets: Runs) -> Effect:
    return nets.error("fast_dropout").minus(nets.error("exact_geometric"))
