"""Corrupted images: seeded, graded, and what their names say."""

import pytest
import torch

from dropout_study.config import names
from dropout_study.data import corruptions
from dropout_study.data.corruptions import CORRUPTIONS, SEVERITIES, Corruption, corrupt, noise

SIDE = 28
IMAGES = torch.zeros(40, SIDE, SIDE)
IMAGES[:, 8:20, 10:18] = 1.0
X = IMAGES.flatten(1)


def test_the_registry_holds_the_kinds_that_have_a_version() -> None:
    """If this failed, a kind would be measured whose changes no condition's identity tells."""
    assert tuple(CORRUPTIONS) == tuple(names.CORRUPTIONS)


def test_the_random_numbers_of_a_kind_do_not_depend_on_the_other_kinds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If this failed, a new kind would change what all recorded robustness is the result of."""
    numbers = [corruption.number for corruption in CORRUPTIONS.values()]
    assert len(set(numbers)) == len(numbers)
    before = corrupt(X, "occlusion", 2)
    rest = {kind: CORRUPTIONS[kind] for kind in reversed(CORRUPTIONS)}
    monkeypatch.setattr(corruptions, "CORRUPTIONS", {"fog": Corruption(9, noise)} | rest)
    assert torch.equal(corrupt(X, "occlusion", 2), before)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_a_corruption_is_seeded_and_grows_with_its_severity(kind: str) -> None:
    """If this failed, networks would be judged on different images, or "severity 5" be milder than
    1.
    """
    distances = []

    for severity in SEVERITIES:
        changed = corrupt(X, kind, severity)
        assert torch.equal(changed, corrupt(X, kind, severity))
        assert changed.shape == X.shape
        assert changed.dtype == X.dtype
        assert 0 <= changed.min() <= changed.max() <= 1
        distances.append(float((changed - X).abs().mean()))

    assert distances == sorted(distances)
    assert distances[0] > 0.003


def test_parts_of_a_data_set_have_random_numbers_of_their_own() -> None:
    """If this failed, image 0 and image 2,000 would get the same noise."""
    assert not torch.equal(corrupt(X, "noise", 3, batch=0), corrupt(X, "noise", 3, batch=1))


def test_missing_pixels_are_as_many_as_said() -> None:
    """If this failed, severity 3 would not be 30 % of the pixels."""
    kept = corrupt(torch.ones(200, SIDE**2), "missing_pixels", 3)
    assert float(kept.mean()) == pytest.approx(0.7, abs=0.005)


def test_an_occlusion_is_one_grey_square_inside_each_image() -> None:
    """If this failed, images would be occluded more or less than said, or beyond their border."""
    changed = corrupt(torch.zeros(100, SIDE**2), "occlusion", 5).view(-1, SIDE, SIDE)
    side = round(0.55 * SIDE)
    assert (changed == 0.5).sum((1, 2)).tolist() == [side**2] * 100
    assert ((changed == 0.5).any(1).sum(1) == side).all()
    assert ((changed == 0.5).any(2).sum(1) == side).all()


def test_translations_go_to_both_sides_by_whole_pixels() -> None:
    """If this failed, all digits would move the same way, which a network might be better at."""
    changed = corrupt(X, "translation", 2).view(-1, SIDE, SIDE)
    left = IMAGES.roll(-2, 2)
    right = IMAGES.roll(2, 2)
    ways = [
        (bool(torch.equal(c, a)), bool(torch.equal(c, b)))
        for c, a, b in zip(changed, left, right, strict=True)
    ]
    assert set(ways) == {(True, False), (False, True)}


def test_contrast_keeps_the_mean_and_shrinks_the_rest() -> None:
    """If this failed, "contrast" would change the brightness, too."""
    changed = corrupt(X, "contrast", 4)
    expected = X.mean(1, keepdim=True) + 0.35 * (X - X.mean(1, keepdim=True))
    torch.testing.assert_close(changed, expected)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_digits_of_8_by_8_pixels_can_be_corrupted(kind: str) -> None:
    """If this failed, the robustness of the bundled digits could not be measured."""
    small = torch.rand(10, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for severity in SEVERITIES:
        changed = corrupt(small, kind, severity)
        assert changed.dtype == torch.float64
        assert not torch.equal(changed, small)
