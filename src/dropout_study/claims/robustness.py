"""Robust to input perturbations and unseen conditions."""

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Studies
from dropout_study.analysis.criteria import Greater, Part
from dropout_study.analysis.runs import Effect, Errors, Runs
from dropout_study.measures.statistics import PERCENT


def arms(runs: Runs) -> dict[str, Runs]:
    """Nets by the kind of units that were dropped in training."""
    rate = runs.values["rate"]
    plain = runs.where(model__input_rate=0)
    noisy = runs.where(arm="inputs dropped")

    return {
        "none": plain.where(model__hidden_rate=0),
        "hidden": plain.where(model__hidden_rate=rate),
        "input": noisy.where(model__hidden_rate=0),
        "both": noisy.where(model__hidden_rate=rate),
    }


def kinds(runs: Runs) -> list[str]:
    """The kinds of corruption that were measured."""
    prefix = "curve/corruption/"
    return sorted(
        str(column).removeprefix(prefix) for column in runs.frame if str(column).startswith(prefix)
    )


def errors(runs: Runs) -> Errors:
    """Errors on corrupted images, mean over kinds and severities."""
    return Errors(runs.column("corruption/error"), runs.wrong("corrupted"))


def estimate(studies: Studies) -> dict[str, dict[str, Effect]]:
    """Errors on corrupted images without less with each kind of dropout."""
    of = {name: errors(runs) for name, runs in arms(studies["robustness"]).items()}
    return {"robust": {name: of["none"].minus(of[name]) for name in ("hidden", "input", "both")}}


def beside(studies: Studies) -> list[str]:
    """Clean and corrupted errors, by kind of corruption."""
    lines = []

    for name, runs in arms(studies["robustness"]).items():
        of_kinds = ", ".join(
            f"{_mean(runs, kind):.1f} {kind.replace('_', ' ')}" for kind in kinds(runs)
        )
        clean, corrupted = (
            runs.column(key).mean() for key in ("test/error/weight_scaling", "corruption/error")
        )
        nll = runs.column("corruption/nll").mean()
        lines.append(
            f"{name} dropped: clean {clean:.2f} %, corrupted {corrupted:.2f} % ({of_kinds}), {nll:.3f} nats"
        )

    return lines


def _mean(runs: Runs, kind: str) -> float:
    """Mean error over seeds and severities."""
    return float(runs.curve(f"corruption/{kind}").to_numpy().mean())


def figure(studies: Studies) -> Figure:
    """Error by severity, for each kind of corruption, and a legend."""
    of_kinds = kinds(studies["robustness"])
    sheet, (*axes, last) = figures.panels(len(of_kinds) + 1, columns=4, height=2.4)
    nets = arms(studies["robustness"])

    for axis, kind in zip(axes, of_kinds, strict=True):
        for i, (name, runs) in enumerate(nets.items()):
            curve = runs.curve(f"corruption/{kind}")
            figures.line(axis, curve, name, i, label=False, within=PERCENT)

        axis.set_title(kind.replace("_", " "), fontsize=9, loc="left")
        axis.set(xlabel="severity", ylabel="test error (%)", xticks=sorted(curve.index))

    handles, labels = axes[0].get_legend_handles_labels()
    last.legend(handles, labels, title="units dropped in training", loc="center")
    last.set_axis_off()

    return sheet


def compared(studies: Studies) -> dict[str, Runs]:
    """The nets as they were trained by the study that stored them."""
    trained = studies["robustness"].trained_by(studies.get("dropout_rate"))
    return {f"{name} dropped": runs for name, runs in arms(trained).items()}


CLAIM = Claim(
    id="robustness",
    title="Robustness",
    says="By corrupting its own input, dropout teaches the network to adapt to noise and missing information: its "
    "features are more robust to input perturbations and unseen conditions.",
    source="Intuition and Insights behind Dropout, last paragraph",
    studies=("robustness", "dropout_rate", "longer"),
    parts={
        "robust": Part(
            "test error on corrupted images, mean over all kinds and severities, without less with dropout",
            Greater(),
        ),
    },
    estimate=estimate,
    figure=figure,
    caption="Test error on corrupted images by severity, for nets trained with dropout of hidden units, of inputs, of "
    "both and of none. Mean and 95 % interval over seeds.",
    beside=beside,
    compared=compared,
    notes="Differences, not ratios to the clean error, which would favour the worse net.",
)
