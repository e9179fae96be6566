"""Verdicts on all claims, shown as a table, a page and the pages of MLflow."""
