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
from rich.markup import escape
from rich.table import Table

from dropout_study.analysis import figures
from dropout_study.analysis.claim import MARKS, Claim
from dropout_study.analysis.criteria import (
    CONTRADICTED,
    IMAGES,
    INCONCLUSIVE,
    SUPPORTED,
    Exact,
    Part,
)
from dropout_study.analysis.runs import Effect, ResultsMissing, needing_columns
from dropout_study.data.datasets import Images
from dropout_study.measures.statistics import interval
from dropout_study.verdicts import NEEDS_MNIST, Outcome

SIGNS = {SUPPORTED: "✔", CONTRADICTED: "✘", INCONCLUSIVE: "?", NEEDS_MNIST: "?"}
COLOURS = {SUPPORTED: "green", CONTRADICTED: "red", INCONCLUSIVE: "yellow", NEEDS_MNIST: "yellow"}
"""Of what is shown as a verdict; what is none, without runs or at the smoke budget, has neither."""

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


@dataclass(frozen=True)
class Row:
    """An effect as it is printed; `images` is what it must exceed for the test images to tell it."""

    part: str
    name: str
    value: str
    spread: str
    images: str
    criterion: str
    verdict: str
    p: float


def rows(outcome: Outcome) -> list[Row]:
    """The effects that decided a claim."""
    return [
        _row(name, of, part, effect)
        for name, part in outcome.claim.parts.items()
        for of, effect in outcome.effects.get(name, {}).items()
    ]


def _row(name: str, of: str, part: Part, effect: Effect) -> Row:
    decision = part.criterion.decide(effect)
    images = "" if effect.image_error is None else f"{IMAGES * effect.image_error:.3f}"
    criterion = f"{part.criterion} {part.unit}".strip()

    return Row(
        name,
        of,
        number(effect, part),
        spread(effect, part),
        images,
        criterion,
        decision.verdict,
        decision.p,
    )


def number(effect: Effect, part: Part) -> str:
    """An effect: the largest value where exactness is asked for, else the mean."""
    if isinstance(part.criterion, Exact):
        return f"{max(abs(value) for value in effect.values):.2g}"
    return signed(interval(effect.values).mean)


def spread(effect: Effect, part: Part) -> str:
    """The interval of an effect, where there is one."""
    of = interval(effect.values)
    if isinstance(part.criterion, Exact) or of.n < 2:
        return ""

    smaller, larger = sorted((abs(of.low), abs(of.high)))
    if smaller < 0.01 <= larger < 0.1:  # of which `signed` would show five digits and three
        return f"{of.low:+.4f} to {of.high:+.4f}"

    return f"{signed(of.low)} to {signed(of.high)}"


def signed(value: float) -> str:
    """A number with its sign and three digits or so."""
    if math.isnan(value):
        return "-"

    digits = 2 if abs(value) >= 1 else 3 if abs(value) >= 0.01 else 5
    return f"{value:+.{digits}f}"


def decisive(outcome: Outcome) -> Row:
    """The effect that stands for a claim in the table: of those that made the verdict what it is, the least certain."""
    found = [row for row in rows(outcome) if row.spread] or rows(outcome)
    wanted = outcome.verdict if outcome.verdict in (SUPPORTED, CONTRADICTED) else INCONCLUSIVE
    deciding = [row for row in found if row.verdict == wanted] or found

    return max(deciding, key=lambda row: -1.0 if math.isnan(row.p) else row.p)


def sign(shown: str) -> str:
    """What stands before a verdict as it is shown."""
    return SIGNS.get(shown, "·")


def daggers(outcome: Outcome) -> str:
    """What to know of a verdict: `*` adjusted it would fall, `†` its nets were not trained to the end."""
    return "*" * outcome.overturned + "†" * bool(outcome.unfinished)


def published(claim: Claim) -> str:
    """The first published number, with its mark."""
    return f"{claim.published[0].value} [{claim.published[0].mark}]" if claim.published else ""


def table(outcomes: Sequence[Outcome]) -> Table:
    """The verdicts for a terminal."""
    result = Table(
        title="Deep Learning, section 7.12, claim by claim",
        caption="effect: the one that decided, with its 95 % interval over seeds (or timings); * Holm's adjustment for "
        "the number of claims would make the verdict inconclusive; † more training would have served nets that are "
        "compared; smoke: trained for seconds, which says nothing about dropout",
    )

    for heading in (
        "claim",
        "verdict",
        "effect",
        "95 % interval",
        "criterion",
        "seeds",
        "budget",
        "published",
    ):
        result.add_column(heading, justify="right" if heading in ("effect", "seeds") else "left")

    for outcome in outcomes:
        colour = COLOURS.get(outcome.shown, "dim")
        verdict = f"[{colour}]{sign(outcome.shown)} {outcome.shown}{daggers(outcome)}[/]"

        if not outcome.decided:
            cells = ("", "", escape(outcome.reason), "", "", published(outcome.claim))
            result.add_row(outcome.claim.id, verdict, *cells)
            continue

        row = decisive(outcome)
        cells = (
            row.value,
            row.spread,
            row.criterion,
            str(outcome.seeds),
            outcome.where,
            published(outcome.claim),
        )
        result.add_row(outcome.claim.id, verdict, *cells)

    return result


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
        loader=PackageLoader("dropout_study"),
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

    if (seen := claim.picture(outcome.studies)) is not None:
        yield _picture(f"{claim.id}_picture", seen, claim.picture_caption)

    if claim.id == "robustness" and images is not None:
        yield _picture(f"{claim.id}_images", _corrupted(images), CORRUPTED)

    if compared := claim.compared(outcome.studies):
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
            return outcome.claim.beside(outcome.studies)
    except ResultsMissing as error:
        return [f"Not all numbers are there: {error}."]
