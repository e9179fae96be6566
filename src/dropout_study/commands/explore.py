"""A page to play with: the masks of a small net, and the results of the studies."""

from omegaconf import DictConfig

from dropout_study.config import read
from dropout_study.running import command_line


def job(composed: DictConfig) -> None:
    """Train the net, read the results, write the page."""
    chosen = read.read_explore(composed)
    from dropout_study.running.explore import explore

    print(f"The page: {explore(chosen)}")


def main() -> None:
    """Run the command; a mistake ends in one sentence and exit code 1."""
    command_line.main("explore", job)


if __name__ == "__main__":
    main()
