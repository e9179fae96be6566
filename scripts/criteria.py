"""What is fixed before the runs, written down: `python scripts/criteria.py`."""

from omegaconf import DictConfig

from dropout_study.config import read
from dropout_study.running import command_line


def job(composed: DictConfig) -> None:
    """Write the manifest and its table, or note its commit."""
    chosen = read.read_criteria(composed)
    from dropout_study.report.manifest import write_manifest

    print(write_manifest(chosen))


if __name__ == "__main__":
    command_line.main("criteria", job)
