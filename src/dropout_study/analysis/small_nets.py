"""The nets of the study `exact`, small enough for all masks: 784-10-10-2 on pairs of digits."""

from dropout_study.analysis.runs import Effect, Runs, competent, minus

ACTIVATIONS = {"relu": "ReLU"}
"""Name in a configuration -> name in a text, where they differ."""
MARGIN = 0.3
"""Points of test error."""
REASON = (
    f"{MARGIN:g} points are a tenth of the error of such nets on a hard pair, about 3 %, and up to "
    "a third on an easy one; no published number was found at this scale"
)
DEVIATIONS = (
    "Nets 784-10-10-2 on pairs of MNIST digits; the publication's nets and numbers could not be "
    "read. 20 units are the most whose masks can all be evaluated on all test images.",
    "AdamW with a one-cycle schedule instead of SGD with momentum; 10,000 updates of 100 examples.",
    "10 seeds per pair and activation; intervals are over seeds and test images.",
    "Hidden units alone are dropped, at rate 0.5.",
)


def pairs(exact: Runs) -> dict[str, Runs]:
    """The nets of each activation and pair of digits that solve their task, by name.

    Raises:
        ResultsMissing: there is none.
    """
    solved, _ = competent(exact, exact.values["gate"])
    return {name_of(arm): nets for arm, nets in solved.by("arm").items()}


def name_of(arm: str) -> str:
    """An arm of the study `exact` as a reader would say it.

    >>> name_of("relu, [1, 7]")
    '1 or 7 (ReLU)'
    """
    activation, _, digits = arm.partition(", ")
    pair = " or ".join(digits.strip("[]").split(", "))

    return f"{pair} ({ACTIVATIONS.get(activation, activation)})"


def differences(exact: Runs, rule: str, other: str) -> dict[str, Effect]:
    """Test error of a rule minus that of another, in points, by name of the nets.

    Raises:
        ResultsMissing: no net solves its task, or a rule was not measured.
    """
    return {name: nets.error(rule).minus(nets.error(other)) for name, nets in pairs(exact).items()}


def left_out(exact: Runs) -> list[str]:
    """The nets that do not solve their task, each with its validation error.

    Raises:
        ResultsMissing: no net solves its task.
    """
    return competent(exact, exact.values["gate"])[1]


def describe(exact: Runs, rule: str, other: str) -> list[str]:
    """A line per kind of net on both rules' errors and likelihoods."""
    return [f"{name}: {_compare(nets, rule, other)}" for name, nets in pairs(exact).items()]


def _compare(nets: Runs, rule: str, other: str) -> str:
    error = nets.column(f"test/error/{rule}").mean()
    other_error = nets.column(f"test/error/{other}").mean()
    nll = minus(nets.column(f"test/nll/{rule}"), nets.column(f"test/nll/{other}"))

    return (
        f"test error {error:.2f} % of {_in_words(rule)}, {other_error:.2f} % of "
        f"{_in_words(other)}; difference of NLL {nll.estimate().interval():+.4f} nats"
    )


def _in_words(rule: str) -> str:
    """A rule as it is named in a sentence: `the exact geometric mean`."""
    return "weight scaling" if rule == "weight_scaling" else f"the {rule.replace('_', ' ')} mean"
