"""Weight scaling against a thousand masks."""

from typing import Any

import numpy as np

from dropout_study.claims.beyond.scaling_beats_sampling import ScalingBeatsSampling
from support.rows import Columns, curve, misclassified, row, runs

CLAIM = ScalingBeatsSampling()


def net(arm: str, seed: int, scaled: list[int], whole: list[float], masks: int) -> Columns:
    """A net: images that weight scaling misclassifies, and shares of them under the whole pool."""
    return row(
        arm,
        seed,
        misclassified("weight_scaling", scaled),
        curve("blocks/error", {1: 50, masks: 100 * sum(whole) / len(whole)}),
        {"wrong/pool_arithmetic": np.array(whole)},
    )


SMALL = [net("MLP, digits", seed, [1, 0, 0, 0], [1, 0.5, 0, 0], 1000) for seed in (100, 101)]
LENET = [net("LeNet", seed, [1, 1, 0, 0], [1, 0, 0, 0], 300) for seed in (100, 101)]
REFERENCE = [
    net(arm, seed, [1, 0], [0, 0], 1000)
    for arm in ("hidden 0.5", "input 0.2, hidden 0.5")
    for seed in (100, 101)
]
STUDIES: dict[str, Any] = {
    "mc_samples": runs(*SMALL, *LENET),
    "sampling": runs(*REFERENCE),
}


def test_weight_scaling_saves_what_the_whole_pool_errs_more() -> None:
    """If this failed, the sign would be turned, or 20 masks be asked for the whole pool.

    Of four images the pool misclassifies 1.5 and weight scaling 1: 12.5 points.
    """
    effects = CLAIM.estimate(STUDIES)["scaling errs less"]
    assert list(effects["MLP, digits"].values) == [12.5, 12.5]
    assert effects["MLP, digits"].images is not None
    assert effects["MLP, digits"].images[0].tolist() == [0, 50, 0, 0]


def test_only_pools_of_1000_masks_that_were_not_known_before_decide() -> None:
    """If this failed, nets whose errors were known would decide, or 300 masks pass for 1,000."""
    assert list(CLAIM.estimate(STUDIES)["scaling errs less"]) == ["MLP, digits"]
    assert len(CLAIM.context_lines(STUDIES)) == 4


def test_the_figure_names_every_pool() -> None:
    """If this failed, a model of 300 masks would be shown among those of 1,000."""
    figure = CLAIM.draw(STUDIES)
    assert figure is not None
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels[:2] == ["LeNet, 300", "MLP, digits, 1,000"]
