"""A choice on an edge of its candidates is seen, and the next candidate lies one step out."""

import pandas as pd
import pytest

from dropout_study.analysis.tuning import find_edge, next_candidate


@pytest.mark.parametrize(
    ("rates", "chosen", "edge", "further"),
    [
        ([1e-3, 2e-3, 4e-3], 1, None, None),
        ([1e-3, 2e-3, 4e-3], 2, "optimizer.lr=0.004 of 0.001 to 0.004", 8e-3),
        ([4e-3, 2e-3, 1e-3], 2, "optimizer.lr=0.001 of 0.001 to 0.004", 5e-4),
        ([1e-3], 0, "optimizer.lr=0.001 of 0.001 to 0.001", 5e-4),
        ([1e-3, 1e-3, 2e-3], 1, "optimizer.lr=0.001 of 0.001 to 0.002", 5e-4),
        ([0.0, 1e-3], 0, None, None),  # there is nothing below 0
        ([0.0], 0, "optimizer.lr=0 of 0 to 0", 0.0),
    ],
)
def test_a_choice_without_a_smaller_and_a_larger_one_lies_on_an_edge(
    rates: list[float], chosen: int, edge: str | None, further: float | None
) -> None:
    """If this failed, an arm would be judged although its best setting was not in its grid."""
    settings = pd.DataFrame({"optimizer.lr": rates, "regularizer.l2": 0.1, "model.widths": "8"})
    found = find_edge(settings, chosen, ["model.hidden_rate", "optimizer.lr"])
    assert (str(found) if found else None) == edge

    values = next_candidate(settings, chosen, {"optimizer.lr": 2})
    assert (values and values["optimizer.lr"]) == further
    assert values is None or values["regularizer.l2"] == 0.1
