"""What a claim is."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.criteria import Check, Part
from dropout_study.analysis.runs import Effect, ResultsMissing, Runs, needing_columns

Studies = Mapping[str, Runs]
"""Name of a study -> its networks at one budget and of one stage."""


def runs_of(studies: Studies, name: str) -> Runs:
    """The networks of a study that a claim needs.

    Raises:
        ResultsMissing: there are none.
    """
    if name not in studies:
        raise ResultsMissing(f"there are no results of study {name}")

    return studies[name]


MARKS = {
    "T": "read in a full-text copy or translation",
    "S": "several agreeing secondary sources",
    "P": "authors' released code or files",
    "M": "from memory, not verified",
    "W": "weak: one secondary source",
}


class Group(StrEnum):
    """What a claim is about: the groups of the report's sections, in their order."""

    ENSEMBLE = "What the ensemble is"
    COST = "What it costs"
    HELP = "When dropout helps"
    WHY = "Why it helps"
    BEYOND = "Beyond the notes"


@dataclass(frozen=True)
class Published:
    """A published number or finding.

    Attributes:
        what: was measured, on which network and data.
        value: with its unit.
        source: paper, and table or figure.
        mark: how well it was verified, a key of MARKS.
        same: whether it is the quantity that a part measures, such as a difference beside a
            difference; otherwise it is context.
    """

    what: str
    value: str
    source: str
    mark: str
    same: bool = False


class Claim:
    """A claim of the chapter: what it says and how it is decided, then its arithmetic.

    A subclass states the attributes first, since they were written down before the runs, and the
    methods below them.

    Attributes:
        id: one word, as in links and on the command line.
        title: a few words.
        says: what section 7.12 says, in one sentence.
        source: the equation or passage.
        group: what it is about.
        studies: whose runs it reads; the first is its own.
        optional: studies of these that need not be run; without any runs of one, the claim is
            decided on the others.
        parts: name -> empirical question with its criterion, margin and reason.
        checks: name -> theorem with its tolerance.
        headline: the parts whose answers are the finding, by name; all of them if empty.
        published: what others have found.
        deviations: from the publication, in the order of their importance.
        caption: what the figure shows, if there is one.
        extra_caption: what the extra figure shows, if there is one.
        notes: where the book differs, or what the reader should know.
    """

    id: str
    title: str
    says: str
    source: str
    group: Group
    studies: tuple[str, ...]
    optional: tuple[str, ...] = ()
    parts: Mapping[str, Part] = {}
    checks: Mapping[str, Check] = {}
    headline: tuple[str, ...] = ()
    published: tuple[Published, ...] = ()
    deviations: tuple[str, ...] = ()
    caption: str = ""
    extra_caption: str = ""
    notes: str = ""

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:  # noqa: ARG002
        """The effects of each part: name of the part -> case -> effect.

        Called twice: with the final runs, and with those at half the updates.

        Args:
            studies: runs of one stage.

        Raises:
            ResultsMissing: runs are not there.
        """
        return {}

    def check(self, studies: Studies) -> dict[str, dict[str, Effect]]:  # noqa: ARG002
        """The deviations of each check: name of the check -> case -> deviation.

        Args:
            studies: final runs.

        Raises:
            ResultsMissing: runs are not there.
        """
        return {}

    def figure(self, studies: Studies) -> Figure | None:  # noqa: ARG002
        """What is shown besides the effects of the parts; None if they are all.

        Raises:
            ResultsMissing: runs are not there.
        """
        return None

    def extra_figure(self, studies: Studies) -> Figure | None:  # noqa: ARG002
        """A second figure, such as pictures that runs have kept; None if there is none."""
        return None

    def context_lines(self, studies: Studies) -> list[str]:  # noqa: ARG002
        """Numbers that put the effect into context and do not decide, as lines of text.

        Raises:
            ResultsMissing: runs are not there.
        """
        return []

    def left_out(self, studies: Studies) -> list[str]:  # noqa: ARG002
        """What was trained and is not compared, each with the reason.

        Raises:
            ResultsMissing: runs are not there.
        """
        return []

    def remarks(self, studies: Studies) -> list[str]:  # noqa: ARG002
        """What the answer to the claim does not say and its reader has to know.

        Each begins without a capital and ends without a full stop.

        Raises:
            ResultsMissing: runs are not there.
        """
        return []

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:  # noqa: ARG002
        """The trained conditions that are compared, by name: their training is drawn.

        Raises:
            ResultsMissing: runs are not there.
        """
        return {}

    def draw(self, studies: Studies) -> Figure | None:
        """The finished figure in the style of all figures; None if there is none.

        Raises:
            ResultsMissing: runs or a column are not there.
        """
        with figures.style(), needing_columns():
            figure = self.figure(studies)
            return figures.finish(figure) if figure else None
