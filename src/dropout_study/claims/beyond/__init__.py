"""What section 7.12 says beyond the notes: one module per claim, decided by the same protocol."""
