"""The names that a configuration may use, known before torch is loaded.

The registries in `data`, `dropout` and `evaluation` have the same names; tests hold them to it.
"""

from typing import NamedTuple


class Facts(NamedTuple):
    """What is known of a data set before it is read.

    Attributes:
        inputs: numbers per example.
        side: pixels along each side of an image; None if the examples are no images.
        train: examples that can be trained on; of a generated set, unless more are asked for.
        classes: their number.
        source: where the data come from, as MLflow shows it.
        generated: whether a program makes the examples, as many as are asked for.
    """

    inputs: int
    side: int | None
    train: int
    classes: int
    source: str
    generated: bool = False


DATASETS = {
    "digits": Facts(64, 8, 1_097, 10, "sklearn.datasets.load_digits"),
    "mnist": Facts(784, 28, 50_000, 10, "mnist"),
    "fashion_mnist": Facts(784, 28, 50_000, 10, "fashion_mnist"),
    "kmnist": Facts(784, 28, 50_000, 10, "kmnist"),
    "mnist1d": Facts(40, None, 4_000, 10, "mnist1d.data.make_dataset", generated=True),
}


ACTIVATIONS = ("relu", "tanh", "sigmoid", "identity")
LOSSES = ("squared", "cross_entropy")
"""What an autoencoder can minimize."""
AUTOENCODER_RULES = ("weight_scaling",)
"""The others average probabilities of classes."""
AUTOENCODER_PROBES = ("units",)
"""The others compare predictions with labels."""
PLACEMENTS = {"none": 1, "fc": 1, "pools": 1, "all": 2}
"""Where a LeNet drops -> version, a part of identity from 2 on. The first `all` dropped after
pooling, as `pools` does now."""
NOISES = ["bernoulli", "gaussian", "additive"]
"""Kinds of noise on units; plug-ins add to them."""
SHARED = ("nothing", "update", "training")
"""What has one mask in common: nothing, so that each example has its own; all examples of an
update; or all updates of a network."""
RATE_SCHEDULES = ("constant", "early", "falling", "late", "rising")
"""When the rate applies: always; before or after a share of the updates; or in full from there on,
and less before."""
OBJECTIVES = ("likelihood", "boosting")
"""What an update increases: the log-likelihood of the subnetwork that was drawn, or that of the
ensemble through this subnetwork."""
SMOKE = "smoke"
"""The budget that only shows that everything works."""
TUNING = "tuning"
FINAL = "final"
HALF = "half"
STAGES = (TUNING, FINAL, HALF)
"""Of a study: candidates, the networks that are judged, and these with half the updates."""
OTHER = "other"
"""The entry of a mapping in `study.values` for all keys that it lacks."""
SAMPLERS = ("tpe", "random")
"""What proposes the candidates of a search: a tree-structured Parzen estimator, or chance."""
ALTERNATIVES = ("two-sided", "less", "greater")
"""What a small p value of a comparison speaks for."""
RULES = [
    "weight_scaling",
    "monte_carlo",
    "geometric",
    "exact_arithmetic",
    "exact_geometric",
    "fast_dropout",
]
"""Plug-ins add to them."""
MEASURES = ("error", "nll", "brier", "ece")
"""What is measured of every prediction."""
METRICS: list[str] = []
"""What plug-ins measure of predictions, besides error, NLL, Brier score and ECE."""
PROBES = {
    "enumeration": 1,
    "bags": 1,
    "removal": 1,
    "ensemble": 1,
    "units": 1,
    "corruption": 1,
    "corruption_by_kind": 1,
    "timing": 1,
    "subnetworks": 1,
    "interactions": 1,
    "halves": 1,
    "divergence": 1,
    "moments": 1,
    "ridge": 1,
}
"""Name -> version, a part of identity: it rises when a probe measures something else."""
CORRUPTIONS = {
    "noise": 1,
    "missing_pixels": 1,
    "occlusion": 1,
    "blur": 1,
    "contrast": 1,
    "rotation": 1,
    "translation": 1,
}
"""Kinds of corruption, likewise; the probes whose names begin so measure all of them."""
DECIDING_SEVERITIES = {
    "noise": 4,
    "missing_pixels": 5,
    "occlusion": 3,
    "blur": 5,
    "contrast": 4,
    "rotation": 4,
    "translation": 3,
}
"""Kind of corruption -> the largest severity, of 1 to 5, that counts in a comparison. At larger
ones nets without dropout err on more than half of MNIST's images (measured in 2026 on five nets
784-256-256-256-10)."""
