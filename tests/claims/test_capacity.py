"""Dropout by width."""

import pytest

from dropout_study.analysis.runs import ResultsMissing
from dropout_study.claims import capacity
from dropout_study.claims.capacity import Capacity
from support.rows import Columns, curve, misclassified, row, runs

CLAIM = Capacity()
SEEDS = (100, 101)
VALUES = {"narrow": "16x16", "wide": "64x64", "rate": 0.5}


def net(
    rate: float, seed: int, wrong: list[int], widths: str, val_error: float = 1.0, **more: object
) -> Columns:
    """A net with its rate of dropout, its misclassified images and its validation error."""
    measured: Columns = {
        "model.widths": widths,
        "model.hidden_rate": rate,
        "budget.updates": 20_000,
        "test/nll/weight_scaling": 0.25,
        "train/error/weight_scaling": 0.0,
        **curve("val/error", {10: 50.0, 20: val_error}),
    }
    arm = f"{widths}, rate {rate:g}"

    return row(arm, seed, misclassified("weight_scaling", wrong), measured, more)


def trained(error: float) -> Columns:
    """The training error of a net, in percent."""
    return {"train/error/weight_scaling": error}


NARROW = [
    net(0.0, 100, [1, 0, 0, 0], "16x16", **trained(5.0)),
    net(0.0, 101, [1, 0, 0, 0], "16x16", **trained(6.0)),
    net(0.2, 100, [1, 1, 1, 1], "16x16", val_error=9.0, **trained(50.0)),
    net(0.2, 101, [1, 1, 1, 1], "16x16", val_error=9.0, **trained(50.0)),
    net(0.5, 100, [1, 1, 0, 0], "16x16", val_error=8.0, **trained(8.0)),
    net(0.5, 101, [1, 1, 1, 0], "16x16", val_error=8.0, **trained(10.0)),
]
# The rate of the lowest validation error, 0.2, has not the lowest test error.
WIDE = [
    *(net(0.0, seed, [1, 1, 1, 0], "64x64") for seed in (*SEEDS, 102)),
    *(net(0.2, seed, [1, 0, 0, 0], "64x64", val_error=2.0) for seed in SEEDS),
    *(net(0.5, seed, [0, 0, 0, 0], "64x64", val_error=3.0) for seed in SEEDS),
]
LONG = [
    *(net(0.0, seed, [1, 1, 0, 0], "16x16", **trained(4.0)) for seed in SEEDS),
    *(net(0.5, seed, [1, 0, 0, 0], "16x16", **trained(3.0)) for seed in SEEDS),
]
REFERENCE = [
    net(rate, seed, wrong, "32x32", val_error=error) | {"arm": arm}
    for arm, rate, wrong, error in (
        ("none", 0.0, [1, 1, 0, 0], 1.0),
        ("hidden 0.2", 0.2, [1, 1, 1, 1], 3.0),
        ("hidden 0.5", 0.5, [1, 0, 0, 0], 2.0),
        ("input 0.2", 0.0, [0, 0, 0, 0], 0.0),
    )
    for seed in SEEDS
]
STUDIES = {
    "capacity": runs(*NARROW, *WIDE, **VALUES),
    "narrow": runs(*LONG, rate=0.5),
    "reference": runs(*REFERENCE),
}


def test_small_nets_underfit_where_dropout_raises_the_training_error() -> None:
    """If this failed, the sign would be turned, test errors be read, or another rate than 0.5.

    As the others: 8 - 5 and 10 - 6 points; five times as long: 3 - 4 twice.
    """
    effects = CLAIM.estimate(STUDIES)["small nets underfit"]
    criterion = CLAIM.parts["small nets underfit"].criterion
    assert list(effects["as the others"].values) == [3, 4]
    assert list(effects["five times as long"].values) == [-1, -1]
    assert criterion.distance(effects["as the others"].estimate()) > 0
    assert criterion.distance(effects["five times as long"].estimate()) < 0


def test_small_nets_do_worse_where_dropout_raises_the_test_error() -> None:
    """If this failed, a gain would count as harm: 50 - 25, 75 - 25 and, trained long, 25 - 50."""
    effects = CLAIM.estimate(STUDIES)["small nets do worse"]
    criterion = CLAIM.parts["small nets do worse"].criterion
    assert list(effects["as the others"].values) == [25, 50]
    assert list(effects["five times as long"].values) == [-25, -25]
    assert criterion.distance(effects["as the others"].estimate()) > 0


def test_half_the_updates_have_the_same_cases() -> None:
    """If this failed, no effect would have a counterpart, so that nothing could be settled."""
    half = {
        name: runs(*(net | {"budget.updates": 10_000} for net in nets), **study.values)
        for (name, study), nets in zip(
            STUDIES.items(), ([*NARROW, *WIDE], LONG, REFERENCE), strict=True
        )
    }
    final_cases = {part: list(cases) for part, cases in CLAIM.estimate(STUDIES).items()}
    assert {part: list(cases) for part, cases in CLAIM.estimate(half).items()} == final_cases


def test_the_rate_of_wide_nets_is_chosen_by_validation_and_never_by_test() -> None:
    """If this failed, the smaller of two test errors would be reported, which is too good.

    Validation prefers rate 0.2 (2 %) to 0.5 (3 %); test images 0.5. The gain is 75 - 25 points,
    over the seeds of both.
    """
    effects = CLAIM.estimate(STUDIES)["wide nets gain"]
    assert capacity.best_rate(capacity.by_width(STUDIES)[64]) == 0.2
    assert list(effects) == ["width 64"]
    assert list(effects["width 64"].values) == [50, 50]
    assert list(effects["width 64"].seeds) == [100, 101]
    assert CLAIM.parts["wide nets gain"].criterion.distance(effects["width 64"].estimate()) > 0


def test_the_rate_0_is_no_choice() -> None:
    """If this failed, nets without dropout, best on validation data, would be their own gain."""
    assert capacity.best_rate(capacity.by_width(STUDIES)[16]) == 0.5
    assert capacity.best_rate(capacity.by_width(STUDIES)[32]) == 0.5


def test_the_slope_is_per_doubling() -> None:
    """If this failed, the slope would be one per unit, or turned.

    Gains of seed 100 at widths 16, 32, 64: 25 - 50, 50 - 25 and 75 - 25 points. With log2 widths
    -1, 0, 1 around their mean the least-squares slope is (50 - (-25)) / 2 = 37.5; of seed 101,
    whose first gain is 25 - 75, it is 50.
    """
    (effect,) = CLAIM.estimate(STUDIES)["the gain grows"].values()
    assert list(effect.values) == pytest.approx([37.5, 50])
    assert CLAIM.parts["the gain grows"].criterion.distance(effect.estimate()) > 0


def test_the_slope_of_widths_that_are_not_evenly_spaced() -> None:
    """If this failed, widths would count by their order instead of by their logarithm.

    log2 widths 4, 5, 7 minus their mean are -4/3, -1/3, 5/3, whose squares sum to 42/9. Gains of
    0, 0 and 25 points have the slope 25 * 5/3 / (42/9) = 8.93.
    """
    gains = {
        width: [(1.0, runs(net(0.0, 100, wrong, "16x16")).error())]
        for width, wrong in ((16, [0, 0, 0, 0]), (32, [0, 0, 0, 0]), (128, [1, 0, 0, 0]))
    }
    assert list(capacity.slope(gains).values) == pytest.approx([25 * 5 / 3 / (42 / 9)])


def test_test_errors_are_kept_by_image() -> None:
    """If this failed, intervals would leave out the test images.

    Seed 100, image 4 of the slope: gains 0 at 16 and 32, 0 at 64; image 3: 0, 0 and 100 points,
    hence 50 per doubling.
    """
    effects = CLAIM.estimate(STUDIES)
    (slope,) = effects["the gain grows"].values()
    assert slope.images is not None
    assert slope.images[0].tolist() == pytest.approx([0, 100, 50, 0])
    assert effects["small nets do worse"]["as the others"].images is not None
    assert effects["wide nets gain"]["width 64"].images is not None


def test_a_width_of_its_own_is_not_replaced_by_the_nets_of_reference() -> None:
    """If this failed, nets of other updates would decide at a width that the study trains."""
    as_wide = [net | {"model.widths": "64x64"} for net in REFERENCE]
    nets = capacity.by_width(STUDIES | {"reference": runs(*as_wide)})
    assert list(nets) == [16, 64]
    assert list(nets[64][0.0].frame["arm"].unique()) == ["64x64, rate 0"]


def test_the_context_names_the_chosen_rate_of_each_width() -> None:
    """If this failed, the gain at one rate would be printed with another."""
    lines = CLAIM.context_lines(STUDIES)
    assert [line.partition(":")[0] for line in lines] == ["width 16", "width 32", "width 64"]
    assert "gain +50.00" in lines[2]
    assert "at rate 0.2, which validation data chose" in lines[2]


def test_the_figure_has_a_line_for_each_rate() -> None:
    """If this failed, training errors would be drawn as test errors, or widths out of order.

    The widest nets without dropout have a third seed.
    """
    test, train = CLAIM.draw(STUDIES).axes
    lines = {str(line.get_label()): list(line.get_ydata()) for line in test.lines}
    assert list(test.lines[0].get_xdata()) == [16, 32, 64]
    assert lines["rate 0"] == pytest.approx([25, 50, 75])
    assert lines["rate 0.5"] == pytest.approx([62.5, 25, 0])
    assert list(train.lines[0].get_ydata()) == pytest.approx([5.5, 0, 0])


def test_missing_results_are_named() -> None:
    """If this failed, a claim without its widest nets would be decided on narrower ones."""
    for study in ("narrow", "reference"):
        others = {name: nets for name, nets in STUDIES.items() if name != study}
        with pytest.raises(ResultsMissing, match=f"no results of study {study}"):
            CLAIM.estimate(others)

    incomplete = {"reference": runs(*REFERENCE[:4])}
    with pytest.raises(ResultsMissing, match=r"no results with arm=hidden 0\.5"):
        CLAIM.estimate(STUDIES | incomplete)


def test_rates_and_widths_are_named_beside_the_answer() -> None:
    """If this failed, the harm of one rate would be taken for that of dropout, or a gain missed.

    75 - 25 points at 64 units, 50 - 97.5 at 16, and 50 - 50 at 32.
    """
    even = [1, 0] * 200
    none, gained, lost = [1] * 300 + [0] * 100, [1] * 100 + [0] * 300, [1] * 390 + [0] * 10
    errors = {"16x16": (even, lost), "64x64": (none, gained)}
    nets = [
        net(rate, seed, errors[widths][rate > 0], widths)
        for widths in errors
        for rate in (0.0, 0.2, 0.5)
        for seed in SEEDS
    ]
    of_reference = [
        net(rate, seed, even, "32x32") | {"arm": arm}
        for arm, rate in (("none", 0.0), ("hidden 0.2", 0.2), ("hidden 0.5", 0.5))
        for seed in SEEDS
    ]
    studies = {"capacity": runs(*nets, **VALUES), "reference": runs(*of_reference)}
    rates, widths = CLAIM.remarks(studies)
    assert rates.startswith("the narrowest nets drop at rate 0.5; ")
    assert widths.endswith(
        "error falls: 64 units (50.00 points); error rises: 16 units (47.50 points); "
        "open: 32 units (0.00 points)"
    )
