"""The report: a table of verdicts, a page that needs nothing else, and the same for GitHub."""

import base64
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from jinja2 import Environment, PackageLoader
from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import MARKS
from dropout_study.analysis.runs import ResultsMissing, needing_columns
from dropout_study.data.datasets import Images
from dropout_study.report.rows import daggers, decisive, rows, sign
from dropout_study.report.verdicts import Outcome

TRAINING = "Training of what is compared: validation error by update, mean over seeds."
CORRUPTED = "One test image, by kind of corruption and severity (left: clean)."


@dataclass(frozen=True)
class Picture:
    """A figure as SVG.

    Attributes:
        file: its name in `figures/`.
        caption: what is printed below it.
        alt: what it shows, in words.
        width: in pixels, where it is shown in its own size.
    """

    file: str
    svg: bytes
    caption: str
    alt: str
    width: int

    @property
    def address(self) -> str:
        """That of an image which holds it."""
        return "data:image/svg+xml;base64," + base64.b64encode(self.svg).decode()


def write(
    outcomes: Sequence[Outcome],
    runs: pd.DataFrame,
    folder: Path,
    links: Mapping[str, str],
    images: Images | None,
) -> list[Path]:
    """Write the report into a folder; the same runs give the same bytes. Returns the files.

    Args:
        outcomes: of the claims that are reported.
        runs: results of all studies; numbers behind the verdicts.
        folder: `index.html`, `README.md` and `figures/` go here.
        links: study -> where its runs are seen, if anywhere.
        images: whose corrupted versions are pictured.
    """
    beside = {outcome.claim.id: _beside(outcome) for outcome in outcomes}

    with figures.style():
        drawn = {o.claim.id: list(_pictures(o, images, beside[o.claim.id])) for o in outcomes}

    files = [
        folder / "figures" / picture.file for pictures in drawn.values() for picture in pictures
    ]
    (folder / "figures").mkdir(exist_ok=True)

    for picture in (picture for pictures in drawn.values() for picture in pictures):
        (folder / "figures" / picture.file).write_bytes(picture.svg)

    environment = Environment(
        loader=PackageLoader("dropout_study.report"),
        autoescape=lambda name: name is not None and "html" in name,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    shown: dict[str, Any] = {
        "outcomes": outcomes,
        "drawn": drawn,
        "tally": Counter(outcome.shown for outcome in outcomes),
        "rows": {outcome.claim.id: rows(outcome) for outcome in outcomes},
        "decisive": {
            outcome.claim.id: decisive(outcome) for outcome in outcomes if outcome.decided
        },
        "beside": beside,
        "commits": sorted(
            {str(commit)[:7] for commit in runs.get("commit", pd.Series(dtype=str)).dropna()}
        ),
        "count": len(runs),
        "links": links,
        "marks": MARKS,
        "daggers": daggers,
        "sign": sign,
        "p": lambda value: (
            "" if math.isnan(value) else "< 0.0001" if value < 1e-4 else f"{value:.4f}"
        ),
    }

    for name in ("index.html", "README.md"):
        text = environment.get_template(f"{name}.jinja").render(**shown)
        (folder / name).write_text(text.rstrip() + "\n", encoding="utf-8")
        files.append(folder / name)

    return files


def _pictures(outcome: Outcome, images: Images | None, lines: list[str]) -> Iterator[Picture]:
    """The figure of a claim, what else its runs can show, and how its nets were trained.

    A figure that lacks something is left out, and `lines` say why.
    """
    claim = outcome.claim

    if not outcome.decided:
        return

    try:
        yield _picture(claim.id, claim.draw(outcome.studies), claim.caption)
    except ResultsMissing as error:
        lines.append(f"The figure is left out: {error}.")

    if (seen := claim.extra_figure(outcome.studies)) is not None:
        yield _picture(f"{claim.id}_extra", seen, claim.extra_caption)

    if claim.id == "robustness" and images is not None:
        yield _picture(f"{claim.id}_images", _corrupted(images), CORRUPTED)

    if compared := claim.trained_conditions(outcome.studies):
        curves = {name: runs.curve("val/error") for name, runs in compared.items()}
        yield _picture(f"{claim.id}_training", figures.finish(_training(curves)), TRAINING)


def _picture(name: str, figure: Figure, caption: str) -> Picture:
    alt = figures.describe(figure)
    width = round(96 * figure.get_size_inches()[0])
    return Picture(f"{name}.svg", figures.svg(figure), caption, alt, width)


def _training(curves: Mapping[str, pd.DataFrame]) -> Figure:
    sheet, (axes,) = figures.sheet(width=5.3, height=3.6)

    for i, (name, curve) in enumerate(curves.items()):
        mean = curve.mean(axis=1).sort_index()
        look = figures.look(name, i)
        x = mean.index.to_numpy(dtype=float) / 1000
        y = mean.to_numpy()
        axes.plot(x, y, label=name, color=look["color"], linestyle=look["linestyle"])
        figures.label_end(axes, name, (x[-1], y[-1]), look["color"])

    axes.set(xlabel="thousand updates", ylabel="validation error (%)", yscale="log")

    return sheet


def _corrupted(images: Images) -> Figure:
    from dropout_study.data.corruptions import (
        CORRUPTIONS,
        SEVERITIES,
        corrupt,  # brings torchvision
    )

    x, _ = images.test.batch(torch.zeros(1, dtype=torch.long))
    side = int(images.inputs**0.5)
    rows = [
        torch.cat([x, *(corrupt(x, kind, severity) for severity in SEVERITIES)])
        for kind in CORRUPTIONS
    ]
    picture = torch.stack(rows).unflatten(-1, (side, side)).transpose(1, 2).flatten(2).flatten(0, 1)
    sheet, (axes,) = figures.sheet(width=4.8, height=5.4)
    axes.imshow(picture.numpy(), cmap="gray_r", vmin=0, vmax=1, interpolation="none")
    kinds = [kind.replace("_", " ") for kind in CORRUPTIONS]
    severities = ["clean", *map(str, SEVERITIES)]
    axes.set_yticks([side * (i + 0.5) - 0.5 for i in range(len(kinds))], kinds)
    axes.set_xticks([side * (i + 0.5) - 0.5 for i in range(len(severities))], severities)
    axes.set_xlabel("severity")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)

    return sheet


def _beside(outcome: Outcome) -> list[str]:
    """Numbers that do not decide; what of them is missing is left out."""
    if not outcome.decided:
        return []

    try:
        with needing_columns():
            return outcome.claim.context_lines(outcome.studies)
    except ResultsMissing as error:
        return [f"Not all numbers are there: {error}."]
