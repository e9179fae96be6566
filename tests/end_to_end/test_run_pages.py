"""What the pages of runs show in a real browser: links, and what the machine did."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.ui import WebDriverWait

from dropout_study.tracking import recorder
from dropout_study.tracking.record import Role, RunStatus
from dropout_study.tracking.store import Store
from support.browser import PATIENCE, Browser, shows
from support.browser import browser as browser
from support.mlflow_ui import mlflow_ui
from support.records import example, save

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, tables: Path) -> Iterator[str]:
    """The page of a sweep of two cohorts; there is another cohort in its store."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copy(tables, folder / "mlflow.db")
    store = Store(f"sqlite:///{folder}/mlflow.db")

    sweep = example()
    sweep.role = Role.SWEEP
    sweep.name = "sweep of 2 conditions"
    sweep.seeds = []
    sweep.dataset = {}
    run_id = recorder.record(save(sweep, folder / "sweep"), store)

    for number in range(2):
        cohort = example()
        cohort.name = f"mlp 8, rate 0.{number}, fashion_mnist"
        cohort.tags |= {"sweep": sweep.id, "config_digest": f"condition {number}"}
        times = [cohort.started_ms + 1_000 * second for second in (0, 10, 20)]
        cohort.system = {"cpu_utilization_percentage": [(time, 50.0) for time in times]}
        cohort.end(RunStatus.FINISHED)
        recorder.record(save(cohort, folder / f"job{number}"), store)

    other = example()
    other.name = "of another sweep"
    recorder.record(save(other, folder / "other"), store)
    sweep.unfinished = {"not kept": "out of memory"}
    sweep.tags["command"] = "python scripts/train.py -m"
    sweep.end(RunStatus.FAILED, "1 of 3 jobs did not finish")
    recorder.record(save(sweep, folder / "sweep"), store)

    with mlflow_ui(folder, folder / "ui.log") as address:
        yield f"{address}#/experiments/{store.experiment('capacity')}/runs/{run_id}"


def follow(browser: Browser, text: str) -> None:
    """Follow a link of a description, which opens in a tab of its own.

    MLflow folds a description of more than a few lines.
    """
    place = (By.XPATH, f"//a[@target='_blank' and text()='{text}']")
    is_there = expected_conditions.element_to_be_clickable(place)

    def unfolded(driver: Browser) -> WebElement | bool:
        for button in driver.find_elements(By.XPATH, "//button[normalize-space()='Show more']"):
            button.click()

        return is_there(driver)

    wait = WebDriverWait(browser, PATIENCE, ignored_exceptions=[WebDriverException])
    link = wait.until(unfolded, f"{text} should be a link")
    assert isinstance(link, WebElement)
    link.click()
    browser.switch_to.window(browser.window_handles[-1])


def test_a_reader_gets_from_a_sweep_to_its_cohorts_and_seeds_and_back(
    page: str, browser: Browser
) -> None:
    """If this failed, the links on a page would be text, or lead nowhere, or a page would not say
    what came of its run.
    """
    browser.set_window_size(1600, 1200)
    browser.get(page)
    shows(browser, "not kept: out of memory", "Again: python scripts/train.py -m")
    follow(browser, "mlp 8, rate 0.1, fashion_mnist")
    shows(browser, "Test error 3.00 %", "seeds: 2.00, 4.00")
    follow(browser, "1")
    shows(browser, "mlp 8, rate 0.1, fashion_mnist, seed 1")
    follow(browser, "mlp 8, rate 0.1, fashion_mnist")
    follow(browser, "this sweep")
    follow(browser, "The conditions that this sweep has trained")
    text = shows(browser, "mlp 8, rate 0.0, fashion_mnist", "mlp 8, rate 0.1, fashion_mnist")
    assert "of another sweep" not in text
    assert "seed 0" not in text


def test_what_the_machine_did_is_on_the_tab_of_system_metrics(
    page: str, browser: Browser, tmp_path: Path
) -> None:
    """If this failed, MLflow would show system metrics among the results, or nowhere."""
    browser.get(page)
    follow(browser, "mlp 8, rate 0.1, fashion_mnist")
    shows(browser, "Part of")
    own = browser.current_url.partition("?")[0]

    browser.get(f"{own}/model-metrics")
    assert "cpu_utilization_percentage" not in shows(browser, "val/error")

    browser.get(f"{own}/system-metrics")
    shows(browser, "cpu_utilization_percentage")
    browser.save_screenshot(str(tmp_path / "page.png"))
