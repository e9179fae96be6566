"""Evaluate prediction rules on a stored cohort: `python scripts/evaluate.py run=ID rules=[...] mc.samples=1000`."""

import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.console import Console

from dropout_study.config import read, resolvers
from dropout_study.running import command_line

CONF = Path(__file__).parents[1] / "conf"

resolvers.register()


@hydra.main(config_path=str(CONF), config_name="evaluate", version_base="1.3")
@command_line.in_sentences
def job(composed: DictConfig) -> None:
    """Evaluate, record, print."""
    chosen = read.read_evaluate(composed)
    from dropout_study.running.reevaluate import reevaluate, results_table

    record = reevaluate(chosen, Path(HydraConfig.get().runtime.output_dir))
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 120, highlight=False)
    console.print(results_table(record, chosen.rules))


def main() -> None:
    """Check the command line, take the store off it, and hand over to Hydra."""
    command_line.check(sys.argv[1:], CONF)
    sys.argv[1:] = command_line.store_to_environment(sys.argv[1:])
    job()


if __name__ == "__main__":
    command_line.run(main)
