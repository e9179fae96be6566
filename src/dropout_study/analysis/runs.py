"""The networks of a study as a claim sees them, and effects between them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dropout_study.analysis.list_columns import is_list, steps_of
from dropout_study.measures.statistics import Estimate, crossed, over_seeds


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
        seeds: of the values, in the same order; empty where repetitions have none.
        images: what each test image contributes, `[S, N]` in the same unit, so that the mean of a
            row is the value of its seed, up to a constant of the row; None where no images were
            kept.

    Raises:
        ValueError: there are not as many seeds, or rows of images, as values.
    """

    values: Sequence[float]
    seeds: Sequence[int] = ()
    images: NDArray[np.floating] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.seeds and len(self.seeds) != len(self.values):
            raise ValueError(f"{len(self.values)} values of {len(self.seeds)} seeds")

        if self.images is not None and len(self.images) != len(self.values):
            raise ValueError(f"{len(self.values)} values and {len(self.images)} rows of images")

    def estimate(self) -> Estimate:
        """The mean effect: over seeds x images where images were kept, else over seeds.

        >>> round(Effect([1.0, 2.0, 3.0]).estimate().se, 3)
        0.577
        """
        return self._estimate

    @cached_property
    def _estimate(self) -> Estimate:
        if self.images is None:
            return over_seeds(self.values)

        contributions = np.asarray(self.images, dtype=np.float64)
        values = np.asarray(self.values, dtype=np.float64)[:, None]
        shifted = contributions - contributions.mean(axis=1, keepdims=True) + values

        return crossed(shifted)

    def minus(self, other: "Effect") -> "Effect":
        """The paired difference of two effects, over the seeds that both have.

        Images are compared where both effects have the same number of them.

        >>> Effect([3.0, 5.0], [0, 1]).minus(Effect([1.0, 2.0], [1, 2]))
        Effect(values=[4.0], seeds=[1])

        Raises:
            ResultsMissing: they have no seed in common.
        """
        seeds = [seed for seed in self.seeds if seed in other.seeds]
        if not seeds:
            raise ResultsMissing("the effects have no seed in common")

        own_rows = [list(self.seeds).index(seed) for seed in seeds]
        other_rows = [list(other.seeds).index(seed) for seed in seeds]
        pairs = zip(own_rows, other_rows, strict=True)
        values = [self.values[own] - other.values[others] for own, others in pairs]
        images = None

        if self.images is not None and other.images is not None:
            same_number = self.images.shape[1] == other.images.shape[1]
            images = self.images[own_rows] - other.images[other_rows] if same_number else None

        return Effect(values, seeds, images)


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

    def conditions(self, keys: Sequence[str] = ("digest",)) -> "list[Runs]":
        """The networks of each condition, seeds ascending.

        Conditions are in the order of their arms, widths and names, whatever their digests are.

        Args:
            keys: the columns that tell conditions apart; with the arm, in a table that
                `arms.per_arm` made, a condition that several arms share is one of each.
        """
        groups = self.frame.sort_values("seed").groupby(list(keys), dropna=False)
        nets = [Runs(rows, self.values) for _, rows in groups]

        return sorted(nets, key=_rank)

    def with_column(self, name: str) -> "Runs":
        """The networks that fill a column; none if there is no such column."""
        if name not in self.frame:
            return Runs(self.frame.iloc[:0], self.values)

        return Runs(self.frame[self.frame[name].notna()], self.values)

    def keeps(self, column: str) -> bool:
        """Whether every network fills a column."""
        return column in self.frame and bool(self.frame[column].notna().all())

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
            raise ResultsMissing(f"{name} was not kept{self._hint()}")

        self._check_one_condition()

        return {int(seed): np.asarray(shares) for seed, shares in self.cells_by_seed(name)}

    def curve(self, name: str) -> pd.DataFrame:
        """A curve of every seed: one row per step, one column per seed.

        Raises:
            ResultsMissing: it was not measured.
        """
        column = f"curve/{name}"
        filled = self.with_column(column)
        if not len(filled.frame):
            raise ResultsMissing(f"{name} was not measured{self._hint()}")

        self._check_one_condition()
        steps = dict(filled.cells_by_seed(steps_of(column)))
        points = {
            int(seed): dict(zip(steps[seed], values, strict=True))
            for seed, values in filled.cells_by_seed(column)
        }

        return pd.DataFrame(points)

    def pictures(self, name: str) -> dict[int, NDArray[np.float64]]:
        """Seed -> a picture, grey values `[H, W]`, of those that have it."""
        filled = self.with_column(f"picture/{name}")
        if not len(filled.frame):
            return {}

        return {int(seed): cell for seed, cell in filled.cells_by_seed(f"picture/{name}")}

    def cells_by_seed(self, column: str) -> Iterator[tuple[int, Any]]:
        """Each seed with its cell in a column."""
        return zip(self.frame["seed"], self.frame[column], strict=True)

    def _hint(self) -> str:
        """Where lists are, for results that were read from a table without them."""
        if any(is_list(column) for column in map(str, self.frame)):
            return ""

        return ": curves and outcomes per image are in the file that ends with .parquet"

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
        Effect(values=[50.0], seeds=[0])

        Raises:
            ResultsMissing: they have no seed in common, or different test images.
        """
        return weighted([(1.0, self), (-1.0, other)])


def weighted(terms: "Sequence[tuple[float, Errors]]") -> Effect:
    """A weighted sum of errors in points, over the seeds that all of them have.

    >>> plain = Errors(pd.Series({0: 50.0}), {0: np.array([1.0, 0.0])})
    >>> dropout = Errors(pd.Series({0: 0.0}), {0: np.array([0.0, 0.0])})
    >>> weighted([(0.5, plain), (0.5, plain), (-1.0, dropout)]).values
    [50.0]

    Args:
        terms: weights with errors, at least one.

    Raises:
        ResultsMissing: they have no seed in common, or different test images.
    """
    seeds = common(*(errors.percent for _, errors in terms))
    values = [
        float(sum(weight * errors.percent[seed] for weight, errors in terms)) for seed in seeds
    ]
    images = _weighted_images([(100 * weight, errors) for weight, errors in terms], seeds)

    return Effect(values, seeds, images)


def weighted_logs(terms: "Sequence[tuple[float, Errors]]") -> Effect:
    """A weighted sum of logarithms of errors, over the seeds that all of them have.

    The value of a seed is exact, with half an image added to each error, so that an error of 0 has
    a logarithm. What an image contributes is linearized at the error of its seed:
    log(mean of w_i) changes by w_i / (N mean of w) with image i.

    >>> plain = Errors(pd.Series({0: 50.0}), {0: np.array([1.0, 0.0])})
    >>> dropout = Errors(pd.Series({0: 0.0}), {0: np.array([0.0, 0.0])})
    >>> round(weighted_logs([(1.0, plain), (-1.0, dropout)]).values[0], 3)  # log(75 / 25)
    1.099

    Args:
        terms: weights with errors, at least one.

    Raises:
        ResultsMissing: they have no seed in common, or different test images.
    """
    seeds = common(*(errors.percent for _, errors in terms))
    values = []

    for seed in seeds:
        logs = [weight * _log_error(errors, seed) for weight, errors in terms]
        values.append(float(sum(logs)))

    images = _weighted_images(terms, seeds, relative=True)

    return Effect(values, seeds, images)


def _log_error(errors: "Errors", seed: int) -> float:
    half_an_image = 50 / len(errors.wrong[seed])
    return math.log(errors.percent[seed] + half_an_image)


def _weighted_images(
    terms: "Sequence[tuple[float, Errors]]", seeds: Sequence[int], relative: bool = False
) -> NDArray[np.float32]:
    """The weighted sum of what each image contributes, `[S, N]`.

    Args:
        terms: weights with errors.
        seeds: the rows.
        relative: whether contributions are divided by the error, half an image added.
    """
    sizes = {len(errors.wrong[seed]) for _, errors in terms for seed in seeds}
    if len(sizes) > 1:
        listed = " and ".join(str(size) for size in sorted(sizes))
        raise ResultsMissing(f"the conditions were tested on different images: {listed} of them")

    images = np.zeros((len(seeds), sizes.pop()), dtype=np.float32)

    for weight, errors in terms:
        for row, seed in zip(images, seeds, strict=True):
            wrong = errors.wrong[seed]
            scale = float(wrong.mean()) + 0.5 / len(wrong) if relative else 1.0
            row += weight / scale * wrong

    return images


def minus(minuend: "pd.Series[float]", subtrahend: "pd.Series[float]") -> Effect:
    """The paired difference of a measure that is not a test error, over common seeds.

    >>> minus(pd.Series({0: 3.0, 1: 5.0}), pd.Series({1: 1.0, 2: 2.0})).values
    [4.0]

    Raises:
        ResultsMissing: there is no common seed.
    """
    seeds = common(minuend, subtrahend)
    return Effect([float(minuend[seed] - subtrahend[seed]) for seed in seeds], seeds)


def competent(runs: Runs, bound: float) -> tuple[Runs, list[str]]:
    """The conditions that solve their task, and a sentence for each that does not.

    Only validation data decide, so that leaving a condition out is no choice on test data.

    Args:
        runs: of one or several conditions.
        bound: the largest mean validation error in percent, stated before the runs.

    Raises:
        ResultsMissing: no condition solves its task, or the validation error was not measured.
    """
    left_out = []
    digests = []

    for nets in runs.conditions():
        error = float(nets.last("val/error").mean())
        first = nets.frame.iloc[0]

        if error <= bound:
            digests.append(first["digest"])
        else:
            name = first.get("condition", first["digest"])
            left_out.append(
                f"{name} is left out: mean validation error {error:.2f} %, above {bound:g} %"
            )

    if not digests:
        raise ResultsMissing(f"no condition has a mean validation error of at most {bound:g} %")

    return Runs(runs.frame[runs.frame["digest"].isin(digests)], runs.values), left_out


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
