"""Fast dropout: the noise of all masks integrated out, by the moments of every unit."""

import math
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.ensemble import widen
from dropout_study.dropout.masks import Site
from dropout_study.dropout.networks import ACTIVATIONS, MLP, Linear, Network
from dropout_study.dropout.noise import is_added

SMALLEST_VARIANCE = 1e-12
"""Below it a unit is taken for a constant."""


@dataclass(frozen=True)
class Moments:
    """Mean and variance of units over all masks, `[R, N, units]`; units count as independent."""

    mean: Tensor
    variance: Tensor

    def masked(self, site: Site) -> "Moments":
        """Those of the units times their factors: E h' = E h, E h'^2 = E h^2 / keep."""
        if not site.masked:
            return self

        added = (1 - site.keep) / site.keep
        return Moments(self.mean, self.variance + added * (self.variance + self.mean.square()))

    def through_linear(self, layer: Linear) -> "Moments":
        """Those of the outputs of a linear layer."""
        return Moments(layer(self.mean), self.variance @ layer.weight.square())

    def through_relu(self) -> "Moments":
        """Those of max(0, z) for Gaussian z."""
        deviation = self.variance.clamp_min(SMALLEST_VARIANCE).sqrt()
        ratio = self.mean / deviation
        density = torch.exp(-ratio.square() / 2) / math.sqrt(2 * math.pi)
        share = torch.special.ndtr(ratio)

        mean = self.mean * share + deviation * density
        square = (self.mean.square() + self.variance) * share + self.mean * deviation * density
        is_constant = self.variance <= SMALLEST_VARIANCE

        return Moments(
            torch.where(is_constant, self.mean.relu(), mean),
            torch.where(is_constant, 0.0, (square - mean.square()).clamp_min(0)),
        )


def check_fast_dropout(network: Network) -> None:
    """Refuse a network through which moments have no closed form.

    Raises:
        ValueError: naming what is needed.
    """
    is_mlp = isinstance(network, MLP)
    closed = [ACTIVATIONS[name] for name in ("relu", "identity")]

    if not is_mlp or network.activation not in closed:
        raise ValueError(
            "fast_dropout needs fully connected layers of ReLU or linear units, through which the "
            "moments have a closed form. Use monte_carlo, or another network."
        )

    noisy = [site for site in network.sites if site.masked]
    if any(site.weights or is_added(site.noise, site.rate) for site in noisy):
        raise ValueError("fast_dropout needs noise that units are multiplied with.")


@torch.no_grad()
def logit_moments(cohort: Cohort, x: Tensor) -> Moments:
    """Mean and variance of the logits over all masks, `[R, N, C]`, in one pass of twice the cost.

    The inputs of a layer count as independent, and its outputs as Gaussian. Both are exact for the
    layer behind the first site that drops, but for the Gaussian shape; further behind they are
    approximations that improve with width. Wang and Manning (2013), Fast dropout training,
    https://proceedings.mlr.press/v28/wang13a.html.

    Args:
        cohort: R fully connected networks of ReLU or linear units.
        x: inputs `[N, D]`.

    Raises:
        ValueError: the networks are others.

    Example:
        >>> cohort = Cohort(MLP(4, 3, [8], hidden_rate=0.5), seeds=[0, 1])
        >>> logit_moments(cohort, torch.rand(5, 4)).variance.shape
        torch.Size([2, 5, 3])
    """
    units, layer = _last_units(cohort, x)
    return units.through_linear(layer)


def fast_dropout(cohort: Cohort, x: Tensor) -> Tensor:
    """Log-probabilities `[R, N, C]` of the geometric ensemble by moments.

    The renormalized geometric mean of all subnetworks is the softmax of their mean logits (7.54,
    7.55), whose approximation is `logit_moments`.

    Args:
        cohort: R fully connected networks of ReLU or linear units.
        x: inputs `[N, D]`.

    Raises:
        ValueError: the networks are others.
    """
    return logit_moments(cohort, x).mean.log_softmax(-1)


@torch.no_grad()
def fast_dropout_arithmetic(cohort: Cohort, x: Tensor) -> Tensor:
    """Log-probabilities `[R, N, C]` of the arithmetic ensemble by moments.

    For two classes, the mean of sigmoid(z) over a Gaussian difference z of logits with mean m and
    variance v is nearly sigmoid(m / sqrt(1 + pi v / 8)) (MacKay 1992, as Wang and Manning 2013
    use it). For more, the differences from each class are put into its softmax, and the results
    normalized (Lu et al. 2020, https://arxiv.org/abs/2006.07584).

    Args:
        cohort: R fully connected networks of ReLU or linear units.
        x: inputs `[N, D]`.

    Raises:
        ValueError: the networks are others.
    """
    units, layer = _last_units(cohort, x)
    mean: Tensor = layer(units.mean)
    covariance = torch.einsum("rnk,rkc,rkd->rncd", units.variance, layer.weight, layer.weight)
    variance = covariance.diagonal(dim1=-2, dim2=-1)

    away = mean.unsqueeze(-2) - mean.unsqueeze(-1)  # [R, N, C, D]: of class D from class C
    spread = variance.unsqueeze(-1) + variance.unsqueeze(-2) - 2 * covariance
    shrunk = away / (1 + math.pi / 8 * spread.clamp_min(0)).sqrt()

    return (-shrunk.logsumexp(-1)).log_softmax(-1)


def _last_units(cohort: Cohort, x: Tensor) -> tuple[Moments, Linear]:
    """Moments of what the last layer reads, masked, and that layer.

    Raises:
        ValueError: the networks have no such moments.
    """
    network = cohort.stacked
    check_fast_dropout(network)
    is_linear = getattr(network, "activation", None) is ACTIVATIONS["identity"]
    units = widen(x).expand(len(cohort.seeds), *x.shape)
    moments = Moments(units, torch.zeros_like(units))
    *hidden, last = zip(network.sites, cast("list[Linear]", network.typed_layers()), strict=True)

    for site, layer in hidden:
        moments = moments.masked(site).through_linear(layer)
        moments = moments if is_linear else moments.through_relu()

    return moments.masked(last[0]), last[1]
