"""MLflow -> verdicts, figures, report: `python scripts/report.py`; `--help` explains the rest."""

from dropout_study.commands import report

if __name__ == "__main__":
    report.main()
