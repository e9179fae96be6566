"""All studies at a budget, then the report: `python scripts/reproduce.py budget=smoke`; `--help` tells the rest."""

import sys
from pathlib import Path

import hydra
from omegaconf import DictConfig, open_dict

from dropout_study import command_line
from dropout_study import config as schema

SCRIPTS = Path(__file__).parent
CONF = SCRIPTS.parent / "conf"

schema.register()


@hydra.main(config_path=str(CONF), config_name="reproduce", version_base="1.3")
def job(composed: DictConfig) -> None:
    """Run, report."""
    with open_dict(composed):
        composed.pop("hydra", None)
    from dropout_study.reproduction import reproduce

    reproduce(schema.read_reproduce(composed), CONF, SCRIPTS)


def main() -> None:
    """Take the store off the command line and hand over to Hydra."""
    sys.argv[1:] = command_line.store_to_environment(sys.argv[1:])
    job()


if __name__ == "__main__":
    command_line.run(main)
