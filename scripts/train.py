"""Train cohorts: `python scripts/train.py` one, `python scripts/train.py -m` a sweep; `--help` tells the rest."""

import os
import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from dropout_study.config import resolvers
from dropout_study.running import command_line
from dropout_study.running.carry_out import carry_out
from dropout_study.running.sweep import Supervisor, supervise

CONF = Path(__file__).parents[1] / "conf"

resolvers.register()


@hydra.main(config_path=str(CONF), config_name="train", version_base="1.3")
def job(composed: DictConfig) -> None:
    """One condition; what becomes of it is left in the job's folder."""
    told = HydraConfig.get()
    os.chdir(
        told.runtime.cwd
    )  # a worker may begin elsewhere; paths mean what they do where the command was typed
    name = " ".join(told.overrides.task) or "defaults"
    sweep = Path(told.sweep.dir) if told.mode == RunMode.MULTIRUN else None
    in_worker = Supervisor.running is None
    carry_out(composed, Path(told.runtime.output_dir), name, sweep, in_worker)


def main() -> None:
    """Check and complete the command line, and hand over to Hydra."""
    command_line.check(sys.argv[1:], CONF)
    typed = list(sys.argv)
    sys.argv[1:] = command_line.store_to_environment(command_line.complete(sys.argv[1:], CONF))
    supervise(job, typed)


if __name__ == "__main__":
    command_line.run(main)
