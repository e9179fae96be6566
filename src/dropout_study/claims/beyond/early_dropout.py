"""Dropout at the beginning of training, of nets that underfit."""

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Group, Published, Studies
from dropout_study.analysis.criteria import Answers, Better, Part
from dropout_study.analysis.margins import NO_SIZE
from dropout_study.analysis.runs import Effect, Runs, minus
from dropout_study.claims.beyond.premise import UNMET, undecided
from dropout_study.measures.statistics import PERCENT, Interval, interval

if TYPE_CHECKING:
    import pandas as pd

NONE, EARLY, WHOLE = "none", "first updates", "all updates"
ARMS = (NONE, EARLY, WHOLE)


class EarlyDropout(Claim):
    """Training and test errors of narrow nets without dropout, and with dropout at first."""

    id = "early_dropout"
    title = "Early dropout"
    says = (
        "Dropout at the beginning of training alone lets models that underfit reach a lower "
        "training loss, and generalize better, than no dropout."
    )
    source = "Liu et al. (2023), Dropout reduces underfitting; not in the book"
    group = Group.BEYOND
    studies = ("early_dropout",)
    parts = {
        "fits better": Part(
            "mean loss on training examples: without dropout minus with early dropout",
            Better(0, NO_SIZE),
            unit="nats",
            settled_within=0.01,
            answers=Answers(
                "early dropout lowers the training loss by {}",
                "early dropout raises the training loss by {}",
                "no effect of early dropout on the training loss was found",
            ),
        ),
        "generalizes better": Part(
            "test error without dropout minus with early dropout",
            Better(0, NO_SIZE),
            settled_within=0.4,
            answers=Answers(
                "early dropout lowers the test error by {}",
                "early dropout raises the test error by {}",
                "no effect of early dropout on the test error was found",
            ),
        ),
    }
    published = (
        Published(
            "ViT-T on ImageNet, top-1 accuracy without / with early / with standard dropout",
            "73.9 / 74.3 / 67.9 %",
            "Liu et al. 2023, README of the released code",
            "P",
        ),
    )
    deviations = (
        "Fully connected nets 40-32-32-10 on 200,000 generated examples of MNIST-1D instead of "
        "transformers and convolutional nets on ImageNet. That they underfit is the premise: "
        "dropout in all updates, at rate 0.1, has to raise their test error, as in the "
        "publication; else nothing is decided.",
        "Hidden units are dropped at a rate that falls in a straight line from 0.05, 0.1 or 0.2 to "
        "0 while the learning rate rises, in the first 30 % of 20,000 updates; in the released "
        "code, too, it falls so, and both end together, after 50 of 300 epochs. A choice at an end "
        "extends these.",
        "AdamW with a one-cycle schedule. Learning rate and rate are chosen by each arm after half "
        "of the updates, by six nets on the 1,000 published test examples: arms may differ in the "
        "learning rates that chance preferred, which no interval includes.",
    )
    caption = (
        "Training and test error of nets without dropout, with dropout in the first 30 % of the "
        "updates, and with dropout in all of them; grey: seeds, black: mean and 95 % interval "
        "over seeds."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """What early dropout saves; no values where the nets do not underfit."""
        none, early = (studies["early_dropout"].where(arm=arm) for arm in (NONE, EARLY))
        effects = {
            "fits better": minus(_training_loss(none), _training_loss(early)),
            "generalizes better": none.error().minus(early.error()),
        }

        cases = {part: {EARLY: effect} for part, effect in effects.items()}

        return cases if underfit(studies) else undecided(cases)

    def context_lines(self, studies: Studies) -> list[str]:
        """Losses, errors and choices of every arm."""
        return [
            f"{arm}: training loss {_training_loss(nets).mean():.4f} nats, test error "
            f"{interval(nets.column('test/error/weight_scaling').tolist()).within(PERCENT):.2f} "
            f"%; chosen: learning rate {float(nets.frame.iloc[0]['optimizer.lr']):.3g}, rate "
            f"{float(nets.frame.iloc[0]['model.hidden_rate']):g}"
            for arm, nets in _nets(studies).items()
        ]

    def remarks(self, studies: Studies) -> list[str]:
        """The rate that was chosen, beside the published one."""
        early = float(_nets(studies)[EARLY].frame.iloc[0]["model.hidden_rate"])
        return [f"validation data chose rate {early:g} for early dropout; the publication has 0.1"]

    def left_out(self, studies: Studies) -> list[str]:
        """That the nets do not underfit, if dropout in all updates does not harm them."""
        if underfit(studies):
            return []

        return [
            f"{UNMET}these nets do not underfit, since dropout in all updates changes their test "
            f"error by {harm(studies):+.2f} points"
        ]

    def figure(self, studies: Studies) -> Figure:
        """Errors of every arm, in training and on test images."""
        sheet, axes = figures.sheet(2)

        for axis, part in zip(axes, ("train", "test"), strict=True):
            effects = {
                arm: Effect(nets.column(f"{part}/error/weight_scaling").tolist())
                for arm, nets in _nets(studies).items()
            }
            figures.intervals(axis, effects, margin=None, within=PERCENT)
            axis.set(xlabel=f"{part} error (%)")

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """Every arm."""
        return _nets(studies)


def harm(studies: Studies) -> Interval:
    """Points of test error that dropout in all updates adds."""
    nets = _nets(studies)
    return nets[WHOLE].error().minus(nets[NONE].error()).estimate().interval()


def underfit(studies: Studies) -> bool:
    """Whether dropout in all updates does harm, with its whole interval."""
    return harm(studies).low > 0


def _nets(studies: Studies) -> dict[str, Runs]:
    return {arm: studies["early_dropout"].where(arm=arm) for arm in ARMS}


def _training_loss(nets: Runs) -> "pd.Series[float]":
    return nets.column("train/nll/weight_scaling")
