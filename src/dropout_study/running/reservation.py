"""The start of a run: its record, and the seeds that it reserves."""

import dataclasses
import logging
import re
import shlex
from pathlib import Path

import torch
from omegaconf import OmegaConf

from dropout_study.config import condition
from dropout_study.config.choices import names_of_choices
from dropout_study.config.data_set import facts_of
from dropout_study.config.folder import command
from dropout_study.config.names import FINAL
from dropout_study.config.overrides import as_typed
from dropout_study.config.parts import TERM, parts_used
from dropout_study.config.schema import Config
from dropout_study.config.uri import masked
from dropout_study.running.job_log import LOG_FILE
from dropout_study.running.shared_arms import candidate_of
from dropout_study.tracking import provenance, recorder, tags
from dropout_study.tracking.lookup import look_up
from dropout_study.tracking.own_tags import own_tags
from dropout_study.tracking.record import RECORD_FILE, Record, SeedRecord
from dropout_study.tracking.store import UNREACHABLE, Store
from dropout_study.tracking.stored_cohorts import (
    CONFIG_FILE,
    MODEL_FOLDER,
    PLUGIN_FOLDER,
    WEIGHTS_FILE,
)
from dropout_study.training.data_module import DataModule

log = logging.getLogger(__name__)

GROUPS = ("data", "model", "optimizer", "schedule")
"""The groups of the configuration whose choice is the name of what is in it."""


class Taken(Exception):
    """Another process has begun to train some of the seeds."""


def new_record(
    config: Config, data: DataModule, device: torch.device, sweep: Path | None, store: Store
) -> Record:
    """The record of a run that is about to start.

    Args:
        config: the condition and its seeds.
        data: the examples of each seed.
        device: where the arithmetic is done.
        sweep: the folder of the sweep that the run belongs to.
        store: takes the run.
    """
    digests = data.digests()
    data_digest = condition.combined_digest(digests)
    train_size = data.subsets.shape[1]
    artifacts = [CONFIG_FILE, LOG_FILE, RECORD_FILE]
    if config.tracking.cohort:
        artifacts.append(WEIGHTS_FILE)
    if config.tracking.model:
        artifacts.append(MODEL_FOLDER)

    return Record(
        experiment=config.study.name,
        description=config.study.title,
        name=_name(config),
        params=condition.flat_params(config) | {"data.train_size": str(train_size)},
        tags=_condition_tags(config, sweep, data_digest)
        | provenance.tags(device)
        | _command_tag(config),
        dataset=_dataset(config, data, data_digest),
        seeds=[
            SeedRecord(seed, digest) for seed, digest in zip(config.seeds, digests, strict=True)
        ],
        artifacts=artifacts,
        store=store.shown,
    )


def _name(config: Config) -> str:
    """The name of the condition, with the stage of its study if that is not the final one."""
    name = condition.condition_name(config)
    return name if config.study.stage == FINAL else f"{name}, {config.study.stage}"


def save_config(config: Config, folder: Path) -> None:
    """Write the configuration without passwords into the folder of a run, for `load_config`."""
    content = OmegaConf.create(dataclasses.asdict(config))
    content.tracking.uri = masked(config.tracking.uri)
    OmegaConf.save(content, folder / CONFIG_FILE)


def save_sources(config: Config, folder: Path) -> list[str]:
    """Write the source of the plug-ins that a condition uses into the folder of a run.

    Returns:
        The name of the folder that holds it, if any is used.
    """
    texts = {name: text for part in parts_used(config) for name, text in part.source.texts.items()}

    for name, text in texts.items():
        file = folder / PLUGIN_FOLDER / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    return [PLUGIN_FOLDER] if texts else []


def reserve(config: Config, record: Record, folder: Path, store: Store) -> str | None:
    """Record a run as begun, so that other processes leave its seeds alone; return the run's id.

    None means that the store is away, and takes the run later.

    Raises:
        Taken: another process was faster; nothing was recorded.
    """
    try:
        with store.lock():
            if not config.rerun:
                _refuse_taken(config, record, store)

            if record.resumed and recorder.is_deleted_record(record, store):
                record.begin_anew()

            record.save(folder)
            return recorder.record(folder, store)
    except UNREACHABLE as error:
        reason = masked(str(error))
        log.warning("the store does not take the run now, and will get it later: %s", reason)
        record.save(folder)
        return None


def _refuse_taken(config: Config, record: Record, store: Store) -> None:
    """Look once more whether all seeds are missing, now that the store is locked.

    Raises:
        Taken: they are not.
    """
    recorded = look_up(store, config.study.name, record.tags[tags.CONDITION_DIGEST])
    if recorded.missing(config.seeds) != config.seeds:
        raise Taken


def _dataset(config: Config, data: DataModule, digest: str) -> dict[str, str | int]:
    """Name, digest and source of the data, and the number of training examples."""
    return {
        "name": config.data.name,
        "digest": digest,
        "source": facts_of(config.data).source,
        "train_size": data.subsets.shape[1],
    }


def _command_tag(config: Config) -> dict[str, str]:
    """The command that trains a condition again.

    There is none where the cohorts of a study are evaluated, which a sweep alone can do.
    """
    if config.study.cohorts_from:
        return {}

    typed = [command("train"), *map(shlex.quote, overrides_of(config)), "rerun=true"]

    return {tags.COMMAND: " ".join(typed)}


def overrides_of(config: Config) -> list[str]:
    """What one types for a condition and its seeds: all that it sets apart from the defaults."""
    departures = dict(condition.departures(config))
    choices = [(group, departures.pop(f"{group}.name", None)) for group in GROUPS]
    chosen = [f"plugins={_typed(config.plugins)}"] if config.plugins else []
    chosen += [f"{group}={name}" for group, name in choices if name]
    chosen += [f"{TERM}={_typed(sorted(config.terms))}"] if config.terms else []
    departures |= {"study.name": config.study.name, "seeds": config.seeds}

    if config.study.stage != FINAL:
        departures["study.stage"] = config.study.stage

    if config.budget.name in names_of_choices("budget"):
        chosen.append(f"budget={config.budget.name}")

    return [*chosen, *(f"{key}={_typed(value)}" for key, value in departures.items())]


def _typed(value: object) -> str:
    """A value as one types it, without quotes and blanks where it needs none."""
    if isinstance(value, list):
        return f"[{','.join(map(_typed, value))}]"

    is_word = isinstance(value, str) and re.fullmatch(r"[A-Za-z]\w*", value, re.ASCII)

    return str(value) if is_word else as_typed(value)


def _condition_tags(config: Config, sweep: Path | None, data_digest: str) -> dict[str, str]:
    """Tags that say what is trained, and as a part of what."""
    labels = {
        tags.ERA: str(condition.ERA),
        tags.CONDITION_DIGEST: condition.condition_digest(config),
        tags.DATA_DIGEST: data_digest,
        tags.TRAINING_DIGEST: condition.training_digest(config),
        tags.BUDGET: config.budget.name,
        tags.STAGE: config.study.stage,
    }

    if config.study.arm:
        labels[tags.ARM] = config.study.arm

        if (candidate := candidate_of(config.study)) is not None:
            labels[tags.CANDIDATE] = str(candidate)

    if config.rerun:
        labels[tags.RERUN] = "true"

    if sweep and (sweep / RECORD_FILE).exists():
        labels[tags.SWEEP] = Record.load(sweep).id

    return own_tags(config.note, config.tags) | labels
