"""Training that is asked to stop."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from dropout_study.config.schema import Config
from dropout_study.data.datasets import load_images
from dropout_study.running.run import quiet
from dropout_study.running.stopping import EndsReport, StopAtCheckpoint
from dropout_study.system.termination import Stopped
from dropout_study.training.build import make_network
from dropout_study.training.checkpoints import Checkpointing, trained_in
from dropout_study.training.data_module import DataModule
from dropout_study.training.module import CohortTraining
from dropout_study.training.trainer import make_trainer, train

Make = Callable[..., Config]
SMALL = ("budget=smoke", "model.widths=[4]", "seeds=[0]", "trainer=cpu")


class Training:
    """A cohort that is trained in a folder until it is asked to stop after some looks.

    Attributes:
        file: of its checkpoint.
        updates: with which it was reported to begin and to end.
        module: its networks.
    """

    def __init__(self, config: Config, folder: Path, looks: int | None, resume: bool) -> None:
        self.file = folder / "run.ckpt"
        self.updates: list[int] = []
        self._left = looks
        images = load_images(config.data)
        network = make_network(config, images.inputs, images.classes)
        checkpointing = Checkpointing(self.file, seconds=1e9, trained={"digest": config.seeds})
        self.module = CohortTraining(config, network, checkpointing)
        interval = config.budget.updates // config.budget.validations
        data = DataModule(
            images, config.data, config.seeds, config.budget.updates, interval, torch.device("cpu")
        )
        callbacks = [EndsReport(self.updates.append), StopAtCheckpoint(self._reason, self.file)]
        trainer = make_trainer(config, folder, callbacks)
        train(self.module, trainer, data, self.file if resume else None)

    def _reason(self) -> str:
        if self._left is None:
            return ""

        self._left -= 1
        return "enough" if self._left < 0 else ""


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at every end of a block, however quick they are."""
    quiet()
    monkeypatch.setattr("dropout_study.running.stopping.LOOK_SECONDS", 0)


def test_training_that_must_stop_resumes_as_if_it_had_not(
    make_config: Make, tmp_path: Path
) -> None:
    """If this failed, `stop` would lose what was trained since the last checkpoint, or more."""
    config = make_config(*SMALL, "budget.updates=60", "budget.validations=3")
    whole = Training(config, tmp_path, None, resume=False)
    assert not whole.file.exists(), "no checkpoint is written as long as nothing stops it"

    with pytest.raises(Stopped, match="enough"):
        Training(config, tmp_path, 2, resume=False)

    assert trained_in(whole.file) == {"digest": [0]}
    resumed = Training(config, tmp_path, None, resume=True)
    assert whole.updates == [0, 60]
    assert 0 < resumed.updates[0] < 60
    ours, theirs = resumed.module.state_dict(), whole.module.state_dict()
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


def test_training_without_room_for_a_checkpoint_stops_without_one(
    make_config: Make, tmp_path: Path
) -> None:
    """If this failed, training that is validated at every update could not be stopped."""
    config = make_config(*SMALL, "budget.updates=20", "budget.validations=20")

    with pytest.raises(Stopped, match="enough"):
        Training(config, tmp_path, 2, resume=False)

    assert not (tmp_path / "run.ckpt").exists()
