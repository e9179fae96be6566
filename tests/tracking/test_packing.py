"""Packed results come back as they were."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropout_study.evaluation.probes.units import FEATURES
from dropout_study.tracking.packing import (
    pack,
    pack_curve,
    pack_picture,
    unpack,
    unpack_curve,
    unpack_picture,
)
from dropout_study.tracking.run_content import MAX_TAG_LENGTH


@given(st.lists(st.booleans(), min_size=1, max_size=500))
def test_misclassified_images_come_back_exactly(wrong: list[bool]) -> None:
    """If this failed, paired standard errors would be of images that were not misclassified."""
    assert unpack(pack(np.array(wrong, dtype=float))).tolist() == wrong


@given(st.lists(st.floats(0, 1), min_size=1, max_size=200))
def test_shares_come_back_to_a_thirtieth(shares: list[float]) -> None:
    """If this failed, standard errors of mean subnetworks would be off by more than rounding."""
    assert np.abs(unpack(pack(shares)) - shares).max() <= 1 / 30 + 1e-12


def test_ten_thousand_images_fit_into_a_tag_and_a_cell() -> None:
    """If this failed, MLflow would refuse the tag, or a comma would break the table."""
    source = np.random.default_rng(0)
    text = pack(source.binomial(20, 0.15, 10_000) / 20)
    assert len(text) < 8_000
    assert not set(text) & set(",\"' \n")
    assert len(pack((source.random(10_000) < 0.02).astype(float))) < 1_000


def test_a_share_outside_0_and_1_is_refused() -> None:
    """If this failed, a percentage would be packed as something else."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        pack([2.0])


def test_a_curve_comes_back_to_six_digits() -> None:
    """If this failed, figures drawn from the file would differ from those drawn from the store."""
    text = pack_curve([(100, 1.23456789), (2_000, 1e-9)])
    assert text == "100:1.23457 2000:1e-09"
    assert unpack_curve(text) == [(100, 1.23457), (2_000, 1e-9)]
    assert unpack_curve("") == []


def test_a_picture_is_kept_to_half_a_step_and_fits_into_a_tag() -> None:
    """If this failed, features would be distorted, of the wrong sign, or missing in the store."""
    picture = np.array([[0.0, 0.5, -1.27], [1.0, -0.006, 0.004]])
    assert unpack_picture(pack_picture(picture)) == pytest.approx(
        np.array([[0.0, 0.5, -1.27], [1.0, -0.01, 0.0]]), abs=1e-9
    )
    assert not unpack_picture(pack_picture(np.zeros((2, 3)))).any()
    noise = np.random.default_rng(0).uniform(-1, 1, (28, FEATURES * 28))
    assert len(pack_picture(noise)) <= MAX_TAG_LENGTH
