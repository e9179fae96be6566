"""What one can type: a module per command, for `scripts/` and for the program `dropout-study`."""
