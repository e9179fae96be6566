"""Without nonlinear hidden units, one pass with scaled weights is the geometric ensemble."""

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Studies
from dropout_study.analysis.criteria import Exact, Part
from dropout_study.analysis.runs import Effect

TOLERANCE = 1e-12
FAMILIES = ("softmax regression", "linear")


class WeightScalingExact(Claim):
    """The largest difference between one scaled pass and the enumerated ensemble."""

    id = "weight_scaling_exact"
    title = "Weight scaling, exact"
    says = (
        "For softmax regression, scaling the weights by the probability of keeping gives the "
        "geometric ensemble exactly; so it does in every family without nonlinear hidden units."
    )
    source = "equations 7.56 to 7.66"
    studies = ("enumerable",)
    parts = {
        "classification": Part(
            "largest difference of log-probabilities between weight scaling and the enumerated "
            "geometric ensemble",
            Exact(TOLERANCE),
            "nats",
        ),
        "regression": Part(
            "largest difference of means, with the outputs as means of normal distributions of "
            "equal variance",
            Exact(TOLERANCE),
            "",
        ),
    }
    caption = (
        "Largest difference over test images and classes between weight scaling and the "
        "enumerated geometric ensemble, in double precision; each point is one trained net. "
        f"Dotted: the tolerance, {TOLERANCE:g}."
    )
    notes = (
        "Any keep in (0, 1) is tested, not only 1/2. Dropping the units of a single hidden layer "
        "is exact whatever their activation, since the logits are linear in those masks."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """The largest differences, in double precision."""
        nets = {arm: studies["enumerable"].where(arm=arm) for arm in FAMILIES}
        classification = {
            arm: Effect(runs.column("exact/weight_scaling_error").tolist())
            for arm, runs in nets.items()
        }
        regression = {
            arm: Effect(runs.column("exact/normal_error").tolist()) for arm, runs in nets.items()
        }

        return {"classification": classification, "regression": regression}

    def figure(self, studies: Studies) -> Figure:
        """The differences, by the family of nets."""
        sheet, (axes,) = figures.sheet(width=5.3)
        runs = studies["enumerable"]
        arms = sorted(runs.values_of("arm"), key=lambda arm: (arm not in FAMILIES, arm))

        for row, arm in enumerate(arms):
            nets = runs.where(arm=arm).frame
            has_two_layers = nets["model.widths"].astype(str).str.contains("x")
            color = figures.look(arm, row)["color"]

            for offset, deep, marker in ((-0.12, False, "o"), (0.12, True, "^")):
                errors = nets[has_two_layers == deep]["exact/weight_scaling_error"]
                drawn = errors.clip(lower=1e-17)
                axes.plot(drawn, [row + offset] * len(drawn), marker, color=color, alpha=0.7)

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
