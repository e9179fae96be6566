"""What has to be so of networks before a claim can be asked of them."""

import math
from collections.abc import Mapping

from dropout_study.analysis.runs import Effect

UNMET = "the premise is not met, and nothing is decided: "
"""How a sentence begins that says why."""


def undecided(effects: Mapping[str, Mapping[str, Effect]]) -> dict[str, dict[str, Effect]]:
    """The same parts and cases without values, which decides none of them."""
    return {
        part: {
            case: Effect([math.nan] * len(effect.seeds), effect.seeds)
            for case, effect in cases.items()
        }
        for part, cases in effects.items()
    }
