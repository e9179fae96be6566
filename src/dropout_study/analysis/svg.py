"""Figures as SVG: the same bytes for the same figure, and a third of what matplotlib writes."""

import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import groupby
from urllib.parse import quote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from dropout_study.analysis.figures import style

SVG = "http://www.w3.org/2000/svg"
ElementTree.register_namespace("", SVG)
DEFS, GROUP, MARKER, PATH, STYLE, TEXT, USE = (
    f"{{{SVG}}}{name}" for name in ("defs", "g", "marker", "path", "style", "text", "use")
)
HREF = "{http://www.w3.org/1999/xlink}href"
"""How matplotlib names what `use` repeats; SVG 2 says `href`."""

FONT = "font-family:'DejaVu Sans', 'Verdana', sans-serif"
"""What matplotlib writes at every text, with the fonts of our style."""
FOR_ALL = ("stroke-linejoin", "stroke-linecap")
"""What matplotlib sets for all elements, so that a path does not take it from its `use`."""
PLACES = ("x", "y", "width", "height")
"""Attributes that say where something is, beside paths and transforms."""
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?")
SEGMENT = re.compile(r"([MLHVCQZz])([^MLHVCQZz]*)")
"""A command of a path, and its numbers."""
UNTURNED = "rotate(-0 "
"""How the transform of a level text begins, which does nothing."""
MOVED = re.compile(r"translate\((\S+) (\S+)\)")
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
    for element in root.iter():
        _normalize(element)

    _ungroup(root)
    _draw_marks_at_once(root)
    _draw_in_place(root)
    _share_clips(root)

    for element in root.iter():
        _shorten_places(element)

    _name_styles(root)
    _name_shortly(root)


def _normalize(element: Element) -> None:
    """Remove white space around tags, and name what an element repeats as SVG 2 does."""
    if not (element.text or "").strip():
        element.text = None

    if not (element.tail or "").strip():
        element.tail = None

    if used := element.attrib.pop(HREF, None):
        element.set("href", used)


def _ungroup(element: Element) -> None:
    """Put what groups without a meaning hold in their place."""
    kept: list[Element] = []

    for child in element:
        _ungroup(child)
        plain = child.tag == GROUP and not child.attrib.keys() - {"id"}
        kept.extend(child if plain else [child])

    element[:] = kept


def _draw_marks_at_once(root: Element) -> None:
    """Draw equal marks of a group as the corners of a path without a line, which has their look.

    A corner takes a quarter of what a mark takes. https://www.w3.org/TR/SVG2/painting.html#Markers
    """
    looks: dict[tuple[str, str], str] = {}

    for group in root.iter(GROUP):
        found = {(mark.tag, mark.get("href", ""), mark.get("style", "")) for mark in group}
        if len(group) < FEWEST_AT_ONCE or len(found) > 1:
            continue

        ((tag, href, style_),) = found
        if tag != USE:
            continue

        name = looks.setdefault((href, style_), f"marker{len(looks)}")
        corners = " L ".join(f"{mark.attrib['x']} {mark.attrib['y']}" for mark in group)
        ends = {f"marker-{place}": f"url(#{name})" for place in ("start", "mid", "end")}
        group[:] = [Element(PATH, {"d": f"M {corners}", "fill": "none"} | ends)]

    declared = next(root.iter(DEFS))
    for (href, style_), name in looks.items():
        # Where its path is, as large as it is, and not cut to a box of its own.
        size = {"markerUnits": "userSpaceOnUse", "overflow": "visible"}
        marker = SubElement(declared, MARKER, {"id": name} | size)
        SubElement(marker, USE, {"href": href, "style": style_})


def _draw_in_place(root: Element) -> None:
    """Draw a path that is used once where it is used, instead of declaring it."""
    paths = {path.attrib["id"]: path.attrib for path in root.iterfind(f".//{DEFS}/{PATH}")}
    times = Counter(use.attrib["href"][1:] for use in root.iter(USE))
    in_place = {name for name in paths if times[name] == 1}

    for use in list(root.iter(USE)):
        name = use.attrib["href"][1:]
        style_ = _handed_down(use.attrib, paths[name])
        use.attrib["style"] = ";".join(style_)

        if name in in_place:
            d = _moved(paths[name]["d"], float(use.get("x", 0)), float(use.get("y", 0)))
            use.tag = PATH
            use.attrib = {"d": d, "style": ";".join([*style_, *_declared(paths[name])])}

    for defs in list(root.iter(DEFS)):
        defs[:] = [each for each in defs if each.get("id") not in in_place]

    for above in list(root.iter()):
        above[:] = [each for each in above if each.tag != DEFS or len(each)]


def _handed_down(use: Mapping[str, str], path: Mapping[str, str]) -> list[str]:
    """The declarations of `use` that the path takes from it.

    >>> use = {"style": "fill: red; stroke: red; stroke-linecap: square"}
    >>> _handed_down(use, {"style": "stroke: blue"})
    ['fill:red']
    """
    own = {_property(each) for each in _declared(path)}

    return [each for each in _declared(use) if _property(each) not in own.union(FOR_ALL)]


def _property(declaration: str) -> str:
    return declaration.partition(":")[0]


def _moved(path: str, x: float, y: float) -> str:
    """A path in which each point is moved.

    >>> _moved("M 1 2 L 3 4 z", 10, 20)
    'M 11 22 L 13 24 z'
    """
    steps = iter([x, y] * len(path))

    return NUMBER.sub(lambda number: f"{float(number[0]) + next(steps):.10g}", path)


def _share_clips(root: Element) -> None:
    """Clip neighbours that are clipped alike as one group, and a path alone by itself."""
    kept: list[Element] = []

    for clip, parts in groupby(_clipped(root), key=lambda part: part[0]):
        children = [child for _, child in parts]

        if clip and len(children) == 1 and children[0].tag == PATH:
            children[0].set("clip-path", clip)
        elif clip:
            group = Element(GROUP, {"clip-path": clip})
            group[:] = children
            children = [group]

        kept.extend(children)

    root[:] = kept


def _clipped(root: Element) -> Iterator[tuple[str, Element]]:
    """Clip and element, of all below the root and in its groups that do nothing but clip."""
    for child in root:
        clip = child.get("clip-path", "")

        if child.tag == GROUP and not child.attrib.keys() - {"clip-path", "id"}:
            yield from ((clip, below) for below in child)
        else:
            child.attrib.pop("clip-path", None)
            yield clip, child


def _shorten_places(element: Element) -> None:
    """State where an element is in hundredths of a point."""
    attributes = element.attrib
    transform = attributes.get("transform", "")

    if transform.startswith(UNTURNED):
        del attributes["transform"]
    elif element.tag == TEXT and (moved := MOVED.fullmatch(transform)):
        del attributes["transform"]
        attributes |= {"x": moved[1], "y": moved[2]}
    elif transform.startswith("rotate("):
        attributes["transform"] = _rounded(transform)

    for name in PLACES:
        if name in attributes:
            attributes[name] = _rounded(attributes[name])

    if "d" in attributes:
        attributes["d"] = _short_path(attributes["d"])


def _short_path(path: str) -> str:
    """A path in hundredths of a point, without spaces, which an address would have to code.

    >>> _short_path("M 1.23456 -0.5 L 1.23456 3.999 L 2 4 C 3 4 5 6 7 8 L 3 8 z")
    'M1.23,-0.5V4H2C3,4,5,6,7,8H3z'
    """
    written = []
    x = y = ""

    for command, text in SEGMENT.findall(_rounded(path)):
        numbers = text.split()

        if command == "L" and numbers[0] == x:
            written.append(f"V{numbers[1]}")
        elif command == "L" and numbers[1] == y:
            written.append(f"H{numbers[0]}")
        else:
            written.append(command + ",".join(numbers))

        x, y = numbers[-2:] or (x, y)

    return "".join(written)


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
        own = ";".join(each for each in _declared(element.attrib) if each != FONT)
        element.attrib.pop("style", None)

        if own:
            element.set("class", classes.setdefault(own, f"c{len(classes)}"))

    rules = [f" text{{{FONT}}}", *(f".{name}{{{own}}}" for own, name in classes.items())]
    sheet = next(root.iter(STYLE))
    sheet.text = f"{sheet.text}{''.join(rules)}"


def _declared(attributes: Mapping[str, str]) -> list[str]:
    """The declarations of an element's style.

    >>> _declared({"style": "fill: none; stroke: #000000"})
    ['fill:none', 'stroke:#000000']
    """
    declarations = attributes.get("style", "").split(";")
    stripped = [each.strip().replace(": ", ":") for each in declarations]

    return [each for each in dict.fromkeys(stripped) if each]


def _name_shortly(root: Element) -> None:
    """Name what something refers to `i0`, `i1`, in the order of the elements, and nothing else."""
    attributes = " ".join(text for element in root.iter() for text in element.attrib.values())
    used = set(REFERENCE.findall(attributes))
    named = [name for element in root.iter() if (name := element.get("id", "")) in used]
    names = {name: f"i{number}" for number, name in enumerate(named)}

    for element in root.iter():
        name = element.attrib.pop("id", "")
        if name in names:
            element.set("id", names[name])

        for key, text in element.attrib.items():
            element.set(key, REFERENCE.sub(lambda each: f"#{names[each[1]]}", text))
