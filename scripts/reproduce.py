"""All studies at a budget, then the report: `python scripts/reproduce.py budget=smoke`."""

from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from dropout_study.config import read, schema
from dropout_study.running import command_line

SCRIPTS = Path(__file__).parent


def job(composed: DictConfig) -> None:
    """Run the studies, then the report."""
    chosen = read.read_reproduce(composed)

    for typed in HydraConfig.get().overrides.task:
        if typed.lstrip("+").startswith(("budget.", "data.")):
            raise schema.ConfigError(
                f"{typed} cannot be used: the studies take budgets and data sets whole; "
                "type it behind python scripts/train.py -m study=NAME."
            )

    from dropout_study.running.reproduce import reproduce

    reproduce(chosen, SCRIPTS)


if __name__ == "__main__":
    command_line.main("reproduce", job)
