"""The report on a store of real runs: every claim, every figure, the same from the file."""

import io
import re
import sys
from pathlib import Path

import pandas as pd
import pytest
from mlflow.tracking import MlflowClient
from rich.console import Console

from dropout_study.analysis import results, results_files
from dropout_study.analysis.criteria import (
    CONTRADICTED,
    DOUBTS,
    FAILS,
    HOLDS,
    NOT_FOUND,
    NOT_RESOLVED,
    SUPPORTED,
)
from dropout_study.analysis.runs import Runs
from dropout_study.claims import CLAIMS, STUDIES
from dropout_study.config.schema import Budget, ConfigError, Report, Reproduce, Tracking
from dropout_study.report.page import write_report
from dropout_study.report.publish import or_published, report
from dropout_study.report.scopes import ClaimRuns
from dropout_study.report.verdict_table import terminal_tables
from dropout_study.report.verdicts import NEEDS_MNIST, NO_RUNS, Outcome, decide
from dropout_study.running.reproduce import reproduce
from dropout_study.running.restore import restore
from dropout_study.tracking.store import Store
from support.paths import CONF, SMOKE

pytestmark = SMOKE
VERDICTS = (SUPPORTED, CONTRADICTED, NOT_RESOLVED, NOT_FOUND, NEEDS_MNIST, HOLDS, FAILS)
SHOWN = [
    *(f"smoke: {verdict}" for verdict in VERDICTS),
    *(f"smoke: {verdict}, {doubt}" for verdict in (SUPPORTED, CONTRADICTED) for doubt in DOUBTS),
]


@pytest.fixture
def page(smoke_folder: Path) -> Path:
    """The report on all claims."""
    return smoke_folder / "report"


@pytest.fixture(scope="module")
def networks(smoke_store: str) -> pd.DataFrame:
    """All results of the store."""
    return results.from_store(Store(smoke_store), STUDIES)


def options(store: str, folder: Path, **more: object) -> Report:
    return Report(
        output=str(folder / "report"), tracking=Tracking(uri=store), data_root="nowhere", **more
    )


def test_every_claim_is_decided_and_has_a_figure(networks: pd.DataFrame, page: Path) -> None:
    """If this failed, a claim would go without verdict or figure."""
    outcomes = decide(networks)
    assert [outcome.claim.id for outcome in outcomes] == list(CLAIMS)

    for outcome in outcomes:
        assert outcome.verdict != NO_RUNS, outcome.reason
        is_asked = not any(line.startswith("the premise is not met") for line in outcome.left_out)
        drawn = [f"{outcome.claim.id}_effects"] if outcome.claim.parts and is_asked else []
        drawn += [outcome.claim.id] if outcome.claim.caption else []
        for name in drawn:
            assert (page / "figures" / f"{name}.svg").stat().st_size > 2_000

    assert (page / "figures" / "regularizers_training.svg").exists()
    assert (page / "figures" / "regularizers_tuning.svg").exists()
    assert "Some numbers are missing" not in (page / "README.md").read_text()


def test_the_last_point_of_a_curve_is_no_result_of_its_own(networks: pd.DataFrame) -> None:
    """If this failed, a file of results would hold the last layer under the name of all layers."""
    ends = {column for column in networks if f"curve/{column}" in networks}
    assert ends == {"val/error", "val/nll"}, "by which candidates are chosen"


def test_each_family_has_a_table(page: Path) -> None:
    """If this failed, a claim beyond the notes would stand among those of the notes, or nowhere."""
    text = (page / "README.md").read_text(encoding="utf-8")
    notes, beyond = text.index("\n## Verdicts\n"), text.index("\n## Beyond the notes\n")
    row = "| [Weight scaling against 1,000 masks](#scaling_beats_sampling) |"
    assert notes < text.index("| [Robustness](#robustness) |") < beyond < text.index(row)
    assert (page / "figures" / "summary_beyond.svg").exists()


@pytest.mark.parametrize("stage", ["tuning", "final", "half"])
def test_a_claim_waits_for_all_conditions_of_its_studies(
    networks: pd.DataFrame, stage: str
) -> None:
    """If this failed, the order of a sweep would decide a claim, or a gap end the whole report."""
    gap = (networks["study"] == "dataset_size") & (networks["stage"] == stage)
    gap &= networks["data.train_size"] == 500
    of = {outcome.claim.id: outcome for outcome in decide(networks[~gap])}
    assert (of["dataset_size"].verdict, of["regularizers"].decided) == (NO_RUNS, True)
    assert f"study dataset_size, stage {stage}" in of["dataset_size"].reason


def test_every_claim_of_trained_networks_has_its_control(networks: pd.DataFrame) -> None:
    """If this failed, a verdict would be shown as settled that was never controlled.

    Timings are of no stage.
    """
    for outcome in decide(networks):
        for name in outcome.claim.parts:
            controlled = outcome.decisions[name].settling is not None
            timed = outcome.claim.id == "cost" and name != "all of training"
            assert controlled != timed, f"{outcome.claim.id}, {name}"


def test_the_choices_of_tuning_are_those_of_the_final_runs(page: Path) -> None:
    """If this failed, the report would show a choice that was not made."""
    text = (page / "README.md").read_text(encoding="utf-8")
    chosen = re.findall(r"^\| regularizers \|.* \| [\d.]+ % \|$", text, re.M)
    assert len(chosen) == 8


def test_what_seconds_of_training_give_is_no_verdict(networks: pd.DataFrame, page: Path) -> None:
    """If this failed, a test of the machinery would look like evidence somewhere."""
    outcomes = decide(networks)
    assert {outcome.shown for outcome in outcomes} <= set(SHOWN)

    verdicts_of = [
        column
        for table in terminal_tables(outcomes)
        for column in table.columns
        if column.header in ("verdict", "outcome")
    ]
    assert len(verdicts_of) == 3

    for column in verdicts_of:
        shown = {str(cell)[: len("[dim]· smoke: ")] for cell in column.cells}
        assert shown == {"[dim]· smoke: "}

    html = (page / "index.html").read_text(encoding="utf-8")
    markdown = (page / "README.md").read_text(encoding="utf-8")
    classes = r'class="(?:verdict )?(supported|contradicted|unresolved|open)"'
    assert set(re.findall(classes, html)) == {"open"}
    assert not set("✔✘") & set(html + markdown)
    second_edition = re.sub(r"^## Since the first.*?^## ", "## ", markdown, flags=re.M | re.S)
    marked = re.sub("smoke: ", "smoke-", second_edition, flags=re.IGNORECASE)
    verdict = r"(?:\| |\*\*|^## .*: )(?:supported|contradicted|not resolved|holds)\b"
    assert not re.findall(verdict, marked, re.MULTILINE)


def test_seconds_of_training_do_not_count_in_the_adjustment(networks: pd.DataFrame) -> None:
    """If this failed, a test of the machinery would weaken the evidence beside it."""
    large = networks.assign(budget="laptop")
    alone = decide(networks, ["regularizers"])[0]
    both = pd.concat([networks, large[large["study"] == "cost"]], ignore_index=True)
    assert decide(both, ["regularizers"])[0].adjusted == pytest.approx(alone.adjusted, nan_ok=True)


def test_the_file_gives_the_verdicts_and_the_figures_of_the_store(
    networks: pd.DataFrame, smoke_store: str, page: Path, tmp_path: Path
) -> None:
    """If this failed, nobody could recompute the committed verdicts from the committed file."""
    of_store = decide(networks)
    of_file = decide(results_files.read(page / "results"))
    for one, other in zip(of_store, of_file, strict=True):
        assert one.effects == other.effects, one.claim.id
        assert repr(one.decisions) == repr(other.decisions)
        assert (one.verdict, one.unsettled) == (other.verdict, other.unsettled)

    report(
        options(
            smoke_store,
            tmp_path,
            results=str(page / "results"),
            claims=["capacity", "mc_samples", "co_adaptation"],
        )
    )

    for figure in (
        "capacity.svg",
        "capacity_training.svg",
        "capacity_tuning.svg",
        "mc_samples.svg",
        "co_adaptation_extra.svg",
    ):
        assert (tmp_path / "report" / "figures" / figure).read_bytes() == (
            page / "figures" / figure
        ).read_bytes()


def test_the_same_runs_give_the_same_bytes(smoke_store: str, page: Path, tmp_path: Path) -> None:
    """If this failed, every report would be a change in the repository."""
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder in folders:
        report(options(smoke_store, folder, results=str(page / "results"), claims=["capacity"]))

    files = sorted(file.relative_to(folders[0]) for file in folders[0].rglob("*") if file.is_file())
    assert len(files) == 9

    for file in files:
        assert (folders[0] / file).read_bytes() == (folders[1] / file).read_bytes(), file


def test_the_page_needs_nothing_else_and_its_links_lead_somewhere(page: Path) -> None:
    """If this failed, the page would load parts from a network, or jump to nowhere."""
    html = (page / "index.html").read_text()
    assert not re.findall(
        r'(?:src|href)="(?!data:image/svg|#|http://127\.0\.0\.1:5000/#/experiments/\d+/runs\?)',
        html,
    )

    for target in re.findall(r'href="#([a-z_]+)"', html):
        assert f'id="{target}"' in html

    assert html.count("<figure>") >= len(CLAIMS)
    assert "smoke" in html
    assert "verdicts say nothing" in re.sub(r"\s+", " ", html)


@pytest.mark.usefixtures("page")
def test_the_report_is_recorded(smoke_store: str) -> None:
    """If this failed, the verdicts would not be where the runs are."""
    client = MlflowClient(smoke_store)
    run = client.search_runs(
        [client.get_experiment_by_name("report").experiment_id], order_by=["start_time"]
    )[0]

    for claim in CLAIMS:
        assert run.data.tags[f"verdict.{claim}"] in SHOWN

    of_study = client.get_experiment_by_name("capacity")
    assert of_study.tags["capacity"] in SHOWN
    artifacts = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert {"verdicts.json", "checks.json"} <= artifacts
    assert {file.path for file in client.list_artifacts(run.info.run_id)} >= {
        "index.html",
        "results",
        "figures",
    }


def test_a_report_is_recorded_before_it_is_printed(
    smoke_store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a closed terminal, or a full disk behind it, would cost the record."""
    client = MlflowClient(smoke_store)
    experiments = [client.get_experiment_by_name("report").experiment_id]
    before = len(client.search_runs(experiments))

    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError("no space left")

    monkeypatch.setattr(sys, "stdout", Full())

    with pytest.raises(OSError, match="no space left"):
        report(options(smoke_store, tmp_path, claims=["subnetworks"]))

    assert len(client.search_runs(experiments)) == before + 1


def test_restored_results_are_those_of_the_file_and_are_not_trained_again(
    networks: pd.DataFrame, tmp_path: Path
) -> None:
    """If this failed, an empty store would not go on from the file that is committed."""
    chosen = networks[networks["study"].isin(["mc_samples", "bagging"])].copy()
    chosen.loc[chosen.index[-1], "ended"] = "2026-11-29T10:00:00+00:00"  # later than its cohort
    results_files.write(chosen, tmp_path / "results")
    uri = f"sqlite:///{tmp_path}/restored.db"
    assert restore(tmp_path / "results", Store(uri), "laptop") == 0
    assert restore(tmp_path / "results", Store(uri), "smoke") == len(chosen)
    assert restore(tmp_path / "results", Store(uri), "smoke") == 0
    results_files.write(results.from_store(Store(uri), STUDIES), tmp_path / "again")
    one, other = (
        results_files.read(tmp_path / name).dropna(axis=1, how="all")
        for name in ("results", "again")
    )
    pd.testing.assert_frame_equal(one, other[list(one)], check_dtype=False, check_exact=True)
    before, after = (decide(frame, ["mc_samples", "bagging"]) for frame in (one, other))
    assert [outcome.decisions for outcome in before] == [outcome.decisions for outcome in after]


def test_scalars_alone_are_not_restored(networks: pd.DataFrame, tmp_path: Path) -> None:
    """If this failed, networks without curves would count as trained, and claims stay open."""
    results_files.write(networks[networks["study"] == "cost"], tmp_path)
    uri = f"sqlite:///{tmp_path}/restored.db"

    with pytest.raises(ConfigError, match=r"no curves and .* name one that ends with .parquet"):
        restore(tmp_path / "cost.csv", Store(uri), "smoke")

    assert not (tmp_path / "restored.db").exists()


def test_a_report_on_scalars_alone_names_the_file_with_the_rest(
    networks: pd.DataFrame, tmp_path: Path
) -> None:
    """If this failed, a claim that needs curves would look as if its networks were not trained."""
    read = networks["study"].isin(CLAIMS["mc_samples"].studies)
    results_files.write(networks[read], tmp_path)
    scalars = [results_files.read(file) for file in sorted(tmp_path.glob("*.csv"))]
    (outcome,) = decide(pd.concat(scalars, ignore_index=True), ["mc_samples"])
    assert outcome.verdict == NO_RUNS
    assert "are in the file that ends with .parquet" in outcome.reason


def test_a_claim_without_runs_names_the_command_that_makes_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """If this failed, a newcomer would see an empty table."""
    report(options(f"sqlite:///{tmp_path}/none.db", tmp_path))
    printed = capsys.readouterr().out
    assert printed.count("needs runs: python scripts/reproduce.py 'studies=[") == len(CLAIMS)
    assert "'studies=[reference,robustness]' budget=laptop" in printed
    assert not (tmp_path / "none.db").exists()


def test_a_store_without_studies_stands_back_for_the_published_results(
    smoke_store: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If this failed, `report` in an empty folder would be a page without a verdict, or hide what a
    user has trained, or what a file says.
    """
    monkeypatch.chdir(tmp_path)
    alone = options("sqlite:///mlflow.db", tmp_path)
    assert or_published(alone).results == "published"
    assert "mlflow.db holds no study of a claim" in capsys.readouterr().out

    named = options(f"sqlite:///{tmp_path}/mistyped.db", tmp_path)
    for own in (named, options(smoke_store, tmp_path), options("", tmp_path, results="mine.csv")):
        assert or_published(own) == own

    assert list(tmp_path.iterdir()) == []


def test_text_from_a_file_is_shown_as_text(tmp_path: Path) -> None:
    """If this failed, a file of results could bring a script to the page, or break the table."""
    outcome = Outcome(CLAIMS["capacity"], NO_RUNS, reason="<b>[/x]")
    networks = pd.DataFrame({"study": ["capacity"], "digest": ["abc"], "commit": ["<i>"]})
    write_report([outcome], networks, tmp_path, {}, None)
    html = (tmp_path / "index.html").read_text()
    assert not set(re.findall("<b>|<i>", html))
    assert {"&lt;b&gt;[/x]", "&lt;i&gt;"} <= set(re.findall(r"&lt;[bi]&gt;(?:\[/x\])?", html))
    shown = io.StringIO()
    outcome.verdict = "<b>[/x]"
    outcome.runs = ClaimRuns(final={"capacity": Runs(pd.DataFrame(), {})})
    Console(file=shown, width=200).print(*terminal_tables([outcome]))
    assert "<b>[/x]" in shown.getvalue()


def test_a_file_of_results_that_is_typed_has_to_be_there(tmp_path: Path) -> None:
    """If this failed, a mistyped path would train for hours what was measured already."""
    chosen = Reproduce(
        budget=Budget(name="smoke", updates=1),
        results=f"{tmp_path}/no.csv",
        tracking=Tracking(uri=f"sqlite:///{tmp_path}/none.db"),
    )

    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        reproduce(chosen, tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"claims": ["capacty"]}, "claims must be some of"),
        ({"results": "no.csv"}, "cannot be read"),
    ],
)
def test_what_cannot_be_reported_is_said(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    """If this failed, a mistyped claim would be a traceback, or an empty report."""
    with pytest.raises(ConfigError, match=message):
        report(options(f"sqlite:///{tmp_path}/none.db", tmp_path, **change))
    assert not (tmp_path / "report").exists()


def test_the_report_covers_every_study_that_claims_read() -> None:
    """If this failed, the report would omit a study, or `reproduce` run one that no claim reads."""
    trained = {file.stem for file in (CONF / "study").glob("*.yaml")} - {
        "exploration",
        "rate_by_width",
    }
    assert set(STUDIES) == trained
    assert Reproduce(tracking=Tracking(uri="")).results == "report/results"
