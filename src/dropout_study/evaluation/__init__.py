"""What is measured on a trained cohort: prediction rules on test data, and probes."""
