"""Many good-enough subnetworks make a more powerful ensemble."""

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Studies
from dropout_study.analysis.criteria import Greater, Part
from dropout_study.analysis.runs import Effect, Errors, ResultsMissing, Runs
from dropout_study.measures.statistics import PERCENT, interval


def nets(runs: Runs) -> dict[str, Runs]:
    """The conditions, named.

    Raises:
        ResultsMissing: there is none.
    """
    frame = runs.frame[runs.frame["model.hidden_rate"] > 0]
    found = {
        f"{same['model.widths'].iloc[0]}, rate {same['model.hidden_rate'].iloc[0]:g}": Runs(
            same, runs.values
        )
        for _, same in frame.groupby(["model.hidden_rate", "digest"], sort=True)
    }
    if not found:
        raise ResultsMissing("there are no results")

    return dict(sorted(found.items(), key=lambda item: int(item[0].partition("x")[0])))


def estimate(studies: Studies) -> dict[str, dict[str, Effect]]:
    """Mean error of single subnetworks less that of their ensemble."""
    effects = {}

    for name, runs in nets(studies["ensemble_gain"]).items():
        single = Errors(runs.column("single/error"), runs.wrong("single"))
        effects[name] = single.minus(Errors(runs.column("ensemble/error"), runs.wrong("ensemble")))

    return {"more powerful": effects}


def beside(studies: Studies) -> list[str]:
    """The best subnetwork, disagreement, NLL."""
    lines = []

    for name, runs in nets(studies["ensemble_gain"]).items():
        best = interval((runs.column("single/error_best") - runs.column("ensemble/error")).tolist())
        error, nll = (
            [runs.column(f"{which}/{key}").mean() for which in ("ensemble", "single")]
            for key in ("error", "nll")
        )
        disagreement = 100 * runs.column("single/disagreement").mean()
        lines.append(
            f"{name}: ensemble {error[0]:.2f} %, single {error[1]:.2f} %, best single less ensemble {best:+.2f}; "
            f"disagreement {disagreement:.2f} % of pairs; NLL {nll[0]:.4f} against {nll[1]:.4f} nats"
        )

    return lines


def figure(studies: Studies) -> Figure:
    """Errors of ensemble, single subnetworks and weight scaling."""
    found = nets(studies["ensemble_gain"])
    sheet, (axes,) = figures.sheet(width=5.3)
    keys = {
        "single/error": "single (mean)",
        "single/error_best": "single (best)",
        "ensemble/error": "ensemble",
        "test/error/weight_scaling": "weight scaling",
    }
    for i, (key, label) in enumerate(keys.items()):
        for row, runs in enumerate(found.values()):
            of = interval(runs.column(key).tolist()).within(PERCENT)
            look = figures.look(label, i)
            axes.errorbar(
                of.mean,
                row + 0.14 * (i - 1.5),
                xerr=[[of.mean - of.low], [of.high - of.mean]],
                fmt=look["marker"],
                color=look["color"],
                capsize=2,
                label=label if row == 0 else None,
            )

    axes.set_yticks(range(len(found)), list(found))
    axes.invert_yaxis()
    axes.set(xlabel="test error (%)", xscale="log")
    axes.legend(fontsize=8)

    return sheet


def compared(studies: Studies) -> dict[str, Runs]:
    """The nets as capacity trained them."""
    return nets(studies["ensemble_gain"].trained_by(studies.get("capacity")))


CLAIM = Claim(
    id="ensemble_gain",
    title="Gain of the ensemble",
    says="Combining many good-enough subnetworks produces a more powerful ensemble.",
    source="Intuition and Insights behind Dropout, first paragraph",
    studies=("ensemble_gain", "capacity"),
    parts={
        "more powerful": Part(
            "mean test error of 100 single subnetworks less that of their ensemble", Greater()
        ),
    },
    estimate=estimate,
    figure=figure,
    caption="Test error of single sampled subnetworks, of the mean of the probabilities of 100 of them, and of weight "
    "scaling. Mean and 95 % interval over seeds.",
    beside=beside,
    compared=compared,
    notes="Error decides: for NLL the gain is Jensen's inequality and cannot fail.",
)
