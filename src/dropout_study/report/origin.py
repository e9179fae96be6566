"""Which code computed the results of a report."""

from collections import Counter

import pandas as pd

EARLIER = "Results from before the tag `code` existed: only their commits are known."


def commits_of(results: pd.DataFrame) -> list[str]:
    """The commits of the networks, seven digits each, in order."""
    if "commit" not in results:
        return []

    return sorted({str(commit)[:7] for commit in results["commit"].dropna()})


def code_of(results: pd.DataFrame) -> str:
    """One sentence on the code that computed the networks; a warning where it differs.

    Args:
        results: one row per network; the column `code` may be missing or empty.
    """
    unknown = "code that was not recorded"
    digests = results.get("code", pd.Series(index=results.index, dtype=object)).fillna(unknown)
    counts = Counter(map(str, digests))

    if len(counts) > 1:
        shares = ", ".join(f"{count} by {digest}" for digest, count in counts.most_common())
        return f"Results of different code are mixed: {shares}."

    if counts and unknown not in counts:
        return f"One code computed them all: {next(iter(counts))}."

    return EARLIER if counts else ""
