"""Robust to input perturbations and unseen conditions."""

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Studies
from dropout_study.analysis.criteria import Greater, Part
from dropout_study.analysis.runs import Effect, Errors, Runs
from dropout_study.measures.statistics import PERCENT

CURVES = "curve/corruption/"


class Robustness(Claim):
    """Test errors on corrupted images, without and with dropout of hidden units or inputs."""

    id = "robustness"
    title = "Robustness"
    says = (
        "By corrupting its own input, dropout teaches the network to adapt to noise and missing "
        "information: its features are more robust to input perturbations and unseen conditions."
    )
    source = "Intuition and Insights behind Dropout, last paragraph"
    studies = ("robustness", "dropout_rate", "longer")
    parts = {
        "robust": Part(
            "test error on corrupted images, mean over all kinds and severities: without dropout "
            "minus with dropout",
            Greater(),
        ),
    }
    caption = (
        "Test error on corrupted images by severity, for nets trained with dropout of hidden "
        "units, of inputs, of both and of none. Mean and 95 % interval over seeds."
    )
    notes = "Differences, not ratios to the clean error, which would favour the worse net."

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Errors on corrupted images, without dropout minus with each kind of dropout."""
        errors = {
            name: corrupted_errors(runs) for name, runs in arms(studies["robustness"]).items()
        }
        plain = errors.pop("none")

        return {"robust": {name: plain.minus(dropout) for name, dropout in errors.items()}}

    def context_lines(self, studies: Studies) -> list[str]:
        """Clean and corrupted errors, the latter also by kind of corruption."""
        lines = []

        for name, runs in arms(studies["robustness"]).items():
            kinds = ", ".join(f"{spoken(kind)} {_mean(runs, kind):.1f}" for kind in measured(runs))
            clean = runs.column("test/error/weight_scaling").mean()
            corrupted = runs.column("corruption/error").mean()
            nll = runs.column("corruption/nll").mean()
            lines.append(
                f"{name} dropped: clean {clean:.2f} %, corrupted {corrupted:.2f} % ({kinds}), "
                f"NLL of corrupted images {nll:.3f} nats"
            )

        return lines

    def figure(self, studies: Studies) -> Figure:
        """Error by severity, for each kind of corruption, and a legend."""
        kinds = measured(studies["robustness"])
        nets = arms(studies["robustness"])
        sheet, (*axes, last) = figures.panels(len(kinds) + 1, columns=4, height=2.4)

        for axis, kind in zip(axes, kinds, strict=True):
            for i, (name, runs) in enumerate(nets.items()):
                curve = runs.curve(f"corruption/{kind}")
                figures.line(axis, curve, name, i, label=False, within=PERCENT)

            axis.set_title(spoken(kind), fontsize=9, loc="left")
            axis.set(xlabel="severity", ylabel="test error (%)", xticks=sorted(curve.index))

        handles, labels = axes[0].get_legend_handles_labels()
        last.legend(handles, labels, title="units dropped in training", loc="center")
        last.set_axis_off()

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """The nets as the study that stored them trained them."""
        trained = studies["robustness"].trained_by(studies.get("dropout_rate"))
        return {f"{name} dropped": runs for name, runs in arms(trained).items()}


def arms(runs: Runs) -> dict[str, Runs]:
    """Nets by the kind of units that were dropped in training."""
    rate = runs.values["rate"]
    clean_inputs = runs.where(model__input_rate=0)
    dropped_inputs = runs.where(arm="inputs dropped")

    return {
        "none": clean_inputs.where(model__hidden_rate=0),
        "hidden": clean_inputs.where(model__hidden_rate=rate),
        "input": dropped_inputs.where(model__hidden_rate=0),
        "both": dropped_inputs.where(model__hidden_rate=rate),
    }


def measured(runs: Runs) -> list[str]:
    """The kinds of corruption that were measured, in alphabetical order."""
    columns = [str(column) for column in runs.frame]
    return sorted(column.removeprefix(CURVES) for column in columns if column.startswith(CURVES))


def spoken(kind: str) -> str:
    """The name of a kind of corruption in words."""
    return kind.replace("_", " ")


def corrupted_errors(runs: Runs) -> Errors:
    """Errors on corrupted images, mean over kinds and severities."""
    return Errors(runs.column("corruption/error"), runs.wrong("corrupted"))


def _mean(runs: Runs, kind: str) -> float:
    """Mean error over seeds and severities, in percent."""
    return float(runs.curve(f"corruption/{kind}").to_numpy().mean())
