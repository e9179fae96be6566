"""What a claim is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.criteria import Part
from dropout_study.analysis.runs import Effect, Runs, needing_columns

Studies = Mapping[str, Runs]
"""Name of a study -> its networks at one budget."""

MARKS = {
    "T": "read in a full-text copy or translation",
    "S": "several agreeing secondary sources",
    "P": "authors' released code or files",
    "M": "from memory, not verified",
    "W": "weak: one secondary source",
}


@dataclass(frozen=True)
class Published:
    """A published number or finding, with how well it was verified (a key of MARKS)."""

    what: str
    value: str
    source: str
    mark: str


@dataclass(frozen=True)
class Claim:
    """A claim of the chapter, how it is decided, and how its effect is estimated and drawn.

    Attributes:
        id: one word, as in links and on the command line.
        title: a few words.
        says: what the notes say, in short.
        source: the equation or passage.
        studies: whose runs it reads; the first is its own.
        parts: name -> question; written down before the runs.
        estimate: the effects of each part, by name; raises Missing if runs are not there.
        figure: the figure; raises Missing likewise.
        caption: what the figure shows.
        picture: what else can be seen, in the look of all figures; none where the runs kept no
            pictures.
        picture_caption: what it shows.
        published: what others have found.
        beside: numbers that do not decide, as lines of text; raises Missing likewise.
        compared: the trained conditions that are compared, by name: whether training had come to
            rest is reported.
        notes: what the notes say otherwise, or what the reader should know.
    """

    id: str
    title: str
    says: str
    source: str
    studies: tuple[str, ...]
    parts: Mapping[str, Part]
    estimate: Callable[[Studies], dict[str, dict[str, Effect]]]
    figure: Callable[[Studies], Figure]
    caption: str
    picture: Callable[[Studies], Figure | None] = lambda _: None
    picture_caption: str = ""
    published: tuple[Published, ...] = ()
    beside: Callable[[Studies], list[str]] = lambda _: []
    compared: Callable[[Studies], dict[str, Runs]] = lambda _: {}
    notes: str = ""

    def draw(self, studies: Studies) -> Figure:
        """The figure, finished, in the style of all figures; raises Missing like `figure`."""
        with figures.style(), needing_columns():
            return figures.finish(self.figure(studies))
