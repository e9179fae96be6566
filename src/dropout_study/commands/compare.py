"""Recorded conditions beside each other: table, figure, differences; `--help` explains the rest."""

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from dropout_study.config import read
from dropout_study.running import command_line
from dropout_study.running.bottom_line import BOTTOM_LINE
from dropout_study.running.terminal import print_table


def job(composed: DictConfig) -> None:
    """Read, compare, write, record, print."""
    chosen = read.read_compare(composed)
    BOTTOM_LINE.say("reading the results")
    from dropout_study.report import comparison_page
    from dropout_study.running.compare import compare

    comparison, files = compare(chosen, HydraConfig.get().overrides.task)
    print_table(comparison_page.terminal(comparison))

    for line in comparison_page.needs(comparison):
        print(line)

    for doubt in comparison.selection.doubts:
        print(f"Not on a par: {doubt}")

    print(f"Table and figure: {files[-1]}")


def main() -> None:
    """Run the command; a mistake ends in one sentence and exit code 1."""
    command_line.main("compare", job)


if __name__ == "__main__":
    main()
