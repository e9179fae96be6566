"""Dropout against other regularizers, and together with them, at equal tuning."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Group, Published, Studies
from dropout_study.analysis.criteria import Answers, Better, Part
from dropout_study.analysis.margins import NO_SIZE
from dropout_study.analysis.runs import Effect, ResultsMissing, Runs
from dropout_study.measures.statistics import PERCENT, interval

if TYPE_CHECKING:
    import pandas as pd

ARMS = (
    "none",
    "weight decay",
    "L1",
    "sparsity",
    "max-norm",
    "dropout",
    "dropout + weight decay",
    "dropout + max-norm",
)
"""In the order in which they are drawn."""
CONSTANTS = {
    "optimizer.lr": "learning rate",
    "model.hidden_rate": "rate",
    "optimizer.weight_decay": "weight decay",
    "regularizer.l1": "L1",
    "regularizer.sparsity": "sparsity",
    "regularizer.max_norm": "max-norm",
}
"""Setting that candidates vary -> its name."""


class Regularizers(Claim):
    """The candidates that validation data chose, trained anew and compared on test data."""

    id = "regularizers"
    title = "Other regularizers"
    says = (
        "Dropout outperforms weight decay, norm and sparsity constraints, and can be combined "
        "with them for additional gains."
    )
    source = "the last sentence on computational efficiency"
    group = Group.HELP
    studies = ("regularizers",)
    parts = {
        "beats": Part(
            "test error of the other arm minus test error of dropout",
            Better(0, NO_SIZE),
            settled_within=0.3,
            answers=Answers(
                "dropout makes {} fewer errors than another regularizer",
                "dropout makes {} more errors than another regularizer",
                "no difference was found between dropout and another regularizer",
            ),
        ),
        "combines": Part(
            "test error of dropout minus test error of the combination",
            Better(0, NO_SIZE),
            some=True,
            settled_within=0.3,
            answers=Answers(
                "the combination makes {} fewer errors than dropout alone",
                "the combination makes {} more errors than dropout alone",
                "no difference was found between the combination and dropout alone",
            ),
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
    deviations = (
        "784-256-256-10 instead of 784-1024-1024-2048-10, and 10,000 training examples: the "
        "effects are larger there, so that fewer seeds resolve them.",
        "AdamW with a one-cycle schedule instead of SGD with momentum; weight decay is decoupled "
        "from the gradient (Loshchilov and Hutter 2019), since an L2 term in the loss is no weight "
        "decay under Adam.",
        "Every arm has 48 random candidates of learning rate and constants; the publication does "
        "not say how many it tried.",
        "L1 and sparsity are terms of the loss, which Adam rescales; only weight decay is "
        "decoupled, and it acts on biases, too. The published sparsity is a KL term; here the sum "
        "of absolute activations is penalized.",
        "Limits of max-norm are drawn from 0.5 to 5 and the same in both layers.",
        "Candidates are chosen after half of the final updates.",
        "The published table has no row without regularizer, none with dropout alone, and no "
        "intervals; the binomial standard error on 10,000 images is 0.10 to 0.13 points.",
        "Test images: the 10,000 of MNIST and 30,000 of its training set that nothing was trained "
        "or chosen on.",
    )
    caption = (
        "Test error of each arm with the constants chosen on validation data; grey: seeds, black: "
        "mean and 95 % interval over seeds."
    )
    notes = (
        "Error decides. Likelihood, which can disagree, is given below. In each arm the learning "
        "rate and all constants are free, the dropout rate of the combinations included."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Differences of test errors, of arms whose max-norm, if any, binds."""
        runs = studies["regularizers"]
        dropout = runs.where(arm=runs.values["dropout"])
        others = binding(runs, runs.values["others"])
        combined = binding(runs, runs.values["combined"])

        return {
            "beats": {arm: nets.error().minus(dropout.error()) for arm, nets in others.items()},
            "combines": {
                arm: dropout.error().minus(nets.error()) for arm, nets in combined.items()
            },
        }

    def context_lines(self, studies: Studies) -> list[str]:
        """Every arm's choice, error and NLL, and whether max-norm binds."""
        runs = studies["regularizers"]
        dropout = runs.where(arm=runs.values["dropout"])
        plain = runs.where(arm="none")
        gain = plain.error().minus(dropout.error()).estimate().interval()
        lines = [f"test error, no regularizer minus dropout: {gain:+.3f} points"]

        for arm in ARMS:
            nets = runs.where(arm=arm)
            error = interval(nets.column("test/error/weight_scaling").tolist()).within(PERCENT)
            line = f"{arm}: test error {error:.2f} %, NLL {_nll(nets).mean():.4f} nats; "
            lines.append(line + _constants(nets) + _binding(nets))

        return lines

    def left_out(self, studies: Studies) -> list[str]:
        """Arms whose max-norm limits too few units to act."""
        runs = studies["regularizers"]
        compared = [*runs.values["others"], *runs.values["combined"]]
        arms = {arm: runs.where(arm=arm) for arm in compared}
        shares = {arm: _share_at_limit(nets) for arm, nets in arms.items() if not _binds(nets)}

        return [
            f"{arm} is left out: its max-norm limits {100 * (share or 0):.0f} % of the units, not "
            f"more than {100 * float(runs.values['at_limit']):g} %"
            for arm, share in shares.items()
        ]

    def figure(self, studies: Studies) -> Figure:
        """Test errors of all arms."""
        runs = studies["regularizers"]
        errors = {arm: runs.where(arm=arm).column("test/error/weight_scaling") for arm in ARMS}
        effects = {arm: Effect(values.tolist()) for arm, values in errors.items()}

        sheet, axes = figures.sheet(width=6.0)
        figures.intervals(axes[0], effects, margin=None, within=PERCENT)
        axes[0].set(xlabel="test error (%) of the chosen candidate")

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """Every arm."""
        runs = studies["regularizers"]
        return {arm: runs.where(arm=arm) for arm in ARMS}


def binding(runs: Runs, arms: Sequence[str]) -> dict[str, Runs]:
    """The networks of some arms, without those whose max-norm limits too few units to act.

    Raises:
        ResultsMissing: an arm is not there, or none is left.
    """
    nets = {arm: runs.where(arm=arm) for arm in arms}
    chosen = {arm: of_arm for arm, of_arm in nets.items() if _binds(of_arm)}
    if not chosen:
        raise ResultsMissing(f"max-norm binds in none of {'; '.join(arms)}")

    return chosen


def _nll(nets: Runs) -> "pd.Series[float]":
    return nets.column("test/nll/weight_scaling")


def _constants(nets: Runs) -> str:
    network = nets.frame.iloc[0]
    settings = [
        f"{name} {float(network[key]):.3g}"
        for key, name in CONSTANTS.items()
        if key in network and network[key] not in (0, "none")
    ]

    return f"chosen: {', '.join(settings)}"


def _share_at_limit(nets: Runs) -> float | None:
    """Share of units that max-norm limits; None in arms without it."""
    limited = nets.with_column("train/at_limit")
    return float(limited.column("train/at_limit").mean()) if len(limited.frame) else None


def _binds(nets: Runs) -> bool:
    """Whether an arm has no max-norm, or one that limits enough units."""
    share = _share_at_limit(nets)
    return share is None or share > float(nets.values["at_limit"])


def _binding(nets: Runs) -> str:
    """How many units max-norm limits; empty for other arms."""
    share = _share_at_limit(nets)
    if share is None:
        return ""

    return f"; {100 * share:.0f} % of the units at the limit"
