"""How a claim is decided: four kinds of criterion, and no others."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from dropout_study.analysis.runs import Effect
from dropout_study.measures.statistics import Interval, interval, p_value

SUPPORTED = "supported"
CONTRADICTED = "contradicted"
INCONCLUSIVE = "inconclusive"
ALPHA = 0.05
IMAGE_ERRORS = 1.96
"""Standard errors over the test images; nearer than this to a limit, an effect is inconclusive."""

MANY_EFFECTS = "one of so many effects could be chance"
WITHIN_IMAGES = "closer to the limit than the test images can resolve"
ONE_SEED = "one seed has no interval"


@dataclass(frozen=True)
class Decision:
    """The verdict on an effect, with its p value (nan where nothing is tested)."""

    verdict: str
    p: float = math.nan
    reason: str = ""


@dataclass(frozen=True)
class Exact:
    """No value may exceed a tolerance; there is no interval.

    >>> Exact(1e-12).decide(Effect([0.0, -1e-15])).verdict
    'supported'
    """

    tolerance: float

    def decide(self, effect: Effect) -> Decision:
        """Supported if every value is within the tolerance, else (also for nan) contradicted."""
        within = all(abs(value) <= self.tolerance for value in effect.values)
        return Decision(SUPPORTED if within else CONTRADICTED)

    def in_words(self, unit: str = "") -> str:
        """The criterion for effects in a unit."""
        if self.tolerance == 0:
            return "exactly 0"
        return f"at most {_quantity(self.tolerance, unit)} in absolute value"


@dataclass(frozen=True)
class Greater:
    """The 95 % interval lies above the margin: supported; below it: contradicted.

    >>> Greater().decide(Effect([1.0, 1.1, 0.9])).verdict
    'supported'
    >>> Greater(2.0).decide(Effect([1.0, 1.1, 0.9])).verdict
    'contradicted'
    """

    margin: float = 0.0

    def decide(self, effect: Effect) -> Decision:
        """Also inconclusive if the test images alone could explain the effect."""
        ci = interval(effect.values)
        p = p_value(effect.values, self.margin)
        above = ci.low > self.margin
        below = ci.high < self.margin

        if not (above or below):
            return Decision(INCONCLUSIVE, p, _undecided(ci, "the interval contains the margin"))

        if _within_images(ci.mean - self.margin, effect):
            return Decision(INCONCLUSIVE, p, WITHIN_IMAGES)

        return Decision(SUPPORTED if above else CONTRADICTED, p)

    def in_words(self, unit: str = "") -> str:
        """The criterion for effects in a unit."""
        return f"greater than {_quantity(self.margin, unit)}"


@dataclass(frozen=True)
class Equivalent:
    """The 95 % interval lies within ± margin of a centre: supported; outside: contradicted.

    >>> Equivalent(0.5).decide(Effect([0.1, -0.1, 0.0])).verdict
    'supported'
    """

    margin: float
    centre: float = 0.0

    def decide(self, effect: Effect) -> Decision:
        """Also inconclusive if the test images alone could move the effect across a limit."""
        ci = interval(effect.values)
        low = self.centre - self.margin
        high = self.centre + self.margin
        p = max(p_value(effect.values, low), p_value(effect.values, high))
        inside = ci.low > low and ci.high < high
        outside = ci.low > high or ci.high < low

        if not (inside or outside):
            return Decision(INCONCLUSIVE, p, _undecided(ci, "the interval contains a limit"))

        nearest = min(abs(ci.mean - low), abs(ci.mean - high))
        if _within_images(nearest, effect):
            return Decision(INCONCLUSIVE, p, WITHIN_IMAGES)

        return Decision(SUPPORTED if inside else CONTRADICTED, p)

    def in_words(self, unit: str = "") -> str:
        """The criterion for effects in a unit."""
        centre = f"{self.centre:g} " if self.centre else ""
        return f"within {centre}± {_quantity(self.margin, unit)}"


@dataclass(frozen=True)
class Measured:
    """The interval over repeated timings lies below (or above) a bound.

    >>> Measured(below=1.5).decide(Effect([1.1, 1.2, 1.1])).verdict
    'supported'
    """

    below: float = math.inf
    above: float = -math.inf

    def decide(self, effect: Effect) -> Decision:
        """Supported on the right side of the bound, contradicted on the other."""
        ci = interval(effect.values)

        if self.above < ci.low and ci.high < self.below:
            return Decision(SUPPORTED)

        if ci.high < self.above or ci.low > self.below:
            return Decision(CONTRADICTED)

        return Decision(INCONCLUSIVE, reason="the interval contains the bound")

    def in_words(self, unit: str = "") -> str:
        """The criterion for effects in a unit."""
        limits = []

        if math.isfinite(self.above):
            limits.append(f"above {_quantity(self.above, unit)}")

        if math.isfinite(self.below):
            limits.append(f"below {_quantity(self.below, unit)}")

        return " and ".join(limits)


Criterion = Exact | Greater | Equivalent | Measured


def _quantity(value: float, unit: str) -> str:
    """A number with its unit, `points` in the singular where it is 1.

    >>> _quantity(1.0, "points"), _quantity(0.5, "points"), _quantity(5.0, "")
    ('1 point', '0.5 points', '5')
    """
    if abs(value) == 1:
        unit = unit.removesuffix("s")
    return f"{value:g} {unit}".rstrip()


def _undecided(ci: Interval, reason: str) -> str:
    return reason if ci.n > 1 else ONE_SEED


def _within_images(distance: float, effect: Effect) -> bool:
    if effect.image_error is None:
        return False
    return abs(distance) < IMAGE_ERRORS * effect.image_error


@dataclass(frozen=True)
class Part:
    """One question of a claim.

    Attributes:
        measure: what is measured, as a reader would say it.
        criterion: decides each of the part's effects.
        unit: of the effects; empty if they have none.
        some: whether one supported effect suffices; otherwise all have to be.
    """

    measure: str
    criterion: Criterion
    unit: str = "points"
    some: bool = False

    @property
    def criterion_in_words(self) -> str:
        """The criterion with its unit: `greater than 0 points`."""
        return self.criterion.in_words(self.unit)

    def __str__(self) -> str:
        scope = ", for at least one" if self.some else ""
        return f"{self.measure}: {self.criterion_in_words}{scope}"

    def decide(self, effects: Mapping[str, Effect]) -> Decision:
        """The decision on all effects together, with the p value of the part.

        If all effects must hold, p is the largest p (intersection-union test). If one suffices
        (`some`), or one contradicts, p is the smallest p times the number of effects (Bonferroni),
        and support by one effect also requires that p <= `ALPHA`: four effects that are all zero
        would else yield a supported one in every tenth study.

        Without a decision, p is the largest p of the undecided effects, not multiplied.

        Args:
            effects: case -> effect, at least one.
        """
        decisions = [self.criterion.decide(effect) for effect in effects.values()]
        one_suffices, all_needed = SUPPORTED, CONTRADICTED
        if not self.some:
            one_suffices, all_needed = all_needed, one_suffices

        if deciding := [d for d in decisions if d.verdict == one_suffices]:
            p = _smallest_times([d.p for d in deciding], len(decisions))
            if self.some and p > ALPHA:
                return Decision(INCONCLUSIVE, p, MANY_EFFECTS)
            return Decision(one_suffices, p)

        if all(d.verdict == all_needed for d in decisions):
            return Decision(all_needed, _largest([d.p for d in decisions]))

        undecided = [d for d in decisions if d.verdict == INCONCLUSIVE]
        p = _largest([d.p for d in undecided])

        return Decision(INCONCLUSIVE, p, undecided[0].reason)


def together(decisions: Mapping[str, Decision]) -> Decision:
    """The verdict of a claim: contradicted if a part is, supported if all parts are.

    >>> together({"a": Decision(SUPPORTED), "b": Decision(CONTRADICTED)}).verdict
    'contradicted'

    Args:
        decisions: name of the part -> decision, at least one.
    """
    parts = list(decisions.values())

    if contradicted := [d for d in parts if d.verdict == CONTRADICTED]:
        return Decision(CONTRADICTED, _smallest_times([d.p for d in contradicted], len(parts)))

    if all(d.verdict == SUPPORTED for d in parts):
        return Decision(SUPPORTED, _largest([d.p for d in parts]))

    undecided = {name: d for name, d in decisions.items() if d.verdict == INCONCLUSIVE}
    p = _largest([d.p for d in undecided.values()])
    reasons = [
        f"{name}: {d.reason}" if len(parts) > 1 else d.reason for name, d in undecided.items()
    ]

    return Decision(INCONCLUSIVE, p, "; ".join(reasons))


def _largest(p_values: list[float]) -> float:
    return max((p for p in p_values if not math.isnan(p)), default=math.nan)


def _smallest_times(p_values: list[float], count: int) -> float:
    """The smallest p value times the number of effects, at most 1; nan if nothing was tested."""
    tested = [p for p in p_values if not math.isnan(p)]
    return min(1.0, count * min(tested)) if tested else math.nan
