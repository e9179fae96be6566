"""MLflow -> verdicts, figures, report: `python scripts/report.py`; `--help` tells the rest."""

import gc
import sys
from pathlib import Path

import hydra
from omegaconf import DictConfig

from dropout_study.config import read, resolvers
from dropout_study.running import command_line

CONF = Path(__file__).parents[1] / "conf"

resolvers.register()


@hydra.main(config_path=str(CONF), config_name="report", version_base="1.3")
@command_line.in_sentences
def job(composed: DictConfig) -> None:
    """Read, decide, write, record, print."""
    chosen = read.read_report(composed)
    from dropout_study.report.publish import report

    report(chosen)


def main() -> None:
    """Check the command line, take the store off it, and hand over to Hydra."""
    command_line.check(sys.argv[1:], CONF)
    sys.argv[1:] = command_line.store_to_environment(sys.argv[1:])
    job()


if __name__ == "__main__":
    gc.disable()  # a sixth of the time, for a process that ends in seconds
    command_line.run(main)
