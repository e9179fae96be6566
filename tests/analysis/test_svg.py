"""What makes an SVG short changes nothing that is seen."""

import io
import re
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.image import imread
from resvg_py import svg_to_bytes

from dropout_study.analysis import figures
from dropout_study.analysis.svg import as_svg, data_uri, data_uri_for_srcset

LOOKS_LIKE_XML = "rotate(0.12345) \"id\" 'two' < 0.123456 & 50 % #1"
FONTS = str(Path(matplotlib.get_data_path(), "fonts", "ttf"))
ZOOM = 4  # pixels per point, before their mean is taken
MOST = 0.1  # change of a colour in a square point: edges move by up to 0.005 points


def figure() -> Figure:
    """One of each: lines and bars that leave the axes, few marks and many, powers, a zone, texts
    level, turned and like XML, an image.

    It is made for each drawing: the layout of one that was drawn before has moved.
    """
    with figures.style():
        sheet, (left, right) = figures.sheet(2)
        left.plot([1.2345, 23.456, 345.67], [0.1, 0.7654321, 0.2], "o--")
        left.plot([2, 30], [0.5, 0.9], "s", color="green", markeredgecolor="black")
        left.plot([3, 40], [0.6, 0.8], "s", color="green", markeredgecolor="black", alpha=0.5)
        left.errorbar(
            [2, 40, 90], [0.3, 0.4, 0.35], [0.05, 0.02, 0.4], fmt="D", capsize=3, color="red"
        )
        left.fill_between([2, 5], [0.1, 0.2], [0.3, 0.5], color="green", alpha=0.2)
        left.plot([1, 400], [0.9, 0.1], color="gray", zorder=2.9)  # drawn alone
        left.plot(200, 0.7, "v")
        left.grid(color="black")  # light lines could be lost unnoticed
        left.text(1.5, 0.7, "two\nlines", ha="center")
        left.set(title=LOOKS_LIKE_XML, xlabel="updates", ylabel="error (%)", xscale="log")
        left.set_ylim(0.15, 0.85)
        right.imshow(np.linspace(0, 1, 12).reshape(3, 4), interpolation="none")
        right.set(title="$2^n$")

    return sheet


@pytest.fixture(scope="module")
def plain() -> bytes:
    """What matplotlib writes."""
    written = io.BytesIO()
    with figures.style():
        FigureCanvasSVG(figure()).print_svg(written)  # type: ignore[no-untyped-call]

    return written.getvalue()


@pytest.fixture(scope="module")
def short() -> bytes:
    """What we make of it."""
    return as_svg(figure())


def seen(svg: bytes) -> np.ndarray:
    """Red, green and blue of each square point from 0 to 1, as a renderer of its own draws it."""
    written = svg_to_bytes(
        svg_string=svg.decode(), dpi=72, zoom=ZOOM, font_dirs=[FONTS], skip_system_fonts=True
    )
    drawn = imread(io.BytesIO(written))[..., :3]
    rows, columns = (side // ZOOM for side in drawn.shape[:2])
    squares = drawn[: rows * ZOOM, : columns * ZOOM].reshape(rows, ZOOM, columns, ZOOM, 3)

    return squares.mean((1, 3))


def test_a_short_figure_looks_the_same(plain: bytes, short: bytes) -> None:
    """If this failed, a shorter figure would be another figure."""
    before, after = seen(plain), seen(short)
    assert before.shape == after.shape
    assert before.min() < 0.3
    assert np.abs(before - after).max() < MOST


def test_texts_stay(plain: bytes, short: bytes) -> None:
    """If this failed, a number in a label would be rounded, or a text taken for a tag."""
    before, after = (texts(ElementTree.fromstring(svg)) for svg in (plain, short))
    assert before == after
    assert "".join(LOOKS_LIKE_XML.split()) in after


def texts(root: Element) -> list[str]:
    """All texts, without their spaces."""
    found = [each for each in root.iter() if name(each) == "text"]

    return ["".join("".join(each.itertext()).split()) for each in found]


def name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def test_all_that_is_referred_to_is_there(short: bytes) -> None:
    """If this failed, lines would run beyond their axes, or markers be gone."""
    root = ElementTree.fromstring(short)
    values = " ".join(value for each in root.iter() for value in each.attrib.values())
    used = set(re.findall(r"#(\w+)", values))
    assert len(used) >= 3
    assert used == {each.attrib["id"] for each in root.iter() if "id" in each.attrib}


def test_a_figure_is_short_and_always_the_same(plain: bytes, short: bytes) -> None:
    """If this failed, the page would be too large, or change where nothing has changed."""
    assert len(short) < 0.4 * len(plain)
    assert short == as_svg(figure())
    assert b"<g>" not in short
    assert b"xlink" not in short
    assert b' class=""' not in short
    assert b"<use" in short  # what is drawn several times
    assert not re.search(rb"<text[^>]*translate", short)
    paths = re.findall(rb' d="([^"]*)"', short)
    assert paths
    assert not any(b" " in path for path in paths)


def test_a_look_is_declared_once(short: bytes) -> None:
    """If this failed, each line would repeat how it looks."""
    rules = re.findall(rb"\.c\d+(\{[^}]*\})", short)
    assert len(set(rules)) == len(rules) > 5
    assert b"style=" not in short


def test_an_address_holds_the_figure_and_can_stand_in_quotes() -> None:
    """If this failed, a browser would show the text for screen readers instead."""
    svg = as_svg(figure())
    head, _, body = data_uri(svg).partition(",")
    assert head == "data:image/svg+xml"
    assert ElementTree.canonicalize(unquote(body)) == ElementTree.canonicalize(svg.decode())
    assert not set(body) & set('"#&\n\t')

    one_of_several = data_uri_for_srcset(svg)
    assert not set(one_of_several) & set(' "\n\t')
    assert unquote(one_of_several) == unquote(data_uri(svg))
