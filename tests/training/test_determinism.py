"""What is the same bit for bit, and what up to rounding: docs/determinism.md."""

from pathlib import Path

import pytest
import torch

from dropout_study.running.run import quiet
from support.repeated import AVX2, OLD, TRAININGS, Repeated, repeated, trained

pytestmark = pytest.mark.xdist_group("determinism")  # one process starts each training once

DOUBLE = "mlp in double precision"
SINGLE = torch.finfo(torch.float32).eps
OTHERS = [
    pytest.param({"OMP_NUM_THREADS": "2"}, id="two threads"),
    pytest.param(AVX2, id="AVX2", marks=pytest.mark.long),
    pytest.param(OLD, id="without AVX2", marks=pytest.mark.long),
]


@pytest.mark.parametrize("name", TRAININGS)
def test_a_repeat_in_another_process_gives_the_same_bits(tmp_path: Path, name: str) -> None:
    """If this failed, a network could not be trained again, and a resumed one would be another."""
    quiet()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)

    try:
        here = trained(TRAININGS[name], tmp_path)
    finally:
        torch.set_num_threads(threads)

    there = repeated()[name]
    assert_equal_bits(here.integers, there.integers)
    assert_equal_bits(here.first_weights, there.first_weights)
    assert_equal_bits(here.weights, there.weights)
    assert torch.equal(here.log_probs, there.log_probs)
    assert here.results == there.results


@pytest.mark.parametrize("variables", OTHERS)
@pytest.mark.parametrize("name", TRAININGS)
def test_batches_and_masks_are_the_same_everywhere(name: str, variables: dict[str, str]) -> None:
    """If this failed, networks of one seed would see other examples on another processor, and no
    difference between conditions could be paired across machines.
    """
    here, there = on_both(name, variables)
    assert_equal_bits(here.integers, there.integers)


@pytest.mark.parametrize("variables", OTHERS)
@pytest.mark.parametrize("name", TRAININGS)
def test_initial_weights_are_the_same_up_to_the_last_bit(
    name: str, variables: dict[str, str]
) -> None:
    """If this failed, a seed would start from another network on another processor.

    A weight is `u * 2 b - b` with `b <= 1/5`. Two roundings or, where processors fuse both
    operations, one: the difference is below `2 b` times the machine's epsilon.
    """
    here, there = on_both(name, variables)

    for p, own in zip(here.first_weights, there.first_weights, strict=True):
        torch.testing.assert_close(own, p, rtol=0, atol=0.4 * SINGLE)


@pytest.mark.parametrize("variables", OTHERS)
def test_in_double_precision_the_metrics_agree_to_nine_digits(variables: dict[str, str]) -> None:
    """If this failed, the numbers that `test_era.py` pins would hold on one processor alone."""
    here, there = on_both(DOUBLE, variables)
    assert there.results == {
        metric: pytest.approx(values, rel=1e-9) for metric, values in here.results.items()
    }


def on_both(name: str, variables: dict[str, str]) -> tuple[Repeated, Repeated]:
    """A training of this machine with one thread, and the same under other variables."""
    here = repeated()[name]
    there = repeated(**variables)[name]

    if variables in (AVX2, OLD) and here.instructions == there.instructions:
        pytest.skip(f"this processor computes with {here.instructions} in either case")

    return here, there


def assert_equal_bits(first: list[torch.Tensor], second: list[torch.Tensor]) -> None:
    """Equal numbers, tensor by tensor."""
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
