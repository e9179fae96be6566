"""Figures hold whatever was measured, however much it is."""

from dropout_study.analysis import figures


def test_panels_are_as_many_as_are_asked_for() -> None:
    """If this failed, panels would end with the last full row, or a gap look like a result."""
    sheet, axes = figures.panels(5, columns=3)
    assert len(axes) == 5
    assert [panel.get_visible() for panel in sheet.axes] == [True] * 5 + [False]
