"""A run is first a record on disk, which is then brought into any MLflow store, once."""
