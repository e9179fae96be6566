"""Figures hold whatever was measured, however much it is."""

from itertools import pairwise

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
