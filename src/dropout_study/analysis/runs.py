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
    """Say of a column that is not there what is said of other results.

    Raises:
        ResultsMissing: instead of a KeyError.
    """
    try:
        yield
    except KeyError as error:
        raise ResultsMissing(f"there is no column {error}") from error


@dataclass(frozen=True)
class Effect:
    """A measured difference or value, one for each seed (or repetition).

    Attributes:
        values: one a seed.
        image_error: standard error over the test images, where test errors are compared.
    """

    values: Sequence[float]
    image_error: float | None = None


class Runs:
    """The networks of one study at one budget, as a claim sees them.

    Attributes:
        frame: a row for each.
        values: what the study's configuration says the claims need to know.
    """

    def __init__(self, frame: pd.DataFrame, values: Mapping[str, Any]) -> None:
        self.frame = frame
        self.values = values

    def where(self, **conditions: Any) -> "Runs":
        """Those of some condition; `__` stands for the dot of a key (`model__widths="16x16"`).

        Raises:
            ResultsMissing: there is none.
        """
        matching = np.ones(len(self.frame), dtype=bool)

        for key, value in conditions.items():
            column = key.replace("__", ".")
            matching &= (
                (self.frame[column] == value).to_numpy(dtype=bool)
                if column in self.frame
                else False
            )

        if not matching.any():
            wanted = ", ".join(
                f"{key.replace('__', '.')}={value}" for key, value in conditions.items()
            )
            raise ResultsMissing(f"there are no results with {wanted}")

        return Runs(self.frame[matching].sort_values("seed"), self.values)

    def trained_by(self, source: "Runs | None") -> "Runs":
        """The same networks as the study that trained them recorded them; none if it is not there."""
        frame = source.frame if source else self.frame.iloc[:0]
        return Runs(
            frame[frame["training_digest"].isin(self.frame["training_digest"])], self.values
        )

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
        return pd.Series(
            self.frame[name].to_numpy(dtype=float), index=self.frame["seed"].to_numpy(dtype=int)
        )

    def wrong(self, rule: str) -> dict[int, NDArray[np.float64]]:
        """Seed -> how often each test image was misclassified, `[N]`.

        Raises:
            ResultsMissing: it was not kept.
        """
        name = f"wrong/{rule}"
        if name not in self.frame or self.frame[name].isna().any():
            raise ResultsMissing(f"{name} was not kept")

        self._check_one()

        return {
            int(seed): unpack(text)
            for seed, text in zip(self.frame["seed"], self.frame[name], strict=True)
        }

    def curve(self, name: str) -> pd.DataFrame:
        """A curve of every seed: a row a step, a column a seed.

        Raises:
            ResultsMissing: it was not measured.
        """
        column = f"curve/{name}"
        if column not in self.frame or self.frame[column].isna().all():
            raise ResultsMissing(f"{name} was not measured")

        self._check_one()
        rows = self.frame[self.frame[column].notna()]

        return pd.DataFrame(
            {int(s): dict(unpack_curve(t)) for s, t in zip(rows["seed"], rows[column], strict=True)}
        )

    def pictures(self, name: str) -> dict[int, NDArray[np.float64]]:
        """Seed -> a picture, grey values `[H, W]`, of those that have it."""
        column = f"picture/{name}"
        rows = (
            self.frame[self.frame[column].notna()] if column in self.frame else self.frame.iloc[:0]
        )

        return {
            int(s): unpack_picture(t)
            for s, t in zip(rows["seed"], rows.get(column, ()), strict=True)
        }

    def _check_one(self) -> None:
        if self.frame["seed"].duplicated().any():
            raise ResultsMissing(
                f"several conditions are recorded where one is expected: {_conditions(self.frame)}"
            )

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
        """Test errors under a rule, in percent, with the images."""
        return Errors(self.column(f"test/error/{rule}"), self.wrong(rule))


def _conditions(frame: pd.DataFrame) -> str:
    return "; ".join(sorted(set(frame["condition"] if "condition" in frame else frame["digest"])))


@dataclass(frozen=True)
class Errors:
    """Errors of some networks, and which images they misclassify.

    Attributes:
        percent: by seed.
        wrong: seed -> share of misclassifications of each image, `[N]`.
    """

    percent: "pd.Series[float]"
    wrong: Mapping[int, NDArray[np.float64]]

    def minus(self, other: "Errors") -> Effect:
        """The paired difference over the seeds that both have.

        Raises:
            ResultsMissing: they have none in common.
        """
        seeds = common(self.percent, other.percent)
        images = np.mean([100 * (self.wrong[seed] - other.wrong[seed]) for seed in seeds], axis=0)

        return Effect(
            [self.percent[seed] - other.percent[seed] for seed in seeds], image_error(images)
        )


def minus(one: "pd.Series[float]", other: "pd.Series[float]") -> Effect:
    """The paired difference of a measure that is not a test error."""
    return Effect([one[seed] - other[seed] for seed in common(one, other)])


def common(*of: "pd.Series[float]") -> list[int]:
    """The seeds that all have.

    Raises:
        ResultsMissing: there is none, or a seed stands for several networks.
    """
    if any(series.index.has_duplicates for series in of):
        raise ResultsMissing("several conditions are recorded where one is expected")

    seeds = sorted(set.intersection(*(set(series.index) for series in of)))
    if not seeds:
        raise ResultsMissing("the conditions have no seed in common")

    return seeds
