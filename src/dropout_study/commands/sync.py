"""Record the results that a store missed while it was away."""

from pathlib import Path

from omegaconf import DictConfig

from dropout_study.config import read
from dropout_study.running import command_line


def job(composed: DictConfig) -> None:
    """Record every folder that its store lacks, and say which."""
    chosen = read.read_sync(composed)
    root = Path(chosen.folder)
    if not root.is_dir():
        command_line.fail(
            f"folder={root} cannot be used: there is no such folder; name the one with results."
        )

    from dropout_study.tracking import recorder
    from dropout_study.tracking.record import UNRECORDED
    from dropout_study.tracking.store import Store, quiet_mlflow

    quiet_mlflow()
    folders = [marker.parent for marker in sorted(root.rglob(UNRECORDED))]
    recorded = recorder.sync(folders, Store(chosen.tracking.uri))

    for name in recorded:
        print(f"recorded: {name}")

    left = [str(marker.parent) for marker in sorted(root.rglob(UNRECORDED))]
    print(f"{len(recorded)} recorded, {len(left)} left")

    if left:
        reasons = (
            "each is still running, belongs to another store, was deleted there, "
            "or the store cannot be reached"
        )
        command_line.fail(f"Not recorded, for {reasons}:\n" + "\n".join(left))


def main() -> None:
    """Run the command; a mistake ends in one sentence and exit code 1."""
    command_line.main("sync", job)


if __name__ == "__main__":
    main()
