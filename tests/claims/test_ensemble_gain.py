"""Single subnetworks and their ensemble."""

import pytest

from dropout_study.analysis.runs import ResultsMissing
from dropout_study.claims.ensemble_gain import EnsembleGain
from support.reference import studies
from support.rows import Columns, misclassified

CLAIM = EnsembleGain()


def net(single: list[float], ensemble: list[int]) -> Columns:
    """A net: share of subnetworks, and whether the ensemble, misclassify an image."""
    alone = misclassified("blocks_1", single)
    together = misclassified("pool_arithmetic", ensemble)

    return {
        "wrong/blocks_1": alone["wrong/blocks_1"],
        "wrong/pool_arithmetic": together["wrong/pool_arithmetic"],
        "subnetworks/error": alone["test/error/blocks_1"],
        "subnetworks/error_best": 5.0,
        "subnetworks/disagreement": 0.25,
        "subnetworks/nll": 0.5,
        "pool/error_arithmetic": together["test/error/pool_arithmetic"],
        "pool/nll_arithmetic": 0.25,
        "test/error/weight_scaling": 15.0,
    }


MEASURED = {
    "none": [net([1, 1, 1, 1], [1, 1, 1, 1])] * 2,
    "hidden 0.2": [net([0.5, 0, 0, 0], [1, 0, 0, 0]), net([0.5, 0, 0, 0], [1, 0, 0, 0])],
    "hidden 0.5": [net([1, 0.5, 0, 0], [1, 0, 0, 0]), net([1, 1, 0, 0], [1, 0, 0, 0])],
}
STUDIES = studies(MEASURED)


def test_an_ensemble_that_errs_less_than_its_members_is_a_gain() -> None:
    """If this failed, the best subnetwork would be compared, or the sign turned.

    hidden 0.2: 12.5 - 25 twice; hidden 0.5: 37.5 - 25, 50 - 25.
    """
    effects = CLAIM.estimate(STUDIES)["more powerful"]
    criterion = CLAIM.parts["more powerful"].criterion
    assert list(effects) == ["hidden 0.2", "hidden 0.5"]
    assert list(effects["hidden 0.2"].values) == [-12.5, -12.5]
    assert list(effects["hidden 0.5"].values) == [12.5, 25]
    assert criterion.distance(effects["hidden 0.2"].estimate()) < 0
    assert criterion.distance(effects["hidden 0.5"].estimate()) > 0


def test_the_figure_shows_four_predictors_per_rate() -> None:
    """If this failed, the error of one predictor would be drawn under the name of another."""
    (axes,) = CLAIM.draw(STUDIES).axes
    handles, labels = axes.get_legend_handles_labels()
    means = [handle.lines[0].get_xdata()[0] for handle in handles]
    assert labels == ["single (mean)", "single (best)", "ensemble", "weight scaling"]
    assert means == [12.5, 5, 25, 15]


def test_the_context_names_disagreement_and_likelihood() -> None:
    """If this failed, a share would be printed as percent without its factor of 100."""
    line = CLAIM.context_lines(STUDIES)[0]
    assert "disagree on 25.00 % of the images" in line
    assert "best single minus ensemble -20.00" in line


def test_missing_results_are_named() -> None:
    """If this failed, nets without sampled subnetworks would end in a traceback."""
    bare: dict[str, list[Columns]] = {arm: [{}, {}] for arm in MEASURED}
    with pytest.raises(ResultsMissing, match="subnetworks/error was not measured"):
        CLAIM.estimate(studies(bare))
