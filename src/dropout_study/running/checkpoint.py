"""Resuming: the checkpoint of conditions that are trained together, and whose runs it continues.

Beside a checkpoint lies a file that says as which run each condition is recorded. So a training
that resumes is the same run in MLflow, whatever the folder of its job is called now.
"""

import dataclasses
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from dropout_study.config.condition import condition_digest
from dropout_study.config.schema import Config
from dropout_study.tracking import provenance, tags
from dropout_study.tracking.record import Record
from dropout_study.training.checkpoints import checkpoint_name, trained_in

log = logging.getLogger(__name__)

RUNS = ".runs.json"
"""Behind the name of a checkpoint: the file with its runs."""


@dataclass(frozen=True)
class InterruptedRun:
    """What a training has to know of the run that it continues.

    Attributes:
        id: that of its record.
        seeds: those that were trained.
        code: the digest of the code that computed it.
        started_ms: when it began, in milliseconds since the epoch.
        resumed: how often it was resumed before.
        paused_ms: how long it was interrupted before.
    """

    id: str
    seeds: list[int]
    code: str
    started_ms: int
    resumed: int
    paused_ms: int

    @classmethod
    def of(cls, record: Record) -> Self:
        """The run of a record, in case that it is interrupted."""
        return cls(
            id=record.id,
            seeds=[seed.seed for seed in record.seeds],
            code=record.tags[tags.CODE],
            started_ms=record.started_ms,
            resumed=record.resumed,
            paused_ms=record.paused_ms,
        )


@dataclass
class Checkpoint:
    """The checkpoint of conditions that are trained together, if there is one to resume from.

    Attributes:
        file: where it is, or will be written.
        conditions: digest -> condition, with all its seeds.
        trained: digest -> seeds, of the networks that it holds; empty if there is none.
        runs: digest -> the run that was interrupted, likewise.
    """

    file: Path
    conditions: dict[str, Config]
    trained: dict[str, list[int]] = field(default_factory=dict)
    runs: dict[str, InterruptedRun] = field(default_factory=dict)

    @classmethod
    def find(cls, pack: Sequence[Config], wanted: Sequence[Config]) -> Self:
        """Look for a checkpoint of some networks; put one aside that cannot be used.

        Args:
            pack: the conditions of all jobs that may be trained together, with all their seeds; a
                checkpoint is found by them, whatever has been recorded since.
            wanted: those of them that are to be trained, with the seeds that are missing.
        """
        file = Path(pack[0].checkpoint.folder) / checkpoint_name(*pack)
        checkpoint = cls(file, {condition_digest(config): config for config in pack})

        if pack[0].rerun:
            file.unlink(missing_ok=True)

        if file.exists():
            checkpoint._read(wanted)

        return checkpoint

    def _read(self, wanted: Sequence[Config]) -> None:
        """Find out which networks the checkpoint holds, and whose runs they are."""
        trained = trained_in(self.file)
        usable = trained is not None and trained.keys() <= self.conditions.keys()

        if trained is None or not usable or not _covers(trained, wanted):
            aside = self.file.replace(self.file.with_suffix(".damaged"))
            log.warning(
                "%s is damaged or of other networks; it is now %s, and training begins anew",
                *(self.file, aside.name),
            )
            return

        self.trained = trained
        self.runs = _read_runs(self._runs_file)

    @property
    def is_found(self) -> bool:
        """Whether there is something to resume from."""
        return bool(self.trained)

    @property
    def written_ms(self) -> int:
        """When the checkpoint was written, in milliseconds since the epoch."""
        return int(self.file.stat().st_mtime * 1000)

    def cohorts(self, wanted: Sequence[Config]) -> list[Config]:
        """The conditions to train: those in the checkpoint, or without one those that are wanted.

        Each has the seeds that are trained.
        """
        if not self.is_found:
            return list(wanted)

        return [
            dataclasses.replace(self.conditions[digest], seeds=seeds)
            for digest, seeds in self.trained.items()
        ]

    def resume(self, record: Record, config: Config) -> None:
        """Let a new record continue the run that was interrupted, if its training resumes.

        Other seeds are another run, and so is what the present code did not begin.

        Args:
            record: that of a condition.
            config: the condition, with the seeds to train.
        """
        run = self.runs.get(condition_digest(config)) if self.is_found else None

        if run is None or run.seeds != config.seeds:
            return

        if run.code != provenance.code():
            log.info("%s: begun by other code, and therefore recorded as another run", record.name)
            return

        record.resume(
            run.id,
            run.started_ms,
            resumed=run.resumed + 1,
            paused_ms=run.paused_ms + max(0, record.started_ms - self.written_ms),
        )

    def note_runs(self, records: Mapping[str, Record]) -> None:
        """Note as which run each condition is recorded, for a later start: digest -> record."""
        self.runs |= {digest: InterruptedRun.of(record) for digest, record in records.items()}
        text = json.dumps({digest: dataclasses.asdict(run) for digest, run in self.runs.items()})
        partial = self._runs_file.with_name(f"{self._runs_file.name}.partial")

        self.file.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        partial.replace(self._runs_file)

    def remove(self) -> None:
        """Remove the checkpoint of a training that is complete, and what was left beside it."""
        for path in self.file.parent.glob(f"{self.file.name}*"):
            path.unlink(missing_ok=True)

    @property
    def _runs_file(self) -> Path:
        return self.file.with_name(f"{self.file.name}{RUNS}")


def _read_runs(file: Path) -> dict[str, InterruptedRun]:
    """The runs beside a checkpoint; none if there is no such file, or if it is damaged."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return {digest: InterruptedRun(**run) for digest, run in content.items()}
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return {}


def _covers(trained: Mapping[str, Sequence[int]], wanted: Sequence[Config]) -> bool:
    """Whether all wanted networks are among those that are trained."""
    return all(
        set(config.seeds) <= set(trained.get(condition_digest(config), [])) for config in wanted
    )
