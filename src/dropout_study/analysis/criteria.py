"""How a claim is decided: four kinds of criterion, and no others."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from dropout_study.analysis.runs import Effect
from dropout_study.measures.statistics import interval, p_value

SUPPORTED = "supported"
CONTRADICTED = "contradicted"
INCONCLUSIVE = "inconclusive"
ALPHA = 0.05
IMAGES = 1.96  # standard errors over the test images within which nothing is decided


@dataclass(frozen=True)
class Decision:
    """What a criterion makes of an effect; p is nan where nothing is tested."""

    verdict: str
    p: float = math.nan
    reason: str = ""


@dataclass(frozen=True)
class Exact:
    """No value may exceed a tolerance; there is no interval."""

    tolerance: float

    def decide(self, effect: Effect) -> Decision:
        """Supported or contradicted."""
        within = all(abs(value) <= self.tolerance for value in effect.values)  # nan is not
        return Decision(SUPPORTED if within else CONTRADICTED)

    def __str__(self) -> str:
        return f"never above {self.tolerance:g}"


@dataclass(frozen=True)
class Greater:
    """The 95 % interval lies above the margin: supported; below: contradicted."""

    margin: float = 0.0

    def decide(self, effect: Effect) -> Decision:
        """Inconclusive too if the effect could be one of the test images."""
        of = interval(effect.values)
        p = p_value(effect.values, self.margin)

        if not (of.low > self.margin or of.high < self.margin):
            return Decision(
                INCONCLUSIVE,
                p,
                "the interval holds the margin" if of.n > 1 else "one seed has no interval",
            )

        if _within_images(of.mean - self.margin, effect):
            return Decision(INCONCLUSIVE, p, WITHIN_IMAGES)

        return Decision(SUPPORTED if of.low > self.margin else CONTRADICTED, p)

    def __str__(self) -> str:
        return f"greater than {self.margin:g}"


@dataclass(frozen=True)
class Equivalent:
    """The 95 % interval lies within ± margin of a centre: supported; outside of it: contradicted."""

    margin: float
    centre: float = 0.0

    def decide(self, effect: Effect) -> Decision:
        """Inconclusive too if the test images leave it open on which side of the nearer limit the effect is."""
        of = interval(effect.values)
        low = self.centre - self.margin
        high = self.centre + self.margin
        p = max(p_value(effect.values, low), p_value(effect.values, high))
        inside = of.low > low and of.high < high

        outside = of.low > high or of.high < low
        if not (inside or outside):
            return Decision(
                INCONCLUSIVE,
                p,
                "the interval holds a limit" if of.n > 1 else "one seed has no interval",
            )

        if _within_images(min(abs(of.mean - low), abs(of.mean - high)), effect):
            return Decision(INCONCLUSIVE, p, WITHIN_IMAGES)

        return Decision(SUPPORTED if inside else CONTRADICTED, p)

    def __str__(self) -> str:
        return (
            f"within {self.centre:g} ± {self.margin:g}"
            if self.centre
            else f"within ± {self.margin:g}"
        )


@dataclass(frozen=True)
class Measured:
    """The interval over repeated timings lies below (or above) a bound."""

    below: float = math.inf
    above: float = -math.inf

    def decide(self, effect: Effect) -> Decision:
        """Supported on the right side, contradicted on the other."""
        of = interval(effect.values)
        if self.above < of.low and of.high < self.below:
            return Decision(SUPPORTED)

        wrong = of.high < self.above or of.low > self.below

        return Decision(
            CONTRADICTED if wrong else INCONCLUSIVE,
            reason="" if wrong else "the interval holds the bound",
        )

    def __str__(self) -> str:
        limits = [f"above {self.above:g}"] if math.isfinite(self.above) else []
        return " and ".join(
            [*limits, *([f"below {self.below:g}"] if math.isfinite(self.below) else [])]
        )


Criterion = Exact | Greater | Equivalent | Measured
CHANCES = "one of so many effects could be chance"
WITHIN_IMAGES = "smaller than the test images can tell"


def _within_images(distance: float, effect: Effect) -> bool:
    return effect.image_error is not None and abs(distance) < IMAGES * effect.image_error


@dataclass(frozen=True)
class Part:
    """One question of a claim.

    Attributes:
        measure: what is measured, as a reader would say it.
        criterion: decides each of the part's effects.
        unit: of the effects.
        some: one supported effect is enough; otherwise all have to be.
    """

    measure: str
    criterion: Criterion
    unit: str = "points"
    some: bool = False

    def __str__(self) -> str:
        return f"{self.measure}: {self.criterion} {self.unit}{', for at least one' if self.some else ''}".rstrip()

    def decide(self, effects: Mapping[str, Effect]) -> Decision:
        """The decision on all effects together.

        p is that of the part: of the effect that matters least where all must hold, of the one that
        matters most, multiplied by their number, where one is enough (or where one contradicts).
        Where one is enough to support, it has to be with that p: of four chances without an effect
        one in ten would else.
        """
        decisions = [self.criterion.decide(effect) for effect in effects.values()]
        enough, decisive = (SUPPORTED, CONTRADICTED) if self.some else (CONTRADICTED, SUPPORTED)
        if found := [d for d in decisions if d.verdict == enough]:
            p = _least([d.p for d in found], len(decisions))
            return (
                Decision(INCONCLUSIVE, p, CHANCES)
                if self.some and p > ALPHA
                else Decision(enough, p)
            )

        if all(d.verdict == decisive for d in decisions):
            return Decision(decisive, _most([d.p for d in decisions]))

        open_ones = [d for d in decisions if d.verdict == INCONCLUSIVE]

        return Decision(INCONCLUSIVE, _most([d.p for d in open_ones]), open_ones[0].reason)


def together(decisions: Mapping[str, Decision]) -> Decision:
    """The verdict of a claim: contradicted if a part is, supported if all are."""
    every = list(decisions.values())
    if contradicted := [d for d in every if d.verdict == CONTRADICTED]:
        return Decision(CONTRADICTED, _least([d.p for d in contradicted], len(every)))

    if all(d.verdict == SUPPORTED for d in every):
        return Decision(SUPPORTED, _most([d.p for d in every]))

    open_ones = [(name, d) for name, d in decisions.items() if d.verdict == INCONCLUSIVE]
    reason = (
        "; ".join(f"{name}: {d.reason}" for name, d in open_ones)
        if len(every) > 1
        else open_ones[0][1].reason
    )

    return Decision(INCONCLUSIVE, _most([d.p for _, d in open_ones]), reason)


def _most(p_values: list[float]) -> float:
    return max((p for p in p_values if not math.isnan(p)), default=math.nan)


def _least(p_values: list[float], of: int) -> float:
    known = [p for p in p_values if not math.isnan(p)]
    return min(1.0, of * min(known)) if known else math.nan
