"""What people see in MLflow's own pages, in a real browser."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from dropout_study.claims import CLAIMS
from dropout_study.tracking.store import page_path
from support.browser import PATIENCE, Browser, shows
from support.browser import browser as browser
from support.mlflow_ui import mlflow_ui
from support.paths import SMOKE

pytestmark = [pytest.mark.browser, SMOKE]


@pytest.fixture(scope="module")
def ui(smoke_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `mlflow ui`, started where the store is, as the documentation says."""
    with mlflow_ui(smoke_folder, tmp_path_factory.mktemp("ui") / "log") as address:
        yield address


@pytest.fixture
def see(browser: Browser, ui: str, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Open a page, wait until it shows some texts, and return all its text; a picture of the last
    one is kept.
    """
    browser.set_window_size(1600, 1200)

    def look(where: str, *texts: str) -> str:
        browser.get("about:blank")
        browser.get(ui + where)
        return shows(browser, *texts)

    yield look
    browser.save_screenshot(str(tmp_path / "page.png"))


def cohort(store: str, study: str) -> tuple[str, Run]:
    """An experiment and one of its cohorts."""
    client = MlflowClient(store)
    number = client.get_experiment_by_name(study).experiment_id
    return number, client.search_runs([number], "tags.role = 'cohort'", max_results=1)[0]


def test_studies_are_listed_with_what_they_are_about(see: Callable[..., str]) -> None:
    """If this failed, the list would be names that only the README explains, without their
    verdicts.
    """
    text = see("#/experiments", "capacity", "Width of the hidden", "mc_samples", "Error by the n")
    assert "smoke: " in text, "no verdict is shown"


def test_a_printed_link_opens_the_table_of_results(
    see: Callable[..., str], browser: Browser, smoke_store: str
) -> None:
    """If this failed, the link that a sweep prints would open a page on language models, or columns
    without results.
    """
    number, _ = cohort(smoke_store, "capacity")
    text = see(
        page_path(number),
        "mlp 64-64, rate 0.5",
        "test/error/weight_scaling",
        "interval",
        "model.widths",
    )
    assert "64x64" in text
    assert "Detect Issues" not in text
    assert "seed 0" not in text, "a row a condition"
    browser.find_element(
        By.CSS_SELECTOR, "[data-component-id$='metadata_editor.expand_button']"
    ).click()
    shows(browser, str(CLAIMS["capacity"].parts["wide nets gain"]))


def test_the_charts_show_error_by_number_of_masks(
    see: Callable[..., str], browser: Browser, smoke_store: str
) -> None:
    """If this failed, the charts would be two hundred bars, or the curve over masks would not be
    drawn.
    """
    number, _ = cohort(smoke_store, "mc_samples")
    browser.set_window_size(1600, 3000)  # MLflow draws what is in view
    see(f"{page_path(number)}&compareRunsMode=CHART", "val/error", "blocks/error", "test/brier")
    script = """return [...document.querySelectorAll('.js-plotly-plot')].some(
        plot => plot.layout.xaxis.type == 'log'
            && plot.querySelector('.js-line')?.getAttribute('d').length > 50)"""
    WebDriverWait(browser, PATIENCE).until(
        lambda d: d.execute_script(script), "a curve should be drawn over log masks"
    )


def test_a_run_has_its_seeds_its_figure_and_its_table(
    see: Callable[..., str], browser: Browser, smoke_store: str
) -> None:
    """If this failed, nobody could go from a mean to the networks behind it, or see how they were
    trained.
    """
    number, run = cohort(smoke_store, "mc_samples")
    place = f"#/experiments/{number}/runs/{run.info.run_id}"
    see(f"{place}/artifacts/seeds.json", "95 % low", "test/error/weight_scaling")
    see(f"{place}/artifacts/curves.svg", "curves.svg")
    WebDriverWait(browser, PATIENCE).until(
        lambda d: d.execute_script(
            "return [...document.images].some(i => i.alt != 'logo' && i.naturalWidth > 500)"
        ),
        "the figure should be on the page",
    )
    see(place, "Child runs", ", seed 100")
    browser.find_element(By.PARTIAL_LINK_TEXT, ", seed 100").click()
    shows(browser, "Parent run", run.info.run_name)
