"""Without nonlinear hidden units, one pass with scaled weights is the geometric ensemble."""

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Group, Studies
from dropout_study.analysis.criteria import Check, Exact
from dropout_study.analysis.runs import Effect

TOLERANCE = 1e-12
EQUAL = Exact(TOLERANCE, "far above the rounding errors of 65,536 terms in double precision")
FAMILIES = ("softmax regression", "linear")
"""Arms of the study without nonlinear hidden units."""


class WeightScalingExact(Claim):
    """The largest difference between one scaled pass and the enumerated ensemble."""

    id = "weight_scaling_exact"
    title = "Weight scaling, exact"
    says = (
        "For softmax regression, scaling the weights by the probability of keeping gives the "
        "geometric ensemble exactly; so it does in every family without nonlinear hidden units."
    )
    source = "equations 7.56 to 7.66"
    group = Group.ENSEMBLE
    studies = ("enumerable",)
    checks = {
        "classification": Check(
            "largest difference of log-probabilities between weight scaling and the enumerated "
            "geometric ensemble",
            EQUAL,
            "nats",
        ),
        "regression": Check(
            "largest difference of means, with the outputs as means of normal distributions of "
            "equal variance",
            EQUAL,
        ),
    }
    deviations = (
        "The equations are written for keep = 1/2; keep from 0.1 to 0.9 is enumerated too, with "
        "the masks weighted by their probabilities.",
        "Nets of at most 16 droppable units, on 100 test images.",
    )
    caption = (
        "Largest difference over test images and classes between weight scaling and the "
        "enumerated geometric ensemble, in double precision; each point is one trained net. "
        f"Dotted: the tolerance, {TOLERANCE:g}."
    )
    notes = (
        "Dropping the units of a single hidden layer is exact whatever their activation, since "
        "the logits are linear in those masks."
    )

    def check(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """The largest differences, in double precision."""
        families = {arm: studies["enumerable"].where(arm=arm) for arm in FAMILIES}

        return {
            "classification": {
                arm: Effect(nets.column("exact/weight_scaling_error").tolist())
                for arm, nets in families.items()
            },
            "regression": {
                arm: Effect(nets.column("exact/normal_error").tolist())
                for arm, nets in families.items()
            },
        }

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
