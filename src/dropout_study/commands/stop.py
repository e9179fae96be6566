"""Let the jobs of a sweep end at a checkpoint: `folder=FOLDER`; `--help` explains the rest."""

from omegaconf import DictConfig

from dropout_study.config import read
from dropout_study.config.folder import command
from dropout_study.running import command_line
from dropout_study.running.steer import stop


def job(composed: DictConfig) -> None:
    """Ask the sweep to stop, and say what that does."""
    chosen = read.read_stop(composed)

    for line in stop(chosen.folder):
        print(line)

    print(f"See how it ends: {command('status')} folder={chosen.folder}")


def main() -> None:
    """Run the command; a mistake ends in one sentence and exit code 1."""
    command_line.main("stop", job)


if __name__ == "__main__":
    main()
