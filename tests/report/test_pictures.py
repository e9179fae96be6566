"""The pictures of the report hold whatever there is, however much it is."""

import pandas as pd
import pytest

from dropout_study.data import corruptions
from dropout_study.report.pictures import corrupted_images, training_curves
from support.images import random_images


def test_every_kind_of_corruption_is_pictured() -> None:
    """If this failed, a corruption that was added would be measured and never shown."""
    (axes,) = corrupted_images(random_images(8)).axes
    rows = [label.get_text() for label in axes.get_yticklabels()]
    columns = [label.get_text() for label in axes.get_xticklabels()]
    assert rows == [kind.replace("_", " ") for kind in corruptions.CORRUPTIONS]
    assert columns == ["clean", *map(str, corruptions.SEVERITIES)]


def test_a_picture_grows_with_the_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, more kinds of corruption would be squeezed into rows of fewer pixels."""
    heights = []

    for count in (1, 3):
        kinds = dict(list(corruptions.CORRUPTIONS.items())[:count])
        monkeypatch.setattr(corruptions, "CORRUPTIONS", kinds)
        heights.append(float(corrupted_images(random_images(8)).get_size_inches()[1]))
        monkeypatch.undo()

    assert heights[0] < heights[1]


def test_many_conditions_have_a_panel_for_each_size() -> None:
    """If this failed, fifteen lines would lie in one panel, those of one rate with one look."""
    curve = pd.DataFrame({0: [9.0, 4.0]}, index=[10, 20])
    names = [f"width {width}, rate {rate}" for width in (64, 512, 16) for rate in (0, 0.5)]
    axes = training_curves(dict.fromkeys(names, curve)).axes
    assert [each.get_title("left") for each in axes] == ["width 16", "width 64", "width 512"]
    for each in axes:
        assert [line.get_label() for line in each.lines] == ["rate 0", "rate 0.5"]

    (alone,) = training_curves(dict.fromkeys(["none", "dropout"], curve)).axes
    assert [line.get_label() for line in alone.lines] == ["none", "dropout"]
