"""What can be set: a typed schema of conf/, and the condition that a configuration describes."""
