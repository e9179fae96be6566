"""Rules and metrics of plug-ins, tried on some examples before anything is trained."""

import copy

import torch
from torch import Tensor

from dropout_study.config.parts import METRIC, PARTS, RULE
from dropout_study.config.schema import Config, ConfigError
from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.networks import Network
from dropout_study.dropout.rules import RULES, weight_scaling
from dropout_study.measures.scores import Scores
from dropout_study.measures.tasks import CLASSIFICATION, with_metrics

EXAMPLES = 3
SAMPLES = 10


@torch.no_grad()
def check_own_rules(config: Config, network: Network) -> None:
    """Refuse rules and metrics that fail, or give something else than they must.

    Args:
        config: names them.
        network: the architecture.

    Raises:
        ConfigError: naming the first.
    """
    rules = [rule for rule in config.rules if (RULE, rule) in PARTS]
    metrics = [metric for metric in config.metrics if (METRIC, metric) in PARTS]
    if not rules and not metrics:
        return

    cohort = Cohort(copy.deepcopy(network).float(), seeds=[0, 1])
    x = torch.rand(EXAMPLES, *network.sites[0].shape)
    log_probs = weight_scaling(cohort, x)
    judged = Scores(metrics, with_metrics(CLASSIFICATION, metrics))
    judged.add(log_probs, torch.zeros(EXAMPLES, dtype=torch.int64))

    for rule in rules:
        _check_rule(rule, cohort, x, log_probs)


def _check_rule(rule: str, cohort: Cohort, x: Tensor, expected: Tensor) -> None:
    """Refuse a rule that gives no distributions of the shape of another rule's."""
    refused = f"rules={rule} cannot be used"

    try:
        predicted = RULES[rule].predict(cohort, x, SAMPLES)
        shape = tuple(predicted.shape)
        sums = predicted.double().exp().sum(-1)
    except Exception as error:
        raise ConfigError(f"{refused}: it fails: {type(error).__name__}: {error}") from error

    if shape != tuple(expected.shape):
        raise ConfigError(f"{refused}: it gives {shape}, not [R, N, C]={tuple(expected.shape)}.")

    if not torch.allclose(sums, torch.ones_like(sums), atol=1e-3):
        raise ConfigError(f"{refused}: its probabilities do not sum to 1 over the classes.")
