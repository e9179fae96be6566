"""A real browser for what people look at: headless Chromium, driven by Selenium."""

import shutil
from collections.abc import Iterator

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

Browser = webdriver.Chrome
PATIENCE = 90  # seconds

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # which root cannot have
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium, the same for all tests of a module; its console is read with
    `browser.get_log("browser")`.
    """
    options = webdriver.ChromeOptions()
    options.binary_location = _installed("chromium", "chromium-browser", "google-chrome")

    for flag in (
        *FLAGS,
        f"--user-data-dir={tmp_path_factory.mktemp('profile')}",
        "--window-size=1280,900",
    ):
        options.add_argument(flag)

    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, Service(_installed("chromedriver")))
    driver.set_page_load_timeout(60)
    yield driver
    driver.quit()


def shows(browser: Browser, *texts: str) -> str:
    """Wait until the page shows some texts; returns all its text."""

    def text(driver: Browser) -> str:
        return str(driver.execute_script("return document.body.innerText"))

    message = f"{texts} should be on the page"
    WebDriverWait(browser, PATIENCE).until(
        lambda d: all(part in text(d) for part in texts), message
    )

    return text(browser)


def _installed(*names: str) -> str:
    """The path of a program of one of some names."""
    found = next((path for name in names if (path := shutil.which(name))), None)
    assert found, (
        f"{' or '.join(names)} is not installed: "
        "the tests marked `browser` need Chromium and its driver"
    )

    return found
