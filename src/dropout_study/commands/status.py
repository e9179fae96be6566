"""How sweeps stand, from any terminal; `--help` explains the rest."""

import shutil
from pathlib import Path

from omegaconf import DictConfig

from dropout_study.config import read
from dropout_study.config.folder import command
from dropout_study.running import command_line
from dropout_study.running.sweep_file import SWEEP_FILE
from dropout_study.running.sweep_state import SweepState, load_sweeps
from dropout_study.running.sweep_state_tables import (
    hosts_in_words,
    sweep_in_words,
    table_of_jobs,
    table_of_sweeps,
)
from dropout_study.running.terminal import print_table


def job(composed: DictConfig) -> None:
    """Show a sweep with its jobs, or the sweeps below a folder."""
    chosen = read.read_status(composed)
    folder = Path(chosen.folder)
    columns = shutil.get_terminal_size((120, 24)).columns

    if (folder / SWEEP_FILE).exists():
        sweep = SweepState.load(folder.absolute())
        print(sweep_in_words(sweep))

        for line in hosts_in_words(sweep):
            print(line)

        print_table(table_of_jobs(sweep), columns=columns)
        return

    if not folder.is_dir():
        command_line.fail(
            f"folder={folder} cannot be used: there is no such folder; name the one with results."
        )

    sweeps = load_sweeps(folder)
    ended = [each for each in sweeps if not each.is_running][: chosen.last]
    listed = [each for each in sweeps if each.is_running or each in ended]

    if not listed:
        print(f"No sweep below {folder}.")
        return

    print_table(table_of_sweeps(listed), columns=columns)
    print(f"The jobs of one: {command('status')} folder=FOLDER")


def main() -> None:
    """Run the command; a mistake ends in one sentence and exit code 1."""
    command_line.main("status", job)


if __name__ == "__main__":
    main()
