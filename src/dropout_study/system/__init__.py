"""What the machine does to a run: processes that die, signals, locks."""
