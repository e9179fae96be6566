"""Each unit performs well without specific others; every subnetwork performs reasonably well."""

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Studies
from dropout_study.analysis.criteria import Equivalent, Greater, Part
from dropout_study.analysis.runs import Effect, Errors, Runs
from dropout_study.evaluation.sample_sizes import REMOVAL_DRAWS
from dropout_study.measures.statistics import PERCENT

HALF = 50  # percent of the units
MARGIN = 1.0  # points of test error


class IndependentUnits(Claim):
    """Test error when hidden units are removed at test time."""

    id = "independent_units"
    title = "Independent units"
    says = (
        "Dropout forces each unit to perform well without specific others, so that every "
        "subnetwork can perform reasonably well."
    )
    source = (
        "Intuition and Insights behind Dropout, first paragraph (and the comparison with "
        "recombining genes)"
    )
    studies = ("independent_units", "capacity")
    parts = {
        "without specific others": Part(
            "test error of single subnetworks with half of the hidden units: trained without "
            "dropout minus trained with dropout",
            Greater(),
        ),
        "reasonably well": Part(
            "test error after training with dropout: single subnetworks with half of the hidden "
            "units minus the whole net",
            Equivalent(MARGIN),
        ),
    }
    caption = (
        "Test error when a share of the hidden units is removed and the rest scaled up: mean over "
        f"{REMOVAL_DRAWS} random choices, for nets trained with and without dropout. Mean and "
        "95 % interval over seeds."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Differences of test errors with half of the hidden units removed."""
        runs = studies["independent_units"]
        plain = runs.where(model__hidden_rate=0)
        dropout = runs.where(model__hidden_rate=runs.values["rate"])

        return {
            "without specific others": {"half removed": halved(plain).minus(halved(dropout))},
            "reasonably well": {"half removed": halved(dropout).minus(dropout.error())},
        }

    def context_lines(self, studies: Studies) -> list[str]:
        """Mean and worst error with half of the units removed."""
        runs = studies["independent_units"]
        lines = []

        for rate in runs.values_of("model.hidden_rate"):
            nets = runs.where(model__hidden_rate=rate)
            mean = nets.at("removal/error", HALF).mean()
            worst = nets.at("removal/worst", HALF).mean()
            lines.append(
                f"rate {rate:g}, half of the units removed: mean error {mean:.2f} %, "
                f"worst of {REMOVAL_DRAWS} random choices {worst:.2f} %"
            )

        return lines

    def figure(self, studies: Studies) -> Figure:
        """Error by share of units removed."""
        runs = studies["independent_units"]
        sheet, (axes,) = figures.sheet()

        for i, rate in enumerate(runs.values_of("model.hidden_rate")):
            curve = runs.where(model__hidden_rate=rate).curve("removal/error")
            figures.line(axes, curve, f"rate {rate:g}", i, within=PERCENT)

        axes.set(
            xlabel="hidden units removed at test time (%)", ylabel="test error (%)", yscale="log"
        )

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """The nets as the study `capacity` trained them."""
        trained = studies["independent_units"].trained_by(studies.get("capacity"))
        rates = trained.values_of("model.hidden_rate")
        return {f"rate {rate:g}": trained.where(model__hidden_rate=rate) for rate in rates}


def halved(runs: Runs) -> Errors:
    """Errors of single subnetworks with half of the hidden units removed."""
    return Errors(runs.at("removal/error", HALF), runs.wrong(f"removed_{HALF}"))
