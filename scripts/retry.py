"""Run what a sweep has not done: `python scripts/retry.py folder=...`; `--help` explains."""

from dropout_study.commands import retry

if __name__ == "__main__":
    retry.main()
