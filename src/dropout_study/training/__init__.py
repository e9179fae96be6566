"""A cohort is trained in lock-step with Lightning, its networks independent of each other."""
