"""Many good-enough subnetworks make a more powerful ensemble."""

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Group, Studies
from dropout_study.analysis.criteria import Answers, Better, Part
from dropout_study.analysis.margins import MNIST, NO_SIZE
from dropout_study.analysis.reference_nets import left_out, measured, trained, with_dropout
from dropout_study.analysis.runs import Effect, Errors, Runs, minus
from dropout_study.measures.statistics import PERCENT, interval

PREDICTORS = {
    "subnetworks/error": "single (mean)",
    "subnetworks/error_best": "single (best)",
    "pool/error_arithmetic": "ensemble",
    "test/error/weight_scaling": "weight scaling",
}
"""Metric -> its name in the figure."""


class EnsembleGain(Claim):
    """Sampled subnetworks alone against the mean of their probabilities."""

    id = "ensemble_gain"
    title = "Gain of the ensemble"
    says = "Combining many good-enough subnetworks produces a more powerful ensemble."
    source = "Intuition and Insights behind Dropout, first paragraph"
    group = Group.WHY
    studies = ("units", "reference")
    parts = {
        "more powerful": Part(
            "mean test error of 1,000 single subnetworks minus test error of the mean of their "
            "probabilities, for each rate",
            Better(0, NO_SIZE),
            settled_within=MNIST,
            answers=Answers(
                "1,000 subnetworks together make {} fewer errors than a single one",
                "1,000 subnetworks together make {} more errors than a single one",
                "no difference was found between 1,000 subnetworks together and a single one",
            ),
        ),
    }
    deviations = (
        "The book gives no experiment; the nets are 784-512-512-10 on MNIST without max-norm, "
        "trained for 30,000 updates with AdamW and a one-cycle schedule.",
        "1,000 of 2^1024 subnetworks, drawn as in training; intervals over 10 seeds and the test "
        "images.",
    )
    caption = (
        "Test error of single sampled subnetworks, of the mean of the probabilities of 1,000 of "
        "them, and of weight scaling. Mean and 95 % interval over seeds."
    )
    notes = "Error decides: for NLL the gain is Jensen's inequality and cannot fail."

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Mean error of single subnetworks minus error of their ensemble, for each rate."""
        nets = with_dropout(measured(studies, needed=()))
        return {"more powerful": {arm: gain(runs) for arm, runs in nets.items()}}

    def context_lines(self, studies: Studies) -> list[str]:
        """The best subnetwork, disagreement and likelihood."""
        nets = with_dropout(measured(studies, needed=()))
        return [f"{arm}: {_context(runs)}" for arm, runs in nets.items()]

    def left_out(self, studies: Studies) -> list[str]:
        """Arms that do not solve their task."""
        return left_out(studies)

    def figure(self, studies: Studies) -> Figure:
        """Errors of ensemble, single subnetworks and weight scaling."""
        nets = with_dropout(measured(studies, needed=()))
        sheet, (axes,) = figures.sheet(width=5.3)

        for i, (metric, label) in enumerate(PREDICTORS.items()):
            look = figures.look(label, i)

            for row, runs in enumerate(nets.values()):
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

        axes.set_yticks(range(len(nets)), list(nets))
        axes.invert_yaxis()
        axes.set(xlabel="test error (%)", xscale="log")
        axes.legend(fontsize=8)

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """The nets as the study `reference` trained them."""
        return with_dropout(trained(studies))


def gain(nets: Runs) -> Effect:
    """Mean error of single subnetworks minus error of their ensemble, in points."""
    single = Errors(nets.column("subnetworks/error"), nets.wrong("blocks_1"))
    ensemble = Errors(nets.column("pool/error_arithmetic"), nets.wrong("pool_arithmetic"))

    return single.minus(ensemble)


def _context(nets: Runs) -> str:
    best = minus(nets.column("subnetworks/error_best"), nets.column("pool/error_arithmetic"))
    disagreement = 100 * nets.column("subnetworks/disagreement").mean()
    ensemble_nll = nets.column("pool/nll_arithmetic").mean()
    single_nll = nets.column("subnetworks/nll").mean()

    return (
        f"best single minus ensemble {best.estimate().interval():+.2f} points; two subnetworks "
        f"disagree on {disagreement:.2f} % of the images; NLL {ensemble_nll:.4f} nats of the "
        f"ensemble, {single_nll:.4f} nats single"
    )
