"""Dropout against other regularizers, and together with them, at equal tuning."""

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Published, Studies
from dropout_study.analysis.criteria import Greater, Part
from dropout_study.analysis.runs import Effect, Runs
from dropout_study.analysis.tuning import candidates, check_equal, selected
from dropout_study.measures.statistics import PERCENT, interval

ARMS = (
    "none",
    "L2",
    "L1",
    "sparsity",
    "max-norm",
    "dropout",
    "dropout + L2",
    "dropout + max-norm",
)
"""In the order in which they are drawn."""
CONSTANTS = {
    "optimizer.lr": "learning rate",
    "model.hidden_rate": "rate",
    "regularizer.l2": "L2",
    "regularizer.l1": "L1",
    "regularizer.sparsity": "sparsity",
    "regularizer.max_norm": "max-norm",
}
"""Setting that a candidate may vary -> its name."""


class Regularizers(Claim):
    """The candidates that validation data chose, compared on test data."""

    id = "regularizers"
    title = "Other regularizers"
    says = (
        "Dropout outperforms weight decay, norm and sparsity constraints, and can be combined "
        "with them for additional gains."
    )
    source = "the last sentence on computational efficiency"
    studies = ("regularizers",)
    parts = {
        "beats": Part("test error of the other arm minus test error of dropout", Greater()),
        "combines": Part(
            "test error of dropout minus test error of the combination", Greater(), some=True
        ),
    }
    published = (
        Published("L2, 784-1024-1024-2048-10", "1.62 %", "Srivastava et al. 2014, table 9", "S"),
        Published("L2 + L1", "1.60 %", "Srivastava et al. 2014, table 9", "S"),
        Published("L2 + KL sparsity", "1.55 %", "Srivastava et al. 2014, table 9", "S"),
        Published("max-norm", "1.35 %", "Srivastava et al. 2014, table 9", "S"),
        Published("dropout + L2", "1.25 %", "Srivastava et al. 2014, table 9", "S"),
        Published("dropout + max-norm", "1.05 %", "Srivastava et al. 2014, table 9", "S"),
    )
    caption = (
        "Left: test error of each arm with the constants chosen on validation data (grey: seeds; "
        "black: mean and 95 % interval). Right: validation error of every candidate, the same "
        "number for each arm."
    )
    notes = (
        "The published table has no row without regularizer, none with dropout alone, and no "
        "intervals; the binomial standard error on 10,000 images is 0.10 to 0.13 points. Here "
        "only the arm without regularizer is tried at learning rates above 0.001, since it has no "
        "other constant; and the combinations drop at rate 0.5, where dropout alone chooses among "
        "three rates."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Differences of test errors between the candidates that validation chose."""
        runs = studies["regularizers"]
        dropout_arm = runs.values["dropout"]
        others = runs.values["others"]
        combined = runs.values["combined"]
        arms = ["none", *others, dropout_arm, *combined]
        check_equal(runs, arms)

        errors = {arm: selected(runs, arm).error() for arm in arms}
        dropout = errors[dropout_arm]

        return {
            "beats": {arm: errors[arm].minus(dropout) for arm in others},
            "combines": {arm: dropout.minus(errors[arm]) for arm in combined},
        }

    def context_lines(self, studies: Studies) -> list[str]:
        """Every arm's choice, error and NLL; and all candidates."""
        runs = studies["regularizers"]
        dropout = selected(runs, runs.values["dropout"])
        gain = interval(selected(runs, "none").error().minus(dropout.error()).values)
        lines = [f"test error, no regularizer minus dropout: {gain:+.3f} points"]

        for arm in _arms(runs):
            chosen = selected(runs, arm)
            error = interval(chosen.column("test/error/weight_scaling").tolist()).within(PERCENT)
            nll = chosen.column("test/nll/weight_scaling").mean()
            constants = _constants(chosen)
            lines.append(f"{arm}: test error {error:.2f} %, NLL {nll:.4f} nats; {constants}")

        for arm in _arms(runs):
            errors = ", ".join(f"{value:.2f}" for value in candidates(runs, arm)["error"])
            lines.append(f"candidates of {arm}, validation error in percent: {errors}")

        return lines

    def figure(self, studies: Studies) -> Figure:
        """Test errors of all arms; validation errors of all candidates."""
        runs = studies["regularizers"]
        arms = _arms(runs)
        chosen = {arm: selected(runs, arm).column("test/error/weight_scaling") for arm in arms}
        effects = {arm: Effect(errors.tolist()) for arm, errors in chosen.items()}

        sheet, axes = figures.sheet(2)
        figures.forest(axes[0], effects, margin=None, within=PERCENT)
        axes[0].set(xlabel="test error (%) of the chosen candidate")

        for row, arm in enumerate(arms):
            errors = candidates(runs, arm)["error"]
            axes[1].plot(errors, [row] * len(errors), "o", color="0.55", markersize=4)
            axes[1].plot(errors.min(), row, "o", color="black")

        axes[1].set_yticks(range(len(arms)), [""] * len(arms))
        axes[1].set_ylim(len(arms) - 0.5, -0.5)
        axes[1].set(xlabel="validation error (%) of every candidate; black: chosen")

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """The candidate of every arm that validation chose."""
        runs = studies["regularizers"]
        return {arm: selected(runs, arm) for arm in _arms(runs)}


def _arms(runs: Runs) -> list[str]:
    recorded = set(runs.frame["arm"])
    return [arm for arm in ARMS if arm in recorded]


def _constants(runs: Runs) -> str:
    network = runs.frame.iloc[0]
    settings = [
        f"{name} {network[key]}"
        for key, name in CONSTANTS.items()
        if key in network and network[key] not in (0, "none")
    ]

    return f"chosen: {', '.join(settings)}"
