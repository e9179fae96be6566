"""Each unit performs well without specific others; every subnetwork performs reasonably well."""

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Studies
from dropout_study.analysis.criteria import Equivalent, Greater, Part
from dropout_study.analysis.runs import Effect, Errors, Runs
from dropout_study.measures.statistics import PERCENT

HALF = 50  # percent of the units
MARGIN = 1.0


def halved(runs: Runs) -> Errors:
    """Errors of single subnetworks, half of the hidden units removed."""
    return Errors(runs.at("removal/error", HALF), runs.wrong("removed_50"))


def estimate(studies: Studies) -> dict[str, dict[str, Effect]]:
    """Single subnetworks of nets trained with and without dropout."""
    runs = studies["independent_units"]
    plain, dropout = (runs.where(model__hidden_rate=rate) for rate in (0, runs.values["rate"]))

    return {
        "without specific others": {"half removed": halved(plain).minus(halved(dropout))},
        "reasonably well": {"half removed": halved(dropout).minus(dropout.error())},
    }


def beside(studies: Studies) -> list[str]:
    """Errors with half of the units, mean and worst."""
    runs = studies["independent_units"]
    lines = []

    for rate in sorted(set(runs.frame["model.hidden_rate"])):
        nets = runs.where(model__hidden_rate=rate)
        mean, worst = (nets.at(f"removal/{key}", HALF).mean() for key in ("error", "worst"))
        lines.append(
            f"rate {rate:g}, half of the units removed: error {mean:.2f} %, worst of 20 times {worst:.2f} %"
        )

    return lines


def figure(studies: Studies) -> Figure:
    """Error by share of units removed."""
    runs = studies["independent_units"]
    sheet, (axes,) = figures.sheet()

    for i, rate in enumerate(sorted(set(runs.frame["model.hidden_rate"]))):
        curve = runs.where(model__hidden_rate=rate).curve("removal/error")
        figures.line(axes, curve, f"rate {rate:g}", i, within=PERCENT)

    axes.set(xlabel="hidden units removed at test time (%)", ylabel="test error (%)", yscale="log")

    return sheet


def compared(studies: Studies) -> dict[str, Runs]:
    """The nets as capacity trained them."""
    trained = studies["independent_units"].trained_by(studies.get("capacity"))
    rates = sorted(set(trained.frame["model.hidden_rate"]))
    return {f"rate {rate:g}": trained.where(model__hidden_rate=rate) for rate in rates}


CLAIM = Claim(
    id="independent_units",
    title="Independent units",
    says="Dropout forces each unit to perform well without specific others, so that every subnetwork can perform "
    "reasonably well.",
    source="Intuition and Insights behind Dropout, first paragraph (and the comparison with recombining genes)",
    studies=("independent_units", "capacity"),
    parts={
        "without specific others": Part(
            "test error of single subnetworks with half of the hidden units, trained without less trained with dropout",
            Greater(),
        ),
        "reasonably well": Part(
            "test error of such subnetworks less that of the whole net, trained with dropout",
            Equivalent(MARGIN),
        ),
    },
    estimate=estimate,
    figure=figure,
    caption="Test error when a share of the hidden units is removed, the rest scaled up: mean over 20 random choices, "
    "for nets trained with and without dropout. Mean and 95 % interval over seeds.",
    beside=beside,
    compared=compared,
)
