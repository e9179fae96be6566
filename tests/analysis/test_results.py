"""Results as claims see them: paired by seed, missed in a sentence."""

import csv
import hashlib
import io
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dropout_study.analysis.results import from_file, to_file
from dropout_study.analysis.runs import Errors, ResultsMissing, Runs, minus, needing_columns
from dropout_study.claims import CLAIMS
from dropout_study.config.condition import ERA
from dropout_study.config.schema import ConfigError
from dropout_study.tracking.packing import pack, pack_picture

FRAME = pd.DataFrame(
    {
        "study": "capacity",
        "budget": "laptop",
        "condition": ["a", "a", "b", "b", "b"],
        "digest": ["a", "a", "b", "b", "b"],
        "era": ERA,
        "training_digest": "c",
        "seed": [1, 0, 0, 1, 2],
        "data.name": "mnist",
        "data.train_size": 100,
        "model.name": "mlp",
        "budget.updates": 20,
        "model.hidden_rate": [0.0, 0.0, 0.5, 0.5, 0.5],
        "test/error/weight_scaling": [50.0, 25.0, 0.0, 25.0, 100.0],
        "wrong/weight_scaling": [
            pack(w) for w in ([1, 1, 0, 0], [1, 0, 0, 0], [0] * 4, [0, 1, 0, 0], [1] * 4)
        ],
        "curve/val/error": ["10:3 20:2", "10:5 20:4", "", "", ""],
    }
).replace("", None)
RUNS = Runs(FRAME, {"rate": 0.5})


def test_errors_are_paired_by_seed_and_judged_on_the_same_images() -> None:
    """If this failed, seed 0 of one arm would be compared with seed 1 of the other.

    Seed 0: 25 - 0, seed 1: 50 - 25. Images: (1 + 1) / 2, (0 + 0) / 2, 0, 0, in percent.
    """
    effect = (
        RUNS.where(model__hidden_rate=0).error().minus(RUNS.where(model__hidden_rate=0.5).error())
    )
    assert effect.values == [25.0, 25.0]
    assert effect.image_error == pytest.approx(np.std([100, 0, 0, 0], ddof=1) / math.sqrt(4))


def test_a_measure_is_paired_over_common_seeds() -> None:
    """If this failed, an arm with more seeds would shift the difference."""
    one, other = (
        RUNS.where(model__hidden_rate=r).column("test/error/weight_scaling") for r in (0, 0.5)
    )
    assert minus(other, one).values == [-25.0, -25.0]

    with pytest.raises(ResultsMissing, match="no seed in common"):
        minus(one.loc[[0]], other.loc[[2]])


def test_a_curve_has_a_row_a_step_and_a_column_a_seed() -> None:
    """If this failed, figures would mix steps and seeds."""
    curve = RUNS.where(model__hidden_rate=0).curve("val/error")
    assert curve.loc[20, 0] == 4
    assert RUNS.where(model__hidden_rate=0).at("val/error", 10).to_dict() == {0: 5.0, 1: 3.0}


def test_the_last_point_of_a_curve_has_to_be_asked_for() -> None:
    """If this failed, a claim could take the last layer or member for a summary of all."""
    plain = Runs(FRAME.assign(**{"val/error": [2.0, 4.0, 1.0, 1.0, 1.0]}), {}).where(
        model__hidden_rate=0
    )
    assert plain.last("val/error").to_dict() == {0: 4.0, 1: 2.0}

    with pytest.raises(ValueError, match="val/error is a curve"):
        plain.column("val/error")


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: RUNS.where(model__hidden_rate=0.2), "no results with model.hidden_rate=0.2"),
        (lambda: RUNS.where(arm="L2"), "no results with arm=L2"),
        (lambda: RUNS.column("units/rank"), "units/rank was not measured"),
        (
            lambda: RUNS.where(model__hidden_rate=0.5).curve("val/error"),
            "val/error was not measured",
        ),
        (lambda: RUNS.where(model__hidden_rate=0).at("val/error", 15), "not measured at 15"),
        (
            lambda: RUNS.curve("val/error"),
            "several conditions are recorded where one is expected: a; b",
        ),
        (lambda: RUNS.wrong("weight_scaling"), "several conditions are recorded"),
        (
            lambda: minus(RUNS.column("seed"), RUNS.column("seed")),
            "several conditions are recorded",
        ),
        (lambda: RUNS.error("exact_geometric"), "test/error/exact_geometric was not measured"),
    ],
)
def test_what_is_missing_is_named(ask: Callable[[], object], message: str) -> None:
    """If this failed, a claim without runs would be a KeyError."""
    with pytest.raises(ResultsMissing, match=message):
        ask()


def test_a_file_keeps_every_digit_and_is_sorted(tmp_path: Path) -> None:
    """If this failed, a verdict could change on its way through the file."""
    exact = FRAME.assign(**{"test/error/weight_scaling": FRAME["test/error/weight_scaling"] / 3})
    to_file(exact, tmp_path / "results.csv")
    again = from_file(tmp_path / "results.csv")
    assert again["seed"].tolist() == [0, 1, 0, 1, 2]
    wanted = exact.sort_values(["digest", "seed"])["test/error/weight_scaling"].tolist()
    assert again["test/error/weight_scaling"].tolist() == wanted


WHOLE = {
    "study": "capacity",
    "budget": "laptop",
    "condition": "mlp 8, rate 0",
    "seed": "0",
    "digest": "a",
    "era": str(ERA),
    "training_digest": "b",
    "data.name": "digits",
    "data.train_size": "100",
    "model.name": "mlp",
    "model.hidden_rate": "0.5",
    "budget.updates": "20",
    "regularizer.max_norm": "none",
    "test/error/weight_scaling": "25.0",
    "val/error": "4.0",
    "val/nll": "0.25",
    "curve/val/error": "10:5 20:4",
    "wrong/weight_scaling": pack([1, 0, 0, 0]),
    "picture/features": pack_picture(np.eye(2)),
    "mine/anything": "-1e3",
}


def table(*rows: dict[str, str]) -> str:
    """A file of results with these rows."""
    written = io.StringIO()
    writer = csv.DictWriter(written, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)

    return written.getvalue()


def test_a_whole_table_is_read(tmp_path: Path) -> None:
    """If this failed, the checks would refuse a written table, such as with a user's measure."""
    (tmp_path / "results.csv").write_text(
        table(WHOLE, WHOLE | {"seed": "4294967295", "val/nll": ""})
    )
    runs = from_file(tmp_path / "results.csv")
    assert runs["seed"].tolist() == [0, 2**32 - 1]
    assert runs["mine/anything"].tolist() == [-1000.0] * 2
    assert math.isnan(runs["val/nll"][1])


def test_classes_and_a_reserve_have_test_images_of_their_own(tmp_path: Path) -> None:
    """If this failed, results on some classes, or with a reserve, could not stand in one file with
    those on the whole data set.
    """
    file = tmp_path / "results.csv"
    whole = WHOLE | {"data.classes": "none", "data.reserve": "0"}
    pair = whole | {"seed": "1", "data.classes": "3 8", "wrong/weight_scaling": pack([1, 0])}
    more = whole | {"seed": "2", "data.reserve": "2", "wrong/weight_scaling": pack([1, 0] * 3)}
    file.write_text(table(whole, pair, more))
    runs = from_file(file)
    assert runs["data.classes"].tolist() == ["none", "3 8", "none"]
    assert runs["data.reserve"].tolist() == [0, 0, 2]

    file.write_text(table(whole, pair, pair | {"seed": "2", "wrong/weight_scaling": pack([1])}))
    with pytest.raises(ConfigError, match="it has 1 test images, and line 3 has 2"):
        from_file(file)


@pytest.mark.parametrize(
    ("column", "text", "message"),
    [
        ("study", "capcity", "line 3, column study: 'capcity' is not one of capacity, cost"),
        ("budget", "lap", "line 3, column budget: 'lap' is not one of smoke, laptop, paper"),
        (
            "data.name",
            "imagenet",
            "line 3, column data.name: 'imagenet' is not one of digits, mnist",
        ),
        ("seed", "", "line 3, column seed: the cell is empty"),
        ("seed", "1e30", "line 3, column seed: '1e30' is not a whole number from 0 to 4294967295"),
        ("seed", "nan", "line 3, column seed: 'nan' is not a whole number"),
        ("seed", "-1", "line 3, column seed: '-1' is not"),
        ("seed", "4294967296", "line 3, column seed: '4294967296' is not"),
        ("seed", "0", "line 3, columns study, digest, seed: it repeats the network of line 2"),
        ("training_digest", "", "line 3, column training_digest: the cell is empty"),
        ("model.hidden_rate", "half", "column model.hidden_rate: 'half' is not a finite number"),
        ("test/error/weight_scaling", "-3", "'-3' is not a finite number, at least 0, at most 100"),
        (
            "test/error/weight_scaling",
            "101",
            "'101' is not a finite number, at least 0, at most 100",
        ),
        ("test/error/weight_scaling", "nan", "'nan' is not a finite number"),
        ("val/nll", "inf", "column val/nll: 'inf' is not a finite number, at least 0"),
        ("val/nll", "0.25x", "column val/nll: '0.25x' is not"),
        ("mine/anything", "-inf", "column mine/anything: '-inf' is not a finite number"),
        ("val/error", "5.0", "column val/error: '5.0' is not 4, the last point of curve/val/error"),
        ("curve/val/error", "10:5", "column val/error: '4.0' is not 5, the last point"),
        (
            "curve/val/error",
            "10:5 20:",
            "column curve/val/error: '10:5 20:' is not a complete curve",
        ),
        (
            "curve/val/error",
            "10:nan 20:4",
            "column curve/val/error: '10:nan 20:4' is not a complete",
        ),
        (
            "wrong/weight_scaling",
            pack([1, 0])[:-2],
            "column wrong/weight_scaling: .* is not packed",
        ),
        ("wrong/weight_scaling", pack([1, 0]), "it has 2 test images, and line 2 has 4"),
        (
            "picture/features",
            "2 1 abc",
            "column picture/features: '2 1 abc' is not a packed picture",
        ),
    ],
)
def test_a_damaged_cell_is_named(tmp_path: Path, column: str, text: str, message: str) -> None:
    """If this failed, a report would be written as if nothing were wrong, or end in a traceback."""
    (tmp_path / "results.csv").write_text(table(WHOLE, WHOLE | {"seed": "1"} | {column: text}))

    with pytest.raises(ConfigError, match=message) as raised:
        from_file(tmp_path / "results.csv", ["capacity", "cost"])

    assert str(raised.value).startswith(f"results={tmp_path / 'results.csv'} cannot be read: ")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (table(WHOLE).splitlines()[0].encode(), "it has a header and no rows"),
        (b"\x89PNG\r\n\x1a\n\xff\x00", "it is not a file of text"),
        (b"a,b\n1,2\n", "line 1: there is no column study, budget"),
        (table(WHOLE)[:-40].encode(), "line 2: it has 18 cells, and the header 20"),
        (table(WHOLE).replace("rate 0", 'rate" 0').encode(), "line 2: "),
        (table({"seeds": "", **WHOLE}).encode(), "line 1: 'seeds' is no column of results"),
        (
            table(WHOLE).replace("val/nll", "val/error").encode(),
            "line 1: there are two columns val/error",
        ),
        (
            table({k: v for k, v in WHOLE.items() if k != "seed"}).encode(),
            "line 1: there is no column seed",
        ),
    ],
    ids=["empty", "header", "binary", "other", "cut", "quote", "unknown", "twice", "missing"],
)
def test_a_damaged_table_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """If this failed, a report would be made from another table, or end in a traceback."""
    (tmp_path / "results.csv").write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        from_file(tmp_path / "results.csv")


def test_rows_that_are_gone_are_noticed_by_the_checksum(tmp_path: Path) -> None:
    """If this failed, half of a file would pass for the whole; only without checksum it may."""
    file, sums = to_file(FRAME, tmp_path / "results.csv")
    assert sums.read_text() == f"{hashlib.sha256(file.read_bytes()).hexdigest()}  results.csv\n"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:3]))

    with pytest.raises(ConfigError, match=r"rows may be cut .* remove results.csv.sha256"):
        from_file(file)

    sums.unlink()
    assert len(from_file(file)) == 2
    to_file(FRAME, file)
    assert len(from_file(file)) == 5


def test_a_column_that_a_claim_needs_is_missed_in_a_sentence() -> None:
    """If this failed, a table without some column would be a page of traceback."""
    with pytest.raises(ResultsMissing, match="there is no column 'arm'"), needing_columns():
        CLAIMS["weight_scaling_exact"].figure({"enumerable": Runs(FRAME, {})})


def test_errors_of_different_rules_compare_within_a_network() -> None:
    """If this failed, Monte Carlo and weight scaling of one net could not be paired."""
    percent = pd.Series({0: 50.0})
    one = Errors(percent, {0: np.array([1.0, 0.0])})
    other = Errors(percent * 0, {0: np.zeros(2)})
    assert one.minus(other).values == [50.0]


def test_networks_of_another_era_do_not_count(tmp_path: Path) -> None:
    """If this failed, networks of two meanings of one configuration would be averaged."""
    file = tmp_path / "results.csv"
    later = WHOLE | {"seed": "1", "era": str(ERA + 1)}
    file.write_text(table(WHOLE, later), encoding="utf-8")
    assert from_file(file)["seed"].tolist() == [0]

    for row in (later, {key: text for key, text in WHOLE.items() if key != "era"}):
        file.write_text(table(row), encoding="utf-8")
        with pytest.raises(ConfigError, match=f"its networks are of another era than {ERA}"):
            from_file(file)


@pytest.mark.parametrize("digests", [["a", "b", "c", "d"], ["d", "c", "b", "a"]])
def test_the_order_of_conditions_does_not_depend_on_their_digests(digests: list[str]) -> None:
    """If this failed, a new era would rewrite the report without any change of a result."""
    frame = pd.DataFrame(
        {
            "digest": digests,
            "seed": 0,
            "arm": ["relu", "tanh", "relu", "relu"],
            "model.widths": ["16", "4", "4x4", "8"],
            "condition": ["w", "x", "y", "z"],
        }
    )
    ordered = [net.frame["condition"].iloc[0] for net in Runs(frame, {}).conditions()]
    assert ordered == ["y", "z", "w", "x"]
