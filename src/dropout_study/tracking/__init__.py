"""A run on disk and in MLflow: its record, its store, who else records it."""
