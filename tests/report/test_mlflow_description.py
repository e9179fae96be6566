"""What MLflow's pages say of a study."""

import subprocess
import sys

import pytest

from dropout_study.claims import CLAIMS, STUDIES
from dropout_study.config.studies import Study
from dropout_study.report.mlflow_description import describe

MAX_DESCRIPTION = 5_000  # characters that MLflow keeps


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_is_described_by_the_claims_that_read_it(study: str) -> None:
    """If this failed, MLflow would not show what a study decides, or refuse the text."""
    described = Study.load(study)
    description = describe(study, described.title, described.command)
    assert description.startswith(described.title)
    assert f"study={study} budget=laptop" in description
    assert len(description) < MAX_DESCRIPTION

    for claim in CLAIMS.values():
        for question in (*claim.parts.values(), *claim.checks.values()):
            assert (f"- {question}\n" in description) == (study in claim.studies)


def test_claims_are_described_without_torch() -> None:
    """If this failed, a finished sweep would not be answered at once."""
    code = (
        "import sys; from dropout_study.report.mlflow_description import describe;"
        "describe('capacity', ''); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "dropout_study.claims.capacity" in done.stdout.split()
    assert "torch" not in done.stdout.split()
