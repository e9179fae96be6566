"""Many good-enough subnetworks make a more powerful ensemble."""

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Studies
from dropout_study.analysis.criteria import Greater, Part
from dropout_study.analysis.runs import Effect, Errors, ResultsMissing, Runs
from dropout_study.evaluation.sample_sizes import ENSEMBLE_SUBNETWORKS
from dropout_study.measures.statistics import PERCENT, interval

PREDICTORS = {
    "single/error": "single (mean)",
    "single/error_best": "single (best)",
    "ensemble/error": "ensemble",
    "test/error/weight_scaling": "weight scaling",
}
"""Metric -> its name in the figure."""


class EnsembleGain(Claim):
    """Sampled subnetworks alone against the mean of their probabilities."""

    id = "ensemble_gain"
    title = "Gain of the ensemble"
    says = "Combining many good-enough subnetworks produces a more powerful ensemble."
    source = "Intuition and Insights behind Dropout, first paragraph"
    studies = ("ensemble_gain", "capacity")
    parts = {
        "more powerful": Part(
            f"mean test error of {ENSEMBLE_SUBNETWORKS} single subnetworks minus test error of "
            "their ensemble",
            Greater(),
        ),
    }
    caption = (
        "Test error of single sampled subnetworks, of the mean of the probabilities of "
        f"{ENSEMBLE_SUBNETWORKS} of them, and of weight scaling. Mean and 95 % interval over seeds."
    )
    notes = "Error decides: for NLL the gain is Jensen's inequality and cannot fail."

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Mean error of single subnetworks minus error of their ensemble, for each net."""
        effects = {}

        for name, runs in nets(studies["ensemble_gain"]).items():
            single = Errors(runs.column("single/error"), runs.wrong("single"))
            ensemble = Errors(runs.column("ensemble/error"), runs.wrong("ensemble"))
            effects[name] = single.minus(ensemble)

        return {"more powerful": effects}

    def context_lines(self, studies: Studies) -> list[str]:
        """Both errors, the best subnetwork, disagreement, NLL."""
        return [
            f"{name}: {_context(runs)}" for name, runs in nets(studies["ensemble_gain"]).items()
        ]

    def figure(self, studies: Studies) -> Figure:
        """Errors of ensemble, single subnetworks and weight scaling."""
        conditions = nets(studies["ensemble_gain"])
        sheet, (axes,) = figures.sheet(width=5.3)

        for i, (metric, label) in enumerate(PREDICTORS.items()):
            look = figures.look(label, i)

            for row, runs in enumerate(conditions.values()):
                ci = interval(runs.column(metric).tolist()).within(PERCENT)
                axes.errorbar(
                    ci.mean,
                    row + 0.14 * (i - 1.5),
                    xerr=[[ci.mean - ci.low], [ci.high - ci.mean]],
                    fmt=look["marker"],
                    color=look["color"],
                    capsize=2,
                    label=label if row == 0 else None,
                )

        axes.set_yticks(range(len(conditions)), list(conditions))
        axes.invert_yaxis()
        axes.set(xlabel="test error (%)", xscale="log")
        axes.legend(fontsize=8)

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """The nets as the study `capacity` trained them."""
        return nets(studies["ensemble_gain"].trained_by(studies.get("capacity")))


def nets(runs: Runs) -> dict[str, Runs]:
    """The conditions with dropout by width and rate, narrowest first.

    Raises:
        ResultsMissing: there is none.
    """
    with_dropout = Runs(runs.frame[runs.frame["model.hidden_rate"] > 0], runs.values)
    if not (conditions := with_dropout.conditions()):
        raise ResultsMissing("there are no results")

    return {_name(condition): condition for condition in sorted(conditions, key=_width_and_rate)}


def _name(condition: Runs) -> str:
    network = condition.frame.iloc[0]
    return f"{network['model.widths']}, rate {network['model.hidden_rate']:g}"


def _width_and_rate(condition: Runs) -> tuple[int, float]:
    network = condition.frame.iloc[0]
    units = int(str(network["model.widths"]).partition("x")[0])
    return units, float(network["model.hidden_rate"])


def _context(runs: Runs) -> str:
    best = interval((runs.column("single/error_best") - runs.column("ensemble/error")).tolist())
    ensemble_error = runs.column("ensemble/error").mean()
    single_error = runs.column("single/error").mean()
    ensemble_nll = runs.column("ensemble/nll").mean()
    single_nll = runs.column("single/nll").mean()
    disagreement = 100 * runs.column("single/disagreement").mean()

    return (
        f"ensemble {ensemble_error:.2f} %, single {single_error:.2f} %, best single minus "
        f"ensemble {best:+.2f} points; disagreement {disagreement:.2f} % of pairs; NLL "
        f"{ensemble_nll:.4f} nats of the ensemble, {single_nll:.4f} nats single"
    )
