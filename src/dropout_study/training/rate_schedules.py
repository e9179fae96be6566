"""The share of its rate that a site has at an update."""

from collections.abc import Callable

from dropout_study.config.schema import Mask

STEPS = 100
"""Of a rate that rises or falls: each has limits of its own, which are kept."""


def rate_share(mask: Mask, updates: int) -> Callable[[int], float]:
    """The share of the rates, in [0, 1], as a function of the update.

    `falling` is the early dropout of Liu et al. (2023), https://arxiv.org/abs/2303.01500, as their
    code has it; `early` ends at once. `rising` is a curriculum as that of Morerio et al. (2017),
    https://arxiv.org/abs/1703.06229, in a straight line.

    Args:
        mask: the schedule, and the share of the updates at which it changes.
        updates: of the whole training.

    Example:
        >>> early = rate_share(Mask(schedule="early", until=0.25), updates=100)
        >>> early(24), early(25)
        (1.0, 0.0)
        >>> late = rate_share(Mask(schedule="late", until=0.07), updates=100)
        >>> late(6), late(7)
        (0.0, 1.0)
        >>> falling = rate_share(Mask(schedule="falling", until=0.5), updates=100)
        >>> falling(0), falling(25), falling(50)
        (1.0, 0.5, 0.0)
        >>> rising = rate_share(Mask(schedule="rising", until=0.5), updates=100)
        >>> rising(0), rising(25), rising(50)
        (0.0, 0.5, 1.0)
    """
    change = max(round(mask.until * updates), 1)

    match mask.schedule:
        case "early":
            return lambda update: float(update < change)
        case "falling":
            return lambda update: 1 - _line(update, change)
        case "late":
            return lambda update: float(update >= change)
        case "rising":
            return lambda update: _line(update, change)

    return lambda _: 1.0


def _line(update: int, end: int) -> float:
    """From 0 to 1 at an update, and 1 from there on, in steps."""
    return min(round(STEPS * update / end) / STEPS, 1.0)
