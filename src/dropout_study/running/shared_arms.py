"""Note on recorded networks that a further arm of their study has come to their settings.

Imports neither torch nor MLflow.
"""

import hashlib
import json
import logging
from typing import TYPE_CHECKING

from dropout_study.config.names import FINAL, TUNING
from dropout_study.config.schema import Config, StudyConfig
from dropout_study.config.uri import masked
from dropout_study.tracking import tags

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mlflow.entities import Run

log = logging.getLogger(__name__)


def candidate_of(study: StudyConfig) -> int | None:
    """Which candidate of its arm a condition is; None where tuning has chosen the settings."""
    is_chosen = bool(study.chosen) and study.stage != TUNING
    return None if is_chosen else study.candidate


def note_arm(config: Config, runs: "Iterable[Run]") -> None:
    """Tag recorded runs of a condition with its arm, where they are of another arm of the stage.

    Each arm has a tag of its own, so that two processes can tag a run at the same time.

    Args:
        config: the condition.
        runs: of its seeds, as they were just read.
    """
    arm = config.study.arm
    if not arm:
        return

    tag = _tag(arm)

    for run in runs:
        labels = run.data.tags
        is_of_stage = labels.get(tags.STAGE, FINAL) == config.study.stage
        if is_of_stage and labels.get(tags.ARM) != arm and tag not in labels:
            noted = json.dumps([arm, candidate_of(config.study)])
            _set_tag(config.tracking.uri, run.info.run_id, tag, noted)


def _set_tag(uri: str, run: str, tag: str, text: str) -> None:
    """Tag a run, unless the store has gone: the same command notes the arm again."""
    from dropout_study.tracking.store import UNREACHABLE, Store

    try:
        Store(uri).client.set_tag(run, tag, text)
    except UNREACHABLE as error:
        log.warning("an arm could not be noted on the run %s: %s", run, masked(str(error)))


def further_arms(cell: str) -> dict[str, str]:
    """The tags that a cell of the column `also` stands for (see `analysis.arms`)."""
    return {_tag(arm): json.dumps([arm, number]) for arm, number in json.loads(cell)}


def _tag(arm: str) -> str:
    """Its name may have characters that the names of tags cannot have."""
    return tags.ALSO + hashlib.sha256(arm.encode()).hexdigest()[:8]
