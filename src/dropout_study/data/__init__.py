"""Whole data sets in memory; batches are indices, a pure function of seed and update."""
