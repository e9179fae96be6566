"""Figures as SVG: the same bytes for the same figure, and few of them."""

import base64
import io
import re
from urllib.parse import quote

from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from dropout_study.analysis.figures import style

FONT = b"font-family: 'DejaVu Sans', 'Verdana', sans-serif"
"""What matplotlib writes at every text, with the fonts of our style."""
UNTURNED = re.compile(rb' transform="rotate\(-0 [^)]*\)"')
PLACES = re.compile(rb'\b(?:d|x|y)="[^"]*"|rotate\([^)]*\)')
"""Where it says where something is."""
LONG_NUMBER = re.compile(rb"-?\d+\.\d{3,}(?:e-?\d+)?")
INNERMOST_GROUP = re.compile(rb"<g>((?:(?!</?g\b).)*)</g>")
"""A group that says nothing and has no other group in it."""
TAG = re.compile(rb"<[^<>]*>")
IN_ADDRESS = " =:/;,()+-!*[]{}'?@$|^`~"
"""What may stand in a data URI as it is, beside letters, digits, `_`, `.` and `-`."""


def as_svg(figure: Figure) -> bytes:
    """A figure as SVG, in hundredths of a point."""
    buffer = io.BytesIO()

    with style():  # savefig would draw twice
        FigureCanvasSVG(figure).print_svg(  # type: ignore[no-untyped-call]
            buffer, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type"))
        )

    return _shortened(buffer.getvalue())


def data_uri(svg: bytes) -> str:
    """An address that contains a figure, to stand in double quotes."""
    # In tags one kind of quotes is as good as the other.
    quoted = TAG.sub(lambda tag: tag[0].replace(b'"', b"'"), svg)

    return "data:image/svg+xml," + quote(quoted, safe=IN_ADDRESS)


def data_uri_for_sources(svg: bytes) -> str:
    """The same where white space would end the address."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()


def _shortened(svg: bytes) -> bytes:
    """What matplotlib writes in half of the bytes, of which a page holds dozens."""
    svg = PLACES.sub(lambda places: LONG_NUMBER.sub(_hundredths, places[0]), svg)
    svg = re.sub(rb"\s+", b" ", UNTURNED.sub(b"", svg)).replace(b"> <", b"><")

    used = set(re.findall(rb"#(\w+)", svg))
    svg = re.sub(rb' id="([^"]*)"', lambda name: name[0] if name[1] in used else b"", svg)

    while (shorter := INNERMOST_GROUP.sub(rb"\1", svg)) != svg:
        svg = shorter

    return _with_classes(svg)


def _hundredths(number: re.Match[bytes]) -> bytes:
    return b"%g" % round(float(number[0]), 2)


def _with_classes(svg: bytes) -> bytes:
    """An SVG that states each style once, instead of at every line, marker and text."""
    head, body = svg.split(b"</style>", 1)
    body = body.replace(b"; " + FONT, b"").replace(FONT + b"; ", b"")
    classes: dict[bytes, bytes] = {}

    def of_class(style: re.Match[bytes]) -> bytes:
        return b' class="%s"' % classes.setdefault(style[1], b"c%d" % len(classes))

    body = re.sub(rb' style="([^"]*)"', of_class, body)
    rules = b"".join(b".%s{%s}" % (name, style) for style, name in classes.items())

    return head + b" text{" + FONT + b"}" + rules + b"</style>" + body
