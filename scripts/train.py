"""Train cohorts: `python scripts/train.py` one, with `-m` a sweep; `--help` explains the rest."""

from dropout_study.commands import train

if __name__ == "__main__":
    train.main()
