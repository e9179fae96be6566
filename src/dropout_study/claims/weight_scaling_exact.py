"""Without nonlinear hidden units, one pass with scaled weights is the geometric ensemble."""

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Studies
from dropout_study.analysis.criteria import Exact, Part
from dropout_study.analysis.runs import Effect

TOLERANCE = 1e-12
FAMILIES = ("softmax regression", "linear")


def estimate(studies: Studies) -> dict[str, dict[str, Effect]]:
    """The largest differences, in double precision."""
    found = {arm: studies["enumerable"].where(arm=arm) for arm in FAMILIES}
    return {
        "classification": {
            arm: Effect(runs.column("exact/weight_scaling_error").tolist())
            for arm, runs in found.items()
        },
        "regression": {
            arm: Effect(runs.column("exact/normal_error").tolist()) for arm, runs in found.items()
        },
    }


def figure(studies: Studies) -> Figure:
    """The differences, by the family of nets."""
    sheet, (axes,) = figures.sheet(width=5.3)
    runs = studies["enumerable"]
    arms = sorted(set(runs.frame["arm"]), key=lambda arm: (arm not in FAMILIES, arm))
    for row, arm in enumerate(arms):
        found = runs.where(arm=arm)
        color = figures.look(arm, row)["color"]

        for offset, deep, marker in ((-0.12, False, "o"), (0.12, True, "^")):
            widths = found.frame["model.widths"].astype(str)  # of softmax regression: nan
            part = found.frame[widths.str.contains("x") == deep]
            values = part["exact/weight_scaling_error"].clip(lower=1e-17)
            axes.plot(values, [row + offset] * len(part), marker, color=color, alpha=0.7)

    axes.axvline(TOLERANCE, color="0.3", linewidth=1, linestyle=":")
    axes.set(
        xscale="log",
        xlabel="largest difference of log-probabilities (nats)",
        yticks=range(len(arms)),
    )
    axes.set_yticklabels(arms)
    axes.set_title("circles: one layer of masks; triangles: two", fontsize=8, loc="left")
    axes.invert_yaxis()

    return sheet


CLAIM = Claim(
    id="weight_scaling_exact",
    title="Weight scaling, exact",
    says="For softmax regression, scaling the weights by the probability of keeping gives the geometric ensemble "
    "exactly; so it does in every family without nonlinear hidden units.",
    source="equations 7.56 to 7.66",
    studies=("enumerable",),
    parts={
        "classification": Part(
            "largest difference of log-probabilities, weight scaling to the enumerated geometric ensemble",
            Exact(TOLERANCE),
            "nats",
        ),
        "regression": Part(
            "largest difference of means, the outputs taken as means of normal distributions of one variance",
            Exact(TOLERANCE),
            "",
        ),
    },
    estimate=estimate,
    figure=figure,
    caption="Largest difference over test images and classes between weight scaling and the enumerated geometric "
    "ensemble, double precision; a point is one trained net. Dotted: the tolerance, 1e-12.",
    notes="Any keep in (0, 1) is tested, not only 1/2. Dropping the units of a single hidden layer is exact whatever "
    "their activation, since the logits are linear in those masks.",
)
