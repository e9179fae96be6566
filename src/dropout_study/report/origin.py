"""Which code computed the results of a report."""

from collections.abc import Collection, Mapping

import pandas as pd

from dropout_study.claims import CLAIMS

EARLIER = "Results from before the tag `code` existed: only their commits are known."
UNKNOWN = "code that was not recorded"


def commits_of(results: pd.DataFrame) -> list[str]:
    """The commits of the networks, seven digits each, in order."""
    if "commit" not in results:
        return []

    return sorted({str(commit)[:7] for commit in results["commit"].dropna()})


def code_of(results: pd.DataFrame) -> str:
    """The code that computed the networks, in words; a warning where a claim compares several.

    Args:
        results: one row per network; the column `code` may be missing or empty.
    """
    digests = results.get("code", pd.Series(index=results.index, dtype=object)).fillna(UNKNOWN)
    grouped = results["study"].groupby(digests, sort=False)
    by_code = {str(code): list(studies.unique()) for code, studies in grouped}

    if set(by_code) <= {UNKNOWN}:
        return EARLIER if by_code else ""

    if len(by_code) == 1:
        return f"One code computed them all: {next(iter(by_code))}."

    listed = "; ".join(f"{code} ({', '.join(studies)})" for code, studies in by_code.items())

    return f"Several codes computed them: {listed}. {_mixed(by_code)}."


def _mixed(by_code: Mapping[str, Collection[str]]) -> str:
    """The claims whose networks are of more than one code."""
    codes = {
        claim.title: [code for code, studies in by_code.items() if set(studies) & {*claim.studies}]
        for claim in CLAIMS.values()
    }
    mixed = [title for title, of_claim in codes.items() if len(of_claim) > 1]

    if not mixed:
        return "No claim compares networks of different code"

    return f"Networks of different code are compared: {', '.join(mixed)}"
