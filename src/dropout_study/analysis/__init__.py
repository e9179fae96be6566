"""From rows to a decision: results, effects, criteria, figures."""
