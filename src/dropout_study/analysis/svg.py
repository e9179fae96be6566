"""Figures as SVG: the same bytes for the same figure, and half as many as matplotlib writes."""

import io
import re
from collections.abc import Collection, Mapping, Sequence
from urllib.parse import quote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from dropout_study.analysis.figures import style

SVG = "http://www.w3.org/2000/svg"
ElementTree.register_namespace("", SVG)
HREF = "{http://www.w3.org/1999/xlink}href"
"""How matplotlib names what `use` repeats; SVG 2 says `href`."""

FONT = "font-family: 'DejaVu Sans', 'Verdana', sans-serif"
"""What matplotlib writes at every text, with the fonts of our style."""
PLACES = ("d", "x", "y", "width", "height")
"""Attributes that say where something is."""
LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?")
COMMAND = re.compile(r" ?([A-Za-z]) ?")
"""A command of a path, which separates numbers by itself."""
UNTURNED = "rotate(-0 "
"""How the transform of a level text begins, which does nothing."""
REFERENCE = re.compile(r"#(\w+)")
"""How an attribute names the id of another element."""
TAG = re.compile(r"<[^<>]*>")
FEWEST_AT_ONCE = 3
"""Marks of one look from which on they are drawn as the corners of a path."""
IN_ADDRESS = " <>=:/;,()+-!*[]{}'?@$|^`~"
"""What may stand in a data URI as it is, beside letters, digits, `_`, `.` and `-`."""


def as_svg(figure: Figure) -> bytes:
    """A figure as SVG, in hundredths of a point."""
    buffer = io.BytesIO()

    with style():  # savefig would draw twice
        FigureCanvasSVG(figure).print_svg(  # type: ignore[no-untyped-call]
            buffer, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type"))
        )

    root = ElementTree.fromstring(buffer.getvalue())
    _shorten(root)

    return ElementTree.tostring(root, encoding="unicode").encode()


def data_uri(svg: bytes) -> str:
    """An address that contains a figure, to stand in double quotes."""
    # In tags one kind of quotes is as good as the other, and no space has to end them.
    quoted = TAG.sub(lambda tag: tag[0].replace('"', "'").replace(" />", "/>"), svg.decode())

    return "data:image/svg+xml," + quote(quoted, safe=IN_ADDRESS)


def data_uri_for_srcset(svg: bytes) -> str:
    """An address that contains a figure, without white space, which would end it in `srcset`."""
    return data_uri(svg).replace(" ", "%20")


def _shorten(root: Element) -> None:
    """Leave out of an SVG what changes nothing that is seen."""
    elements = list(root.iter())
    attributes = " ".join(text for element in elements for text in element.attrib.values())
    used = set(REFERENCE.findall(attributes))

    names = _short_names(elements, used)

    for element in elements:
        _shorten_places(element.attrib)
        _rename(element.attrib, names)

        if not (element.text or "").strip():
            element.text = None

        if not (element.tail or "").strip():
            element.tail = None

    _name_styles(root)
    _ungroup(root)
    _draw_marks_at_once(root)


def _short_names(elements: Sequence[Element], used: Collection[str]) -> dict[str, str]:
    """Id that something refers to -> `i0`, `i1`, in the order of the elements."""
    named = [element.attrib["id"] for element in elements if element.get("id") in used]
    return {name: f"i{number}" for number, name in enumerate(named)}


def _rename(attributes: dict[str, str], names: Mapping[str, str]) -> None:
    """Give an element its short id, or none, and have it refer to others by theirs."""
    if name := attributes.pop("id", None):
        attributes |= {"id": names[name]} if name in names else {}

    if used := attributes.pop(HREF, None):
        attributes["href"] = used

    for key, text in attributes.items():
        if "#" in text:
            attributes[key] = REFERENCE.sub(lambda each: f"#{names.get(each[1], each[1])}", text)


def _shorten_places(attributes: dict[str, str]) -> None:
    """Round where an element is to hundredths of a point."""
    turned = attributes.get("transform", "")

    if turned.startswith(UNTURNED):
        del attributes["transform"]
    elif turned.startswith("rotate("):
        attributes["transform"] = _rounded(turned)

    for name in PLACES:
        if name in attributes:
            attributes[name] = COMMAND.sub(r"\1", " ".join(_rounded(attributes[name]).split()))


def _rounded(numbers: str) -> str:
    """A text in whose numbers further decimal places are rounded.

    >>> _rounded("M 1.23456 -0.5 L 2 3.999")
    'M 1.23 -0.5 L 2 4'
    """
    return LONG_NUMBER.sub(lambda number: f"{round(float(number[0]), 2):g}", numbers)


def _name_styles(root: Element) -> None:
    """State each style once, as a class, instead of at every line, marker and text."""
    classes: dict[str, str] = {}

    for element in root.iter():
        declared = [each.strip() for each in element.attrib.pop("style", "").split(";")]
        if own := "; ".join(each for each in declared if each not in ("", FONT)):
            element.set("class", classes.setdefault(own, f"c{len(classes)}"))

    rules = [f" text{{{FONT}}}", *(f".{name}{{{own}}}" for own, name in classes.items())]
    sheet = next(root.iter(f"{{{SVG}}}style"))
    sheet.text = f"{sheet.text}{''.join(rules)}"


def _ungroup(element: Element) -> None:
    """Put what groups without attributes hold in their place."""
    kept: list[Element] = []

    for child in element:
        _ungroup(child)
        plain = child.tag == f"{{{SVG}}}g" and not child.attrib
        kept.extend(child if plain else [child])

    element[:] = kept


def _draw_marks_at_once(root: Element) -> None:
    """Draw equal marks of a group as the corners of a path without a line, which has their look.

    A corner takes a quarter of what a mark takes. https://www.w3.org/TR/SVG2/painting.html#Markers
    """
    looks: dict[tuple[str, str], str] = {}
    use, group = f"{{{SVG}}}use", f"{{{SVG}}}g"

    for each in root.iter(group):
        found = {(mark.tag, mark.get("href", ""), mark.get("class", "")) for mark in each}
        if len(each) < FEWEST_AT_ONCE or len(found) > 1:
            continue

        ((tag, href, own),) = found
        if tag != use:
            continue

        name = looks.setdefault((href, own), f"m{len(looks)}")
        corners = "L".join(f"{mark.attrib['x']} {mark.attrib['y']}" for mark in each)
        ends = {f"marker-{place}": f"url(#{name})" for place in ("start", "mid", "end")}
        each[:] = [Element(f"{{{SVG}}}path", {"d": f"M{corners}", "fill": "none"} | ends)]

    declared = next(root.iter(f"{{{SVG}}}defs"))
    for (href, own), name in looks.items():
        # Where its path is, as large as it is, and not cut to a box of its own.
        size = {"markerUnits": "userSpaceOnUse", "overflow": "visible"}
        marker = SubElement(declared, f"{{{SVG}}}marker", {"id": name} | size)
        SubElement(marker, use, {"href": href, "class": own})
