"""Record the results that a store missed while it was away: `python scripts/sync.py`."""

from dropout_study.commands import sync

if __name__ == "__main__":
    sync.main()
