"""How a verdict is made, and what the report's words mean."""

from dropout_study.report.verdict_table import Explanation

HOW = (
    "A sentence of the chapter is split into parts. Each has an effect, such as a difference of "
    "test errors, and a criterion with a margin, written down before its networks are trained. "
    "Learning rates and constants are chosen per arm on validation data; then networks with new "
    "seeds are trained and tested. The 95 % interval covers other seeds and other test images. "
    "Tests are one-sided, at p ≤ 0.05, adjusted for all parts of a table. Where a part has several "
    "cases, all have to meet the criterion, or one if the part says so. Each comparison is "
    "repeated with half the updates: a supported claim carries the doubts about any of its parts, "
    "a contradicted one those about the parts that contradict it."
)
IN_SHORT = (
    "Supported: every part of the claim meets its criterion. Contradicted: one fails it. Not "
    "resolved: neither is certain at p ≤ 0.05, adjusted for all claims of a table. Not settled: "
    "half the training gives another outcome. Size not settled: half the training gives the same "
    "outcome, but perhaps an effect of another size."
)
"""The verdicts in five sentences, for readers who have just met them."""

GLOSSARY = (
    Explanation("arm", "conditions that are compared under one name, such as dropout at one rate"),
    Explanation("budget", "how long and on which data the networks of a study are trained"),
    Explanation("candidate", "one of the settings of an arm, of which validation data choose one"),
    Explanation("case", "what a part is asked of, such as a network or another regularizer"),
    Explanation(
        "judged apart",
        "tested as if its part were the only one: its outcome does not count for the verdict",
    ),
    Explanation("mask", "a factor per unit, 0 or 1/keep; a network under one mask is a subnetwork"),
    Explanation("NLL", "negative log-likelihood of the right class, in nats"),
    Explanation("part", "one question that a sentence of the chapter asks, with one criterion"),
    Explanation("point", "a difference of two errors in percent: 1.5 % minus 1.3 % is 0.2 points"),
    Explanation("rate", "the probability of dropping a unit; keep = 1 - rate"),
    Explanation(
        "seed",
        "one replicate: initial weights, order of batches and masks; networks of one seed share "
        "them, so that differences are paired",
    ),
    Explanation("weight scaling", "one pass with all units, each multiplied by its keep"),
)
"""Words of the report, in alphabetical order."""
