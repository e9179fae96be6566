"""Dropout, claim by claim: what section 7.12 of *Deep Learning* says, measured.

What others call is here by name (`dropout_study.monte_carlo`), and loaded when it is first used.
A package imports only from packages with a smaller number:

    1  dropout      masks, networks, cohorts, and rules that average
    1  config       every option, its checks, conditions and studies
    1  system       processes that die, signals, locks
    2  measures     metrics, scores and confidence intervals
    2  data         data sets in memory, batches, corruptions
    3  training     a cohort trained with Lightning
    3  tracking     a run on disk and in MLflow
    4  evaluation   rules and probes on a trained cohort
    4  plugin       what one's own parts are written with
    4  analysis     from rows of results to a decision
    5  claims       one module per claim
    6  report       verdicts, their table, and pages
    7  running      from a command line to recorded runs
    7  notebooks    what the notebooks show
    8  commands     what one can type
    8  benchmark    speed beside other libraries

`docs/architecture.md` says how they work together.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)  # of __init__.pyi
