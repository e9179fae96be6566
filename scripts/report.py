"""MLflow -> verdicts, figures, report: `python scripts/report.py`; `--help` explains the rest."""

import gc

from omegaconf import DictConfig

from dropout_study.config import read
from dropout_study.running import command_line


def job(composed: DictConfig) -> None:
    """Read, decide, write, record, print."""
    chosen = read.read_report(composed)
    from dropout_study.report.publish import report

    report(chosen)


if __name__ == "__main__":
    gc.disable()  # a sixth of the time, for a process that ends in seconds
    command_line.main("report", job)
