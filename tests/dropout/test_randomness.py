"""Randomness is a pure function of purpose, seed, update and site."""

from itertools import product

import torch
from hypothesis import given
from hypothesis import strategies as st

from dropout_study.dropout.randomness import Purpose, generator, stream


def test_seeds_updates_sites_and_purposes_have_streams_of_their_own() -> None:
    """If this failed, networks of different seeds (or sites, or updates) would share masks."""
    streams = [stream(*key) for key in product(Purpose, range(10), range(20), range(4))]
    assert len(set(streams)) == len(streams)


@given(
    st.integers(0, 2**31),
    st.integers(0, 2**40),
    st.integers(0, 100),
    st.sampled_from(list(Purpose)),
)
def test_an_evaluation_stream_is_never_any_other_stream(
    seed: int, update: int, site: int, purpose: Purpose
) -> None:
    """If this failed, a Monte-Carlo mask could repeat a training mask."""
    evaluation = purpose is Purpose.EVALUATION_MASK
    assert stream(purpose, seed, update, site) >> 31 == evaluation
    assert 0 <= stream(purpose, seed, update, site) < 2**32


def test_draws_do_not_depend_on_global_state() -> None:
    """If this failed, results would depend on what ran before in the process."""
    torch.manual_seed(1)
    first = torch.rand(5, generator=generator(Purpose.INIT, 3))
    torch.manual_seed(2)
    torch.rand(7)
    assert torch.equal(first, torch.rand(5, generator=generator(Purpose.INIT, 3)))
