"""Probes: what one is given, what it declares to find, and what it finds."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.networks import Network
from dropout_study.dropout.rules import accept_any

Curves = dict[str, tuple[Sequence[int], Tensor]]
"""Name -> steps, and values `[K, R]` at them."""


@dataclass(frozen=True)
class Probed:
    """A trained cohort and the examples to judge it by.

    Attributes:
        cohort: R networks.
        test: batches of inputs `[N, D]` and labels `[N]`; can be gone through again and again.
        bag: members of a bag.
        samples: subnetworks that are sampled where the configuration says how many.
        per_image: numbers of them at which the misclassified examples are found.
    """

    cohort: Cohort
    test: Iterable[tuple[Tensor, Tensor]]
    bag: int = 1
    samples: int = 100
    per_image: Sequence[int] = (20,)

    def batches(self) -> Iterable[tuple[Tensor, Tensor]]:
        """The examples in the precision of the networks."""
        dtype = next(self.cohort.parameters()).dtype
        return ((x.to(dtype), labels) for x, labels in self.test)


@dataclass
class Findings:
    """Results of every network; nan where a network has none.

    Attributes:
        metrics: name -> `[R]`.
        curves: name -> steps, and values `[K, R]` at them.
        wrong: name -> how often each test image was misclassified, `[R, N]` in [0, 1].
        pictures: name -> grey values `[R, H, W]`.
    """

    metrics: dict[str, Tensor] = field(default_factory=dict)
    curves: Curves = field(default_factory=dict)
    wrong: dict[str, Tensor] = field(default_factory=dict)
    pictures: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """A quantity that a probe finds for every network.

    Attributes:
        name: key of a metric, curve or picture, or name of a share of misclassified images.
        unit: of its values; empty for ratios, shares and correlations.
        meaning: what is measured; for a curve also what its steps are.
    """

    name: str
    unit: str
    meaning: str


@dataclass(frozen=True)
class Probe:
    """A measurement on a trained cohort.

    Attributes:
        measure: takes it.
        findings: all that it can find.
        enumerates: whether it goes through all masks, of which there must not be too many.
        hidden: whether it measures hidden units, of which there must be some.
        sampled: whether it draws as many subnetworks as the configuration says, and so takes longer
            the more they are.
        images: on how many test images it measures at most; None: on all. The time that it takes is
            linear in their number.
        check: refuses networks that it is not made for, by a ValueError with the reason.
    """

    measure: Callable[[Probed], Findings]
    findings: Sequence[Finding]
    enumerates: bool = False
    hidden: bool = False
    sampled: bool = False
    images: int | None = None
    check: Callable[[Network], None] = accept_any

    def __call__(self, probed: Probed) -> Findings:
        """Take the measurement."""
        return self.measure(probed)
