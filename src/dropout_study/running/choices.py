"""What tuning has chosen, read from the store before Hydra starts, so that every job gets it.

The candidates of an arm are composed, and looked for in the store by their digests: what the store
holds of other grids, or of other settings that were typed, plays no part.
"""

import json
import re
import shlex
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from omegaconf import DictConfig, OmegaConf

from dropout_study.config.condition import training_digest
from dropout_study.config.folder import command
from dropout_study.config.names import TUNING
from dropout_study.config.overrides import (
    as_typed,
    expand_sweep,
    is_override,
    parse_overrides,
    with_overrides,
)
from dropout_study.config.read import read_config
from dropout_study.config.schema import Config, ConfigError
from dropout_study.config.studies import Study
from dropout_study.running.bottom_line import BOTTOM_LINE
from dropout_study.running.command_line import (
    Place,
    asks_to_train,
    find_study,
    place_of,
    typed_overrides,
)
from dropout_study.running.compose_cache import composer_of
from dropout_study.running.explain import explain
from dropout_study.running.shared_arms import note_arm

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import Run
    from rich.table import Table

    from dropout_study.analysis.tuning import Edge

DECLARED = re.compile(r"\$\{(?:tried|drawn|drawn_evenly):\s*([\w.]+)\s*,")
"""How an arm says which key is tuned."""
MAX_EXTENSIONS = 10
"""How many further candidates an arm may get: a factor of 1,000 in steps of 2."""
OWN_KEYS = ("study", "study.stage", "budget", "data", "rerun", "dry_run")
"""What does not bear on the candidates beyond the study that is found by them."""
JSON_ESCAPES = {"\\\\": "\\u005c", '\\"': "\\u0022", "'": "\\u0027", "$": "\\u0024"}
"""What Hydra would read as an escape, a quote or an interpolation -> the same to JSON."""

TrainedRuns: TypeAlias = "Mapping[str, Mapping[int, Run]]"
"""Digest of what is trained -> seed -> run."""


@dataclass(frozen=True)
class Candidate:
    """One of an arm's settings.

    Attributes:
        number: in the arm, from 0.
        values: key -> value of what is tuned.
        config: its condition.
    """

    number: int
    values: dict[str, Any]
    config: Config

    @property
    def digest(self) -> str:
        """The digest of what is trained."""
        return training_digest(self.config)

    def runs(self, recorded: TrainedRuns) -> "list[Run]":
        """The runs of the networks that it is judged by, as far as they are recorded."""
        of_seeds = recorded.get(self.digest, {})
        return [of_seeds[seed] for seed in self.config.seeds if seed in of_seeds]


@dataclass
class Arm:
    """The tuning of an arm.

    Attributes:
        name: as `study.arm` says.
        candidates: those that belong to it now; the last one may be missing in the store.
        errors: number -> mean validation error in percent, of those whose seeds are all recorded;
            infinite where a network diverged.
        edge: the choice lies on one, and there is a further candidate; none if it is interior.
    """

    name: str
    candidates: list[Candidate]
    errors: dict[int, float] = field(default_factory=dict)
    edge: "Edge | None" = None

    @property
    def missing(self) -> list[Candidate]:
        """The candidates that are not completely recorded."""
        return [each for each in self.candidates if each.number not in self.errors]

    @property
    def best(self) -> Candidate:
        """The candidate with the lowest validation error; the first of several equal ones."""
        return self.candidates[min(self.errors, key=lambda number: self.errors[number])]


@dataclass
class Tuning:
    """The tuning of all arms of a study.

    Attributes:
        study: in the stage `tuning`.
        arms: those that tune something.
        command: what runs the tuning.
        recorded: the runs of the study's networks.
    """

    study: Study
    arms: list[Arm]
    command: str
    recorded: TrainedRuns

    @property
    def is_begun(self) -> bool:
        """Whether every candidate of the study's grid is recorded."""
        initial = self.study.candidates
        return not any(each.number < initial for arm in self.arms for each in arm.missing)

    @property
    def open_arms(self) -> list[Arm]:
        """The arms with the fewest candidates among those whose choice lies on an edge."""
        extended = [arm for arm in self.arms if arm.edge]
        fewest = min((len(arm.candidates) for arm in extended), default=0)

        return [arm for arm in extended if len(arm.candidates) == fewest]

    @property
    def is_settled(self) -> bool:
        """Whether every arm has a choice that lies on no edge."""
        return self.is_begun and not self.open_arms

    @property
    def chosen(self) -> str:
        """The best candidate of every arm so far, as an override of `study.chosen`."""
        return chosen_as_typed({arm.name: arm.best.values for arm in self.arms if arm.errors})

    @property
    def extension(self) -> list[str]:
        """The overrides that train the further candidates of the open arms."""
        candidates = {arm.name: arm.candidates[-1] for arm in self.open_arms}
        (number,) = {candidate.number for candidate in candidates.values()}
        values = {name: candidate.values for name, candidate in candidates.items()}

        return [f"study.candidate={number}", chosen_as_typed(values)]

    @property
    def next_round(self) -> list[str]:
        """The overrides that train what is missing: the grid, or else its extension."""
        if self.is_begun:
            return self.extension

        return [f"study.candidate={self.study.grid['study.candidate']}"]


def chosen_as_typed(chosen: Mapping[str, Mapping[str, Any]]) -> str:
    """An override of `study.chosen`, which Hydra and its launchers pass on as it is.

    >>> print(chosen_as_typed({"dropout + L2": {"optimizer.lr": 0.001}}))
    study.chosen='{"dropout + L2": {"optimizer.lr": 0.001}}'

    Args:
        chosen: arm -> key -> value.
    """
    text = json.dumps(chosen)

    for written, escaped in JSON_ESCAPES.items():
        text = text.replace(written, escaped)

    return f"study.chosen={as_typed(text)}"


def add_choices(arguments: Sequence[str], typed: Sequence[str], conf: Path) -> list[str] | None:
    """A command line with what its study's tuning has chosen, or with what it has yet to train.

    | stage | what the store holds | what is added |
    | --- | --- | --- |
    | tuning | not every candidate of the grid | nothing: the grid is run |
    | tuning | choices on edges | further candidates of their arms |
    | tuning | interior choices | None: there is nothing to run; a table shows the choices |
    | another | interior choices | they are |
    | another | less | nothing in a dry run; else it is refused |

    Nothing is added if `study.candidate` or `study.chosen` is typed.

    Args:
        arguments: everything behind the script's name, completed with the sweep of its study.
        typed: the same before that.
        conf: the folder of the configuration.

    Raises:
        ConfigError: the study has to be tuned first.
    """
    study = find_study(arguments, conf) if asks_to_train(arguments) else None
    overrides = typed_overrides(typed)
    if study is None or study.tuned is None:
        return list(arguments)

    if "study.candidate" in overrides or "study.chosen" in overrides:
        return list(arguments)

    BOTTOM_LINE.say("reading what tuning has chosen")
    tuning = find_tuning(study, typed, place_of(arguments, conf))
    is_dry = _is_true(overrides, "dry_run")

    if not is_dry:
        note_arms(tuning)

    if study.stage == TUNING:
        return _tuning_arguments(arguments, tuning, _is_true(overrides, "rerun"))

    if not tuning.is_settled and not is_dry:
        raise ConfigError(_refusal(tuning))

    if not tuning.is_settled:
        print("The study is not tuned yet: these times are those of its first candidates.")
        return list(arguments)

    return with_overrides(arguments, [tuning.chosen])


def _tuning_arguments(
    arguments: Sequence[str], tuning: Tuning, is_forced: bool
) -> list[str] | None:
    """The command line of the stage `tuning`; None if there is nothing to train."""
    if is_forced or not tuning.is_begun:
        return list(arguments)

    if tuning.is_settled:
        from dropout_study.running.terminal import print_table

        print_table(table_of_choices(tuning))
        return None

    print_extensions(tuning)
    others = [argument for argument in arguments if not argument.startswith("study.candidate=")]

    return with_overrides(others, tuning.extension)


def print_extensions(tuning: Tuning) -> None:
    """Say which arms get a further candidate, and why."""
    for arm in tuning.open_arms:
        print(
            f"{arm.name}: {_edge_in_words(arm)}; candidate {arm.candidates[-1].number} extends it",
            flush=True,
        )


def _refusal(tuning: Tuning) -> str:
    """Why the later stages of a study cannot be run."""
    if not tuning.is_begun:
        return f"study={tuning.study.name} is tuned first: {tuning.command}"

    edges = "; ".join(f"the choice of {arm.name!r}, {arm.edge}" for arm in tuning.open_arms)

    return (
        f"study={tuning.study.name} cannot be run yet: on the edge of its grid lies {edges}; "
        f"run the tuning again, which extends it: {tuning.command}"
    )


def _edge_in_words(arm: Arm) -> str:
    return f"its choice {arm.edge} lies on the edge of its candidates"


def table_of_choices(tuning: Tuning) -> "Table":
    """Every arm with its choice, the validation error, and the number of candidates."""
    from rich.table import Table

    caption = "chosen by the mean validation error over the tuning seeds"
    table = Table(title=f"{tuning.study.name}: tuning is settled", caption=caption)

    for heading in ("arm", "choice"):
        table.add_column(heading)
    for heading in ("validation error %", "candidates"):
        table.add_column(heading, justify="right")

    for arm in tuning.arms:
        values = ", ".join(f"{key}={value}" for key, value in arm.best.values.items())
        error = arm.errors[arm.best.number]
        table.add_row(arm.name, values, f"{error:.2f}", str(len(arm.candidates)))

    return table


def find_tuning(study: Study, typed: Sequence[str], place: Place) -> Tuning:
    """How far the tuning of a study is.

    Args:
        study: at a budget, on a data set.
        typed: what was typed behind the script's name. In a later stage, overrides of what depends
            on the stage do not bear on tuning: they would be other updates and seeds.
        place: where the configuration is.

    Raises:
        ConfigError: an arm stands for several conditions, all of its candidates diverged, or its
            grid cannot be extended.
    """
    assert study.tuned
    tuned = study.tuned.at(study.budget, study.data, TUNING)
    further = _further_overrides(tuned, typed, is_tuning=study.stage == TUNING)
    composed = _compose_arms(tuned, further, place)
    recorded = _recorded_runs(tuned, composed)
    arms = [_tune(arm, composed[arm], tuned, recorded) for arm in composed]
    flags = [argument for argument in typed if not is_override(argument)]

    typed_again = _command([*(flags or ["-m"]), *_overrides(tuned), *further])

    return Tuning(tuned, arms, typed_again, recorded)


def note_arms(tuning: Tuning) -> None:
    """Note every arm on its recorded candidates: those of another arm may have no job that does."""
    for arm in tuning.arms:
        for candidate in arm.candidates:
            note_arm(candidate.config, candidate.runs(tuning.recorded))


def _further_overrides(tuned: Study, typed: Sequence[str], is_tuning: bool) -> list[str]:
    """What was typed besides study, budget, data and stage, and bears on tuning."""
    own = list(OWN_KEYS)
    if not is_tuning:
        own += ["seeds", "budget.updates"]
        own += [key for key, text in tuned.grid.items() if "study.stage" in text]

    return [
        override.input_line
        for key, override in typed_overrides(typed).items()
        if key not in own and not key.startswith("hydra") and override.input_line
    ]


def _compose_arms(tuned: Study, further: Sequence[str], place: Place) -> dict[str, DictConfig]:
    """The configuration of every arm that tunes something, by its name.

    Raises:
        ConfigError: two conditions have the name of one arm.
    """
    own = ("study.stage", "study.candidate")
    grid = {key: text for key, text in tuned.grid.items() if key not in own}
    replaced = typed_overrides([*_overrides(tuned), *further])
    quoted = [as_typed(folder) for folder in place.folders]
    searched = (f"hydra.searchpath=[{','.join(quoted)}]",) if quoted else ()
    lines = _overrides(tuned)
    lines += [f"{key}={text}" for key, text in grid.items() if key.lstrip("+") not in replaced]
    arms: dict[str, DictConfig] = {}
    conditions: dict[str, tuple[str, ...]] = {}

    every = _compose_all((*lines, *further), place.conf, place.config, searched)
    for overrides, composed in every:
        if not _declared_keys(composed):
            continue

        name = str(composed.study.arm)
        if name in arms:
            raise ConfigError(_shared_name(name, conditions[name], overrides))

        arms[name] = composed
        conditions[name] = overrides

    return arms


@cache  # reproduce.py asks again after every round of tuning
def _compose_all(
    lines: tuple[str, ...], conf: Path, config: str, of_hydra: tuple[str, ...]
) -> list[tuple[tuple[str, ...], DictConfig]]:
    """The overrides and the configuration of every condition that a sweep stands for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Hydra will compose them again, and warn then
        composed = composer_of(conf, config, of_hydra)

        return [
            (tuple(overrides), composed(overrides))
            for overrides in expand_sweep(parse_overrides(lines))
        ]


def _shared_name(name: str, first: Sequence[str], second: Sequence[str]) -> str:
    """Why an arm cannot be tuned that stands for two conditions."""
    in_words = [
        " ".join(override for override in overrides if override not in others)
        for overrides, others in ((first, second), (second, first))
    ]

    return (
        f"study.arm={name!r} cannot be tuned: it stands for {' and for '.join(in_words)}; "
        "what is tuned apart needs names of its own."
    )


def _overrides(tuned: Study) -> list[str]:
    """The overrides that say what a study is tuned at."""
    overrides = [f"study={tuned.name}", f"study.stage={TUNING}", f"budget={tuned.budget}"]
    return [*overrides, f"data={tuned.data}"] if tuned.data else overrides


def _command(arguments: Sequence[str]) -> str:
    return f"{command('train')} {shlex.join(arguments)}"


def _declared_keys(composed: DictConfig) -> list[str]:
    """The keys that an arm tunes."""
    text = json.dumps(OmegaConf.to_container(composed, resolve=False))
    return list(dict.fromkeys(DECLARED.findall(text)))


def _recorded_runs(tuned: Study, composed: Mapping[str, DictConfig]) -> TrainedRuns:
    """Digest of what is trained -> seed -> run; empty where there is no store yet.

    Raises:
        ConfigError: the store cannot be read.
    """
    from dropout_study.tracking.lookup import trained_runs
    from dropout_study.tracking.store import UNREACHABLE, Store, first_line, quiet_mlflow

    quiet_mlflow()
    configs = list(composed.values())
    if not configs:
        return {}

    store = Store(configs[0].tracking.uri)
    if not store.exists:
        return {}

    seeds = {int(seed) for config in configs for seed in config.seeds}

    try:
        store.make_ready()
        return trained_runs(store, str(configs[0].study.name), sorted(seeds))
    except UNREACHABLE as error:
        raise ConfigError(
            f"tracking.uri={store.shown}: the choices of study={tuned.name} cannot be read: "
            f"{first_line(error)}"
        ) from error


def _tune(name: str, composed: DictConfig, tuned: Study, recorded: TrainedRuns) -> Arm:
    """How far the tuning of an arm is: its grid, then one candidate after another.

    Raises:
        ConfigError: all candidates diverged, or the next one cannot be trained.
    """
    from dropout_study.analysis.tuning import find_edge, next_candidate

    arm = Arm(name, [_candidate(composed, number) for number in range(tuned.candidates)])
    arm.errors = _mean_errors(arm.candidates, recorded)

    while not arm.missing:
        if arm.errors[arm.best.number] == float("inf"):
            raise ConfigError(f"study={tuned.name}: all candidates of {name!r} diverged.")

        settings = _settings(arm)
        arm.edge = find_edge(settings, arm.best.number, tuned.extend)
        values = next_candidate(settings, arm.best.number, tuned.extend)
        if values is None:
            break

        if len(arm.candidates) == tuned.candidates + MAX_EXTENSIONS:
            raise ConfigError(
                f"study={tuned.name}: {name!r} has {MAX_EXTENSIONS} further candidates, and "
                f"{_edge_in_words(arm)}; choose another grid for it."
            )

        arm.candidates.append(_next(composed, arm, values))
        arm.errors = _mean_errors(arm.candidates, recorded)

    return arm


def _settings(arm: Arm) -> "pd.DataFrame":
    """One row per candidate, one column per key that is tuned."""
    import pandas as pd

    return pd.DataFrame([each.values for each in arm.candidates], dtype=object)


def _mean_errors(candidates: Sequence[Candidate], recorded: TrainedRuns) -> dict[int, float]:
    """Number -> mean validation error of the candidates whose seeds are all recorded."""
    from dropout_study.tracking.lookup import validation_error

    means = {}

    for candidate in candidates:
        errors = [validation_error(run) for run in candidate.runs(recorded)]
        if len(errors) == len(candidate.config.seeds):
            means[candidate.number] = sum(errors) / len(errors)

    return means


def _next(composed: DictConfig, arm: Arm, values: dict[str, Any]) -> Candidate:
    """The candidate one step out.

    Raises:
        ConfigError: its values cannot be used.
    """
    number = len(arm.candidates)

    try:
        return _candidate(composed, number, json.dumps({arm.name: values}))
    except Exception as error:
        raise ConfigError(
            f"study.arm={arm.name!r}: {_edge_in_words(arm)}, and the next step cannot be taken: "
            f"{explain(error)}"
        ) from error


def _candidate(composed: DictConfig, number: int, chosen: str = "") -> Candidate:
    """A candidate of an arm.

    Args:
        composed: the configuration of the arm.
        number: of the candidate.
        chosen: its values as `study.chosen`, if the arm's grid does not have them.
    """
    composed.study.candidate = number
    composed.study.chosen = chosen
    config = read_config(composed)
    values = {key: _value(composed, key) for key in _declared_keys(composed)}

    return Candidate(number, values, config)


def _value(composed: DictConfig, key: str) -> Any:
    """The value of a key that is tuned; the entry of a list of one."""
    value = OmegaConf.select(composed, key)
    if value is None:
        raise ConfigError(
            f"study.arm={composed.study.arm!r}: {key} is tuned, but it is no key with a value."
        )

    if not OmegaConf.is_list(value):
        return value

    entries = cast("list[Any]", OmegaConf.to_container(value, resolve=True))

    return entries[0] if len(entries) == 1 else entries


def _is_true(overrides: Mapping[str, Any], key: str) -> bool:
    """Whether a switch is typed as true."""
    return key in overrides and overrides[key].value() is True
