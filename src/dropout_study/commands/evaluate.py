"""Evaluate prediction rules on a stored cohort: `run=ID rules=[...]`."""

from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from dropout_study.config import read
from dropout_study.running import command_line
from dropout_study.running.terminal import print_table


def job(composed: DictConfig) -> None:
    """Evaluate the rules, record the results, print them."""
    chosen = read.read_evaluate(composed)
    from dropout_study.running.reevaluate import reevaluate, results_table

    record = reevaluate(chosen, Path(HydraConfig.get().runtime.output_dir))
    print_table(results_table(record, chosen.rules, chosen.metrics))


def main() -> None:
    """Run the command; a mistake ends in one sentence and exit code 1."""
    command_line.main("evaluate", job)


if __name__ == "__main__":
    main()
