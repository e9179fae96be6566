"""The typed schema of conf/. Imports no torch."""

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from dropout_study.config.bounds import (
    ABOVE_0,
    COUNT,
    FACTORS,
    FINAL,
    FROM_0,
    HOURS,
    MOMENTUM,
    PORT,
    RATE,
    REDRAWS,
    SAMPLES,
    SEEDS,
    SHARE,
    SIZE,
    WIDTHS,
)


class ConfigError(ValueError):
    """A value that cannot be used; the message names the key, the value and what is allowed."""


NO_CONDITION = {"part": "none"}
"""Metadata of a key that changes no result: paths, places, names. It is no part of a condition."""
EVALUATION = {"part": "evaluation"}
"""Metadata of a key that says how a trained cohort is evaluated; other keys say what is trained."""
OF_SWEEP = NO_CONDITION | {"of_sweep": True}
"""Metadata of a key that steers a sweep, and says nothing about its conditions."""
UNORDERED = {"unordered": True}
"""Metadata of a list whose order changes nothing."""
UNSAID = {"unsaid": True}
"""Metadata of a key that is no parameter of a run where it has its default."""
FILE = {"file": True}
"""Metadata of the path of a file, of which the content counts."""


def default_rules() -> list[str]:
    """The rules that are evaluated where none are named."""
    return ["weight_scaling", "monte_carlo", "geometric"]


@dataclass
class Data:
    """Which examples the networks see."""

    name: str = MISSING
    root: str = field(default="${oc.env:DROPOUT_STUDY_DATA,data}", metadata=NO_CONDITION)
    download: bool = field(default=True, metadata=NO_CONDITION)
    classes: list[int] = field(default_factory=list, metadata=COUNT | UNORDERED)  # none: all
    train_size: int | None = field(default=None, metadata=SIZE)
    reserve: int = field(default=0, metadata=COUNT)
    resample: str = "none"
    pool: int = field(default=1, metadata=SIZE)
    batch_size: int = field(default=100, metadata=SIZE)


@dataclass
class Model:
    """What all architectures share."""

    name: str = MISSING


@dataclass
class SoftmaxRegression(Model):
    """No hidden layer; the inputs can be dropped."""

    name: str = "softmax_regression"
    input_rate: float = field(default=0.0, metadata=RATE)


@dataclass
class MLP(Model):
    """Fully connected hidden layers."""

    name: str = "mlp"
    widths: list[int] = field(default_factory=lambda: [256, 256], metadata=WIDTHS)
    activation: str = "relu"
    input_rate: float = field(default=0.0, metadata=RATE)
    hidden_rate: float = field(default=0.5, metadata=RATE)


@dataclass
class LeNet(Model):
    """Two convolutions and a hidden layer, on 28 x 28 images."""

    name: str = "lenet"
    dropout: str = "fc"
    hidden_rate: float | None = field(default=None, metadata=RATE)  # 0.5 where there is a site


@dataclass
class Autoencoder(Model):
    """Fully connected ReLU layers that give an image back, each pixel as a sigmoid."""

    name: str = "autoencoder"
    widths: list[int] = field(default_factory=lambda: [256], metadata=WIDTHS)
    loss: str = "squared"
    input_rate: float = field(default=0.0, metadata=RATE)
    hidden_rate: float = field(default=0.5, metadata=RATE)


@dataclass
class Mask:
    """The noise on units, whose strength is their rate."""

    name: str = "bernoulli"
    shared: str = "nothing"
    by_channel: bool = False
    weights: bool = False
    schedule: str = "constant"
    until: float = field(default=0.5, metadata=SHARE)


@dataclass
class Regularizer:
    """Terms and constraints besides dropout; all can be combined."""

    l2: float = field(default=0.0, metadata=FROM_0)
    l1: float = field(default=0.0, metadata=FROM_0)
    sparsity: float = field(default=0.0, metadata=FROM_0)
    max_norm: list[float] = field(default_factory=list, metadata=ABOVE_0)


@dataclass
class Term:
    """A term of the loss that a plug-in adds: its factor, beside its own options."""

    strength: float = field(default=1.0, metadata=FROM_0)


@dataclass
class Optimizer:
    """What all optimizers share."""

    name: str = MISSING
    lr: float = field(default=1e-3, metadata=ABOVE_0)


@dataclass
class AdamW(Optimizer):
    """Adam with decoupled weight decay."""

    name: str = "adamw"
    weight_decay: float = field(default=0.0, metadata=FROM_0)


@dataclass
class SGD(Optimizer):
    """Gradient descent with a momentum that rises linearly over the first updates."""

    name: str = "sgd"
    lr: float = field(default=0.1, metadata=ABOVE_0)
    momentum_start: float = field(default=0.5, metadata=MOMENTUM)
    momentum: float = field(default=0.95, metadata=MOMENTUM)
    momentum_ramp: int = field(default=0, metadata=COUNT)


@dataclass
class Schedule:
    """The course of the learning rate over the budget."""

    name: str = MISSING


@dataclass
class OneCycle(Schedule):
    """Up from 1/25 of the rate over the first share of the updates, then down to 0, on cosines."""

    name: str = "one_cycle"
    warmup: float = field(default=0.3, metadata=SHARE)


@dataclass
class Exponential(Schedule):
    """Down by a constant factor per update, to this share of the rate at the end."""

    name: str = "exponential"
    final: float = field(default=0.01, metadata=FINAL)


@dataclass
class InverseT(Schedule):
    """lr / (1 + update / half_life)."""

    name: str = "inverse_t"
    half_life: int = field(default=10_000, metadata=SIZE)


@dataclass
class Trainer:
    """Where and how precisely the arithmetic is done."""

    accelerator: str = field(default="auto", metadata=NO_CONDITION)
    precision: str = "32-true"


@dataclass
class Budget:
    """How long to train, in weight updates."""

    name: str = field(default=MISSING, metadata=NO_CONDITION)
    updates: int = field(default=MISSING, metadata=SIZE)
    validations: int = field(default=20, metadata=SIZE)  # at most one per update
    weights: str = "last"


@dataclass
class Tracking:
    """Where results are recorded."""

    uri: str = MISSING
    cohort: bool = False
    model: bool = False
    system_metrics: bool = False


@dataclass
class Checkpoint:
    """The checkpoints from which an interrupted run resumes, and how often they are written."""

    folder: str = "outputs/checkpoints"
    minutes: float = field(default=1.0, metadata=ABOVE_0)


@dataclass
class Debug:
    """Aids for looking into a run."""

    profile: bool = False


@dataclass
class MonteCarlo:
    """How many masks the sampled rules draw.

    Attributes:
        samples: masks in the pool.
        redraws: times that each point of the curve over the number of masks is drawn from the pool.
        per_image: numbers of masks for which the misclassification rate of each image is stored;
            numbers above a fifth of the pool are ignored.
    """

    samples: int = field(default=100, metadata=SAMPLES)
    redraws: int = field(default=20, metadata=REDRAWS)
    per_image: list[int] = field(default_factory=lambda: [20], metadata=SIZE)


@dataclass
class StudyConfig:
    """A sweep with a name: overrides that `-m` adds unless they are typed.

    Attributes:
        name: of the experiment.
        title: what it shows.
        grid: key -> values, as they would be typed.
        at: the same for one data set, one budget or the stage `tuning` alone; takes precedence, the
            later of these over the earlier.
        values: what its arms and its claims need to know, such as which conditions are compared.
        cohorts_from: the study whose stored cohorts are evaluated; nothing is trained then.
        arm: what a condition is called where conditions are compared; a choice of the group `arm`
            sets it.
        candidate: which of an arm's candidates, counted from 0 (see the resolver `tried`).
        candidates: how many each arm has in the stage `tuning`; 0 if nothing is tuned.
        extend: key -> factor of one step. The chosen value of such a key must have a smaller and a
            larger one among the candidates; tuning adds candidates until it has.
        stage: `tuning`, where candidates are trained; `final`; or `half`, with half the updates.
        chosen: arm -> key -> value, as JSON: what tuning has chosen, which `train.py` fills in.
    """

    name: str = MISSING
    title: str = ""
    grid: dict[str, Any] = field(default_factory=dict)
    at: dict[str, dict[str, Any]] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    cohorts_from: str = ""
    arm: str = ""
    candidate: int = field(default=0, metadata=COUNT)
    candidates: int = field(default=0, metadata=COUNT)
    extend: dict[str, float] = field(default_factory=dict, metadata=FACTORS)
    stage: str = "final"
    chosen: str = ""


@dataclass
class Config:
    """One condition and its seeds: what `scripts/train.py` runs."""

    plugins: list[str] = field(default_factory=list, metadata=NO_CONDITION)
    seeds: list[int] = field(default=MISSING, metadata=SEEDS | NO_CONDITION)
    data: Data = MISSING
    model: Model = MISSING
    mask: Mask = field(default_factory=Mask, metadata=UNSAID)
    objective: str = field(default="likelihood", metadata=UNSAID)
    regularizer: Regularizer = field(default_factory=Regularizer)
    terms: dict[str, Term] = field(default_factory=dict, metadata=UNSAID)
    optimizer: Optimizer = MISSING
    schedule: Schedule = MISSING
    trainer: Trainer = MISSING
    budget: Budget = MISSING
    rules: list[str] = field(default_factory=default_rules, metadata=EVALUATION | UNORDERED)
    probes: list[str] = field(default_factory=list, metadata=EVALUATION | UNORDERED)
    metrics: list[str] = field(default_factory=list, metadata=EVALUATION | UNORDERED | UNSAID)
    bag: int = field(default=10, metadata=SIZE | EVALUATION)
    mc: MonteCarlo = field(default_factory=MonteCarlo, metadata=EVALUATION)
    tracking: Tracking = field(default=MISSING, metadata=NO_CONDITION)
    study: StudyConfig = field(default=MISSING, metadata=NO_CONDITION)
    checkpoint: Checkpoint = field(default_factory=Checkpoint, metadata=NO_CONDITION)
    rerun: bool = field(default=False, metadata=NO_CONDITION)
    fail_fast: bool = field(default=False, metadata=NO_CONDITION)
    dry_run: bool = field(default=False, metadata=NO_CONDITION)
    sample: int | None = field(default=None, metadata=OF_SWEEP | SIZE)  # none: the whole grid
    sample_seed: int = field(default=0, metadata=OF_SWEEP | COUNT)
    max_hours: float | None = field(default=None, metadata=OF_SWEEP | HOURS)
    confirm_above: int | None = field(default=1000, metadata=OF_SWEEP | COUNT)  # none: never
    only_failed: bool = field(default=False, metadata=OF_SWEEP)
    note: str = field(default="", metadata=NO_CONDITION)
    tags: dict[str, str] = field(default_factory=dict, metadata=NO_CONDITION)
    pack: bool = field(default=True, metadata=NO_CONDITION)
    jobs_per_gpu: int = field(default=1, metadata=NO_CONDITION | SIZE)
    pack_number: int = field(default=0, metadata=NO_CONDITION | COUNT)  # a sweep sets it
    debug: Debug = field(default_factory=Debug, metadata=NO_CONDITION)


@dataclass
class Search:
    """Options of `hydra/sweeper=optuna`.

    Attributes:
        n_trials: candidates in all, those of earlier starts included.
        batch: how many are proposed at once; none: as many as pay.
        sampler: what proposes them.
        sampler_seed: the same seed, and the same results so far, give the same proposals.
        seeds: the networks that a candidate is judged by.
        folder: takes the file of each search.
        max_batch_size: jobs that a launcher gets at once, as for Hydra's own sweeper.
        params: key -> values or interval, beside what is typed.
    """

    n_trials: int = field(default=40, metadata=SIZE)
    batch: int | None = field(default=None, metadata=SIZE)
    sampler: str = "tpe"
    sampler_seed: int = field(default=0, metadata=COUNT)
    seeds: list[int] = field(default_factory=lambda: [900, 901, 902], metadata=SEEDS)
    folder: str = "outputs/searches"
    max_batch_size: int | None = field(default=None, metadata=SIZE)
    params: dict[str, str] | None = None


@dataclass
class Evaluate:
    """Options of `scripts/evaluate.py`."""

    run: str = MISSING
    plugins: list[str] = field(default_factory=list)  # besides those of the run
    rules: list[str] = field(default_factory=default_rules)
    metrics: list[str] = field(default_factory=list)
    mc: MonteCarlo = field(default_factory=lambda: MonteCarlo(samples=1000, redraws=100))
    data_root: str | None = None  # where the data are now, if not where they were
    tracking: Tracking = MISSING


@dataclass
class Report:
    """Options of `scripts/report.py`."""

    claims: list[str] = field(default_factory=list)  # none: all
    output: str = "report"
    results: str = ""  # a file of results instead of the store
    data_root: str = "${oc.env:DROPOUT_STUDY_DATA,data}"  # where image files are, for a picture
    tracking: Tracking = MISSING


@dataclass
class Reproduce:
    """Options of `scripts/reproduce.py`."""

    budget: Budget = MISSING
    # budget -> study -> minutes that it takes
    minutes: dict[str, dict[str, int]] = field(default_factory=dict, metadata=COUNT)
    data: Data | None = None  # another data set than the studies' own
    studies: list[str] = field(default_factory=list)  # none: all
    launcher: str | None = None  # a Hydra launcher, such as joblib
    results: str | None = "report/results"  # what was measured before
    # folder of the report; none: `report`, or `outputs/smoke`, where it replaces nothing
    output: str | None = None
    data_root: str = "${oc.env:DROPOUT_STUDY_DATA,data}"
    dry_run: bool = False
    max_hours: float | None = field(default=None, metadata=HOURS)
    tracking: Tracking = MISSING


@dataclass
class Compare:
    """Options of `scripts/compare.py`."""

    study: StudyConfig = MISSING
    sweep: str | None = None  # the folder of a sweep: its conditions alone
    metric: str = "test/error/weight_scaling"
    x: str = ""  # a column along the horizontal axis; step: that of a curve
    by: str = ""  # a column whose values are compared apart
    against: str = ""  # words in the name of the condition to compare with, such as `rate 0`
    alternative: str = "two-sided"  # or less, greater: what a small p value speaks for
    where: list[str] = field(default_factory=list)  # COLUMN=VALUE
    incomplete: bool = False  # compare what is not on a par, and say so
    results: str = ""  # a file of results instead of the store
    output: str = "outputs/comparison"
    tracking: Tracking = MISSING


@dataclass
class Sync:
    """Options of `scripts/sync.py`."""

    folder: str = "outputs"  # where results lie
    tracking: Tracking = MISSING


@dataclass
class Status:
    """Options of `scripts/status.py`."""

    folder: str = "outputs"  # of a sweep, or one above several
    last: int = field(default=5, metadata=COUNT)  # of several: how many that have ended


@dataclass
class Stop:
    """Options of `scripts/stop.py`."""

    folder: str = MISSING  # of a sweep


@dataclass
class Retry:
    """Options of `scripts/retry.py`."""

    folder: str = MISSING  # of a sweep
    failed: bool = False  # only what has failed, and not what was stopped or never begun


@dataclass
class Criteria:
    """Options of `scripts/criteria.py`."""

    file: str = "report/criteria.json"  # the manifest
    table: str = "docs/claims.md"  # the same for readers
    reason: str = ""  # why the manifest changes
    committed: str = ""  # hash of the commit that first held it


@dataclass
class Explore:
    """Options of `scripts/explore.py`."""

    results: str = "published"  # results that the page shows: a folder, a file, or the published
    output: str = "report/explore.html"  # the page


@dataclass
class Ui:
    """Options of `scripts/ui.py`."""

    page: str = ""  # the study that is opened; none: that of the last run
    host: str = "127.0.0.1"  # this machine alone; 0.0.0.0: everybody who reaches it
    port: int = field(default=5000, metadata=PORT)  # 0: a free one
    open: bool = True  # in a browser, if there is a display
    tracking: Tracking = MISSING


SCHEMAS: dict[str, type] = {
    "compare": Compare,
    "criteria": Criteria,
    "evaluate": Evaluate,
    "explore": Explore,
    "report": Report,
    "reproduce": Reproduce,
    "retry": Retry,
    "status": Status,
    "stop": Stop,
    "search": Search,
    "sync": Sync,
    "ui": Ui,
    "train": Config,
    "data": Data,
    "model/softmax_regression": SoftmaxRegression,
    "model/mlp": MLP,
    "model/lenet": LeNet,
    "model/autoencoder": Autoencoder,
    "mask": Mask,
    "optimizer/adamw": AdamW,
    "optimizer/sgd": SGD,
    "schedule/constant": Schedule,
    "schedule/one_cycle": OneCycle,
    "schedule/exponential": Exponential,
    "schedule/inverse_t": InverseT,
    "trainer": Trainer,
    "budget": Budget,
    "tracking": Tracking,
    "study": StudyConfig,
}
