"""The networks of a study as a claim sees them, and effects between them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dropout_study.measures.statistics import image_error
from dropout_study.tracking.packing import unpack, unpack_curve, unpack_picture


class ResultsMissing(LookupError):
    """Results that a claim needs are not there; the message says which."""


@contextmanager
def needing_columns() -> Iterator[None]:
    """Report a missing column in the same way as other missing results.

    Raises:
        ResultsMissing: instead of a KeyError.
    """
    try:
        yield
    except KeyError as error:
        raise ResultsMissing(f"there is no column {error}") from error


@dataclass(frozen=True)
class Effect:
    """A measured difference or value, with one number per seed (or per repetition).

    Attributes:
        values: one per seed, in the unit of the part that the effect answers.
        image_error: standard error over the test images in the same unit, where test errors are
            compared.
    """

    values: Sequence[float]
    image_error: float | None = None


class Runs:
    """The networks of one study at one budget, as a claim sees them.

    Attributes:
        frame: one row per network.
        values: what the study's configuration says the claims need to know.
    """

    def __init__(self, frame: pd.DataFrame, values: Mapping[str, Any]) -> None:
        self.frame = frame
        self.values = values

    def where(self, **conditions: Any) -> "Runs":
        """The networks with given settings; `__` stands for the dot (`model__widths="16x16"`).

        >>> runs = Runs(pd.DataFrame({"seed": [0, 0], "model.hidden_rate": [0.0, 0.5]}), {})
        >>> len(runs.where(model__hidden_rate=0.5).frame)
        1

        Raises:
            ResultsMissing: there is none.
        """
        wanted = {key.replace("__", "."): value for key, value in conditions.items()}
        matches = np.ones(len(self.frame), dtype=bool)

        for column, value in wanted.items():
            if column not in self.frame:
                matches[:] = False
            else:
                matches &= (self.frame[column] == value).to_numpy(dtype=bool)

        if not matches.any():
            settings = ", ".join(f"{column}={value}" for column, value in wanted.items())
            raise ResultsMissing(f"there are no results with {settings}")

        return Runs(self.frame[matches].sort_values("seed"), self.values)

    def by(self, column: str) -> "dict[str, Runs]":
        """The networks grouped by a column; value -> networks, in ascending order of the values.

        >>> runs = Runs(pd.DataFrame({"seed": [0, 0], "arm": ["none", "L2"]}), {})
        >>> list(runs.by("arm"))
        ['L2', 'none']
        """
        groups = self.frame.groupby(column, sort=True)
        return {str(value): Runs(rows, self.values) for value, rows in groups}

    def conditions(self) -> "list[Runs]":
        """The networks of each condition, seeds ascending.

        Conditions are in the order of their arms, widths and names, whatever their digests are.
        """
        nets = Runs(self.frame.sort_values("seed"), self.values).by("digest").values()
        return sorted(nets, key=_rank)

    def with_column(self, name: str) -> "Runs":
        """The networks that fill a column; none if there is no such column."""
        if name not in self.frame:
            return Runs(self.frame.iloc[:0], self.values)

        return Runs(self.frame[self.frame[name].notna()], self.values)

    def values_of(self, column: str) -> list[Any]:
        """The different values of a column, ascending."""
        return sorted(set(self.frame[column]))

    def trained_by(self, source: "Runs | None") -> "Runs":
        """The same networks as recorded by the study that trained them; none without it."""
        frame = source.frame if source else self.frame.iloc[:0]
        trained_here = frame["training_digest"].isin(self.frame["training_digest"])

        return Runs(frame[trained_here], self.values)

    def column(self, name: str) -> "pd.Series[float]":
        """A metric by seed.

        Raises:
            ValueError: it is a curve, whose last point is no summary; `last` gives that point.
            ResultsMissing: it was not measured.
        """
        if f"curve/{name}" in self.frame:
            raise ValueError(f"{name} is a curve: ask for it, for a step, or for its last point")

        return self._numbers(name)

    def last(self, name: str) -> "pd.Series[float]":
        """The last point of a curve by seed, to all digits.

        Raises:
            ResultsMissing: it was not measured.
        """
        return self._numbers(name)

    def _numbers(self, name: str) -> "pd.Series[float]":
        if name not in self.frame or self.frame[name].isna().any():
            raise ResultsMissing(f"{name} was not measured")

        seeds = self.frame["seed"].to_numpy(dtype=int)

        return pd.Series(self.frame[name].to_numpy(dtype=float), index=seeds)

    def wrong(self, rule: str) -> dict[int, NDArray[np.float64]]:
        """Seed -> how often each test image was misclassified, `[N]` in [0, 1].

        Raises:
            ResultsMissing: it was not kept.
        """
        name = f"wrong/{rule}"
        if name not in self.frame or self.frame[name].isna().any():
            raise ResultsMissing(f"{name} was not kept")

        self._check_one_condition()

        return {int(seed): unpack(text) for seed, text in self.texts_by_seed(name)}

    def curve(self, name: str) -> pd.DataFrame:
        """A curve of every seed: one row per step, one column per seed.

        Raises:
            ResultsMissing: it was not measured.
        """
        filled = self.with_column(f"curve/{name}")
        if not len(filled.frame):
            raise ResultsMissing(f"{name} was not measured")

        self._check_one_condition()
        points = {
            int(seed): dict(unpack_curve(text))
            for seed, text in filled.texts_by_seed(f"curve/{name}")
        }

        return pd.DataFrame(points)

    def pictures(self, name: str) -> dict[int, NDArray[np.float64]]:
        """Seed -> a picture, grey values `[H, W]`, of those that have it."""
        filled = self.with_column(f"picture/{name}")
        if not len(filled.frame):
            return {}

        texts = filled.texts_by_seed(f"picture/{name}")

        return {int(seed): unpack_picture(text) for seed, text in texts}

    def texts_by_seed(self, column: str) -> Iterator[tuple[int, str]]:
        """Each seed with the text of a column."""
        return zip(self.frame["seed"], self.frame[column], strict=True)

    def _check_one_condition(self) -> None:
        if self.frame["seed"].duplicated().any():
            names = self.frame["condition" if "condition" in self.frame else "digest"]
            listed = "; ".join(sorted(set(names)))
            raise ResultsMissing(f"several conditions are recorded where one is expected: {listed}")

    def at(self, name: str, step: int) -> "pd.Series[float]":
        """The value of a curve at a step, by seed.

        Raises:
            ResultsMissing: it was not measured there.
        """
        curve = self.curve(name)
        if step not in curve.index or curve.loc[step].isna().any():
            raise ResultsMissing(f"{name} was not measured at {step}")

        return curve.T[step]

    def error(self, rule: str = "weight_scaling") -> "Errors":
        """Test errors under a rule, in percent, with the misclassified images.

        Raises:
            ResultsMissing: they were not measured.
        """
        return Errors(self.column(f"test/error/{rule}"), self.wrong(rule))


def _rank(net: Runs) -> tuple[str, list[int], str]:
    """Arm, widths as numbers, and name of a condition, each empty where there is none."""
    first = net.frame.iloc[0]
    widths = [int(width) for width in str(first.get("model.widths")).split("x") if width.isdigit()]

    return str(first.get("arm")), widths, str(first.get("condition"))


@dataclass(frozen=True)
class Errors:
    """Errors of some networks, and which images they misclassify.

    Attributes:
        percent: by seed.
        wrong: seed -> share of misclassifications of each image, `[N]` in [0, 1].
    """

    percent: "pd.Series[float]"
    wrong: Mapping[int, NDArray[np.float64]]

    def minus(self, other: "Errors") -> Effect:
        """The paired difference in points, over the seeds that both have.

        >>> plain = Errors(pd.Series({0: 50.0}), {0: np.array([1.0, 0.0])})
        >>> dropout = Errors(pd.Series({0: 0.0}), {0: np.array([0.0, 0.0])})
        >>> plain.minus(dropout)
        Effect(values=[50.0], image_error=50.0)

        Raises:
            ResultsMissing: they have no seed in common.
        """
        seeds = common(self.percent, other.percent)
        points = [float(self.percent[seed] - other.percent[seed]) for seed in seeds]
        images = [100 * (self.wrong[seed] - other.wrong[seed]) for seed in seeds]

        return Effect(points, image_error(np.mean(images, axis=0)))


def minus(minuend: "pd.Series[float]", subtrahend: "pd.Series[float]") -> Effect:
    """The paired difference of a measure that is not a test error, over common seeds.

    >>> minus(pd.Series({0: 3.0, 1: 5.0}), pd.Series({1: 1.0, 2: 2.0})).values
    [4.0]

    Raises:
        ResultsMissing: there is no common seed.
    """
    seeds = common(minuend, subtrahend)
    return Effect([float(minuend[seed] - subtrahend[seed]) for seed in seeds])


def common(*measures: "pd.Series[float]") -> list[int]:
    """The seeds that all measures have, ascending.

    >>> common(pd.Series({0: 0.1, 1: 0.2}), pd.Series({1: 0.3, 2: 0.4}))
    [1]

    Raises:
        ResultsMissing: there is none, or a seed stands for several networks.
    """
    if any(series.index.has_duplicates for series in measures):
        raise ResultsMissing("several conditions are recorded where one is expected")

    seeds = sorted(set.intersection(*(set(series.index) for series in measures)))
    if not seeds:
        raise ResultsMissing("the conditions have no seed in common")

    return [int(seed) for seed in seeds]
