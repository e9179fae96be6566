"""The verdicts for machines: `verdicts.json`, with all effects, intervals and p values."""

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from dropout_study.analysis.criteria import Case, Check, Decision, Part
from dropout_study.report.answers import answer, finding
from dropout_study.report.first_edition import EARLIER
from dropout_study.report.verdicts import Outcome, questions

NAME = "verdicts.json"


def as_json(outcomes: Sequence[Outcome], facts: Mapping[str, str]) -> str:
    """The verdicts as JSON text, the same for the same results.

    Numbers that are not there, such as the p value of a check, are null.

    Args:
        outcomes: of the claims that are reported.
        facts: on the results as a whole: term -> value.
    """
    content = {"facts": dict(facts), "claims": [_claim(outcome) for outcome in outcomes]}
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _claim(outcome: Outcome) -> dict[str, Any]:
    claim = outcome.claim
    scope = outcome.scope if outcome.decided else None

    return {
        "id": claim.id,
        "title": claim.title,
        "says": claim.says,
        "source": claim.source,
        "verdict": outcome.shown,
        "settled": _settled(outcome),
        "remarks": list(outcome.remarks),
        "finding": finding(outcome),
        "answer": answer(outcome),
        "left out": list(outcome.left_out),
        "first edition": EARLIER[claim.id].verdict if claim.id in EARLIER else None,
        "budget": scope.budget if scope else None,
        "data": scope.data if scope else None,
        "questions": {
            name: _question(name, question, outcome) for name, question in questions(claim).items()
        },
        "reproduce": f"python scripts/reproduce.py {outcome.options}",
    }


def _settled(outcome: Outcome) -> bool | None:
    """Whether half the updates confirm the verdict; None if nothing was run at half of them."""
    controlled = any(decision.settling for decision in outcome.decisions.values())
    return not outcome.doubt if controlled or outcome.unsettled else None


def _question(name: str, question: Part | Check, outcome: Outcome) -> dict[str, Any]:
    """A part or a check: what is asked and, if there are runs, what came out."""
    asked = {
        "kind": "part" if isinstance(question, Part) else "check",
        "measure": question.measure,
        "unit": question.unit,
        "criterion": question.criterion_in_words,
    }
    decision = outcome.decisions.get(name)

    if decision is None:
        return asked

    doubt = outcome.unsettled.get(name)
    return asked | _decided(decision) | {"doubt": dataclasses.asdict(doubt) if doubt else None}


def _decided(decision: Decision) -> dict[str, Any]:
    return {
        "outcome": decision.outcome,
        "reason": decision.reason,
        "adjusted p of support": _number(decision.adjusted_support),
        "adjusted p of contradiction": _number(decision.adjusted_contradiction),
        "settled": decision.settling.doubt is None if decision.settling else None,
        "cases": {name: _case(case) for name, case in decision.cases.items()},
    }


def _case(case: Case) -> dict[str, Any]:
    estimate = case.estimate
    ci = estimate.interval()

    return {
        "outcome": case.outcome,
        "mean": _number(estimate.mean),
        "low": _number(ci.low),
        "high": _number(ci.high),
        "p of support": _number(case.p_support),
        "p of contradiction": _number(case.p_contradiction),
        "seeds": estimate.seeds,
        "images": estimate.images,
    }


def _number(value: float) -> float | None:
    """Six digits: the last ones of a sum differ from processor to processor."""
    return float(f"{value:.6g}") if math.isfinite(value) else None
