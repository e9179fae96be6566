"""How a verdict is made, and what the report's words mean."""

from dropout_study.report.verdict_table import Explanation

HOW = (
    "A sentence of the chapter is split into parts. Each part has an effect, such as a "
    "difference of test errors, and a criterion with a margin, both written down before any of its "
    "networks was trained. Learning rates and constants are chosen per arm on validation data; "
    "then networks with new seeds are trained and tested. The 95 % interval covers what other "
    "seeds and other test images would give. A part is supported if its effect meets the criterion "
    "at p ≤ 0.05, adjusted for all parts of all claims of a table; contradicted if it fails the "
    "criterion as surely; else not resolved. A part may have several cases: all of them have to "
    "meet the criterion, or one where the part says so. A claim is supported if all of its parts "
    "are, and contradicted if one is. Each comparison is repeated at half the updates: if the "
    "outcome differs on the same seeds, it is not settled; if only an effect may have changed by "
    "more than was allowed, its size is not settled. A supported claim has the doubts of all its "
    "parts, a contradicted one those of the parts that contradict it, one not resolved none."
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
