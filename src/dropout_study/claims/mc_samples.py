"""Monte-Carlo averaging against weight scaling, by number of masks."""

import numpy as np
from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Group, Published, Studies
from dropout_study.analysis.criteria import Answers, Better, NotWorse, Part
from dropout_study.analysis.margins import NO_SIZE
from dropout_study.analysis.runs import Effect, Errors, ResultsMissing, Runs, common, minus
from dropout_study.config.schema import MonteCarlo
from dropout_study.measures.statistics import PERCENT, interval

MASKS = MonteCarlo().per_image[0]
MARGIN = 0.05  # points: the excess over weight scaling at which masks count as sufficient
SHARE = 0.9
WHOLE_FALL = "the reduction of errors from one mask to the largest number tried"
SAMPLING = "sampling"
"""The study of the fully connected nets that are trained on all examples."""
WHOLE_MNIST = {"hidden 0.5": "MLP, hidden 0.5", "input 0.2, hidden 0.5": "MLP, input and hidden"}
"""Arm of the study `sampling` -> its name among the models."""


class MonteCarloSamples(Claim):
    """Weight scaling against means of 1 to 1,000 masks, on models of several kinds."""

    id = "mc_samples"
    title = "Monte-Carlo samples"
    says = (
        "Some models do better with Monte-Carlo averaging of about 20 samples; the best number "
        "depends on the problem."
    )
    source = "the paragraph on Gal and Ghahramani (2015)"
    group = Group.ENSEMBLE
    studies = ("mc_samples", SAMPLING)
    optional = (SAMPLING,)
    headline = ("some models gain",)
    parts = {
        "some models gain": Part(
            f"test error of weight scaling minus test error of {MASKS} sampled masks",
            Better(0, NO_SIZE),
            some=True,
            settled_within=0.1,
            answers=Answers(
                "20 masks make {} fewer errors than one scaled pass",
                "20 masks make {} more errors than one scaled pass",
                "no difference was found between 20 masks and one scaled pass",
            ),
        ),
        "others lose": Part(
            f"test error of weight scaling minus test error of {MASKS} sampled masks",
            NotWorse(0, "one model cannot both gain and lose"),
            some=True,
            settled_within=0.1,  # no answers: those of the part above say which cases lose
        ),
        "about 20": Part(
            "share of the error that the whole pool of masks saves, compared with a single mask, "
            f"which {MASKS} masks save; of models in which the whole pool saves some",
            Better(SHARE, "what is left, a tenth, is less than the error of a few test images"),
            unit="",
            axis="share of the reduction from one mask to the most",
            some=True,
            settled_within=0.1,
            answers=Answers(
                f"20 masks achieve {{value}} of {WHOLE_FALL}",
                f"20 masks achieve {{value}} of {WHOLE_FALL}",
                f"it is open whether 20 masks achieve 0.9 of {WHOLE_FALL}",
            ),
        ),
    }
    published = (
        Published(
            "k at which Monte Carlo equals weight scaling, MNIST",
            "about 50",
            "Srivastava et al. 2014, figure 11",
            "T, S; code P",
        ),
        Published(
            "CIFAR-10, Augmented-DSN: weight scaling compared with sampled masks",
            "7.95 to 7.71 %",
            "Gal and Ghahramani 2015",
            "S",
        ),
        Published(
            "LeNet on MNIST, weight scaling: dropout everywhere compared with dropout after the "
            "last hidden layer alone",
            "can be worse",
            "Gal and Ghahramani 2015",
            "W",
        ),
    )
    deviations = (
        "The sentence on about 20 samples concerns, as far as secondary sources tell, "
        "Augmented-DSN on CIFAR-10; here the LeNet of the same authors stands for it.",
        "LeNet is trained for 10,000 updates with AdamW, a one-cycle schedule and no weight decay; "
        "the released files use SGD with momentum and weight decay 5e-4.",
        "The curve by number of masks comes from disjoint blocks of one pool per network; figure "
        "11 of Srivastava et al. draws from a pool of one network with replacement.",
        "The fully connected nets have 512-512 units on all of MNIST, and 256-256 units elsewhere; "
        "none has a max-norm constraint.",
        "Learning rates are chosen after a fifth to two fifths of the updates.",
        "MNIST-1D is no image classification, and a fully connected net solves it badly; it is "
        "among the models as another kind of problem.",
    )
    caption = (
        "Test error of the mean probabilities of k masks, from disjoint blocks of one pool, and of "
        f"weight scaling; both with 95 % intervals over seeds. Dotted: {MASKS} masks."
    )
    notes = (
        "The first edition dropped LeNet's units behind its max-pooling, where a linear "
        "convolution follows and weight scaling is nearly exact. Before max-pooling it is not: "
        "the expected maximum of units that are dropped at random exceeds the maximum of their "
        "expectations. If the error of k masks falls as 1/k, 20 of them reach 0.95 of what a large "
        "pool saves, whatever the model: a share far from it would be the surprise. The book's "
        "other case (Goodfellow et al. 2013), weight scaling as good as 1,000 masks, is given for "
        "every model below and decides nothing here."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """What masks gain in each model, and how much of it 20 of them do."""
        nets = models(studies)
        gains = {name: gain(runs, MASKS) for name, runs in nets.items()}

        return {
            "some models gain": gains,
            "others lose": gains,
            "about 20": {name: share_of_gain(runs, MASKS) for name, runs in gaining(nets).items()},
        }

    def context_lines(self, studies: Studies) -> list[str]:
        """Errors and NLL of both rules, and the number of masks that suffices."""
        return [f"{name}: {_context(runs)}" for name, runs in models(studies).items()]

    def remarks(self, studies: Studies) -> list[str]:
        """Where a single mask errs less than weight scaling, so that no mean is needed for it."""
        better = [
            f"{name}: {sampled(runs, 1).percent.mean():.2f} and {runs.error().percent.mean():.2f} %"
            for name, runs in models(studies).items()
            if gain(runs, 1).estimate().interval().low > 0
        ]
        said = (
            f"a single mask already errs less than weight scaling ({'; '.join(better)}): what 20 "
            "masks gain there is not the gain of a mean"
        )

        return [said] if better else []

    def left_out(self, studies: Studies) -> list[str]:
        """The models of the study `sampling`, if it has no results."""
        if SAMPLING in studies:
            return []

        missing = "; ".join(WHOLE_MNIST.values())
        return [f"not compared, since study {SAMPLING} has no results: {missing}"]

    def figure(self, studies: Studies) -> Figure:
        """Error against the number of masks, for each model."""
        nets = models(studies)
        sheet, axes = figures.panels(len(nets), columns=3, height=2.8)

        for axis, (name, runs) in zip(axes, nets.items(), strict=True):
            curve = runs.curve("blocks/error")
            figures.line(axis, curve, "Monte Carlo", label=False, within=PERCENT)
            errors = runs.column("test/error/weight_scaling").tolist()
            span = (curve.index.min(), curve.index.max())
            figures.level(axis, errors, span, "weight scaling", label=False, within=PERCENT)
            axis.axvline(MASKS, color="0.5", linewidth=0.8, linestyle=":")
            axis.set(xscale="log", xlabel="masks k", ylabel="test error (%)")
            axis.set_title(name, fontsize=9, loc="left")
            axis.legend(fontsize=8, loc="upper right")

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """The models that this study trains."""
        return studies["mc_samples"].by("arm")


def models(studies: Studies) -> dict[str, Runs]:
    """The models of the study `mc_samples`, then those of `sampling` if it has results.

    Raises:
        ResultsMissing: one of the study `sampling` is not there.
    """
    own = studies["mc_samples"].by("arm")

    if SAMPLING not in studies:
        return own

    return own | {name: studies[SAMPLING].where(arm=arm) for arm, name in WHOLE_MNIST.items()}


def pool(runs: Runs) -> int:
    """The number of masks in the pool."""
    return int(runs.curve("blocks/error").index.max())


def sampled(runs: Runs, k: int) -> Errors:
    """Errors of the mean of k masks, mean over disjoint blocks."""
    name = "pool_arithmetic" if k == pool(runs) else f"blocks_{k}"
    return Errors(runs.at("blocks/error", k), runs.wrong(name))


def gain(runs: Runs, k: int) -> Effect:
    """Error of weight scaling minus error of k masks, in points."""
    return runs.error().minus(sampled(runs, k))


def saving(runs: Runs, k: int) -> Effect:
    """Error of a single mask minus error of k masks, in points."""
    return sampled(runs, 1).minus(sampled(runs, k))


def gaining(nets: dict[str, Runs]) -> dict[str, Runs]:
    """The models in which the whole pool errs less than a single mask; others have no share.

    Raises:
        ResultsMissing: there is none.
    """
    with_gain = {name: runs for name, runs in nets.items() if _saves(runs)}
    if not with_gain:
        raise ResultsMissing("in no model does the whole pool of masks err less than a single mask")

    return with_gain


def share_of_gain(runs: Runs, k: int) -> Effect:
    """The gain from one mask to k of them, divided by that from one mask to the whole pool.

    A ratio of means over seeds and images, the second of which has to be above 0. Its value per
    seed and image is linearized (delta method):
    ratio + (gain to k - ratio * gain to the pool) / mean gain to the pool.
    """
    to_k = saving(runs, k)
    to_pool = saving(runs, pool(runs))
    whole_gain = float(np.mean(to_pool.values))
    ratio = float(np.mean(to_k.values)) / whole_gain
    values = np.subtract(to_k.values, np.multiply(ratio, to_pool.values)) / whole_gain + ratio
    images = None

    if to_k.images is not None and to_pool.images is not None:
        images = (to_k.images - ratio * to_pool.images) / whole_gain + ratio

    return Effect(values.tolist(), to_k.seeds, images)


def sufficient_masks(runs: Runs) -> int | None:
    """The smallest k from which on the interval of the excess over weight scaling is below MARGIN.

    None if there is no such k. Over seeds alone: a description, which decides nothing.
    """
    scaled = runs.column("test/error/weight_scaling")
    smallest = None

    for k in sorted(runs.curve("blocks/error").index, reverse=True):
        excess = interval(list(minus(runs.at("blocks/error", k), scaled).values))
        if not excess.high < MARGIN:
            break

        smallest = int(k)

    return smallest


def _saves(runs: Runs) -> bool:
    return float(np.mean(saving(runs, pool(runs)).values)) > 0


def _context(runs: Runs) -> str:
    scaled = runs.column("test/error/weight_scaling")
    k = sufficient_masks(runs)
    largest = pool(runs)
    nll = minus(runs.column("test/nll/weight_scaling"), runs.at("blocks/nll", largest))
    seeds = common(scaled)
    number = f"from {k:,} {'mask' if k == 1 else 'masks'} on" if k else "at no number tried"
    share = "" if _saves(runs) else "; many masks save nothing over one, so that there is no share"
    excess = gain(runs, largest).estimate().interval()

    return (
        f"weight scaling {scaled.mean():.3f} %, 1 mask {runs.at('blocks/error', 1).mean():.3f} %, "
        f"{MASKS} masks {runs.at('blocks/error', MASKS).mean():.3f} %, {largest} masks "
        f"{runs.at('blocks/error', largest).mean():.3f} %; interval of the excess over weight "
        f"scaling below {MARGIN:g} points {number}; weight scaling minus {largest} "
        f"masks {excess:+.3f} points, and in NLL "
        f"{interval(list(nll.values)):+.4f} nats{share}; {len(seeds)} seeds"
    )
