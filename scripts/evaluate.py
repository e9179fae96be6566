"""Evaluate prediction rules on a stored cohort: `python scripts/evaluate.py run=ID rules=[...] mc.samples=1000`."""

import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, open_dict
from rich.console import Console

from dropout_study import command_line
from dropout_study import config as schema

CONF = Path(__file__).parents[1] / "conf"

schema.register()


@hydra.main(config_path=str(CONF), config_name="evaluate", version_base="1.3")
def job(composed: DictConfig) -> None:
    """Evaluate, record, print."""
    with open_dict(composed):
        composed.pop("hydra", None)
    try:
        chosen = schema.read_evaluate(composed)
        from dropout_study.experiment import reevaluate, results_table

        record = reevaluate(chosen, Path(HydraConfig.get().runtime.output_dir))
    except schema.ConfigError as error:
        command_line.fail(str(error))
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 120, highlight=False)
    console.print(results_table(record, chosen.rules))


def main() -> None:
    """Take the store off the command line and hand over to Hydra."""
    sys.argv[1:] = command_line.store_to_environment(sys.argv[1:])
    job()


if __name__ == "__main__":
    command_line.run(main)
