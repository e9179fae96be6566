"""The rules on any model of yours: a plain nn.Module that drops units by nn.Dropout and its kin.

Dropout that a model calls as a function (`F.dropout`) cannot be seen from outside, and is not switched on.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from dropout_study.randomness import Purpose, stream
from dropout_study.rules import Ensemble, means

DROPOUT = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)


@contextmanager
def dropout_on(model: nn.Module) -> Iterator[None]:
    """Let the dropout modules drop, and nothing else learn: batch norm stays off; every mode is restored afterwards.

    Raises:
        ValueError: the model has no dropout module.
    """
    dropping = [module for module in model.modules() if isinstance(module, DROPOUT)]
    if not dropping:
        raise ValueError(
            f"{type(model).__name__} has no dropout module, so all its subnetworks are one; "
            "use nn.Dropout instead of a functional call."
        )
    modes = {module: module.training for module in model.modules()}
    try:
        model.eval()
        for module in dropping:
            module.train()
        yield
    finally:
        _restore(modes)


@contextmanager
def dropout_off(model: nn.Module) -> Iterator[None]:
    """Put the whole model into evaluation mode; every mode is restored afterwards."""
    modes = {module: module.training for module in model.modules()}
    try:
        model.eval()
        yield
    finally:
        _restore(modes)


def _restore(modes: dict[nn.Module, bool]) -> None:
    for module, training in modes.items():
        module.training = training  # `train()` would reach into the children


@torch.no_grad()
def weight_scaling(model: nn.Module, x: Tensor) -> Tensor:
    """Log-probabilities `[N, C]` of one pass in evaluation mode, for a model that gives logits."""
    with dropout_off(model):
        return model(x).log_softmax(-1)  # type: ignore[no-any-return]


@torch.no_grad()
def subnetworks(model: nn.Module, x: Tensor, count: int, seed: int = 0) -> Iterator[Tensor]:
    """Log-probabilities `[N, C]` of one stochastic pass after the other.

    The same seed gives the same passes for the same inputs; the global random state is left as it was.
    """
    devices = [x.device] if x.device.type == "cuda" else []
    for k in range(count):
        with dropout_on(model), torch.random.fork_rng(devices):
            torch.manual_seed(stream(Purpose.EVALUATION_MASK, seed, k))
            log_probs = model(x).log_softmax(-1)
        yield log_probs


def monte_carlo(model: nn.Module, x: Tensor, counts: Sequence[int], seed: int = 0) -> Ensemble:
    """Both means over k stochastic passes, `[K, N, C]`, for each k of the ascending `counts`, in one pass over them.

    Args:
        model: gives logits `[N, C]`; has dropout modules.
        x: a batch of its inputs.
        counts: numbers of passes.
        seed: of the masks.

    Raises:
        ValueError: the model has no dropout module.
    """
    return means(subnetworks(model, x, counts[-1], seed), counts)
