"""Train cohorts: one, or with `-m` a sweep; `--help` explains the rest."""

import os
import sys
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from dropout_study.config import plugins
from dropout_study.config.folder import CONF
from dropout_study.running import command_line, packs
from dropout_study.running.bottom_line import BOTTOM_LINE
from dropout_study.running.carry_out import carry_out
from dropout_study.running.choices import add_choices
from dropout_study.running.gpu_slots import take_gpu
from dropout_study.running.sweep import Supervisor, supervise


def job(composed: DictConfig) -> None:
    """Train one condition, or in a sweep a pack; the state of each is left in its folder."""
    hydra = HydraConfig.get()
    os.chdir(hydra.runtime.cwd)  # a worker may begin elsewhere; paths start where one typed them
    folder = Path(hydra.runtime.output_dir)

    if hydra.mode == RunMode.MULTIRUN:
        sweep = Path(hydra.sweep.dir)
        in_worker = Supervisor.running is None

        if in_worker:
            take_gpu(sweep)

        carry_out(packs.load(folder), sweep, in_worker)
    else:
        name = " ".join(hydra.overrides.task) or "defaults"
        carry_out([packs.Assignment(composed, folder, name)], sweep=None)


def main() -> None:
    """Run the command; a mistake ends in one sentence and exit code 1."""
    command_line.run(start, resumes=True)


def start() -> None:
    """Check and complete the command line, and hand over to Hydra."""
    typed = list(sys.argv)
    if command_line.asks_to_train(typed[1:]):
        BOTTOM_LINE.say("reading the command line")

    plugins.load(plugins.typed_plugins(typed[1:]))
    command_line.check(typed[1:], CONF)
    entry = command_line.hydra_main("train", job)
    tagged = command_line.with_new_tags(typed[1:])
    completed = command_line.store_to_environment(command_line.complete(tagged, CONF))
    arguments = add_choices(completed, tagged, CONF)

    if arguments is not None:
        sys.argv[1:] = arguments
        supervise(entry, typed)


if __name__ == "__main__":
    main()
