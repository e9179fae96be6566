"""See the results in MLflow: `python scripts/ui.py`; `--help` explains the rest."""

from dropout_study.commands import ui

if __name__ == "__main__":
    ui.main()
