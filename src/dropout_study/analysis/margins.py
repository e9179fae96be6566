"""Margins that several claims share, with the reasons for them.

A margin is the larger of 10 % of the error of the nets that are compared and half of the smallest
gain that has been published at their scale.
"""

NO_SIZE = "the sentence names a direction and no size"
"""Why a limit is 0."""

MNIST = 0.15
"""Points of test error: 10 % of 1.5 %, the error of nets of hundreds of units on MNIST."""

MNIST_SETTLED = 0.25
"""Points of test error by which a contrast may move after half the updates: the gain of dropout
that was published at this scale (1.60 to 1.35 %). Less cannot be told from no change with the
planned seeds and images."""
