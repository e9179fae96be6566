"""Line charts that are written as text."""

import math
from xml.etree import ElementTree

import pytest

from dropout_study.measures.statistics import interval
from dropout_study.report.line_chart import HEIGHT, PIXELS, WIDTH, Panel, line_chart

SVG = "{http://www.w3.org/2000/svg}"


def panel(values: dict[int, list[float]], logarithmic: bool = False) -> Panel:
    """A panel of some values per step."""
    intervals = [interval(at_step) for at_step in values.values()]
    return Panel(list(values), intervals, "update", "error (%) <&", logarithmic)


def places(element: ElementTree.Element) -> list[tuple[float, float]]:
    """The points of a line or an area."""
    pairs = [place.split(",") for place in element.attrib["points"].split()]
    return [(float(x), float(y)) for x, y in pairs]


def drawn(chart: str) -> tuple[list[tuple[float, float]], list[tuple[float, float]], list[str]]:
    """Line, area and texts of the first panel."""
    group = ElementTree.fromstring(chart).findall(f"{SVG}g")[0]
    line = next(e for e in group.iter(f"{SVG}polyline") if e.get("stroke-width") == "1.5")
    area = next(iter(group.iter(f"{SVG}polygon")))
    return places(line), places(area), [str(text.text) for text in group.iter(f"{SVG}text")]


def test_the_line_is_the_mean_and_the_area_its_interval() -> None:
    """If this failed, the page of a run would show a curve that was not measured."""
    line, area, texts = drawn(line_chart("title", [panel({0: [1, 3], 10: [5, 7], 40: [7, 9]})]))
    (x0, y0), (x1, y1), (x2, y2) = line
    assert (x1 - x0) / (x2 - x0) == pytest.approx(0.25, abs=1e-3)
    assert (y1 - y0) / (y2 - y0) == pytest.approx(2 / 3, abs=1e-2)
    assert y2 < y0, "larger values are higher up"

    highs, lows = area[:3], area[3:][::-1]
    half = interval([1, 3]).high - 2
    scale = (y0 - y2) / 6
    for (_, y), (_, high), (_, low) in zip(line, highs, lows, strict=True):
        assert y - high == pytest.approx(half * scale, abs=0.3)
        assert low - y == pytest.approx(half * scale, abs=0.3)

    assert {"0", "20", "40", "update", "error (%) <&"} <= set(texts)


def test_powers_are_as_far_apart_on_a_logarithmic_axis() -> None:
    """If this failed, curves over masks would be squeezed at their begin, where they fall."""
    line, _, texts = drawn(line_chart("title", [panel({1: [3], 10: [2], 100: [1]}, True)]))
    (x0, _), (x1, _), (x2, _) = line
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert {"1", "10", "100"} <= set(texts)


@pytest.mark.parametrize("logarithmic", [False, True])
@pytest.mark.parametrize(
    "values", [{5: [2.0]}, {5: [0.0, 0.0]}, {5: [2.0, 2.0], 6: [2.0, 2.0]}, {1: [1e-9], 9: [1e9]}]
)
def test_whatever_was_measured_is_drawn_inside(
    values: dict[int, list[float]], logarithmic: bool
) -> None:
    """If this failed, a run of one seed, of one validation or without errors could not be kept."""
    line, area, _ = drawn(line_chart("title", [panel(values, logarithmic)]))
    assert len(line) == len(values)
    for x, y in [*line, *area]:
        assert math.isfinite(x)
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT


def test_panels_fill_rows_and_are_said_in_words() -> None:
    """If this failed, panels would cover each other, or a reader who cannot see has nothing."""
    chart = ElementTree.fromstring(line_chart("title", [panel({1: [4.0], 2: [3.0]})] * 5))
    moves = {group.attrib["transform"] for group in chart.findall(f"{SVG}g")}
    assert len(moves) == 5
    _, _, width, height = map(int, chart.attrib["viewBox"].split())
    assert width == 4 * WIDTH
    assert height > 2 * HEIGHT
    assert float(chart.attrib["width"]) == PIXELS * width
    assert float(chart.attrib["height"]) == PIXELS * height
    assert chart.attrib["aria-label"].startswith("title. error (%) <&: 4 at update 1, 3 at 2.")
