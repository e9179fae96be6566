"""Robust to input perturbations, and apart from them to unseen conditions."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Group, Studies
from dropout_study.analysis.criteria import Answers, Better, Part
from dropout_study.analysis.margins import NO_SIZE
from dropout_study.analysis.runs import Effect, Errors, Runs
from dropout_study.analysis.signs import by_sign
from dropout_study.config.names import CORRUPTIONS, DECIDING_SEVERITIES
from dropout_study.measures.statistics import PERCENT, Interval

MISSING = ("noise", "missing_pixels", "occlusion")
"""Kinds of corruption that the sentence names: noise and missing information."""
UNSEEN = tuple(kind for kind in CORRUPTIONS if kind not in MISSING)
HIDDEN = "dropped hidden units"
INPUTS = "dropped inputs"
BOTH = "both dropped"
NONE = "no dropout"
ARMS = {
    NONE: "none",
    HIDDEN: "hidden 0.5",
    INPUTS: "input 0.2",
    BOTH: "input 0.2, hidden 0.5",
}
"""What is dropped in training -> arm of the study `reference`."""
DECIDING = (HIDDEN, INPUTS)
DROPPED = (*DECIDING, BOTH)
"""Kinds of dropout that the figure compares with none."""
SEVERITIES = {
    "noise": "Gaussian noise of standard deviation 0.1 to 0.5",
    "missing_pixels": "10 to 50 % of the pixels set to black",
    "occlusion": "a grey square, 15 to 55 % of the side, somewhere in each image",
    "blur": "a Gaussian blur of 2 to 10 % of the side",
    "contrast": "contrast reduced to 80 to 20 %, 15 points per step",
    "rotation": "turned by 10 to 50 degrees, half of the images each way",
    "translation": "moved sideways by 4 to 20 % of the side, at least by a pixel, half of the "
    "images each way",
}
"""Kind of corruption -> what severities 1 to 5 are."""


def _severities() -> str:
    return "; ".join(f"{said} ({DECIDING_SEVERITIES[kind]})" for kind, said in SEVERITIES.items())


class Robustness(Claim):
    """Test errors on corrupted images, without and with dropout of hidden units or inputs."""

    id = "robustness"
    title = "Robustness"
    says = (
        "By corrupting its own input, dropout teaches the network to adapt to noise and missing "
        "information: its features are more robust to input perturbations and unseen conditions."
    )
    source = "Intuition and Insights behind Dropout, last paragraph"
    group = Group.HELP
    studies = ("robustness", "reference")
    parts = {
        "noise and missing information": Part(
            "test error on images with noise, missing pixels or occlusion: without dropout minus "
            "with",
            Better(0, NO_SIZE),
            settled_within=1.0,
            answers=Answers(
                "averaged over noise and missing information, dropout makes {} fewer errors",
                "averaged over noise and missing information, dropout makes {} more errors",
                "averaged over noise and missing information, no effect of dropout was found",
            ),
        ),
        "unseen conditions": Part(
            "test error on blurred, faded, rotated or shifted images: without dropout minus with",
            Better(0, NO_SIZE),
            settled_within=1.0,
            answers=Answers(
                "averaged over unseen conditions, dropout makes {} fewer errors",
                "averaged over unseen conditions, dropout makes {} more errors",
                "averaged over unseen conditions, no effect of dropout was found",
            ),
        ),
    }
    deviations = (
        "No publication tests this sentence on MNIST; kinds and severities of corruption are our "
        "own.",
        "Only the severities count at which the first edition's nets without dropout erred below "
        "50 % of the corrupted test images: beyond them images are hardly digits any more. All "
        "severities are in the figure.",
        "The kinds of a part are averaged, as in the first edition; the gain of each kind is "
        "given below.",
    )
    caption = (
        "Points of error that dropout in training saves on each kind of corruption, mean over the "
        "severities that count; right of the dotted line dropout is better. Grey: seeds, black: "
        "mean and 95 % interval over seeds and test images."
    )
    extra_caption = (
        "Test error on corrupted images by severity, for nets trained with dropout of hidden "
        "units, of inputs, of both and of none. Mean and 95 % interval over seeds. Severities 1 to "
        f"5, of which those up to the one in brackets decide: {_severities()}."
    )
    notes = (
        "The sentence has two clauses, and the first edition averaged them: noise and missing "
        "information are what dropout imitates, other conditions are not. Differences, not ratios "
        "to the clean error, which would favour the worse net."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Errors on corrupted images, without dropout minus with each kind of dropout."""
        runs = studies["robustness"]
        return {
            "noise and missing information": _gains(runs, MISSING),
            "unseen conditions": _gains(runs, UNSEEN),
        }

    def context_lines(self, studies: Studies) -> list[str]:
        """Clean and corrupted errors of every arm, and the gain for each kind of corruption."""
        nets = arms(studies["robustness"])
        lines = []

        for name, runs in nets.items():
            clean = runs.column("test/error/weight_scaling").mean()
            means = {kind: errors(runs, [kind]).percent.mean() for kind in CORRUPTIONS}
            kinds = ", ".join(f"{spoken(kind)} {mean:.1f}" for kind, mean in means.items())
            lines.append(
                f"{name}: test error {clean:.2f} % on clean images; on corrupted ones, "
                f"mean over the severities that count: {kinds}"
            )

        for name in DROPPED:
            gains = [f"{spoken(kind)} {_saved(nets, name, kind):+.2f}" for kind in CORRUPTIONS]
            lines.append(f"{name}, gain in points: {', '.join(gains)}")

        return lines

    def remarks(self, studies: Studies) -> list[str]:
        """The kinds of corruption on which dropout gains, and those on which it loses."""
        nets = arms(studies["robustness"])
        return [
            f"by kind of corruption, with {name} (intervals not adjusted): "
            f"{by_sign({spoken(kind): _saved(nets, name, kind) for kind in CORRUPTIONS})}"
            for name in DECIDING
        ]

    def figure(self, studies: Studies) -> Figure:
        """The gain for each kind of corruption, a panel per kind of dropout."""
        nets = arms(studies["robustness"])
        sheet, axes = figures.panels(len(DROPPED), columns=len(DROPPED), height=2.6)

        for axis, name in zip(axes, DROPPED, strict=True):
            gains = {spoken(kind): _gain(nets, name, [kind]) for kind in (*MISSING, *UNSEEN)}
            figures.intervals(axis, gains)
            axis.axhline(len(MISSING) - 0.5, color="0.7", linewidth=0.8)  # between the two clauses
            axis.set_title(name, fontsize=9, loc="left")
            axis.set_xlabel("points of error saved")

        limits = [axis.get_xlim() for axis in axes]
        for axis in axes:
            axis.set_xlim(min(low for low, _ in limits), max(high for _, high in limits))

        return sheet

    def extra_figure(self, studies: Studies) -> Figure:
        """Error by severity, for each kind of corruption, and a legend."""
        nets = arms(studies["robustness"])
        sheet, (*axes, last) = figures.panels(len(CORRUPTIONS) + 1, columns=4, height=2.4)

        for axis, kind in zip(axes, CORRUPTIONS, strict=True):
            for i, (name, runs) in enumerate(nets.items()):
                curve = runs.curve(f"corruption/{kind}")
                figures.line(axis, curve, name, i, label=False, within=PERCENT)

            axis.set_title(spoken(kind), fontsize=9, loc="left")
            axis.set(xlabel="severity", ylabel="test error (%)", xticks=sorted(curve.index))

        handles, labels = axes[0].get_legend_handles_labels()
        last.legend(handles, labels, title="in training", loc="center")
        last.set_axis_off()

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """The nets as the study `reference` trained them."""
        trained = studies["robustness"].trained_by(studies.get("reference"))
        return arms(trained)


def arms(runs: Runs) -> dict[str, Runs]:
    """Nets by the kind of units that were dropped in training."""
    return {name: runs.where(arm=arm) for name, arm in ARMS.items()}


def errors(runs: Runs, kinds: Sequence[str]) -> Errors:
    """Errors on corrupted images, mean over kinds and over the severities that decide."""
    curves = [_mild(runs, kind).mean() for kind in kinds]
    wrong = [runs.wrong(f"corrupted/{kind}") for kind in kinds]
    percent = pd.concat(curves, axis=1).mean(axis=1)
    shares = {seed: np.mean([of_kind[seed] for of_kind in wrong], axis=0) for seed in wrong[0]}

    return Errors(percent, shares)


def spoken(kind: str) -> str:
    """The name of a kind of corruption in words."""
    return kind.replace("_", " ")


def _mild(runs: Runs, kind: str) -> pd.DataFrame:
    """The curve of a kind of corruption over the severities that decide."""
    curve = runs.curve(f"corruption/{kind}").sort_index()
    return curve[curve.index <= DECIDING_SEVERITIES[kind]]


def _gain(nets: dict[str, Runs], name: str, kinds: Sequence[str]) -> Effect:
    return errors(nets[NONE], kinds).minus(errors(nets[name], kinds))


def _saved(nets: dict[str, Runs], name: str, kind: str) -> Interval:
    """Points of error that a kind of dropout saves on a kind of corruption."""
    return _gain(nets, name, [kind]).estimate().interval()


def _gains(runs: Runs, kinds: Sequence[str]) -> dict[str, Effect]:
    nets = arms(runs)
    return {name: _gain(nets, name, kinds) for name in DECIDING}
