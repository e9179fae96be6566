"""A page to play with, of masks and of results: `python scripts/explore.py`."""

from dropout_study.commands import explore

if __name__ == "__main__":
    explore.main()
