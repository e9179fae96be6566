"""What is measured on a trained cohort: rules and probes."""
