"""What the noise of a plug-in must do: each way of not doing it is refused with its reason."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from dropout_study.dropout.contract import BrokenContract
from dropout_study.dropout.noise import Added, Additive, Bernoulli, Gaussian, Noise, Strength
from dropout_study.dropout.noise_contract import check_noise


class _Good(Gaussian):
    """Gaussian factors; the others below break the contract in one place each."""

    scale = 1.0
    shift = 0.0

    def strength(self, rates: Sequence[float], device: torch.device) -> Strength:
        rate = torch.tensor(rates, device=device).unsqueeze(1)
        spread = self.scale * (rate / (1 - rate)).sqrt()
        return lambda normals, dtype: (1 + self.shift * rate + spread * normals).to(dtype)


class _Shifted(_Good):
    shift = 0.5


class _TooStrong(_Good):
    scale = 1.5


class _Nothing(_Good):
    scale = 0.0


class _OtherUnits(_Good):
    """Units are doubled where nothing is dropped."""

    def strength(self, rates: Sequence[float], device: torch.device) -> Strength:
        factors = super().strength(rates, device)
        doubled = torch.tensor([2.0 if rate == 0 else 1.0 for rate in rates]).unsqueeze(1)
        return lambda normals, dtype: factors(normals, dtype) * doubled.to(dtype)


class _ShiftedAdded(_Good):
    """Noise of mean 1 that is added."""

    def strength(self, rates: Sequence[float], device: torch.device) -> Strength:
        factors = super().strength(rates, device)
        zero = torch.tensor([float(rate > 0) for rate in rates]).unsqueeze(1)

        def added(normals: Tensor, dtype: torch.dtype) -> Added:
            values = factors(normals, dtype)
            assert isinstance(values, Tensor)
            return Added(values * zero.to(dtype))

        return added


class _OtherShape(_Good):
    def strength(self, rates: Sequence[float], device: torch.device) -> Strength:
        factors = super().strength(rates[:1], device)
        return lambda normals, dtype: factors(normals[:1], dtype)


class _OtherType(_Good):
    def strength(self, rates: Sequence[float], device: torch.device) -> Strength:
        factors = super().strength(rates, device)
        return lambda normals, _: factors(normals, torch.float32)


class _OneStream(_Good):
    def draw(self, count: int, streams: Sequence[int], device: torch.device) -> Tensor:
        return super().draw(count, streams, device)[0]


class _Global(_Good):
    def draw(self, count: int, streams: Sequence[int], device: torch.device) -> Tensor:
        return torch.randn(len(streams), count, device=device)


@pytest.mark.parametrize(
    ("noise", "refused"),
    [
        (_Shifted(), "at rate 0.2 it changes the mean of a unit of 1 by 0.09"),
        (_ShiftedAdded(), "at rate 0.2 it changes the mean of a unit of 1 by 1"),
        (_TooStrong(), r"at rate 0.2 it has the variance 0.5\d*, not rate / \(1 - rate\) = 0.25"),
        (_Nothing(), "at rate 0.2 it has the variance 0, not"),
        (_OtherUnits(), "at rate 0 it changes units"),
        (_OtherShape(), r"`strength` gives torch.float64 \(1, \d+\), not torch.float64 \(3, "),
        (_OtherType(), r"`strength` gives torch.float32 \(3, \d+\), not torch.float64"),
        (_OneStream(), r"`draw` gives \(\d+,\) for 3 seeds, not \(3, "),
        (_Global(), "a network alone gets other noise than beside others"),
        (torch.nn.ReLU(), "it is a ReLU, not a dropout_study.plugin.Noise"),
    ],
    ids=lambda each: "" if isinstance(each, str) else type(each).__name__.strip("_"),
)
def test_what_would_mean_another_strength_is_refused(noise: Noise, refused: str) -> None:
    """If this failed, kinds of noise would be compared at one rate that differ in strength."""
    with pytest.raises(BrokenContract, match=refused):
        check_noise(noise)


@pytest.mark.parametrize("noise", [_Good(), Bernoulli(), Gaussian(), Additive()])
def test_kinds_of_the_project_keep_the_contract(noise: Noise) -> None:
    """If this failed, the contract would ask for more than a rate means."""
    check_noise(noise)
