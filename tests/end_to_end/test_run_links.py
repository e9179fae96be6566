"""The links on the pages of runs, in a real browser."""

from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
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


def follow(browser: Browser, text: str) -> None:
    """Follow a link of a description, which opens in a tab of its own."""
    place = (By.XPATH, f"//a[@target='_blank' and text()='{text}']")
    link = WebDriverWait(browser, PATIENCE).until(
        expected_conditions.element_to_be_clickable(place), f"{text} should be a link"
    )
    link.click()
    browser.switch_to.window(browser.window_handles[-1])


def test_a_reader_gets_from_a_sweep_to_its_cohorts_and_seeds_and_back(
    tmp_path: Path, uri: str, browser: Browser
) -> None:
    """If this failed, the links on a page would be text, or lead nowhere."""
    store = Store(uri)
    sweep = example()
    sweep.role = Role.SWEEP
    sweep.name = "sweep of 2 conditions"
    sweep.seeds = []
    sweep.dataset = {}
    begun = recorder.record(save(sweep, tmp_path / "sweep"), store)

    for number in range(2):
        cohort = example()
        cohort.name = f"mlp 8, rate 0.{number}, fashion_mnist"
        cohort.tags |= {"sweep": sweep.id, "config_digest": f"condition {number}"}
        cohort.end(RunStatus.FINISHED)
        recorder.record(save(cohort, tmp_path / f"job{number}"), store)

    other = example()
    other.name = "of another sweep"
    recorder.record(save(other, tmp_path / "other"), store)
    sweep.end(RunStatus.FINISHED)
    recorder.record(save(sweep, tmp_path / "sweep"), store)
    page = f"#/experiments/{store.experiment('capacity')}/runs/{begun}"

    with mlflow_ui(tmp_path, tmp_path / "ui.log") as address:
        browser.set_window_size(1600, 1200)
        browser.get(address + page)
        follow(browser, "mlp 8, rate 0.1, fashion_mnist")
        follow(browser, "1")
        shows(browser, "mlp 8, rate 0.1, fashion_mnist, seed 1")
        follow(browser, "mlp 8, rate 0.1, fashion_mnist")
        follow(browser, "this sweep")
        follow(browser, "The conditions that this sweep has trained")
        text = shows(browser, "mlp 8, rate 0.0, fashion_mnist", "mlp 8, rate 0.1, fashion_mnist")
        assert "of another sweep" not in text
        assert "seed 0" not in text
        browser.save_screenshot(str(tmp_path / "page.png"))
