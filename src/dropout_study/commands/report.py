"""MLflow -> verdicts, figures, report; `--help` explains the rest."""

import gc

from omegaconf import DictConfig

from dropout_study.config import read
from dropout_study.running import command_line
from dropout_study.running.bottom_line import BOTTOM_LINE


def job(composed: DictConfig) -> None:
    """Read, decide, write, record, print."""
    chosen = read.read_report(composed)
    BOTTOM_LINE.say("deciding the claims")
    from dropout_study.report.publish import or_published, report

    report(or_published(chosen))


def main() -> None:
    """Run the command; a mistake ends in one sentence and exit code 1."""
    gc.disable()  # a sixth of the time, for a process that ends in seconds
    command_line.main("report", job)


if __name__ == "__main__":
    main()
