"""Other regularizers."""

from typing import Any

import pytest

from dropout_study.analysis.runs import ResultsMissing
from dropout_study.claims import regularizers
from dropout_study.claims.regularizers import ARMS, Regularizers
from support.rows import Columns, misclassified, row, runs

CLAIM = Regularizers()
VALUES: dict[str, Any] = {
    "dropout": "dropout",
    "others": ["weight decay", "L1"],
    "combined": ["dropout + weight decay", "dropout + max-norm"],
    "at_limit": 0.05,
}


def net(
    arm: str, seed: int, wrong: list[int], nll: float = 0.25, at_limit: float | None = None
) -> Columns:
    """A net with its misclassified images, its likelihood and its constants."""
    settings: Columns = {
        "optimizer.lr": 0.002,
        "model.hidden_rate": 0.4 if "dropout" in arm else 0.0,
        "optimizer.weight_decay": 0.1 if "weight decay" in arm else 0.0,
        "regularizer.l1": 0.0,
        "regularizer.sparsity": 0.0,
        "regularizer.max_norm": "0.75" if "max-norm" in arm else "none",
    }
    measured: Columns = {"test/nll/weight_scaling": nll, "train/at_limit": at_limit}

    return row(arm, seed, misclassified("weight_scaling", wrong), settings, measured)


NETS = [
    *(net("none", seed, [1, 1, 1, 0]) for seed in (100, 101)),
    net("weight decay", 100, [1, 1, 0, 0], nll=0.5),
    net("weight decay", 101, [1, 1, 1, 0], nll=0.75),
    net("weight decay", 102, [1, 1, 1, 1], nll=9.0),
    *(net("L1", seed, [0, 0, 0, 0], nll=0.125) for seed in (100, 101)),
    *(net("sparsity", seed, [1, 1, 1, 1]) for seed in (100, 101)),
    *(net("max-norm", seed, [1, 1, 1, 1], at_limit=0.0) for seed in (100, 101)),
    *(net("dropout", seed, [1, 0, 0, 0]) for seed in (100, 101)),
    *(net("dropout + weight decay", seed, [1, 1, 0, 0]) for seed in (100, 101)),
    *(net("dropout + max-norm", seed, [0, 0, 0, 0], at_limit=0.5) for seed in (100, 101)),
]
STUDIES = {"regularizers": runs(*NETS, **VALUES)}


def test_dropout_beats_what_errs_more() -> None:
    """If this failed, the sign would be turned, or the arms be averaged.

    Weight decay: 50 - 25, 75 - 25; L1: 0 - 25 twice.
    """
    effects = CLAIM.estimate(STUDIES)["beats"]
    criterion = CLAIM.parts["beats"].criterion
    assert list(effects) == VALUES["others"]
    assert list(effects["weight decay"].values) == [25, 50]
    assert list(effects["L1"].values) == [-25, -25]
    assert criterion.distance(effects["weight decay"].estimate()) > 0
    assert criterion.distance(effects["L1"].estimate()) < 0


def test_arms_whose_max_norm_limits_too_few_units_are_left_out() -> None:
    """If this failed, dropout would beat, or be combined with, a constraint that does nothing.

    0 % of the units are at the limit of max-norm alone, 50 % at that of the combination.
    """
    nets = STUDIES["regularizers"]
    assert list(regularizers.binding(nets, ["L1", "max-norm"])) == ["L1"]
    assert list(regularizers.binding(nets, VALUES["combined"])) == VALUES["combined"]
    with pytest.raises(ResultsMissing, match="max-norm binds in none of max-norm"):
        regularizers.binding(nets, ["max-norm"])

    others = {"others": ["weight decay", "max-norm"]}
    studies = {"regularizers": runs(*NETS, **(VALUES | others))}
    assert list(CLAIM.estimate(studies)["beats"]) == ["weight decay"]
    assert CLAIM.left_out(studies) == [
        "max-norm is left out: its max-norm limits 0 % of the units, not more than 5 %"
    ]
    assert CLAIM.left_out(STUDIES) == []


def test_a_combination_has_to_err_less_than_dropout_alone() -> None:
    """If this failed, a combination that adds harm would count as an additional gain.

    Dropout minus dropout + max-norm: 25 - 0; minus dropout + weight decay: 25 - 50.
    """
    effects = CLAIM.estimate(STUDIES)["combines"]
    part = CLAIM.parts["combines"]
    assert list(effects["dropout + max-norm"].values) == [25, 25]
    assert list(effects["dropout + weight decay"].values) == [-25, -25]
    assert part.criterion.distance(effects["dropout + max-norm"].estimate()) > 0
    assert part.some


def test_seeds_are_those_of_both_arms_and_images_are_kept() -> None:
    """If this failed, nets of different seeds would be paired, or images left out of intervals.

    Seed 102 has weight decay alone.
    """
    effects = CLAIM.estimate(STUDIES)
    assert list(effects["beats"]["weight decay"].seeds) == [100, 101]
    images = effects["beats"]["weight decay"].images
    assert images is not None
    assert images.tolist() == [[0, 100, 0, 0], [0, 100, 100, 0]]
    assert effects["combines"]["dropout + max-norm"].images is not None


def test_the_context_names_what_was_chosen_and_whether_max_norm_binds() -> None:
    """If this failed, max-norm that limits nothing would pass for a regularizer, or settings that
    an arm does not have would be listed: 0 % are below, 50 % above the 5 % of the study.
    """
    lines = dict(line.split(": ", 1) for line in CLAIM.context_lines(STUDIES))
    assert list(lines)[1:] == list(ARMS)
    assert lines["test error, no regularizer minus dropout"].startswith("+50.000")
    assert lines["none"].endswith("chosen: learning rate 0.002")
    assert lines["max-norm"].endswith(
        "chosen: learning rate 0.002, max-norm 0.75; 0 % of the units at the limit"
    )
    assert lines["dropout + max-norm"].endswith("; 50 % of the units at the limit")
    assert "rate 0.4, weight decay 0.1" in lines["dropout + weight decay"]
    assert "NLL 0.1250 nats" in lines["L1"]


def test_the_figure_shows_every_arm_in_its_place() -> None:
    """If this failed, errors would stand at the names of other arms."""
    (axes,) = CLAIM.draw(STUDIES).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == list(ARMS)
    seeds = [line for line in axes.lines if line.get_marker() == "."]
    assert [list(line.get_xdata()) for line in seeds[:3]] == [[75, 75], [50, 75, 100], [0, 0]]


def test_missing_arms_are_named() -> None:
    """If this failed, a study without dropout would end in a traceback."""
    without = [network for network in NETS if network["arm"] != "dropout"]
    with pytest.raises(ResultsMissing, match="no results with arm=dropout"):
        CLAIM.estimate({"regularizers": runs(*without, **VALUES)})

    for arm in ("L1", "dropout + max-norm"):
        without = [network for network in NETS if network["arm"] != arm]
        with pytest.raises(ResultsMissing, match="no results with arm=") as missing:
            CLAIM.estimate({"regularizers": runs(*without, **VALUES)})
        assert arm in str(missing.value)
