"""Evaluating a trained cohort, with reports of how far that is.

What can be seen from here are the batches of test images that rules and probes ask for. A rule that
samples 100 masks passes a batch through all of them before it asks for the next.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import cast

from torch import Tensor

from dropout_study.config.schema import Config
from dropout_study.data.batches import EvaluationBatches
from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.masks import droppable_units
from dropout_study.dropout.networks import Network
from dropout_study.dropout.rules import RULES, Averages
from dropout_study.evaluation.evaluate import evaluate_cohort
from dropout_study.evaluation.probes import PROBES
from dropout_study.running.bottom_line import bar
from dropout_study.running.watch import Report
from dropout_study.system.heap import large_blocks_given_back
from dropout_study.system.processes import repeat_every
from dropout_study.tracking.record import Record
from dropout_study.training.data_module import DataModule

PASSES_OF_PROBE = 50
"""Passes over its images that a probe takes if neither masks nor units say how many."""
REFRESH_SECONDS = 0.5


def evaluate(
    config: Config, cohort: Cohort, data: DataModule, record: Record, report: Report
) -> None:
    """Add to the record what rules and probes measure on test data; report how far that is.

    Args:
        config: the rules and the probes.
        cohort: the trained networks.
        data: their batches.
        record: takes what is measured.
        report: called before each batch, and at the end.
    """
    passes = list_passes(config, cohort.stacked, len(data.images.test))
    watched = cast("DataModule", _WatchedData(data, passes, report))

    with large_blocks_given_back():
        evaluate_cohort(config, cohort, watched, record)

    report(1.0)


def list_passes(config: Config, network: Network, images: int) -> list[float]:
    """The work of each time that an evaluation goes through the test data.

    Args:
        config: the rules and the probes.
        network: the architecture.
        images: number of test images.

    Returns:
        In passes of all images without masks; about as many, since nobody counts those of a probe.
    """
    drops = any(site.masked for site in network.sites)
    averages = {RULES[rule].averages for rule in config.rules} if drops else {Averages.NONE}
    sampled = [float(config.mc.samples)] if Averages.SAMPLED in averages else []
    masks = float(2 ** droppable_units(*network.sites)) if _enumerates(config) else 0.0
    others = 1.0 + (masks if Averages.ALL in averages else 0.0)
    probes = [_passes_of_probe(name, config, masks, images) for name in config.probes]

    return [others, *sampled, *probes]


def _enumerates(config: Config) -> bool:
    """Whether a rule or a probe goes through all masks."""
    rules = any(RULES[rule].averages is Averages.ALL for rule in config.rules)
    return rules or any(PROBES[name].enumerates for name in config.probes)


def _passes_of_probe(name: str, config: Config, masks: float, images: int) -> float:
    """The work of a probe, in passes of all images without masks.

    Args:
        name: of the probe.
        config: how many masks are sampled.
        masks: the number of all masks.
        images: number of test images.
    """
    probe = PROBES[name]
    share = min(1.0, probe.images / images) if probe.images else 1.0

    if probe.enumerates:
        return share * masks

    return share * (config.mc.samples if probe.sampled else PASSES_OF_PROBE)


class _WatchedData:
    """What an evaluation reads of a data module; its test data report how far they are.

    Args:
        data: the data module.
        passes: the work of each time that the test data are gone through.
        report: called before each batch.
    """

    def __init__(self, data: DataModule, passes: Sequence[float], report: Report) -> None:
        self.device = data.device
        self._test = _WatchedBatches(data.test_dataloader()[0], passes, report)

    def test_dataloader(self) -> list["_WatchedBatches"]:
        """The test data."""
        return [self._test]


class _WatchedBatches:
    """Batches that report how far an evaluation is (arguments as in `_WatchedData`)."""

    def __init__(self, batches: EvaluationBatches, passes: Sequence[float], report: Report) -> None:
        self._batches = batches
        self._passes = [*passes, 0.0]  # also of what has not been foreseen
        self._report = report
        self._begun = 0

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield inputs and labels."""
        number = min(self._begun, len(self._passes) - 1)
        self._begun += 1
        done = sum(self._passes[:number])

        for i, batch in enumerate(self._batches):
            of_pass = self._passes[number] * i / len(self._batches)
            self._report((done + of_pass) / sum(self._passes))
            yield batch


@contextmanager
def evaluation_bar(is_shown: bool, report: Report) -> Iterator[Report]:
    """A bar with a clock while the block evaluates on test data; what is reported moves it.

    Args:
        is_shown: whether there is one, if standard error is a terminal.
        report: is called with what is reported.
    """
    if not (is_shown and sys.stderr.isatty()):
        yield report
        return

    words = "evaluation on test data {percentage:3.0f}% {bar:10} {elapsed}"

    with bar(total=1.0, bar_format=words) as shown, repeat_every(REFRESH_SECONDS, shown.refresh):

        def show(share: float) -> None:
            shown.n = share
            report(share)

        yield show
