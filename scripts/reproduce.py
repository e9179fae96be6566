"""All studies at a budget, then the report: `python scripts/reproduce.py budget=smoke`; `--help` tells the rest."""

import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from dropout_study.config import read, resolvers, schema
from dropout_study.running import command_line

SCRIPTS = Path(__file__).parent
CONF = SCRIPTS.parent / "conf"

resolvers.register()


@hydra.main(config_path=str(CONF), config_name="reproduce", version_base="1.3")
@command_line.in_sentences
def job(composed: DictConfig) -> None:
    """Run, report."""
    chosen = read.read_reproduce(composed)

    for typed in HydraConfig.get().overrides.task:
        if typed.lstrip("+").startswith(("budget.", "data.")):
            raise schema.ConfigError(
                f"{typed} cannot be used: the studies take budgets and data sets whole; "
                "type it behind python scripts/train.py -m study=NAME."
            )

    from dropout_study.running.reproduce import reproduce

    reproduce(chosen, SCRIPTS)


def main() -> None:
    """Check the command line, take the store off it, and hand over to Hydra."""
    command_line.check(sys.argv[1:], CONF)
    sys.argv[1:] = command_line.store_to_environment(sys.argv[1:])
    job()


if __name__ == "__main__":
    command_line.run(main)
