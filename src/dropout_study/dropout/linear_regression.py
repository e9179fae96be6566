"""Linear regression with dropped inputs, and its twin without dropout, both in closed form.

The squared error of y = x w, averaged over all masks of the inputs, is that without dropout plus
sum_j rate/keep (sum_i x_ij^2) w_j^2: a ridge penalty with a coefficient of its own for each input.
Wager, Wang and Liang (2013), https://arxiv.org/abs/1307.1493; Deep Learning (2016), section 7.12.
"""

import torch
from torch import Tensor

from dropout_study.dropout.masks import Site, enumerate_masks, log_probability


def ridge_coefficients(x: Tensor, site: Site) -> Tensor:
    """The coefficient of w_j^2 for each input, `[D]`.

    Args:
        x: inputs `[N, D]`.
        site: of the inputs.

    Example:
        >>> ridge_coefficients(torch.tensor([[1.0, 2.0], [3.0, 0.0]]), Site("input", (2,), 0.5))
        tensor([10.,  4.])
    """
    return (1 - site.keep) / site.keep * x.square().sum(0)


def ridge_loss(w: Tensor, x: Tensor, y: Tensor, site: Site) -> Tensor:
    """The squared error summed over examples, plus the penalty that stands for dropout, `[]`.

    Args:
        w: weights `[D]`.
        x: inputs `[N, D]`.
        y: targets `[N]`.
        site: of the inputs.
    """
    return (y - x @ w).square().sum() + (ridge_coefficients(x, site) * w.square()).sum()


def ridge_solution(x: Tensor, y: Tensor, site: Site) -> Tensor:
    """The weights `[D]` with the smallest `ridge_loss`."""
    normal = x.mT @ x + ridge_coefficients(x, site).diag()
    solution: Tensor = torch.linalg.solve(normal, x.mT @ y)

    return solution


def dropout_loss(w: Tensor, x: Tensor, y: Tensor, site: Site) -> Tensor:
    """The squared error summed over examples, averaged over all masks of the inputs, `[]`.

    Args:
        w: weights `[D]`, D at most 20.
        x: inputs `[N, D]`.
        y: targets `[N]`.
        site: of the inputs.

    Raises:
        ValueError: there are more inputs than can be enumerated.
    """
    probabilities, factors = _masks(x, site)
    errors = y - (factors * w) @ x.mT  # [M, N]

    return (probabilities * errors.square().sum(-1)).sum()


def dropout_solution(x: Tensor, y: Tensor, site: Site) -> Tensor:
    """The weights `[D]` with the smallest `dropout_loss`, from sums over all masks.

    Raises:
        ValueError: there are more inputs than can be enumerated.
    """
    probabilities, factors = _masks(x, site)
    pairs = factors.mT @ (probabilities.unsqueeze(1) * factors)  # E mu_j mu_k
    kept = probabilities @ factors  # E mu_j

    solution: Tensor = torch.linalg.solve((x.mT @ x) * pairs, kept * (x.mT @ y))

    return solution


def _masks(x: Tensor, site: Site) -> tuple[Tensor, Tensor]:
    """The probability of each mask `[M]`, and its factors `[M, D]`."""
    probabilities = log_probability(site).exp().to(x)
    factors = enumerate_masks(x.shape[1]).to(x) / site.keep

    return probabilities, factors
