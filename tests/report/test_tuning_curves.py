"""What tuning has chosen, and the figure of validation errors."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from dropout_study.analysis.runs import Runs
from dropout_study.report.tuning_curves import Choice, choices, tuning_figure

RATES = [0.001, 0.002, 0.004]
TUNING = pd.DataFrame(
    [
        # candidate, seed, validation error, why it has none
        (0, 900, 2.0, None),
        (0, 901, 2.2, None),
        (1, 900, 1.5, None),
        (1, 901, 1.7, None),
        (2, 900, 0.1, None),
        (2, 901, None, "diverged (its loss was not a number at update 50)"),
    ],
    columns=["candidate", "seed", "val/error", "failure"],
)
TUNING["arm"] = "dropout"
TUNING["optimizer.lr"] = TUNING["candidate"].map(dict(enumerate(RATES)))
FINAL = pd.DataFrame({"arm": ["dropout"], "seed": [100], "optimizer.lr": [0.002]})


def test_a_candidate_that_diverged_is_counted_and_not_drawn() -> None:
    """If this failed, an arm would seem to have been tuned less than it was, or a candidate that
    broke down with one seed be drawn as the best.
    """
    tuning, final = {"capacity": Runs(TUNING, {})}, {"capacity": Runs(FINAL, {})}
    expected = Choice("capacity", "dropout", 3, "optimizer.lr 0.002", "1.60 %")
    assert choices(tuning, final) == [expected]

    sheet = tuning_figure(tuning, final)
    (line, mark) = sheet.axes[0].lines
    assert np.allclose(line.get_xydata(), [(0.001, 2.1), (0.002, 1.6)])
    assert np.allclose(mark.get_xydata(), [(0.002, 1.6)])
    plt.close(sheet)


def test_an_arm_that_is_not_judged_is_left_out() -> None:
    """If this failed, one run of an arm that somebody tried would end the whole report."""
    stray = pd.concat([TUNING, TUNING.assign(arm="stray")], ignore_index=True)
    tuning, final = {"capacity": Runs(stray, {})}, {"capacity": Runs(FINAL, {})}
    assert [choice.arm for choice in choices(tuning, final)] == ["dropout"]

    sheet = tuning_figure(tuning, final)
    assert len(sheet.axes[0].lines) == 2
    plt.close(sheet)


def test_a_candidate_that_lacks_a_seed_is_left_out() -> None:
    """If this failed, a candidate would be drawn by the better half of its seeds."""
    half = TUNING[(TUNING["candidate"] != 2) | (TUNING["seed"] == 900)]
    tuning, final = {"capacity": Runs(half, {})}, {"capacity": Runs(FINAL, {})}
    assert [choice.candidates for choice in choices(tuning, final)] == [2]

    sheet = tuning_figure(tuning, final)
    assert np.allclose(sheet.axes[0].lines[0].get_xydata(), [(0.001, 2.1), (0.002, 1.6)])
    plt.close(sheet)
