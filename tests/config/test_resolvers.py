"""What the resolvers of arms give: the value of a candidate, or what tuning has chosen."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf
from omegaconf.errors import InterpolationResolutionError


def resolved(text: Any, arm: str = "L2", candidate: int = 0, chosen: Any = None) -> Any:
    """The value of an arm's setting."""
    study = {
        "arm": arm,
        "candidate": candidate,
        "chosen": json.dumps(chosen) if chosen else "",
    }
    return OmegaConf.to_container(OmegaConf.create({"study": study, "value": text}), resolve=True)[
        "value"
    ]  # type: ignore[index, call-overload]


def test_a_candidate_has_its_entry_and_a_choice_replaces_it() -> None:
    """If this failed, an arm would be trained with a setting that was not the candidate's, or not
    the chosen one.
    """
    text = "${tried:optimizer.lr,5e-4,1e-3,2e-3}"
    assert [resolved(text, candidate=i) for i in range(3)] == [5e-4, 1e-3, 2e-3]
    assert resolved(text, chosen={"L2": {"optimizer.lr": 4e-3}}) == 4e-3

    drawn = "${drawn:optimizer.lr,1e-4,1e-2}"
    assert resolved(drawn, candidate=7, chosen={"L2": {"optimizer.lr": 4e-3}}) == 4e-3


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${tried:regularizer.max_norm,[0.5],[1.0]}", [0.5]),
        (["${tried:regularizer.max_norm,0.5,1.0}"], [0.5]),
        ("${tried:model.widths,[16,16],[32,32]}", [16, 16]),
    ],
)
def test_a_list_stays_a_list(text: Any, value: Any) -> None:
    """If this failed, a limit on norms, which is a list of one number, could not be tuned."""
    chosen = {"L2": {"regularizer.max_norm": 2.0, "model.widths": [64, 64]}}
    assert resolved(text) == value
    assert resolved(text, chosen=chosen) in ([2.0], [64, 64])


@given(st.text(), st.integers(0, 1_000), st.floats(1e-6, 1), st.floats(1.5, 1e4))
def test_what_is_drawn_depends_on_arm_key_and_candidate_alone(
    arm: str, candidate: int, low: float, factor: float
) -> None:
    """If this failed, a candidate would be another one whenever it is asked for."""
    high = low * factor
    text = f"${{drawn:optimizer.lr,{low},{high}}}"
    value = resolved(text, arm, candidate)
    assert value == resolved(text, arm, candidate)
    assert low * 0.99 <= value <= high * 1.01, "three digits are kept"
    assert value == float(f"{value:.3g}")


def test_draws_cover_the_range_evenly_on_their_scale() -> None:
    """If this failed, most candidates of a learning rate would be large ones."""
    count = 300
    rates = [resolved("${drawn:optimizer.lr,1e-4,1e-2}", candidate=i) for i in range(count)]
    evenly = "${drawn_evenly:model.hidden_rate,0.1,0.7}"
    shares = [resolved(evenly, candidate=i) for i in range(count)]
    others = [resolved("${drawn:optimizer.lr,1e-4,1e-2}", "none", i) for i in range(count)]
    assert sum(rate < 1e-3 for rate in rates) / count == pytest.approx(0.5, abs=0.08)
    assert sum(share < 0.4 for share in shares) / count == pytest.approx(0.5, abs=0.08)
    assert rates == others, "no arm has luckier draws than another"
    assert 0.1 <= min(shares) < max(shares) <= 0.7


@pytest.mark.parametrize(
    ("text", "arm", "chosen", "message"),
    [
        ("${tried:a,1,2}", "L2", None, "study.candidate=2 cannot be used: .* candidates 0 to 1"),
        ("${tried:a,1,2}", "L2", {"L2": {"b": 1}}, "study.chosen cannot be used: it has no a for"),
        ("${drawn:a,1,2}", "L2", {"L1": {"a": 1}}, "study.chosen cannot be used: it has no a for"),
        ("${drawn:a,1,2}", "L2", [1], "study.chosen cannot be used: it must be"),
        ("${drawn:a,0,1}", "L2", None, r"\$\{drawn:a,0,1\} cannot be used: .* above 0"),
        ("${drawn_evenly:a,1,1}", "L2", None, r"\$\{drawn_evenly:a,1,1\} cannot be used"),
    ],
)
def test_what_has_no_value_is_refused_in_a_sentence(
    text: str, arm: str, chosen: Any, message: str
) -> None:
    """If this failed, a mistake in an arm would end in a traceback, or train something else."""
    with pytest.raises(InterpolationResolutionError, match=message):
        resolved(text, arm, candidate=2, chosen=chosen)
