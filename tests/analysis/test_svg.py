"""What makes an SVG short changes nothing that is seen."""

import io
import re
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.svg import as_svg, data_uri


@pytest.fixture
def figure() -> Figure:
    """Lines, markers, labels, and a text with a long number and what an address cannot hold."""
    with figures.style():
        sheet, (axes,) = figures.sheet()
        axes.plot([1.2345, 2.3456, 3.4567], [0.1, 0.7654321, 0.2], "o-")
        axes.set(title="0.123456 & 50 % #1 < 'two'", xlabel="updates")

    return sheet


def test_nothing_moves_by_more_than_half_a_hundredth_of_a_point(figure: Figure) -> None:
    """If this failed, a shorter figure would be another figure."""
    plain = io.BytesIO()
    with figures.style():
        FigureCanvasSVG(figure).print_svg(plain)  # type: ignore[no-untyped-call]

    drawn, short = plain.getvalue().decode(), as_svg(figure).decode()
    moved = 0

    for before, after in zip(places(drawn), places(short), strict=True):
        assert re.sub(r"[-\d.]+", "0", before) == re.sub(r"[-\d.]+", "0", after)
        for old, new in zip(numbers(before), numbers(after), strict=True):
            assert abs(old - new) <= 0.005 + 1e-9
            moved += old != new

    assert moved > 50
    assert len(short) < 0.75 * len(drawn)


def places(svg: str) -> list[str]:
    """Where things are, as they are written, with all white space alike."""
    found = re.findall(r' (?:d|x|y|width|height|points)="[^"]*"', svg)
    return [" ".join(each.replace("pt", "").split()) for each in found]


def numbers(place: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", place)]


def test_texts_and_their_font_stay(figure: Figure) -> None:
    """If this failed, a number in a label would be rounded, or a text be set in another font."""
    root = ElementTree.fromstring(as_svg(figure))
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    (style,) = root.iter("{http://www.w3.org/2000/svg}style")
    assert "0.123456 & 50 % #1 < 'two'" in texts
    assert "updates" in texts
    assert "text{font-family: 'DejaVu Sans', 'Verdana', sans-serif}" in (style.text or "")


def test_all_that_is_referred_to_is_there(figure: Figure) -> None:
    """If this failed, lines would run beyond their axes, or markers be gone."""
    svg = as_svg(figure).decode()
    used = re.findall(r'(?:href="|url\()#(\w+)', svg)
    assert len(set(used)) >= 3
    assert set(used) == set(re.findall(r' id="(\w+)"', svg))


def test_an_address_holds_the_figure_and_can_stand_in_quotes(figure: Figure) -> None:
    """If this failed, a browser would show the text for screen readers instead."""
    svg = as_svg(figure)
    head, _, body = data_uri(svg).partition(",")
    assert head == "data:image/svg+xml"
    assert ElementTree.canonicalize(unquote(body)) == ElementTree.canonicalize(svg.decode())
    assert not set(body) & set('"<>#&\n\t')
