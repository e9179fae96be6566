"""Dropout against other regularizers, and together with them, at equal tuning."""

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Published, Studies
from dropout_study.analysis.criteria import Greater, Part
from dropout_study.analysis.runs import Effect, Runs
from dropout_study.analysis.tuning import candidates, check_equal, selected
from dropout_study.measures.statistics import PERCENT, interval

ORDER = (
    "none",
    "L2",
    "L1",
    "sparsity",
    "max-norm",
    "dropout",
    "dropout + L2",
    "dropout + max-norm",
)


def estimate(studies: Studies) -> dict[str, dict[str, Effect]]:
    """Differences of test errors between the candidates that validation chose."""
    runs = studies["regularizers"]
    arms = ["none", *runs.values["others"], runs.values["dropout"], *runs.values["combined"]]
    check_equal(runs, arms)
    errors = {arm: selected(runs, arm).error() for arm in arms}
    dropout = errors[runs.values["dropout"]]

    return {
        "beats": {arm: errors[arm].minus(dropout) for arm in runs.values["others"]},
        "combines": {arm: dropout.minus(errors[arm]) for arm in runs.values["combined"]},
    }


def beside(studies: Studies) -> list[str]:
    """Every arm's choice, error and NLL; and all candidates."""
    runs = studies["regularizers"]
    lines = []
    gain = selected(runs, "none").error().minus(selected(runs, runs.values["dropout"]).error())
    lines.append(f"no regularizer less dropout: {interval(gain.values):+.3f} points")

    for arm in _arms(runs):
        chosen = selected(runs, arm)
        error = interval(chosen.column("test/error/weight_scaling").tolist()).within(PERCENT)
        nll = chosen.column("test/nll/weight_scaling").mean()
        lines.append(
            f"{arm}: test error {error:.2f} %, NLL {nll:.4f} nats; chosen: {_constants(chosen)}"
        )

    for arm in _arms(runs):
        tried = candidates(runs, arm)
        lines.append(
            f"candidates of {arm}, validation error %: "
            + ", ".join(f"{value:.2f}" for value in tried["error"])
        )

    return lines


def _arms(runs: Runs) -> list[str]:
    found = set(runs.frame["arm"])
    return [arm for arm in ORDER if arm in found]


def _constants(runs: Runs) -> str:
    row = runs.frame.iloc[0]
    keys = {
        "optimizer.lr": "learning rate",
        "model.hidden_rate": "rate",
        "regularizer.l2": "L2",
        "regularizer.l1": "L1",
    }
    keys |= {"regularizer.sparsity": "sparsity", "regularizer.max_norm": "max-norm"}

    return ", ".join(
        f"{name} {row[key]}"
        for key, name in keys.items()
        if key in row and row[key] not in (0, "none")
    )


def figure(studies: Studies) -> Figure:
    """Test errors of all arms; validation errors of all candidates."""
    runs = studies["regularizers"]
    arms = _arms(runs)
    sheet, axes = figures.sheet(2)
    figures.forest(
        axes[0],
        {
            arm: Effect(selected(runs, arm).column("test/error/weight_scaling").tolist())
            for arm in arms
        },
        margin=None,
        within=PERCENT,
    )
    axes[0].set(xlabel="test error (%) of the chosen candidate")

    for row, arm in enumerate(arms):
        errors = candidates(runs, arm)["error"]
        axes[1].plot(errors, [row] * len(errors), "o", color="0.55", markersize=4)
        axes[1].plot(errors.min(), row, "o", color="black")

    axes[1].set_yticks(range(len(arms)), [""] * len(arms))
    axes[1].set_ylim(len(arms) - 0.5, -0.5)
    axes[1].set(xlabel="validation error (%) of every candidate; black: chosen")

    return sheet


def compared(studies: Studies) -> dict[str, Runs]:
    """What validation chose of every arm."""
    runs = studies["regularizers"]
    return {arm: selected(runs, arm) for arm in _arms(runs)}


CLAIM = Claim(
    id="regularizers",
    title="Other regularizers",
    says="Dropout outperforms weight decay, norm and sparsity constraints, and can be combined with them for "
    "additional gains.",
    source="the last sentence on computational efficiency",
    studies=("regularizers",),
    parts={
        "beats": Part("test error of the arm less that of dropout", Greater()),
        "combines": Part(
            "test error of dropout less that of the combination", Greater(), some=True
        ),
    },
    estimate=estimate,
    figure=figure,
    caption="Left: test error of each arm with the constants chosen on validation data (grey: seeds; black: mean and "
    "95 % interval). Right: validation error of every candidate, as many for each arm.",
    published=(
        Published("L2, 784-1024-1024-2048-10", "1.62 %", "Srivastava et al. 2014, table 9", "S"),
        Published("L2 + L1", "1.60 %", "Srivastava et al. 2014, table 9", "S"),
        Published("L2 + KL sparsity", "1.55 %", "Srivastava et al. 2014, table 9", "S"),
        Published("max-norm", "1.35 %", "Srivastava et al. 2014, table 9", "S"),
        Published("dropout + L2", "1.25 %", "Srivastava et al. 2014, table 9", "S"),
        Published("dropout + max-norm", "1.05 %", "Srivastava et al. 2014, table 9", "S"),
    ),
    beside=beside,
    compared=compared,
    notes="The published table has no row without regularizer, none with dropout alone, and no intervals; the "
    "binomial standard error on 10,000 images is 0.10 to 0.13 points. Here only the arm without regularizer is tried "
    "at learning rates above 0.001, for it has no other constant; and the combinations drop at rate 0.5, where dropout "
    "alone chooses among three rates.",
)
