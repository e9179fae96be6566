"""How many draws the probes take; stated without torch, so that claims can quote them."""

ENSEMBLE_SUBNETWORKS = 100
"""Sampled subnetworks of the probe `ensemble`."""
REMOVAL_DRAWS = 20
"""Random choices of the hidden units that the probe `removal` removes."""
TIMED_NETWORKS = 10
"""Networks of a bag, and masks of a Monte-Carlo prediction, in the probe `timing`."""
