"""How good predictions are, and how sure one can be of it: metrics, scores, intervals."""
