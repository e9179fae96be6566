"""Training a cohort with Lightning."""
