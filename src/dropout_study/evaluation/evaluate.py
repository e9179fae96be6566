"""What rules and probes measure on a trained cohort, added to its record."""

import copy
from collections.abc import Sequence

from dropout_study.config.schema import Config, ConfigError
from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.masks import check_enumerable
from dropout_study.dropout.networks import Network
from dropout_study.dropout.rules import RULES, Averages, means_of
from dropout_study.evaluation import predictions
from dropout_study.evaluation.own_rules import check_own_rules
from dropout_study.evaluation.probes import PROBES, Findings, Probed
from dropout_study.tracking.record import Record
from dropout_study.training.build import make_task
from dropout_study.training.data_module import DataModule


def check_evaluation(config: Config, network: Network) -> None:
    """Refuse rules and probes that enumerate more units than can be, or lack hidden units.

    Raises:
        ConfigError: naming them and the reason.
    """
    hidden = [probe for probe in config.probes if PROBES[probe].hidden]
    if hidden and len(network.sites) == 1:
        raise ConfigError(
            f"probes={config.probes} cannot be used: {', '.join(hidden)} measures hidden units, "
            f"and model={config.model.name} has none."
        )

    for key, chosen in (("rules", config.rules), ("probes", config.probes)):
        for name in chosen:
            try:
                _check(key, name, network)
            except ValueError as error:
                raise ConfigError(f"{key}={chosen} cannot be used: {error}") from error

    check_own_rules(config, network)


def _check(key: str, name: str, network: Network) -> None:
    """Refuse a rule or a probe that the network is not made for.

    Raises:
        ValueError: with the reason.
    """
    if key == "rules":
        RULES[name].check(network)
        return

    PROBES[name].check(network)
    if PROBES[name].enumerates:
        check_enumerable(*network.sites)


def evaluate_cohort(config: Config, cohort: Cohort, data: DataModule, record: Record) -> None:
    """Add to the record what rules and probes measure on test data, without failed seeds."""
    intact = [i for i, seed in enumerate(record.seeds) if not seed.failure]
    if not intact:
        return

    rules = distinct_rules(config.rules, cohort)
    test = data.test_dataloader()[0]
    cohort.to(data.device)  # Lightning takes the networks off the device after testing

    if len(intact) < len(record.seeds):
        cohort = cohort.part(intact)

    curved = [rule for rule in rules if RULES[rule].curve]
    averaging = list(means_of(rules, Averages.SAMPLED))
    others = [rule for rule in rules if rule not in averaging]
    sampler = sampling_cohort(config, cohort)
    task = make_task(config)
    samples = config.mc.samples
    scores = predictions.score_rules(cohort, test, others, samples, task)

    if averaging and not curved:
        scores |= predictions.score_rules(sampler, test, averaging, samples, task)

    if curved:
        pool = predictions.sampled(
            sampler, test, averaging, samples, config.mc.redraws, config.mc.per_image, task
        )
        scores |= pool.scores

        for rule in curved:
            _add_curves(record, rule, pool)

    for rule, score in scores.items():
        for measure, values in score.means().items():
            record.add_metric(f"test/{measure}/{rule}", values)

        record.add_wrong(rule, score.wrong())

    probed = Probed(cohort, test, config.bag, config.mc.samples, config.mc.per_image)
    for probe in config.probes:
        _add_findings(record, PROBES[probe](probed))


def sampling_cohort(config: Config, cohort: Cohort) -> Cohort:
    """The networks whose subnetworks are sampled: a copy in bfloat16 if training is in bfloat16."""
    if config.trainer.precision != "bf16":
        return cohort

    return copy.deepcopy(cohort).bfloat16()


def _add_findings(record: Record, findings: Findings) -> None:
    """Add what a probe has found."""
    for key, values in findings.metrics.items():
        record.add_metric(key, values)

    for key, (steps, values) in findings.curves.items():
        record.add_curve(key, steps, values)

    for key, values in findings.wrong.items():
        record.add_wrong(key, values)

    for key, values in findings.pictures.items():
        record.add_picture(key, values)


def _add_curves(record: Record, rule: str, pool: predictions.Sampled) -> None:
    """Add a rule's error against the number of masks, and which images it misclassifies at some."""
    prefix = RULES[rule].curve

    for key, curve in pool.curves.items():
        record.add_curve(f"{prefix}/{key}", curve.counts, curve.mean)
        record.add_curve(f"{prefix}/{key}_sd", curve.counts, curve.sd)

    for count, shares in pool.wrong.items():
        record.add_wrong(f"{rule}_{count}", shares)


def distinct_rules(rules: Sequence[str], cohort: Cohort) -> list[str]:
    """The rules that differ: without a site that drops, all rules equal weight scaling."""
    drops = any(site.masked for site in cohort.stacked.sites)
    return [rule for rule in rules if drops or RULES[rule].averages is Averages.NONE]
