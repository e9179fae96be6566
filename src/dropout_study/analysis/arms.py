"""Networks that belong to several arms of a study.

Where tuning brings two arms to the same settings, one network is trained, for both. A table of
results has it once, with its further arms in the column `also`: JSON, such as
`[["dropout, rate 0.35", null]]`, of their names with the numbers of the candidates.
"""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

ALSO = "also"


def per_arm(networks: pd.DataFrame) -> pd.DataFrame:
    """A table in which a network has a row for each of its arms.

    >>> shared = {"arm": ["dropout", "none"], "candidate": [3, 0], "also": ['[["half", 1]]', None]}
    >>> per_arm(pd.DataFrame(shared))[["arm", "candidate"]].values.tolist()
    [['dropout', 3.0], ['none', 0.0], ['half', 1.0]]

    Args:
        networks: a row per network, as `analysis.results` reads them.
    """
    if ALSO not in networks:
        return networks

    further = networks[ALSO].dropna().map(json.loads).explode()
    copies = networks.loc[further.index].assign(
        arm=further.str[0].to_numpy(),
        candidate=further.str[1].to_numpy(dtype=float),  # null is nan
    )

    return pd.concat([networks, copies], ignore_index=True)


def arms_of(network: Mapping[str, Any]) -> list[str]:
    """The names of all arms of a network, its own first; none if its study has no arms.

    >>> arms_of({"arm": "dropout", "also": '[["half", 1]]'}), arms_of({"arm": None})
    (['dropout', 'half'], [])

    Args:
        network: its row in a table of results.
    """
    own, also = network.get("arm"), network.get(ALSO)
    further = [] if pd.isna(also) else [arm for arm, _ in json.loads(also)]

    return [] if pd.isna(own) or not own else [own, *further]
