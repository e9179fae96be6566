"""Which code computed the results of a report."""

import pandas as pd

from dropout_study.analysis.claim import Claim
from dropout_study.claims import CLAIMS

EARLIER = "Results from before the tag `code` existed: only their commits are known."
UNKNOWN = "code that was not recorded"


def commits_of(results: pd.DataFrame) -> list[str]:
    """The commits of the networks, seven digits each, in order."""
    if "commit" not in results:
        return []

    return sorted({str(commit)[:7] for commit in results["commit"].dropna()})


def code_of(results: pd.DataFrame) -> str:
    """The code that computed the networks, in words; a warning where a claim reads several.

    Args:
        results: one row per network, of studies and budgets; the column `code` may be missing.
    """
    if results.empty:
        return ""

    codes = results.get("code", pd.Series(index=results.index, dtype=object)).fillna(UNKNOWN)

    if set(codes) == {UNKNOWN}:
        return EARLIER

    if codes.nunique() == 1:
        return f"One code computed them all: {codes.iloc[0]}."

    listed = "; ".join(
        f"{code} ({', '.join(f'{study} {count}' for study, count in studies.items())})"
        for code, studies in _networks_by_code(results["study"], codes).items()
    )

    return f"Several codes computed these networks: {listed}. {_mixed(results.assign(code=codes))}."


def _networks_by_code(studies: pd.Series, codes: pd.Series) -> dict[str, dict[str, int]]:
    """Code -> study -> its number of networks, in the order of the results."""
    return {
        str(code): {str(study): int(n) for study, n in of_code.value_counts(sort=False).items()}
        for code, of_code in studies.groupby(codes, sort=False)
    }


def _mixed(results: pd.DataFrame) -> str:
    """The claims that read networks of more than one code at a budget."""
    mixed = [
        claim.title
        for claim in CLAIMS.values()
        if (_of(claim, results).groupby("budget")["code"].nunique() > 1).any()
    ]

    if not mixed:
        return "No claim compares networks of different code"

    return f"Claims that read networks of different code: {', '.join(mixed)}"


def _of(claim: Claim, results: pd.DataFrame) -> pd.DataFrame:
    return results[results["study"].isin(claim.studies)]
