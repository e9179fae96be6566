"""Verdicts, their table and page, and what MLflow's pages show."""
