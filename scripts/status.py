"""How sweeps stand: `python scripts/status.py`; `--help` explains the rest."""

from dropout_study.commands import status

if __name__ == "__main__":
    status.main()
