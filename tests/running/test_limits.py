"""Which conditions of a grid are drawn, and when a person is asked."""

import io
import sys

import pytest

from dropout_study.config.schema import ConfigError
from dropout_study.running.limits import confirm, draw_sample

GRID = [[f"model.hidden_rate={rate}", f"seeds=[{seed}]"] for rate in range(20) for seed in range(5)]


def drawn(size: int | None, seed: int = 0, grid: list[list[str]] = GRID) -> set[str]:
    return {" ".join(sorted(grid[number])) for number in draw_sample(grid, size, seed)}


class Keyboard(io.StringIO):
    """What is typed on a terminal."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def test_a_larger_sample_contains_a_smaller_one_of_its_seed_alone() -> None:
    """If this failed, the same command would not resume, and a larger sample would begin anew."""
    samples = [drawn(size) for size in (5, 20, 60)]
    assert [len(sample) for sample in samples] == [5, 20, 60]
    assert samples[0] < samples[1] < samples[2]
    assert drawn(20, seed=1) != samples[1]
    assert drawn(None) == drawn(1000) == drawn(len(GRID))
    assert draw_sample(GRID, 20, 0) == sorted(draw_sample(GRID, 20, 0)), "in the order of the grid"


def test_what_is_drawn_does_not_depend_on_the_order_of_the_axes() -> None:
    """If this failed, the same grid, typed in another order, would be another sample."""
    assert drawn(20, grid=[overrides[::-1] for overrides in reversed(GRID)]) == drawn(20)


def test_a_grid_that_grows_keeps_most_of_its_sample() -> None:
    """If this failed, one more value on an axis would waste all that was trained."""
    grown = [*GRID, *([f"model.hidden_rate=0.{seed}", f"seeds=[{seed}]"] for seed in range(10))]
    assert len(drawn(20, grid=grown) & drawn(20)) >= 15


def test_too_many_conditions_are_refused_where_nobody_can_be_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If this failed, a slip of the keyboard would train for weeks."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    confirm(100, 100)
    confirm(10_000, None)

    with pytest.raises(ConfigError, match=r"has 1,001 conditions.* type confirm_above=1001, or"):
        confirm(1001, 1000)


@pytest.mark.parametrize(("typed", "trains"), [("y\n", True), ("Yes\n", True), ("\n", False)])
def test_too_many_conditions_are_asked_about_on_a_terminal(
    typed: str, trains: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, Enter would begin what was only asked about, or an answer be ignored."""
    monkeypatch.setattr(sys, "stdin", Keyboard(typed))
    monkeypatch.setattr(sys, "stderr", Keyboard())

    if trains:
        confirm(432, 100)
    else:
        with pytest.raises(ConfigError, match="Nothing was trained"):
            confirm(432, 100)

    assert sys.stderr.getvalue() == "Train 432 conditions? [y/N] "
