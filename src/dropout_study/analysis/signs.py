"""Effects that disagree, in words."""

from collections.abc import Mapping

from dropout_study.measures.statistics import Interval


def by_sign(saved: Mapping[str, Interval]) -> str:
    """Where errors fall, where they rise, and where the interval leaves it open.

    >>> from dropout_study.measures.statistics import interval
    >>> saved = {"noise": interval([2.0, 2.2]), "blur": interval([-3.0, 3.5])}
    >>> by_sign(saved)
    'error falls: noise (2.10 points); open: blur (0.25 points)'

    Args:
        saved: name -> interval of the points of error that are saved.
    """
    falls = [name for name, ci in saved.items() if ci.low > 0]
    rises = [name for name, ci in saved.items() if ci.high < 0]
    groups = {
        "error falls": falls,
        "error rises": rises,
        "open": [name for name in saved if name not in (*falls, *rises)],
    }

    return "; ".join(
        f"{group}: {', '.join(f'{name} ({abs(saved[name].mean):.2f} points)' for name in names)}"
        for group, names in groups.items()
        if names
    )
