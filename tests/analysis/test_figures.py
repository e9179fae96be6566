"""Figures hold whatever was measured, however much it is."""

import pandas as pd
import pytest

from dropout_study.analysis import figures
from dropout_study.analysis.runs import Runs
from dropout_study.claims import CLAIMS
from support.tables import curve_columns


@pytest.mark.parametrize("count", [1, 4, 7, 8, 9])
def test_every_kind_of_corruption_has_a_panel(count: int) -> None:
    """If this failed, a corruption that was added would be measured and never drawn."""
    kinds = [f"kind_{i}" for i in range(count)]
    rows = [
        {"seed": seed, "arm": arm, "model.input_rate": 0.2 * bool(arm), "model.hidden_rate": rate}
        for seed in (0, 1)
        for arm in (None, "inputs dropped")
        for rate in (0.0, 0.5)
    ]
    frame = pd.DataFrame(rows)

    for kind in kinds:
        frame = frame.assign(**curve_columns(f"corruption/{kind}", ["1:10 2:20 3:30"] * len(frame)))

    runs = Runs(frame, {"rate": 0.5})
    sheet = CLAIMS["robustness"].figure({"robustness": runs})
    *drawn, legend = [axes for axes in sheet.axes if axes.get_visible()]
    assert [axes.get_title("left") for axes in drawn] == [kind.replace("_", " ") for kind in kinds]
    assert {len(axes.lines) for axes in drawn} == {4}
    assert [text.get_text() for text in legend.get_legend().get_texts()] == [
        "none",
        "hidden",
        "input",
        "both",
    ]
    assert drawn[0].get_xticks().tolist() == [1, 2, 3]


def test_panels_are_as_many_as_are_asked_for() -> None:
    """If this failed, panels would end with the last full row, or a gap look like a result."""
    sheet, axes = figures.panels(5, columns=3)
    assert len(axes) == 5
    assert [panel.get_visible() for panel in sheet.axes] == [True] * 5 + [False]
