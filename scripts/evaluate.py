"""Evaluate prediction rules on a stored cohort: `python scripts/evaluate.py run=ID rules=[...]`."""

from dropout_study.commands import evaluate

if __name__ == "__main__":
    evaluate.main()
