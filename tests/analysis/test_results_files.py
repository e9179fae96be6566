"""Files of results come back as they were, and damaged ones are refused in a sentence."""

import csv
import hashlib
import io
import math
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dropout_study.analysis.columns import EVALUATION, PARAMS
from dropout_study.analysis.list_columns import LISTS, is_list
from dropout_study.analysis.results import COLUMNS_OF_TAGS
from dropout_study.analysis.results_files import CHECKSUMS, FIRST_COLUMNS, read, write
from dropout_study.analysis.table_files import parquet_bytes
from dropout_study.config.condition import ERA
from dropout_study.config.schema import ConfigError
from dropout_study.evaluation.probes import PROBES
from dropout_study.report.publish import removal
from support.paths import ROOT
from support.tables import curve_columns

ROW = {
    "study": "capacity",
    "budget": "laptop",
    "condition": "mlp 8, rate 0",
    "also": '[["dropout", 3]]',
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
    "mine/anything": "-1e3",
}
"""A row of a CSV file."""
Rows = list[dict[str, Any]]
PARQUET = "capacity.parquet"
CSV = "capacity.csv"
FORMATS = pytest.mark.parametrize("name", [PARQUET, CSV])


def typed_row(**changes: object) -> dict[str, Any]:
    """A row in memory; `__` in a name stands for a slash."""
    numbers = {"seed", "era", "data.train_size", "budget.updates"}
    row: dict[str, Any] = {key: int(text) if key in numbers else text for key, text in ROW.items()}
    row |= {key: float(ROW[key]) for key in ("model.hidden_rate", *filter(lambda k: "/" in k, ROW))}
    row |= {name: cell for name, (cell,) in curve_columns("val/error", ["10:5 20:4"]).items()}
    row |= {"wrong/weight_scaling": np.array([1.0, 0, 0, 0]), "picture/features": np.eye(2)}

    return row | {key.replace("__", "/"): value for key, value in changes.items()}


def networks(count: int = 5, images: int = 40) -> pd.DataFrame:
    """Random results of some networks, one of which lacks the lists."""
    source = np.random.default_rng(0)
    rows = [
        typed_row(
            seed=seed,
            test__error__weight_scaling=float(source.uniform(0, 100)),
            wrong__weight_scaling=source.integers(0, 36, images) / 35,
            picture__features=source.normal(size=(3, 6)),
        )
        for seed in range(count)
    ]
    rows[-1] |= dict.fromkeys(filter(is_list, rows[-1]))

    return pd.DataFrame(rows)


def as_csv(*rows: dict[str, str]) -> bytes:
    """A CSV file of these rows."""
    written = io.StringIO()
    writer = csv.DictWriter(written, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)

    return written.getvalue().encode()


def refusal(file: Path, content: bytes) -> str:
    """Why a file with this content is refused, in one line."""
    file.write_bytes(content)
    with pytest.raises(ConfigError) as raised:
        read(file, ["capacity", "cost"])

    message = str(raised.value)
    assert message.startswith(f"results={file} cannot be read: ")
    assert "\n" not in message

    return message


def test_a_file_keeps_every_digit_and_is_sorted(tmp_path: Path) -> None:
    """If this failed, a verdict could change on its way through the file."""
    written = networks()
    write(written.iloc[::-1], tmp_path)
    again = read(tmp_path / PARQUET)
    pd.testing.assert_frame_equal(
        again[list(written)], written, check_exact=True, check_dtype=False
    )

    scalars = read(tmp_path / CSV)
    assert not list(filter(is_list, scalars))
    pd.testing.assert_frame_equal(again[list(scalars)], scalars, check_exact=True)


def test_pandas_alone_reads_lists_as_arrays(tmp_path: Path) -> None:
    """If this failed, a reader without this package would have to decode cells."""
    written = networks()
    write(written, tmp_path)
    table = pd.read_parquet(tmp_path / PARQUET)
    row = table.loc[1]
    assert row["wrong/weight_scaling"].tolist() == written["wrong/weight_scaling"][1].tolist()
    assert dict(zip(row["steps/val/error"], row["curve/val/error"], strict=True)) == {10: 5, 20: 4}
    assert (np.stack(row["picture/features"]) == written["picture/features"][1]).all()
    assert table.loc[4, "wrong/weight_scaling"] is None


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    """If this failed, every report would be a change in the repository."""
    folders = [tmp_path / "one", tmp_path / "other"]
    written = networks()

    for folder, table in zip(folders, [written, written.iloc[[3, 0, 4, 2, 1], ::-1]], strict=True):
        files = write(table, folder)

    for file in files:
        assert file.read_bytes() == (folders[0] / file.name).read_bytes(), file

    assert b"pandas" not in (folders[0] / PARQUET).read_bytes(), "it names no version of pandas"


def test_results_of_a_study_are_small(tmp_path: Path) -> None:
    """If this failed, the results would be too large for the repository.

    200 networks and 3 rules that misclassify 2 % of 10,000 images: 1,000 bytes per network or less.
    """
    source = np.random.default_rng(0)
    rows = [
        typed_row(
            seed=seed,
            **{f"wrong__{rule}": (source.random(10_000) < 0.02) * 1.0 for rule in ("a", "b", "c")},
            wrong__weight_scaling=None,
            picture__features=None,
        )
        for seed in range(200)
    ]
    file, *_ = write(pd.DataFrame(rows), tmp_path)
    assert file.stat().st_size < 200 * 1_500


def test_a_whole_csv_file_is_read(tmp_path: Path) -> None:
    """If this failed, the checks would refuse a written table, such as with a user's measure."""
    (tmp_path / CSV).write_bytes(as_csv(ROW, ROW | {"seed": "4294967295", "val/nll": ""}))
    runs = read(tmp_path / CSV)
    assert runs["seed"].tolist() == [0, 2**32 - 1]
    assert runs["mine/anything"].tolist() == [-1000.0] * 2
    assert math.isnan(runs["val/nll"][1])


def test_a_file_that_pandas_has_written_is_read(tmp_path: Path) -> None:
    """If this failed, nobody could take rows out of a file with pandas and report on the rest."""
    write(networks(), tmp_path)
    table = pd.read_parquet(tmp_path / PARQUET)
    rest = table[table["seed"] > 1]
    rest.to_parquet(tmp_path / "fewer.parquet", index=False)
    again = read(tmp_path / "fewer.parquet")
    whole = read(tmp_path / PARQUET)
    pd.testing.assert_frame_equal(again, whole[2:].reset_index(drop=True))


@pytest.mark.parametrize(
    ("column", "text", "message"),
    [
        ("study", "capcity", "line 3, column study: 'capcity' is not one of capacity, cost"),
        ("budget", "lap", "line 3, column budget: 'lap' is not one of smoke, laptop, paper"),
        ("data.name", "imagenet", "line 3, column data.name: 'imagenet' is not one of digits"),
        ("seed", "", "line 3, column seed: the cell is empty"),
        ("seed", "1e30", "line 3, column seed: '1e30' is not a whole number from 0 to 4294967295"),
        ("seed", "nan", "line 3, column seed: 'nan' is not a whole number"),
        ("seed", "-1", "line 3, column seed: '-1' is not"),
        ("seed", "4294967296", "line 3, column seed: '4294967296' is not"),
        ("seed", "0", "line 3, columns study, digest, seed: it repeats the network of line 2"),
        ("also", "dropout", "line 3, column also: 'dropout' is not further arms, such as"),
        ("also", '[["dropout"]]', "is not further arms"),
        ("also", "[[0, 1]]", "is not further arms"),
        ("training_digest", "", "line 3, column training_digest: the cell is empty"),
        ("model.hidden_rate", "half", "column model.hidden_rate: 'half' is not a finite number"),
        ("test/error/weight_scaling", "-3", "'-3' is not a finite number, at least 0, at most 100"),
        ("test/error/weight_scaling", "101", "'101' is not a finite number, at least 0, at most"),
        ("test/error/weight_scaling", "nan", "'nan' is not a finite number"),
        ("val/nll", "inf", "column val/nll: 'inf' is not a finite number, at least 0"),
        ("val/nll", "0.25x", "column val/nll: '0.25x' is not"),
        ("mine/anything", "-inf", "column mine/anything: '-inf' is not a finite number"),
    ],
)
def test_a_damaged_cell_of_a_csv_file_is_named(
    tmp_path: Path, column: str, text: str, message: str
) -> None:
    """If this failed, a report would be written as if nothing were wrong, or end in a traceback."""
    content = as_csv(ROW, ROW | {"seed": "1"} | {column: text})
    assert message in refusal(tmp_path / CSV, content)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 0}, "row 1, columns study, digest, seed: it repeats the network of row 0"),
        ({"seed": -1}, "row 1, column seed: '-1' is not a whole number"),
        ({"study": "capcity"}, "row 1, column study: 'capcity' is not one of capacity, cost"),
        ({"training_digest": None}, "row 1, column training_digest: the cell is empty"),
        ({"val__nll": math.inf}, "row 1, column val/nll: 'inf' is not a finite number"),
        ({"val__error": 5.0}, "row 1, column val/error: 5.0 is not 4, the last point of curve/val"),
        (
            {"curve__val__error": np.array([5.0, 4.0, 4.0])},
            "row 1, column curve/val/error: it has 3 values, and steps/val/error no step for each",
        ),
        ({"steps__val__error": None}, "it has 2 values, and steps/val/error no step for each"),
        (
            {"curve__val__error": np.array([math.nan, 4.0])},
            "row 1, column curve/val/error: it is no list of possible val/error",
        ),
        (
            {"wrong__weight_scaling": np.array([1, 0, 0, 1.5])},
            "row 1, column wrong/weight_scaling: it is no list of shares from 0 to 1",
        ),
        (
            {"wrong__weight_scaling": np.array([1.0, 0.0])},
            "row 1, column wrong/weight_scaling: it has 2 test images, and row 0 has 4",
        ),
        (
            {"picture__features": np.array([[1.0, math.inf]])},
            "row 1, column picture/features: it is no picture",
        ),
    ],
)
def test_a_damaged_cell_of_a_parquet_file_is_named(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    """If this failed, a report would be written as if nothing were wrong, or end in a traceback."""
    table = pd.DataFrame([typed_row(), typed_row(**{"seed": 1} | changes)])
    assert message in refusal(tmp_path / PARQUET, parquet_bytes(table))


def test_classes_and_a_reserve_have_test_images_of_their_own(tmp_path: Path) -> None:
    """If this failed, results on some classes, or with a reserve, could not stand in one file with
    those on the whole data set.
    """
    rows = [
        typed_row(**{"seed": 0, "data.classes": "none", "data.reserve": 0}),
        typed_row(**{"seed": 1, "data.classes": "3 8", "data.reserve": 0}),
        typed_row(**{"seed": 2, "data.classes": "none", "data.reserve": 2}),
    ]
    for row, images in zip(rows, (4, 2, 6), strict=True):
        row["wrong/weight_scaling"] = np.zeros(images)

    write(pd.DataFrame(rows), tmp_path)
    runs = read(tmp_path / PARQUET)
    assert runs["data.classes"].tolist() == ["none", "3 8", "none"]
    assert runs["data.reserve"].tolist() == [0, 0, 2]

    other = rows[1] | {"seed": 3, "wrong/weight_scaling": np.zeros(1)}
    content = parquet_bytes(pd.DataFrame([*rows, other]))
    assert "it has 1 test images, and row 1 has 2" in refusal(tmp_path / "other.parquet", content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (as_csv(ROW).splitlines()[0], "it has a header and no rows"),
        (b"\x89PNG\r\n\x1a\n\xff\x00", "it is neither a Parquet file nor a file of text"),
        (b"a,b\n1,2\n", "there is no column study, budget"),
        (as_csv(ROW)[:-11], "line 2: it has 16 cells, and the header 18"),
        (as_csv(ROW).replace(b"rate 0", b'rate" 0'), "line 2: "),
        (as_csv({"seeds": "", **ROW}), "'seeds' is no column of results"),
        (as_csv(ROW).replace(b"val/nll", b"val/error"), "there are two columns val/error"),
        (as_csv({k: v for k, v in ROW.items() if k != "seed"}), "there is no column seed"),
        (
            as_csv(ROW | {"wrong/bag": "c-mua"}),
            "column wrong/bag: columns wrong/, steps/, curve/, picture/ hold lists, which are in "
            "the file that ends with .parquet",
        ),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value[:20],
)
def test_a_damaged_csv_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """If this failed, a report would be made from another table, or end in a traceback."""
    assert message in refusal(tmp_path / CSV, content)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table[:0], "it has a header and no rows"),
        (lambda table: table[["study", "seed"]], "there is no column budget, condition"),
        (lambda table: table.assign(seeds=1), "'seeds' is no column of results"),
        (
            lambda table: table.assign(**{"wrong/weight_scaling": "text"}),
            "column wrong/weight_scaling: it holds ",
        ),
        (
            lambda table: table.assign(**{"val/nll": pd.Timestamp(0)}),
            "column val/nll: it holds timestamp",
        ),
        (
            lambda table: table.assign(**{"picture/features": table["wrong/weight_scaling"]}),
            "column picture/features: it holds list<element: double>, and not lists of lists of",
        ),
        (
            lambda table: table.assign(**{"picture/features": [[[1.0], [1.0, 2.0]]] * len(table)}),
            "row 0, column picture/features: it is no picture",
        ),
    ],
    ids=["no_rows", "foreign", "unknown", "text", "time", "depth", "ragged"],
)
def test_a_parquet_file_of_another_table_is_refused(
    tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    """If this failed, a report would be made from another table, or end in a traceback."""
    write(networks(), tmp_path)
    change(pd.read_parquet(tmp_path / PARQUET)).to_parquet(tmp_path / "other.parquet")
    assert message in refusal(tmp_path / "other.parquet", (tmp_path / "other.parquet").read_bytes())


WHOLE_FILE = parquet_bytes(networks())


@given(st.integers(4, len(WHOLE_FILE) - 1), st.integers(0, 255))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_parquet_file_that_was_cut_or_changed_is_refused_in_a_sentence(
    tmp_path: Path, position: int, change: int
) -> None:
    """If this failed, a damaged file would end in a traceback, with its checksum or without."""
    write(networks(1), tmp_path)  # for a checksum
    changed = bytes([WHOLE_FILE[position] ^ change]) + WHOLE_FILE[position + 1 :] if change else b""
    file = tmp_path / PARQUET
    assert "differs from its checksum" in refusal(file, WHOLE_FILE[:position] + changed)

    (tmp_path / CHECKSUMS).unlink()
    with suppress(ConfigError):  # names and numbers in its last part can be changed unnoticed
        read(file)

    if not change:
        assert "it is no Parquet file, or it was cut" in refusal(file, file.read_bytes())


@FORMATS
def test_rows_that_are_gone_are_noticed_by_the_checksum(tmp_path: Path, name: str) -> None:
    """If this failed, half of a file would pass for the whole; only without checksum it may."""
    write(networks(), tmp_path)
    file, sums = tmp_path / name, tmp_path / CHECKSUMS
    assert f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {name}\n" in sums.read_text()

    write(networks()[:2], tmp_path / "fewer")
    file.write_bytes((tmp_path / "fewer" / name).read_bytes())

    with pytest.raises(ConfigError, match=r"rows may be cut .* remove its line there"):
        read(file)

    sums.unlink()
    assert len(read(file)) == 2
    write(networks(), tmp_path)
    assert len(read(file)) == 5


def two_studies() -> pd.DataFrame:
    """Networks of two studies, one of which sets what the other does not."""
    others = [typed_row(study="cost", seed=seed) | {"data.pool": 2.0} for seed in range(2)]
    return pd.concat([networks(3), pd.DataFrame(others)], ignore_index=True)


def test_a_report_says_whose_files_it_removes(tmp_path: Path) -> None:
    """If this failed, a report on one study would take the published results of others away, and
    nobody would notice.
    """
    assert removal(tmp_path, networks()) == ""
    write(two_studies(), tmp_path)
    assert removal(tmp_path, two_studies()) == ""
    assert removal(tmp_path, networks()) == (
        f"{tmp_path}: the files of cost are removed, since the store has no results of these "
        "studies."
    )


def test_a_folder_holds_a_file_per_study_and_reads_as_one_table(tmp_path: Path) -> None:
    """If this failed, claims that read several studies would lack networks, or see others."""
    together = two_studies()
    files = write(together, tmp_path)
    names = ["capacity.parquet", "capacity.csv", "cost.parquet", "cost.csv", CHECKSUMS]
    assert [file.name for file in files] == names
    assert sorted(tmp_path.iterdir()) == sorted(files)

    again = read(tmp_path)
    pd.testing.assert_frame_equal(
        again[list(together)], together, check_exact=True, check_dtype=False
    )
    assert "data.pool" not in pd.read_parquet(tmp_path / "capacity.parquet")


def test_a_file_does_not_depend_on_the_other_studies(tmp_path: Path) -> None:
    """If this failed, results of one study would change the files, and history, of all others."""
    write(two_studies(), tmp_path / "both")
    alone = [typed_row(study="cost", seed=seed) | {"data.pool": 2} for seed in range(2)]
    write(pd.DataFrame(alone), tmp_path)

    for name in ("cost.parquet", "cost.csv"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "both" / name).read_bytes()


def test_studies_that_are_gone_leave_no_file_and_files_of_others_stay(tmp_path: Path) -> None:
    """If this failed, a report would decide on networks of an earlier store, or delete notes."""
    write(two_studies(), tmp_path)
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    write(networks(3), tmp_path)
    left = {file.name for file in tmp_path.iterdir()}
    assert left == {"capacity.parquet", "capacity.csv", CHECKSUMS, "notes.txt"}


def test_a_folder_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    """If this failed, a claim would be decided without a study, or count a network twice."""
    write(two_studies(), tmp_path)
    (tmp_path / "copy.parquet").write_bytes((tmp_path / "cost.parquet").read_bytes())
    with pytest.raises(ConfigError, match="two files hold the same networks of study=cost"):
        read(tmp_path)

    (tmp_path / "copy.parquet").unlink()
    (tmp_path / "cost.csv").unlink()  # is for people alone
    assert len(read(tmp_path)) == 5
    (tmp_path / "cost.parquet").unlink()
    with pytest.raises(ConfigError, match=r"cost.parquet cannot be read: No such file"):
        read(tmp_path)

    conflict = (tmp_path / CHECKSUMS).read_text(encoding="utf-8") + "=======\n"
    (tmp_path / CHECKSUMS).write_text(conflict, encoding="utf-8")
    with pytest.raises(ConfigError, match="'=======' is no checksum of a file"):
        read(tmp_path)

    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=r"the folder has no file \*.parquet"):
        read(tmp_path / "empty")


@FORMATS
def test_networks_of_another_era_do_not_count(tmp_path: Path, name: str) -> None:
    """If this failed, networks of two meanings of one configuration would be averaged."""
    later = typed_row(seed=1, era=ERA + 1)
    write(pd.DataFrame([typed_row(), later]), tmp_path)
    assert read(tmp_path / name)["seed"].tolist() == [0]

    for row in (later, {key: cell for key, cell in typed_row().items() if key != "era"}):
        write(pd.DataFrame([row]), tmp_path)
        with pytest.raises(ConfigError, match=f"its networks are of another era than {ERA}"):
            read(tmp_path / name)


PAGE = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")


def test_the_documented_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If this failed, the first thing that a reader of the file tries would be an error."""
    folder = tmp_path / "report" / "results"
    write(pd.DataFrame([typed_row(study="regularizers", arm="l2", stage="final")]), folder)
    monkeypatch.chdir(tmp_path)
    first, second = [block.split("```")[0] for block in PAGE.split("```python\n")[1:]]
    variables: dict[str, Any] = {}
    exec(first, variables)
    assert "error (%): 25.0" in capsys.readouterr().out

    (folder / CHECKSUMS).unlink()
    exec(second, variables)
    assert len(read(folder)) == 1


def test_every_column_is_documented() -> None:
    """If this failed, a reader of the file could not know what a column means, or its unit."""
    of_networks = {*COLUMNS_OF_TAGS.values(), *FIRST_COLUMNS} - {"run"}
    assert [name for name in of_networks if f"| `{name}` |" not in PAGE] == []
    assert [name for name in (*PARAMS, *EVALUATION, *LISTS) if f"`{name}" not in PAGE] == []

    findings = [finding for probe in PROBES.values() for finding in probe.findings]
    lines = []

    for finding in findings:
        meaning = finding.meaning.replace("|", "\\|")
        lines.append(f"| `{finding.name}` | {finding.unit or '-'} | {meaning} |")

    assert [line for line in lines if line not in PAGE] == [], "lines for docs/results.md"
