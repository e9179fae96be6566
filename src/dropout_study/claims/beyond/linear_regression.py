"""Linear regression with dropped inputs is ridge regression."""

from dropout_study.analysis.claim import Claim, Group, Studies
from dropout_study.analysis.criteria import Check, Exact
from dropout_study.analysis.runs import Effect

EQUAL = Exact(1e-12, "far above the rounding errors of 65,536 terms in double precision")
SOLVED = Exact(
    1e-10,
    "the equations have a condition number of up to 1,700, by which rounding errors of 1e-16 are "
    "amplified to 2e-13",
)


class LinearRegression(Claim):
    """The squared error averaged over all masks, and the penalty that stands for it."""

    id = "linear_regression"
    title = "Linear regression"
    says = (
        "For linear regression dropout is L2 weight decay, with a coefficient of its own for each "
        "feature that is proportional to its sum of squares."
    )
    source = "the paragraph on Wager et al. (2013)"
    group = Group.BEYOND
    studies = ("linear_regression",)
    checks = {
        "the loss": Check(
            "squared error averaged over all 2^16 masks minus squared error plus penalty, divided "
            "by it, at the weights of trained nets",
            EQUAL,
        ),
        "its solution": Check(
            "weights that minimize the one minus weights that minimize the other, divided by the "
            "largest",
            SOLVED,
        ),
    }
    deviations = (
        "Wager et al. treat generalized linear models, where the equality is one of second order; "
        "the book states it for linear regression, where it is exact.",
        "16 inputs, digits of 4 x 4 pixels; the targets are 1 for images of a class and 0 for "
        "others. The weights at which losses are compared are those of softmax regressions.",
    )
    notes = (
        "The penalty of weight w_j is rate / keep times the sum over examples of x_ij^2, times "
        "w_j^2. The book says that the coefficient is determined by the variance of the feature: "
        "that is the same for features of mean 0."
    )

    def check(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """The largest deviations, by rate."""
        nets = studies["linear_regression"].by("arm")
        losses, solutions = (
            {arm: Effect(runs.column(f"ridge/{name}_error").tolist()) for arm, runs in nets.items()}
            for name in ("loss", "solution")
        )

        return {"the loss": losses, "its solution": solutions}
