"""The pictures of a claim in the report: its figures, corrupted images, and training curves."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Studies
from dropout_study.analysis.runs import ResultsMissing
from dropout_study.analysis.selection import rank
from dropout_study.analysis.svg import as_svg, data_uri, data_uri_for_srcset
from dropout_study.data.images import Images
from dropout_study.report import tuning_curves
from dropout_study.report.verdicts import Outcome

TRAINING = "Training of the compared networks: validation error by update, mean over seeds."
CORRUPTED = "One test image, by kind of corruption and severity (left: clean)."
PANEL = re.compile(r"width \d+|n = \d+|\d+x\d+")
"""The part of a condition's name that says how large its networks or their data are."""
MOST_LINES = 5  # in one panel, beyond which sizes have panels of their own
PANELS_IN_ROW = 3
ROW_HEIGHT = 0.7  # inches, of one kind of corruption
PIXELS_PER_INCH = 96  # in a browser


@dataclass(frozen=True)
class Picture:
    """A figure as SVG.

    Attributes:
        file: its name in `figures/`.
        svg: its bytes.
        caption: the text below it.
        alt: what it shows, in words.
        width: in pixels, at its own size.
        narrow: the same for a phone, if there is one.
    """

    file: str
    svg: bytes
    caption: str
    alt: str
    width: int
    narrow: bytes | None = None

    @property
    def address(self) -> str:
        """A data URI that contains the figure."""
        return data_uri(self.svg)

    @property
    def narrow_address(self) -> str:
        """The same for a phone, as one of several sources; empty if there is none."""
        return data_uri_for_srcset(self.narrow) if self.narrow else ""


def claim_pictures(outcome: Outcome, images: Images | None, notes: list[str]) -> Iterator[Picture]:
    """The pictures of a claim, in the order of the report; none without a decision.

    Args:
        outcome: of the claim.
        images: the data set of which a corrupted image is shown, if it is at hand.
        notes: is extended by a sentence for each figure that lacks results.
    """
    if not outcome.decided:
        return

    claim = outcome.claim
    studies = outcome.studies
    yield from _drawn(
        [
            (claim.id, lambda: claim.draw(studies), claim.caption),
            (f"{claim.id}_extra", lambda: claim.extra_figure(studies), claim.extra_caption),
            (f"{claim.id}_images", lambda: _images_of(claim, images), CORRUPTED),
        ],
        notes,
    )


def training_pictures(outcome: Outcome, notes: list[str]) -> Iterator[Picture]:
    """The curves of training, and of the tuning before; none without a decision.

    Args:
        outcome: of the claim.
        notes: is extended by a sentence if results are missing.
    """
    if not outcome.decided:
        return

    claim = outcome.claim
    drawn = [(f"{claim.id}_training", lambda: _training_of(claim, outcome.studies), TRAINING)]
    yield from _drawn(drawn, notes)

    if outcome.runs.tuning:
        figure = tuning_curves.tuning_figure(outcome.runs.tuning, outcome.studies)
        yield picture(f"{claim.id}_tuning", figure, tuning_curves.CAPTION)


def _drawn(
    pictures: Sequence[tuple[str, Callable[[], Figure | None], str]], notes: list[str]
) -> Iterator[Picture]:
    """Those of some pictures (name, figure, caption) that there are."""
    for name, draw, caption in pictures:
        try:
            figure = draw()
        except ResultsMissing as error:
            notes.append(f"A figure is left out: {error}.")
            continue

        if figure is not None:
            yield picture(name, figure, caption)


def _images_of(claim: Claim, images: Images | None) -> Figure | None:
    return corrupted_images(images) if claim.id == "robustness" and images is not None else None


def _training_of(claim: Claim, studies: Studies) -> Figure | None:
    """The training curves of a claim's networks; None if none are compared."""
    conditions = claim.trained_conditions(studies)
    curves = {name: runs.curve("val/error") for name, runs in conditions.items()}

    return training_curves(curves) if curves else None


def picture(name: str, figure: Figure, caption: str, alt: str = "") -> Picture:
    """A figure as a picture of the report.

    Args:
        name: of its file.
        figure: is drawn.
        caption: the text below it.
        alt: what it shows, in words; made from the figure if empty.
    """
    width = round(PIXELS_PER_INCH * figure.get_size_inches()[0])
    shown = alt or figures.alt_text(figure)

    return Picture(f"{name}.svg", as_svg(figure), caption, shown, width)


def training_curves(curves: Mapping[str, pd.DataFrame]) -> Figure:
    """Validation errors by update, mean over seeds.

    Args:
        curves: name -> one row per update, one column per seed, in percent.
    """
    panels = in_panels(curves)

    if len(panels) == 1:
        sheet, axes = figures.sheet(width=5.3, height=3.6)
    else:
        sheet, axes = figures.panels(len(panels), PANELS_IN_ROW, height=2.6)

    for panel, (title, lines) in zip(axes, panels.items(), strict=True):
        panel.set_title(title, fontsize=9, loc="left")
        _draw_training(panel, lines)

    return figures.finish(sheet)


def in_panels(curves: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, pd.DataFrame]]:
    """Curves by panel: one panel, or where that would be too full one for each size.

    >>> names = [f"width {width}, rate {rate}" for width in (16, 64) for rate in (0, 0.1, 0.2, 0.5)]
    >>> panels = in_panels(dict.fromkeys(names, pd.DataFrame()))
    >>> {title: list(lines) for title, lines in panels.items()}["width 64"]
    ['rate 0', 'rate 0.1', 'rate 0.2', 'rate 0.5']
    """
    if len(curves) <= MOST_LINES or not all(map(PANEL.search, curves)):
        return {"": dict(curves)}

    panels: dict[str, dict[str, pd.DataFrame]] = {}

    for name, curve in curves.items():
        parts = name.split(", ")
        size = next(part for part in parts if PANEL.fullmatch(part))
        parts.remove(size)
        panels.setdefault(size, {})[", ".join(parts)] = curve

    return dict(sorted(panels.items(), key=lambda panel: rank(panel[0])))


def _draw_training(axes: Axes, curves: Mapping[str, pd.DataFrame]) -> None:
    """Validation errors by update, a line per condition."""
    looks = figures.looks(list(curves))

    for name, curve in curves.items():
        mean = curve.mean(axis=1).sort_index()
        thousands = mean.index.to_numpy(dtype=float) / 1000
        error = mean.to_numpy()
        axes.plot(thousands, error, **looks[name], markevery=max(1, len(error) // 8), label=name)
        figures.label_end(axes, name, (thousands[-1], error[-1]), looks[name]["color"])

    axes.set(xlabel="thousand updates", ylabel="validation error (%)", yscale="log")


def corrupted_images(images: Images) -> Figure:
    """The first test image, one row per kind of corruption, one column per severity."""
    # Corruptions import torchvision, which takes a second.
    from dropout_study.data.corruptions import CORRUPTIONS, SEVERITIES, corrupt

    image, _ = images.test.batch(torch.zeros(1, dtype=torch.long))
    side = int(images.inputs**0.5)
    rows = [
        torch.cat([image, *(corrupt(image, kind, severity) for severity in SEVERITIES)])
        for kind in CORRUPTIONS
    ]
    tiles = torch.stack(rows).unflatten(-1, (side, side))
    mosaic = tiles.transpose(1, 2).flatten(2).flatten(0, 1)
    kinds = [kind.replace("_", " ") for kind in CORRUPTIONS]
    severities = ["clean", *map(str, SEVERITIES)]

    sheet, (axes,) = figures.sheet(width=4.8, height=0.5 + ROW_HEIGHT * len(kinds))
    axes.imshow(mosaic.numpy(), cmap="gray_r", vmin=0, vmax=1, interpolation="none")
    axes.set_yticks(_centres(len(kinds), side), kinds)
    axes.set_xticks(_centres(len(severities), side), severities)
    axes.set_xlabel("severity")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)

    return sheet


def _centres(count: int, side: int) -> list[float]:
    """The middles of tiles that lie side by side, in pixels."""
    return [side * (i + 0.5) - 0.5 for i in range(count)]
