"""Recorded conditions beside each other: `python scripts/compare.py x=model.hidden_rate`."""

from dropout_study.commands import compare

if __name__ == "__main__":
    compare.main()
