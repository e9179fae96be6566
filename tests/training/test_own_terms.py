"""Terms of the loss that plug-ins add, against hand-computed values."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from dropout_study.config.schema import ConfigError
from dropout_study.training.own_terms import LossTerm, OwnTerms, Update

UPDATE = Update(
    outputs=torch.tensor([[[0.0, 0.0], [2.0, 4.0]], [[1.0, 1.0], [6.0, 0.0]]]),
    targets=torch.zeros(2, 2, dtype=torch.long),
    hidden=[torch.ones(2, 2, 3)],
    weights=[torch.tensor([[1.0, 2.0], [3.0, 4.0]])],
)
"""Two networks, two examples."""


class _MeanOutput(LossTerm):
    def penalty(self, update: Update) -> Tensor:
        return update.outputs.mean((1, 2))


class _FirstWeight(LossTerm):
    def penalty(self, update: Update) -> Tensor:
        return update.weights[0][:, 0] + update.hidden[0].sum((1, 2)) + update.targets.sum(1)


class _Summed(LossTerm):
    def penalty(self, update: Update) -> Tensor:
        return update.outputs.mean()


class _Random(LossTerm):
    def penalty(self, update: Update) -> Tensor:
        return torch.rand(len(update.outputs))


class _Float(LossTerm):
    def penalty(self, _: Update) -> Tensor:
        return 1.0  # type: ignore[return-value]


class _Broken(LossTerm):
    def penalty(self, update: Update) -> Tensor:
        return update.hidden[7]


class _Coupled(LossTerm):
    def penalty(self, update: Update) -> Tensor:
        return update.outputs.mean((1, 2)) - update.outputs.mean()


def test_each_network_has_its_own_strength() -> None:
    """If this failed, networks that are trained together would share the strength of one."""
    terms = OwnTerms([{"a": _MeanOutput(2.0)}, {"a": _MeanOutput(10.0)}])
    torch.testing.assert_close(terms.penalty(UPDATE), torch.tensor([3.0, 20.0]))


def test_a_network_that_has_diverged_does_not_refuse_the_others() -> None:
    """If this failed, a cohort with one diverged network could not be resumed."""
    outputs = UPDATE.outputs.clone()
    outputs[0] = torch.nan
    values = OwnTerms([{"a": _MeanOutput(2.0)}] * 2).penalty(replace(UPDATE, outputs=outputs))
    assert isinstance(values, Tensor)
    assert values.isnan().tolist() == [True, False]


def test_terms_add_up() -> None:
    """If this failed, only one of several regularizers of one's own would be in the loss."""
    terms = OwnTerms([{"a": _MeanOutput(1.0), "b": _FirstWeight(0.5)}] * 2)
    by_hand = torch.tensor([1.5 + 0.5 * 7, 2.0 + 0.5 * 9])
    torch.testing.assert_close(terms.penalty(UPDATE), by_hand)


def test_without_terms_nothing_is_added() -> None:
    """If this failed, every other condition would have another loss than before."""
    terms = OwnTerms([{}, {}])
    assert terms.penalty(UPDATE) == 0.0


@pytest.mark.parametrize(
    ("term", "refused"),
    [
        (_Summed, r"is \(\) for 2 networks"),
        (_Coupled, "of a network depends on the other"),
        (_Random, "is another one for the same update"),
        (_Float, "is a float, not a tensor"),
        (_Broken, "fails: IndexError"),
    ],
)
def test_a_term_that_couples_networks_is_refused(term: type[LossTerm], refused: str) -> None:
    """If this failed, a network would be trained otherwise in a cohort than alone."""
    with pytest.raises(ConfigError, match=f"regularizer=own cannot be used: its penalty {refused}"):
        OwnTerms([{"own": term(1.0)}] * 2).penalty(UPDATE)
