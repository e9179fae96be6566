"""The noise integrated out: moments in the place of masks."""

from typing import TYPE_CHECKING

from dropout_study.analysis import small_nets
from dropout_study.analysis.claim import Claim, Group, Published, Studies
from dropout_study.analysis.criteria import Answers, Better, NotWorse, Part
from dropout_study.analysis.margins import NO_SIZE
from dropout_study.analysis.runs import Effect, Runs, minus

if TYPE_CHECKING:
    import pandas as pd


class FastDropout(Claim):
    """Fast dropout and weight scaling, beside all 2^20 masks of small nets."""

    id = "fast_dropout"
    title = "Fast dropout"
    says = (
        "The noise can be integrated out: moments of the units stand for the average over all "
        "subnetworks, in one pass that approximates it better than weight scaling does."
    )
    source = "the paragraph on Wang and Manning (2013)"
    group = Group.BEYOND
    studies = ("fast_dropout",)
    parts = {
        "stands for all masks": Part(
            "test error of fast dropout minus test error of the geometric mean of all 2^20 masks, "
            "for each pair of digits and rate",
            NotWorse(small_nets.MARGIN, small_nets.REASON),
            settled_within=small_nets.MARGIN,
            answers=Answers(
                "one pass of fast dropout can stand for the geometric mean of all 2^20 masks: its "
                "test error minus the other's is {value}",
                "one pass of fast dropout makes {} more errors than the geometric mean of all 2^20 "
                "masks",
                "it is open whether fast dropout makes 0.3 points more errors than all 2^20 masks",
            ),
        ),
        "nearer than weight scaling": Part(
            "KL divergence from the geometric mean of all 2^20 masks to weight scaling, minus that "
            "to fast dropout, for each pair of digits and rate",
            Better(0, NO_SIZE),
            unit="nats",
            settled_within=0.01,
            answers=Answers(
                "fast dropout is nearer to it than weight scaling, by {}",
                "fast dropout is further from it than weight scaling, by {}",
                "it is open whether fast dropout or weight scaling is nearer to it",
            ),
        ),
    }
    published = (
        Published(
            "test error of fast dropout compared with sampled dropout, MNIST",
            "about the same",
            "Wang and Manning 2013",
            "M",
        ),
    )
    deviations = (
        "Moments are used to predict with nets that ordinary dropout has trained; the publication "
        "also trains by them.",
        *small_nets.DEVIATIONS[:3],
        "Hidden units alone are dropped, at rate 0.2 or 0.5.",
    )
    notes = (
        "Behind the first layer the moments are approximations, since sums of 10 units are no "
        "Gaussians: nets of 10 units are a hard case for the method, and the widest whose masks "
        "can all be evaluated."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Differences of errors and of divergences, by pair and rate."""
        nets = small_nets.pairs(studies["fast_dropout"])

        return {
            "stands for all masks": {
                arm: runs.error("fast_dropout").minus(runs.error("exact_geometric"))
                for arm, runs in nets.items()
            },
            "nearer than weight scaling": {
                arm: minus(divergence(runs, "weight_scaling"), divergence(runs, "fast_dropout"))
                for arm, runs in nets.items()
            },
        }

    def context_lines(self, studies: Studies) -> list[str]:
        """Errors of fast dropout and of all masks, and both divergences."""
        runs = studies["fast_dropout"]
        lines = small_nets.describe(runs, "fast_dropout", "exact_geometric")
        lines += [
            f"{arm}: KL divergence {divergence(nets, 'weight_scaling').mean():.2g} nats to weight "
            f"scaling, {divergence(nets, 'fast_dropout').mean():.2g} to fast dropout"
            for arm, nets in small_nets.pairs(runs).items()
        ]

        return lines

    def left_out(self, studies: Studies) -> list[str]:
        """Nets that do not solve their task."""
        return small_nets.left_out(studies["fast_dropout"])

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """The nets that solve their task."""
        return small_nets.pairs(studies["fast_dropout"])


def divergence(nets: Runs, rule: str) -> "pd.Series[float]":
    """KL divergence from the exact geometric mean to a rule, in nats, by seed."""
    return nets.column(f"moments/kl_{rule}")
