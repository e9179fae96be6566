"""MLflow's pages on the store of the project, until Ctrl-C; `--help` explains the rest."""

from omegaconf import DictConfig

from dropout_study.config import read
from dropout_study.running import command_line
from dropout_study.running.bottom_line import BOTTOM_LINE


def job(composed: DictConfig) -> None:
    """Serve the store, and open the page of its runs."""
    chosen = read.read_ui(composed)
    BOTTOM_LINE.say("loading MLflow")
    from dropout_study.running.ui import show

    show(chosen)


def main() -> None:
    """Run the command; a mistake ends in one sentence and exit code 1."""
    command_line.main("ui", job)


if __name__ == "__main__":
    main()
