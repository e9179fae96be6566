"""All studies at a budget, then the report: `python scripts/reproduce.py budget=smoke`."""

from dropout_study.commands import reproduce

if __name__ == "__main__":
    reproduce.main()
