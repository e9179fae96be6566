"""From rows to a decision: paired effects over seeds, judged by criteria set beforehand."""
