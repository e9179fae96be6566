"""What makes an SVG short changes nothing that is seen."""

import io
import re
from collections.abc import Iterator
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
import pytest
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.svg import FONT, as_svg, data_uri, data_uri_for_srcset

LOOKS_LIKE_XML = "rotate(0.12345) \"id\" 'two' < 0.123456 & 50 % #1"
SHAPE = {"d", "x", "y", "width", "height", "transform"}


def figure() -> Figure:
    """Lines, marks, powers, a turned label, an image, and a text with what XML consists of.

    It is made for each drawing: the layout of one that was drawn before has moved.
    """
    with figures.style():
        sheet, (left, right) = figures.sheet(2)
        left.plot([1.2345, 23.456, 345.67], [0.1, 0.7654321, 0.2], "o--")
        left.set(title=LOOKS_LIKE_XML, xlabel="updates", ylabel="error (%)", xscale="log")
        right.imshow(np.linspace(0, 1, 12).reshape(3, 4), interpolation="none")
        right.set(title="$2^n$")

    return sheet


@pytest.fixture(scope="module")
def plain() -> Element:
    """What matplotlib writes."""
    written = io.BytesIO()
    with figures.style():
        FigureCanvasSVG(figure()).print_svg(written)  # type: ignore[no-untyped-call]

    return ElementTree.fromstring(written.getvalue())


@pytest.fixture(scope="module")
def made() -> Element:
    """What we make of it."""
    return ElementTree.fromstring(as_svg(figure()))


@pytest.fixture(scope="module")
def short() -> Element:
    """The same with each mark by itself, as matplotlib has it."""
    return one_by_one(ElementTree.fromstring(as_svg(figure())))


def one_by_one(root: Element) -> Element:
    """Draw each corner of a path that has marks as a mark of its own, and declare no marks."""
    declared = {each.attrib["id"]: each[0] for each in root.iter() if name(each) == "marker"}

    for above in list(root.iter()):
        for path in [each for each in above if "marker-mid" in each.attrib]:
            (mark,) = {path.attrib[f"marker-{end}"] for end in ("start", "mid", "end")}
            drawn = declared[mark.removeprefix("url(#").removesuffix(")")]
            assert path.attrib["fill"] == "none"
            assert not {"class", "style", "stroke", "transform"} & path.attrib.keys()
            assert len(above) == 1
            above[:] = [
                Element(drawn.tag, drawn.attrib | dict(zip("xy", corner.split(), strict=True)))
                for corner in path.attrib["d"].removeprefix("M").split("L")
            ]

        above[:] = [each for each in above if name(each) != "marker"]

    return root


def name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def drawn(root: Element) -> Iterator[Element]:
    """All that is drawn; groups are looked at through what is in them."""
    for element in root:
        if name(element) not in ("metadata", "g"):
            yield element
        if name(element) != "metadata":
            yield from drawn(element)


def test_everything_is_drawn_at_its_place(plain: Element, short: Element) -> None:
    """If this failed, a shorter figure would be another figure."""
    moved = 0

    for before, after in zip(drawn(plain), drawn(short), strict=True):
        assert name(before) == name(after)

        for key in SHAPE & before.attrib.keys():
            old, new = words(before.attrib[key]), words(after.get(key, before.attrib[key]))
            assert key in after.attrib or before.attrib[key].startswith("rotate(-0 ")

            for one, other in zip(old, new, strict=True):
                assert one == other or abs(float(one) - float(other)) <= 0.005 + 1e-9
                moved += one != other

    assert moved > 50


def words(text: str) -> list[str]:
    """Numbers and letters of an attribute."""
    return re.findall(r"-?\d+(?:\.\d+)?|[A-Za-z]|[^\s\w(),]+", text)


def test_everything_keeps_its_style(plain: Element, short: Element) -> None:
    """If this failed, lines would lose their colours and dashes, or texts their size and font."""
    sheet = next(each.text or "" for each in short.iter() if name(each) == "style")
    rules = dict(re.findall(r"\.(c\d+)\{([^}]*)\}", sheet))
    assert f" text{{{FONT}}}" in sheet
    assert len({declared(rule) for rule in rules.values()}) == len(rules) > 5

    for before, after in zip(drawn(plain), drawn(short), strict=True):
        own = declared(rules[after.attrib["class"]] if "class" in after.attrib else "")
        assert "style" not in after.attrib
        assert own == declared(before.get("style", "")) - {FONT}


def declared(style: str) -> frozenset[str]:
    return frozenset(each.strip() for each in style.split(";") if each.strip())


def test_groups_keep_what_they_hand_down(plain: Element, short: Element) -> None:
    """If this failed, lines would run beyond their axes, or turned labels lie level."""
    before, after = (dict(inherited(root)) for root in (plain, short))
    assert before == after
    assert any(after.values())


def inherited(root: Element) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Position of what is drawn -> clips and transforms of the groups around it."""
    above: dict[Element, tuple[str, ...]] = {root: ()}
    clips = [each.attrib["id"] for each in root.iter() if name(each) == "clipPath"]

    for element in root.iter():
        for child in element:
            handed = element.attrib if name(element) == "g" else {}
            clip = [clips.index(handed["clip-path"][5:-1])] if "clip-path" in handed else []
            own = (*map(str, clip), *([handed["transform"]] if "transform" in handed else []))
            above[child] = above[element] + own

    yield from ((i, above[element]) for i, element in enumerate(drawn(root)))


def test_texts_stay(plain: Element, short: Element) -> None:
    """If this failed, a number in a label would be rounded, or a text taken for a tag."""
    before, after = (
        ["".join(each.itertext()) for each in root.iter() if name(each) == "text"]
        for root in (plain, short)
    )
    assert ["".join(text.split()) for text in before] == ["".join(text.split()) for text in after]
    assert LOOKS_LIKE_XML in after


def test_all_that_is_referred_to_is_there(made: Element) -> None:
    """If this failed, lines would run beyond their axes, or markers be gone."""
    values = " ".join(value for each in made.iter() for value in each.attrib.values())
    used = set(re.findall(r"#(\w+)", values))
    assert len(used) >= 3
    assert used == {each.attrib["id"] for each in made.iter() if "id" in each.attrib}


def test_many_marks_are_the_corners_of_one_path(made: Element, short: Element) -> None:
    """If this failed, the page would be too large; or a mark be cut, turned or drawn in a size
    that depends on a line.
    """
    paths = [each for each in made.iter() if "marker-mid" in each.attrib]
    assert paths
    kept, drawn = (sum(name(each) == "use" for each in root.iter()) for root in (made, short))
    assert drawn - kept == 3 - 1  # of the line; the look of its marks is declared by one

    markers = [each for each in made.iter() if name(each) == "marker"]
    assert len(markers) == 1
    assert {each.get("markerUnits") for each in markers} == {"userSpaceOnUse"}
    assert {each.get("overflow") for each in markers} == {"visible"}
    assert not any("orient" in each.attrib for each in markers)


def test_markers_keep_their_shape(plain: Element, short: Element) -> None:
    """If this failed, the marks of one kind of line would be those of another."""
    before, after = (list(marks(root)) for root in (plain, short))
    assert before == after
    assert len(set(before)) >= 2


def marks(root: Element) -> Iterator[int]:
    """Of each mark that is drawn: which of the shapes that the figure declares it has."""
    used = [shape(each) for each in root.iter() if name(each) == "use"]
    shapes = [each.attrib["id"] for each in root.iter() if each.get("id") in used]
    yield from (shapes.index(each) for each in used)


def shape(mark: Element) -> str:
    """The id of what a mark repeats, as matplotlib names it or as we do."""
    address = mark.get("href") or mark.attrib["{http://www.w3.org/1999/xlink}href"]
    return address.removeprefix("#")


def test_it_is_short_and_always_the_same(plain: Element) -> None:
    """If this failed, the page would be too large, or change where nothing has changed."""
    svg = as_svg(figure())
    assert len(svg) < 0.55 * len(ElementTree.tostring(plain))
    assert svg == as_svg(figure())
    assert b"<g>" not in svg
    assert b"xlink" not in svg
    paths = re.findall(rb' d="([^"]*)"', svg)
    assert paths
    assert not any(re.search(rb"[A-Za-z] | [A-Za-z]", path) for path in paths)


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
