"""bfloat16 arithmetic: passes through a rounded copy of the weights, updates in float32."""

import copy
from pathlib import Path

import torch
from torch import Tensor, nn

from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.ensemble import widen
from dropout_study.dropout.masks import Masks

CPU_INFO = Path("/proc/cpuinfo")
"""What a processor can do, on Linux: among others amx_bf16, avx512_bf16 or, on Arm, bf16."""


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device multiplies in bfloat16; a CPU that does not takes 30 times as long."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))

    return CPU_INFO.exists() and "bf16" in CPU_INFO.read_text(encoding="utf-8")


class HalfCopy:
    """A copy of a cohort in bfloat16, which forward and backward passes go through.

    The optimizer updates the weights of the cohort, in float32: most updates are smaller than the
    spacing of bfloat16 numbers, and would be lost in the copy. Gradients of the copy are added to
    those of the cohort as soon as they are computed.

    Args:
        cohort: on the device that trains when the first pass is made.

    Example:
        >>> from dropout_study.dropout.networks import MLP
        >>> cohort = Cohort(MLP(4, 3, [8]), seeds=[0, 1])
        >>> *_, logits = HalfCopy(cohort).outputs(torch.rand(2, 5, 4), {})
        >>> logits.dtype
        torch.float32
        >>> logits.sum().backward()
        >>> all(p.grad.dtype == torch.float32 for p in cohort.parameters())
        True
    """

    dtype = torch.bfloat16

    def __init__(self, cohort: Cohort) -> None:
        self._cohort = cohort
        self._copy: Cohort | None = None

    def outputs(self, x: Tensor, factors: Masks) -> list[Tensor]:
        """The output of every stage for the present weights, as `Cohort.outputs`.

        Logits are in float32, for the loss; hidden units are in bfloat16.
        """
        halved = {name: factor.to(self.dtype) for name, factor in factors.items()}
        *hidden, logits = self._refreshed().outputs(x.to(self.dtype), halved)

        return [*hidden, widen(logits)]

    @torch.no_grad()
    def _refreshed(self) -> Cohort:
        """The copy, with the present weights."""
        if self._copy is None:
            self._copy = copy.deepcopy(self._cohort).to(self.dtype)
            for p, half in zip(self._cohort.parameters(), self._copy.parameters(), strict=True):
                _hand_gradients(half, p)

        for p, half in zip(self._cohort.parameters(), self._copy.parameters(), strict=True):
            half.copy_(p)

        return self._copy


def _hand_gradients(source: nn.Parameter, target: nn.Parameter) -> None:
    """Make backward passes add the gradient of one parameter to that of another, and free it."""
    memory = torch.empty_like(
        target
    )  # kept: the C library gives a large tensor new pages each time

    def hand(source: Tensor) -> None:
        assert source.grad is not None

        if target.grad is None:
            target.grad = memory.copy_(source.grad)
        else:
            target.grad += source.grad

        source.grad = None

    source.register_post_accumulate_grad_hook(hand)
