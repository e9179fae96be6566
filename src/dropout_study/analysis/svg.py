"""Figures as SVG: the same bytes for the same figure, and few of them."""

import io
import re
from urllib.parse import quote

from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from dropout_study.analysis.figures import style

FONT = b"font-family: 'DejaVu Sans', 'Verdana', sans-serif; "
"""What matplotlib writes at every text, with the fonts of our style."""
PLACES = re.compile(rb'\b(?:d|x|y)="[^"]*"|rotate\([^)]*\)')
"""Where it says where something is."""
LONG_NUMBER = re.compile(rb"-?\d+\.\d{3,}(?:e-?\d+)?")
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
    """An address that contains a figure."""
    return "data:image/svg+xml," + quote(svg, safe=IN_ADDRESS)


def _shortened(svg: bytes) -> bytes:
    """What matplotlib writes in two thirds of the bytes, of which a page holds dozens."""
    svg = PLACES.sub(lambda places: LONG_NUMBER.sub(_hundredths, places[0]), svg)
    svg = re.sub(rb"\s+", b" ", svg).replace(b"> <", b"><")

    head, rest = svg.replace(FONT, b"").split(b"</style>", 1)
    svg = head + b" text{" + FONT.rstrip(b"; ") + b"}</style>" + rest

    used = set(re.findall(rb"#(\w+)", svg))
    return re.sub(rb' id="(\w+)"', lambda name: name[0] if name[1] in used else b"", svg)


def _hundredths(number: re.Match[bytes]) -> bytes:
    return b"%g" % round(float(number[0]), 2)
