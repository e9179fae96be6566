"""Packed results come back as they were."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropout_study.evaluation.probes.units import FEATURES
from dropout_study.tracking.packing import (
    MAX_DRAWS,
    MAX_TAG_LENGTH,
    join_parts,
    pack,
    pack_curve,
    pack_picture,
    split_text,
    unpack,
    unpack_curve,
    unpack_picture,
)


@given(st.lists(st.booleans(), min_size=1, max_size=500))
def test_misclassified_images_come_back_exactly(wrong: list[bool]) -> None:
    """If this failed, paired standard errors would be of images that were not misclassified."""
    assert unpack(pack(np.array(wrong, dtype=float))).tolist() == wrong


@given(st.data(), st.integers(1, 3_000) | st.just(MAX_DRAWS))
def test_shares_of_any_number_of_draws_come_back_exactly(data: st.DataObject, draws: int) -> None:
    """If this failed, errors over the test images would be of shares that were never measured."""
    counts = data.draw(st.lists(st.integers(0, draws), min_size=1, max_size=50))
    shares = np.array(counts) / draws
    assert unpack(pack(shares)).tolist() == shares.tolist()


def test_shares_that_were_multiplied_come_back_as_the_nearest_float() -> None:
    """If this failed, means that a GPU computes with a factor would be rounded to 1/65,535.

    3 * (1/49) and 3/49 differ in the last bit.
    """
    shares = np.arange(50) * (1 / 49)
    assert (shares != np.arange(50) / 49).any()
    assert unpack(pack(shares)).tolist() == (np.arange(50) / 49).tolist()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=200))
def test_other_shares_come_back_to_half_a_level(shares: list[float]) -> None:
    """If this failed, shares of more draws than fit into two bytes would be lost or distorted."""
    assert np.abs(unpack(pack(shares)) - shares).max() <= 0.5 / MAX_DRAWS + 1e-12


def test_texts_of_earlier_versions_are_read() -> None:
    """If this failed, a store of earlier runs could not be read any more.

    0, 1/15, 2/15 and 1, as version 0.1.0 packed them.
    """
    assert unpack("c-muNWa0+^02%-j").tolist() == [0, 1 / 15, 2 / 15, 1]


def test_few_misclassified_images_make_a_short_text() -> None:
    """If this failed, a store of thousands of networks would be slow to read."""
    source = np.random.default_rng(0)
    assert len(pack((source.random(10_000) < 0.02).astype(float))) < 500
    assert len(pack((source.random(40_000) < 0.02).astype(float))) < 1_500


@given(
    st.dictionaries(st.sampled_from(["wrong/a", "wrong/a_20", "curve/b"]), st.text(), min_size=1)
)
def test_texts_of_any_length_are_split_into_tags_and_joined(texts: dict[str, str]) -> None:
    """If this failed, results that are longer than a tag would be refused, lost or mixed up."""
    long = {name: text * 3_000 for name, text in texts.items()}
    parts = {}

    for name, text in long.items():
        parts |= split_text(name, text)

    assert max(map(len, parts.values()), default=0) <= MAX_TAG_LENGTH
    assert join_parts(dict(reversed(parts.items()))) == long


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
