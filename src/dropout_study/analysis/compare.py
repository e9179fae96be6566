"""Any two conditions compared, by the same functions that decide the claims."""

from dataclasses import dataclass

from dropout_study.analysis.runs import Effect, ResultsMissing, Runs, minus
from dropout_study.measures.statistics import Estimate, needed

LEVEL = 0.05
"""Two-sided; differences with a p value above it are not resolved."""


@dataclass(frozen=True)
class Comparison:
    """The paired difference between two conditions: the first minus the second.

    Attributes:
        metric: what was compared.
        rule: the prediction rule of both.
        effect: the difference per seed, with test images where they were kept.
    """

    metric: str
    rule: str
    effect: Effect

    @property
    def estimate(self) -> Estimate:
        """The mean difference: over seeds x test images where images were kept, else over seeds."""
        return self.effect.estimate()

    @property
    def p(self) -> float:
        """Two-sided p value for a difference; nan where there is one seed."""
        return self.estimate.p_differs()

    @property
    def what_it_takes(self) -> str:
        """How many seeds or test images would show the difference; empty where it is shown."""
        if self.p <= LEVEL:
            return ""

        # Of the two sides of the test, only the one of the difference has a chance.
        numbers = needed(self.estimate, self.estimate.mean, level=LEVEL / 2)

        return "one seed has no interval" if numbers is None else str(numbers)

    def __str__(self) -> str:
        """The comparison in one line."""
        estimate = self.estimate
        images = f" and {estimate.images:,} test images" if estimate.images else ""
        unit = " points" if self.metric == "error" else ""
        text = (
            f"{self.metric} under {self.rule}: {estimate.interval():+.4g}{unit}, "
            f"p = {self.p:.2g}, over {estimate.seeds} seeds{images}"
        )

        return f"{text}; {self.what_it_takes}" if self.what_it_takes else text


def compare(
    first: Runs, second: Runs, rule: str = "weight_scaling", metric: str = "error"
) -> Comparison:
    """The paired difference of a test metric between two conditions, over their common seeds.

    Errors are compared over seeds x test images where it was kept which images each network
    misclassifies; other metrics over seeds. Nothing is adjusted for other comparisons: the smallest
    p value of twenty is below 0.05 by chance.

    Args:
        first: networks of one condition, such as `runs.where(arm="none")`.
        second: networks of another condition.
        rule: the prediction rule, such as `weight_scaling` or `monte_carlo`.
        metric: `error`, `nll`, `brier` or `ece`, as in the columns `test/<metric>/<rule>`.

    Raises:
        ResultsMissing: the metric was not measured, there is no common seed, several conditions
            are given where one is expected, or errors are of different test images.

    Example:
        >>> import pandas as pd
        >>> errors = {"none": [2.1, 2.0, 2.2], "dropout": [1.5, 1.6, 1.7]}
        >>> rows = [
        ...     {"arm": arm, "digest": arm, "seed": seed, "test/error/weight_scaling": error}
        ...     for arm, values in errors.items()
        ...     for seed, error in enumerate(values)
        ... ]
        >>> runs = Runs(pd.DataFrame(rows), {})
        >>> print(compare(runs.where(arm="none"), runs.where(arm="dropout")))
        error under weight_scaling: +0.5 (+0.2516 to +0.7484) points, p = 0.013, over 3 seeds
    """
    return Comparison(metric, rule, _difference(first, second, rule, metric))


def _difference(first: Runs, second: Runs, rule: str, metric: str) -> Effect:
    column = f"test/{metric}/{rule}"

    if metric == "error" and _images_kept(first, rule) and _images_kept(second, rule):
        return first.error(rule).minus(second.error(rule))

    return minus(first.column(column), second.column(column))


def _images_kept(runs: Runs, rule: str) -> bool:
    try:
        runs.wrong(rule)
    except ResultsMissing:
        return False

    return True
