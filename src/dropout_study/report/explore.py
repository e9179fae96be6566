"""The page to play with: masks on a small net, and the errors that the studies found."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader

from dropout_study.report.explore_results import shown_studies

NAME = "explore.html"
"""Of the page, beside the report."""
LEVELS = "0123456789abcdefg"
"""The grey values of scikit-learn's digits, 0 to 16, a character each."""


@dataclass(frozen=True)
class Seen:
    """Test errors of the net of the page at a rate, in percent.

    Attributes:
        rate: probability of dropping a hidden unit.
        masks: how many were drawn.
        subnetwork: mean error of one subnetwork.
        arithmetic: of their arithmetic mean.
        geometric: of their geometric mean.
        weight_scaling: of one pass without masks.
    """

    rate: float
    masks: int
    subnetwork: float
    arithmetic: float
    geometric: float
    weight_scaling: float


@dataclass(frozen=True)
class Net:
    """A trained ReLU net with the digits that it is tested on.

    Attributes:
        widths: units of each layer, inputs and classes among them.
        rate: at which its hidden units were dropped in training.
        updates: of its training.
        examples: that it was trained on.
        weights: of each layer, `[in, out]`.
        biases: of each layer, `[out]`.
        pixels: of the test digits, `[N, 64]`, whole numbers from 0 to 16.
        labels: of the test digits, `[N]`.
        seen: at its own rate, then at others.
    """

    widths: list[int]
    rate: float
    updates: int
    examples: int
    weights: list[list[list[float]]]
    biases: list[list[float]]
    pixels: list[list[int]]
    labels: list[int]
    seen: list[Seen]


def write_page(net: Net, networks: pd.DataFrame, file: Path) -> None:
    """Write the page; the same arguments give the same bytes.

    Args:
        net: whose units are dropped.
        networks: results of the studies.
        file: the page.
    """
    environment = Environment(
        loader=PackageLoader("dropout_study.report"),
        autoescape=lambda template: template is not None and "html" in template,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    studies = shown_studies(networks)
    text = environment.get_template(f"{NAME}.jinja").render(
        net=net,
        seen=net.seen[0],
        others=net.seen[1:],
        units=sum(net.widths[1:-1]),
        studies=studies,
        data=as_script({"net": _embedded(net), "studies": studies}),
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text.rstrip() + "\n", encoding="utf-8")


def as_script(data: Any) -> str:
    r"""JSON that may stand inside a script of a page.

    >>> print(as_script({"a": "</script>"}))
    {"a":"<\/script>"}
    """
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("</", "<\\/")


def _embedded(net: Net) -> dict[str, Any]:
    """What the page computes with."""
    embedded = asdict(net)
    del embedded["seen"]
    embedded["weights"] = [[list(map(_short, row)) for row in layer] for layer in net.weights]
    embedded["biases"] = [list(map(_short, layer)) for layer in net.biases]
    embedded["pixels"] = list(map(_as_text, net.pixels))

    return embedded


def _short(weight: float) -> float:
    """A weight to nine digits, which hold a number of 32 bits exactly."""
    return float(f"{weight:.9g}")


def _as_text(pixels: Sequence[int]) -> str:
    """A digit, a character per pixel.

    >>> _as_text([0, 9, 16])
    '09g'
    """
    return "".join(LEVELS[value] for value in pixels)
