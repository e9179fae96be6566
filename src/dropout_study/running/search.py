"""An adaptive search: rounds of candidates that Optuna proposes, then the best on fresh seeds.

Candidates are jobs of the stage `tuning`: they have seeds of their own, and meet no test data. What
is searched, what was proposed and what became of it is kept in a file of Optuna's, so that the same
command resumes. A round is launched as any sweep is.

Imports Optuna, an extra, where it is needed. Imports neither torch nor Lightning.
"""

import hashlib
import json
import math
import os
import shlex
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import filelock
from omegaconf import DictConfig, OmegaConf

from dropout_study.config.condition import TRAINING, identity
from dropout_study.config.folder import command
from dropout_study.config.names import FINAL, TUNING
from dropout_study.config.overrides import as_typed, parse_overrides
from dropout_study.config.read import read_config, read_search
from dropout_study.config.schema import Config, ConfigError, Search
from dropout_study.config.search_space import (
    NOT_SEARCHED,
    Choices,
    Interval,
    Space,
    read_space,
)
from dropout_study.config.uri import absolute, masked
from dropout_study.running.choices import chosen_as_typed
from dropout_study.running.job import Job, JobState
from dropout_study.running.sweep_jobs import (
    JOB_NUMBER,
    compose_job,
    jobs_at_once,
    sweep_overrides,
    without_hydra,
)

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.storages import JournalStorage
    from optuna.trial import FrozenTrial

OPTUNA = "optuna"
"""The choice of `hydra/sweeper`."""
BATCH = 8
"""How many candidates are proposed at once, if the launcher does not run more."""
WINNER = "winner"
"""The folder of the job that trains the best candidate on fresh seeds."""
CANDIDATES_ALONE = (
    "rules=[]",
    "probes=[]",
    "metrics=[]",
    "tracking.cohort=false",
    "tracking.model=false",
    f"study.stage={TUNING}",
)
"""Overrides of candidates: nothing is measured on test data, and no weights are kept."""
RETRIES = "retries"
"""Attribute of a trial: the number of the one that failed with the same values."""


@dataclass(frozen=True)
class Proposal:
    """A job that a search asks for.

    Attributes:
        folder: its name in the folder of the sweep.
        name: what it is called until its condition is known.
        overrides: its own, all of them.
    """

    folder: str
    name: str
    overrides: list[str]


def is_search(config: DictConfig) -> bool:
    """Whether a sweep is a search.

    Args:
        config: Hydra's configuration of the sweep.
    """
    return str(config.hydra.runtime.choices["hydra/sweeper"]) == OPTUNA


class OpenSearch:
    """A search that this process works on; as a context manager, it keeps other processes out.

    Args:
        config: Hydra's configuration of the sweep.

    Raises:
        ConfigError: there is no interval, a limit cannot be used, or seeds of candidates would
            judge the winner.
    """

    def __init__(self, config: DictConfig) -> None:
        self._options: Search = read_search(config.hydra.sweeper)
        self._space: Space = read_space(sweep_overrides(config), config)
        self._is_dry = bool(config.dry_run)
        self._batch = self._options.batch or max(
            BATCH, jobs_at_once(config, self._options.n_trials) or 1
        )
        self._open: dict[str, int] = {}
        self._failed = 0
        self._winner: FrozenTrial | None = None
        self._held = ExitStack()

        first = self._check(config)
        self.name = f"{first.study.name}-{self._digest(first)}"
        self._arm = first.study.arm or f"search {self.name.rpartition('-')[2][:6]}"
        self._study: Study

    def _check(self, config: DictConfig) -> Config:
        """The first candidate on the seeds of the winner, once both ends of all axes are checked.

        Raises:
            ConfigError: an end cannot be used, seeds are shared, folders have other names, or a
                part of the candidates is asked for.
        """
        for key in ("sample", "only_failed"):
            if config[key]:
                raise ConfigError(
                    f"{key}={config[key]} cannot be used with hydra/sweeper=optuna: "
                    "hydra.sweeper.n_trials says how many candidates there are, and the same "
                    "command tries those again that failed."
                )

        sweep = cast("dict[str, str]", OmegaConf.to_container(config.hydra.sweep))
        subdir = sweep["subdir"]
        if subdir != JOB_NUMBER:
            raise ConfigError(
                f"hydra.sweep.subdir={subdir} cannot be used with hydra/sweeper=optuna, which "
                "calls the folders of its jobs by their numbers."
            )

        ends = [self._space.condition(self._space.corner(is_high)) for is_high in (True, False)]
        last, first = (read_config(without_hydra(compose_job(config, end))) for end in ends)
        self._check_axes(identity(first, TRAINING), identity(last, TRAINING))
        shared = sorted({*first.seeds, *last.seeds}.intersection(self._options.seeds))
        if shared:
            raise ConfigError(
                f"hydra.sweeper.seeds={self._options.seeds} cannot be used: {shared} are among "
                f"seeds={first.seeds}; what is chosen with a seed must not be judged by it."
            )

        return first

    def _check_axes(self, first: Mapping[str, Any], last: Mapping[str, Any]) -> None:
        """Refuse to search what is no part of training.

        Args:
            first: the identity of what is trained at the one end of all axes.
            last: likewise at the other end.

        Raises:
            ConfigError: naming the key.
        """
        for key, axis in self._space.axes.items():
            if isinstance(axis, Interval) and first.get(key) == last.get(key):
                raise ConfigError(
                    f"{key} cannot be searched: candidates are judged on validation data, and it "
                    "changes nothing that is trained."
                )

    def _digest(self, config: Config) -> str:
        """Twelve hexadecimal digits that name what is searched.

        Args:
            config: any candidate.
        """
        fixed = identity(config, TRAINING)
        searched = {key.lstrip("+"): repr(axis) for key, axis in self._space.axes.items()}
        what = {
            "fixed": {key: value for key, value in fixed.items() if key not in searched},
            "searched": searched,
            "seeds": self._options.seeds,
            "sampler": [self._options.sampler, self._options.sampler_seed],
            "store": masked(absolute(config.tracking.uri)),
        }
        text = json.dumps(what, sort_keys=True, default=str)

        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def searched(self) -> str:
        """The keys that are searched."""
        return ", ".join(self._space.axes)

    @property
    def total(self) -> int:
        """How many jobs there will be from here on: missing candidates, and the winner."""
        return self._missing + 1

    @property
    def _missing(self) -> int:
        complete = len(self._trials("COMPLETE"))
        return max(0, self._options.n_trials - complete - self._failed)

    def __enter__(self) -> Self:
        """Open the file of the search.

        Raises:
            ConfigError: another process works on the search.
        """
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        file = Path(self._options.folder) / f"{self.name}.journal"

        with self._held:
            self._study = self._copy(file) if self._is_dry else self._load(file)
            self._repeat_failed()
            self._held = self._held.pop_all()

        if known := len(self._trials("COMPLETE")):
            print(f"{known} of {self._options.n_trials} candidates are known, from {file}")

        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def _copy(self, file: Path) -> "Study":
        """What is known of the search, in memory: a dry run leaves the file as it is."""
        import optuna

        study = optuna.create_study(study_name=self.name)

        if file.exists():
            study.add_trials(optuna.load_study(study_name=self.name, storage=_storage(file)).trials)

        return study

    def _load(self, file: Path) -> "Study":
        """The search in its file, locked against other processes and mended after a crash.

        Raises:
            ConfigError: another process works on it.
        """
        import optuna

        file.parent.mkdir(parents=True, exist_ok=True)

        try:
            self._held.enter_context(filelock.FileLock(f"{file}.start").acquire(timeout=0))
        except filelock.Timeout:
            raise ConfigError(
                f"This search is at work in another process, which holds {file}: wait until it "
                "has ended, or search something else."
            ) from None

        _mend(file)

        return optuna.create_study(
            storage=_storage(file), study_name=self.name, load_if_exists=True
        )

    def _repeat_failed(self) -> None:
        """Have Optuna propose again what has failed in earlier starts.

        A process that was killed may have left a candidate without all of its values.
        """
        from optuna.trial import TrialState

        for trial in self._trials("RUNNING"):
            if not self._is_whole(trial):
                self._study.tell(trial.number, state=TrialState.FAIL)

        repeated = {trial.user_attrs.get(RETRIES) for trial in self._study.trials}

        for trial in filter(self._is_whole, self._trials("FAIL")):
            if trial.number not in repeated:
                self._study.enqueue_trial(trial.params, user_attrs={RETRIES: trial.number})

    def _is_whole(self, trial: "FrozenTrial") -> bool:
        return trial.params.keys() == self._space.axes.keys()

    def _trials(self, state: str) -> "list[FrozenTrial]":
        from optuna.trial import TrialState

        return self._study.get_trials(deepcopy=False, states=(TrialState[state],))

    def next_round(self) -> list[Proposal]:
        """The candidates to train next, or the winner once all are known; then nothing.

        Raises:
            ConfigError: every candidate diverged.
        """
        if self._winner:
            return []

        count = min(self._batch, self._missing)
        proposals = self._candidates(count) if count else []

        if proposals and self._is_dry:
            first = self._trials("RUNNING")[0]
            return [*proposals, self._proposed_winner(first)]

        return proposals or self._last_round()

    def _candidates(self, count: int) -> list[Proposal]:
        """Candidates that an earlier start has begun, then new ones."""
        trials = {trial.number: trial.params for trial in self._trials("RUNNING")[:count]}
        # A sampler that began anew with the same seed would propose the same candidates again.
        self._study.sampler = _sampler(
            self._options, f"{self._options.sampler_seed} {len(self._study.trials)}"
        )
        distributions = {key: _distribution(axis) for key, axis in self._space.axes.items()}

        while len(trials) < count:
            trial = self._study.ask(distributions)
            trials[trial.number] = trial.params

        self._open = {str(number): number for number in trials}

        return [self._proposed(number, values) for number, values in sorted(trials.items())]

    def _proposed(self, number: int, values: Mapping[str, Any]) -> Proposal:
        own = [
            f"seeds={self._options.seeds}".replace(" ", ""),
            f"study.arm={as_typed(self._arm)}",
            f"study.candidate={number}",
            *CANDIDATES_ALONE,
        ]
        overrides = self._space.condition(values, own, without=NOT_SEARCHED)

        return Proposal(str(number), " ".join(self._space.searched(values)), overrides)

    def _last_round(self) -> list[Proposal]:
        complete = self._trials("COMPLETE")
        if not complete:
            return []

        self._open = {}
        self._winner = min(complete, key=lambda trial: (trial.value, trial.number))
        if self._winner.value == math.inf:
            raise ConfigError("All candidates of the search diverged; search smaller rates.")

        return [self._proposed_winner(self._winner)]

    def _proposed_winner(self, trial: "FrozenTrial") -> Proposal:
        """The winner on the seeds that were typed, with the rules and probes that were typed."""
        values = self._values(trial)
        own = [
            f"study.arm={as_typed(self._arm)}",
            f"study.stage={FINAL}",
            chosen_as_typed({self._arm: values}),
        ]
        overrides = self._space.condition(trial.params, own, without=["study.arm"])

        return Proposal(WINNER, " ".join(self._space.searched(trial.params)), overrides)

    def _values(self, trial: "FrozenTrial") -> dict[str, Any]:
        """Key -> value of what was searched, as it was trained."""
        typed = parse_overrides(self._space.searched(trial.params))
        return {each.key_or_group: each.value() for each in typed}

    def tell(self, jobs: Mapping[str, Job]) -> None:
        """Tell Optuna what became of the candidates of the round.

        Args:
            jobs: those that have begun, by the names of their folders.
        """
        from optuna.trial import TrialState

        for folder, number in self._open.items():
            error = self._validation_error(jobs.get(folder))

            if error is None:
                self._failed += 1
                self._study.tell(number, state=TrialState.FAIL)
            else:
                self._study.tell(number, error)

        self._open = {}

    def _validation_error(self, job: Job | None) -> float | None:
        """What a candidate is judged by: the mean over its seeds; None if the job failed."""
        is_done = job is not None and job.state in (JobState.DONE, JobState.SKIPPED)
        if job is None or not is_done or len(job.validation) != len(self._options.seeds):
            return None

        return sum(job.validation) / len(job.validation)

    def lines(self, jobs: Mapping[str, Job]) -> list[str]:
        """How the search ended, or how long it would take.

        Args:
            jobs: by the names of their folders.
        """
        if self._is_dry:
            return self._plan(jobs)

        winner = self._winner
        if winner is None or winner.value is None:
            return []

        seeds = ", ".join(map(str, self._options.seeds))
        overrides = [*self._space.fixed.values(), *self._space.searched(winner.params)]
        lines = [
            f"Best of {len(self._trials('COMPLETE'))} candidates, number {winner.number}: "
            f"{winner.value:.2f} % validation error on the seeds {seeds}."
        ]

        fresh = jobs[WINNER].validation if WINNER in jobs else []
        if fresh and math.inf not in fresh:
            error = sum(fresh) / len(fresh)
            lines.append(
                f"On seeds that did not choose it: {error:.2f} % validation error; test errors "
                "are in the table."
            )

        lines.append(f"It is: {command('train')} {shlex.join(overrides)}")

        return lines

    def _plan(self, jobs: Mapping[str, Job]) -> list[str]:
        """What the jobs of a dry run say of the whole search."""
        from dropout_study.running.progress import duration

        shown = [job.estimate for folder, job in jobs.items() if folder != WINNER]
        if not shown:
            return []

        seconds = sum(shown) / len(shown) * self._missing
        seconds += jobs[WINNER].estimate if WINNER in jobs else 0.0

        return [
            f"These are the first of {self._missing} candidates, and the winner as if it were the "
            f"first of them; all of the search takes about {duration(seconds)}."
        ]


def _distribution(axis: Interval | Choices) -> "BaseDistribution":
    """An axis as Optuna has it."""
    from optuna import distributions

    match axis:
        case Choices(values=values):
            return distributions.CategoricalDistribution(values)
        case Interval(is_whole=True):
            return distributions.IntDistribution(
                int(axis.low), int(axis.high), log=axis.is_logarithmic
            )
        case _:
            return distributions.FloatDistribution(axis.low, axis.high, log=axis.is_logarithmic)


def _sampler(options: Search, seed: str) -> "BaseSampler":
    """What proposes the candidates of a round."""
    from optuna import samplers

    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4])

    if options.sampler == "random":
        return samplers.RandomSampler(number)

    # Candidates of one round count as bad ones to each other, so that they differ.
    return samplers.TPESampler(seed=number, multivariate=True, constant_liar=True)


def _storage(file: Path) -> "JournalStorage":
    """Optuna's view of a file: a line per change, fifteen times as fast as SQLite."""
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    return JournalStorage(JournalFileBackend(str(file)))


def _mend(file: Path) -> None:
    """Remove what a process that was killed may have left: half a line, and Optuna's lock."""
    Path(f"{file}.lock").unlink(missing_ok=True)

    if not file.exists():
        return

    content = file.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(file, whole)
