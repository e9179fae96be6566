"""Let the jobs of a sweep end: `python scripts/stop.py folder=...`; `--help` explains the rest."""

from dropout_study.commands import stop

if __name__ == "__main__":
    stop.main()
