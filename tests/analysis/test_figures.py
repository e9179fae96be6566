"""Figures hold whatever was measured, however much it is."""

from itertools import pairwise

import pytest
from matplotlib.colors import to_rgb

from dropout_study.analysis import figures


def test_panels_are_as_many_as_are_asked_for() -> None:
    """If this failed, panels would end with the last full row, or a gap look like a result."""
    sheet, axes = figures.panels(5, columns=3)
    assert len(axes) == 5
    assert [panel.get_visible() for panel in sheet.axes] == [True] * 5 + [False]


def test_rates_differ_and_are_darker_the_more_is_dropped() -> None:
    """If this failed, two rates of one figure would look the same, in colour or in grey."""
    rates = [0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    looks = [figures.look(f"rate {rate:g}", 0) for rate in rates]
    greys = [
        0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (to_rgb(x["color"]) for x in looks)
    ]
    assert all(lighter > darker for lighter, darker in pairwise(greys))
    assert len({(look["marker"], look["linestyle"]) for look in looks}) == len(looks)
    assert figures.look("rate 0", 0)["marker"] not in {look["marker"] for look in looks}
    assert figures.look("rate 0.99", 0)["marker"] == figures.look("rate 0.95", 0)["marker"]
    assert figures.look("rate 0", 3) == figures.look("none", 5)
    assert figures.look("64x64, rate 0.5", 0) == figures.look("rate 0.5", 4)


def test_no_two_lines_look_the_same_and_names_keep_their_looks() -> None:
    """If this failed, a reader could not tell which line is whose, or an arm would change its look
    with its company.
    """
    names = ["Gaussian", "dropout, inputs too", "none, n = 100", "none", "dropout", "none, n = 500"]
    found = figures.looks(names)
    assert list(found) != names, "names with looks of their own come first"
    assert found["none"] == figures.look("none", 0)
    assert found["dropout"] == figures.look("dropout", 0)
    assert found["none, n = 100"]["color"] == found["none"]["color"]
    assert found["dropout, inputs too"]["color"] == found["dropout"]["color"]
    assert found["Gaussian"]["color"] not in {found["none"]["color"], found["dropout"]["color"]}

    assert len({tuple(look.values()) for look in found.values()}) == len(names)
    many = figures.looks([f"none, n = {n}" for n in range(60)])
    assert len(many) == 60, "more lines than looks are drawn, too"


def test_a_level_is_the_mean_with_its_interval_from_end_to_end() -> None:
    """If this failed, a net would be drawn at another error than its own, or without
    its spread.
    """
    _, (axes,) = figures.sheet()
    figures.level(axes, [1.0, 2.0, 3.0, 2.0], (1, 10), "dropout", within=(0.0, 100.0))
    (line,) = axes.lines
    assert (list(line.get_xdata()), list(line.get_ydata())) == ([1, 10], [2, 2])
    (band,) = axes.collections
    vertices = band.get_paths()[0].vertices
    assert (vertices[:, 1].min(), vertices[:, 1].max()) == pytest.approx((0.70, 3.30), abs=0.005)
    assert [text.get_text() for text in axes.texts] == ["dropout"]
