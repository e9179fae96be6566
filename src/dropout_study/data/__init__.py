"""Data sets in memory, batches by index, corrupted images."""
