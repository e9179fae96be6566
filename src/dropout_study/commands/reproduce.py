"""All studies at a budget, then the report: `budget=smoke`, `budget=laptop`."""

from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from dropout_study.commands import train
from dropout_study.config import read, schema
from dropout_study.config.folder import command
from dropout_study.running import command_line
from dropout_study.running.bottom_line import BOTTOM_LINE


def job(composed: DictConfig) -> None:
    """Run the studies, then the report."""
    chosen = read.read_reproduce(composed)

    for typed in HydraConfig.get().overrides.task:
        if typed.lstrip("+").startswith(("budget.", "data.")):
            raise schema.ConfigError(
                f"{typed} cannot be used: the studies take budgets and data sets whole; "
                f"type it behind {command('train')} -m study=NAME."
            )

    BOTTOM_LINE.say("loading the claims")
    from dropout_study.running.reproduce import reproduce

    BOTTOM_LINE.clear()  # the studies have lines of their own
    reproduce(chosen, Path(train.__file__))


def main() -> None:
    """Run the command; a mistake ends in one sentence and exit code 1."""
    command_line.main("reproduce", job, resumes=True)


if __name__ == "__main__":
    main()
