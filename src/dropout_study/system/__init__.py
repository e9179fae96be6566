"""The machine that a run meets: processes that die, signals that end them, locks on files."""
