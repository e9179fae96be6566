"""How many draws the probes take; stated without torch, so that claims can quote them."""

ENSEMBLE_SUBNETWORKS = 100
"""Sampled subnetworks of the probe `ensemble`."""
REMOVAL_DRAWS = 20
"""Random choices of the hidden units that the probe `removal` removes."""
INTERACTION_PAIRS = 200
"""Random pairs of units of each hidden layer in the probe `interactions`."""
INTERACTION_IMAGES = 2_000
"""Test images, the first ones, on which the probe `interactions` measures losses."""
HALVES_SPLITS = 10
"""Random splits of the hidden units in the probe `halves`."""
TIMED_NETWORKS = 10
"""Networks of a bag, and masks of a Monte-Carlo prediction, in the probe `timing`."""
