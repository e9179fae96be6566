"""Rivals timed in turn and compared by ratios of medians: absolute times vary."""

import io
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from statistics import median

Times = Mapping[str, list[float]]
"""Rival -> its time in every round."""


@dataclass(frozen=True)
class Row:
    """One measured number beside its target.

    Attributes:
        section: the part of the benchmark.
        what: is measured, in words.
        value: ratio of the medians over rounds, or a median; None is what could not be measured.
        low: the lowest of the rounds.
        high: the highest of the rounds.
        at_least: target, if more is better.
        at_most: target, if less is better.
        unit: of the value; nothing for ratios.
    """

    section: str
    what: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    unit: str = ""

    @property
    def target(self) -> str:
        """The target in words."""
        if self.at_least is not None:
            return f"at least {self.at_least:g}"
        return f"at most {self.at_most:g}" if self.at_most is not None else ""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; nothing without one or without a value."""
        if self.value is None:
            return None

        if self.at_least is not None:
            return self.value >= self.at_least
        return self.value <= self.at_most if self.at_most is not None else None


def in_turn(rivals: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """The times of each rival per round: A, B, A, B, so that a slow minute affects all alike."""
    times: dict[str, list[float]] = {name: [] for name in rivals}

    for _ in range(rounds):
        for name, seconds in once_each(rivals).items():
            times[name].append(seconds)

    return times


def once_each(rivals: Mapping[str, Callable[[], float]]) -> dict[str, float]:
    """The time of each rival. Progress bars are part of the work, but not of the output."""
    with redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
        return {name: rival() for name, rival in rivals.items()}


def ratio(times: Times, over: str, under: str, factor: float = 1.0) -> tuple[float, float, float]:
    """`factor` times the ratio of two rivals' times: of the medians, lowest and highest round."""
    of_rounds = [factor * a / b for a, b in zip(times[over], times[under], strict=True)]
    return factor * median(times[over]) / median(times[under]), min(of_rounds), max(of_rounds)


def per_call(action: Callable[[], object], calls: int, warm_up: int = 3) -> float:
    """Median seconds of a call, after a few that do not count."""
    seconds = []

    for _ in range(warm_up + calls):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)

    return median(seconds[warm_up:])
