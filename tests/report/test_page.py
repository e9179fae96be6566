"""The page of the report in a real browser, at several widths and schemes; and its commands."""

import re
import shlex
from html import unescape
from pathlib import Path

import pytest
from axe_selenium_python import Axe
from hydra import compose, initialize_config_dir

from dropout_study.config import read
from dropout_study.config.studies import in_order
from support.browser import Browser, browser
from support.paths import CONF, SMOKE

__all__ = ["browser"]

pytestmark = SMOKE


@pytest.fixture
def page(smoke_folder: Path) -> Path:
    """The report on all claims."""
    return smoke_folder / "report" / "index.html"


def show(driver: Browser, page: Path, width: int, scheme: str = "light") -> None:
    """Open the page in a window of some width."""
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    driver.get(page.as_uri())


def findings(driver: Browser) -> list[str]:
    """What axe finds that is serious or worse."""
    axe = Axe(driver)
    axe.inject()
    violations = axe.run(
        {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]}}
    )

    return [
        f"{found['id']}: {found['nodes'][0]['html'][:200]}"
        for found in violations["violations"]
        if found["impact"] in ("serious", "critical")
    ]


@pytest.mark.browser
def test_the_page_is_whole_accessible_and_fits_a_desk_and_a_phone(
    browser: Browser, page: Path
) -> None:
    """If this failed, the page would fail on a phone, in the dark, or in a screen reader."""
    for width, scheme in ((1280, "light"), (390, "dark")):
        show(browser, page, width, scheme)
        assert findings(browser) == []
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        assert browser.execute_script(
            "return [...document.images].every(image => image.naturalWidth > 100)"
        )

    loaded = browser.execute_script(
        "return performance.getEntriesByType('resource').map(entry => entry.name)"
    )
    assert [name for name in loaded if not name.startswith("data:")] == []
    assert browser.get_log("browser") == []


@pytest.mark.browser
def test_the_dark_page_is_dark_and_the_verdicts_keep_their_colours(
    browser: Browser, page: Path
) -> None:
    """If this failed, the page would glare at night, or verdicts differ by their words alone."""
    colours = {}

    for scheme in ("light", "dark"):
        show(browser, page, 1280, scheme)
        body = browser.find_element("css selector", "body")
        verdict = browser.find_element("css selector", "td.verdict")
        script = "return getComputedStyle(arguments[0])[arguments[1]]"
        asked = ((body, "backgroundColor"), (body, "color"), (verdict, "color"))
        colours[scheme] = [browser.execute_script(script, *of) for of in asked]

    assert colours["light"][0] == "rgb(255, 255, 255)"
    assert sum(map(int, re.findall(r"\d+", colours["dark"][0]))) < 3 * 50

    for background, ink, verdict in colours.values():
        assert len({background, ink, verdict}) == 3

    assert set(colours["light"]).isdisjoint(colours["dark"])


@pytest.mark.browser
def test_a_link_of_the_table_leads_to_its_claim(browser: Browser, page: Path) -> None:
    """If this failed, a claim could not be pointed at."""
    show(browser, page, 390)
    browser.find_element("css selector", "td a[href='#capacity']").click()
    assert browser.current_url.endswith("index.html#capacity")
    top = browser.execute_script(
        "return document.getElementById('capacity').getBoundingClientRect().top"
    )
    assert abs(top) < 100
    assert (
        browser.find_element("css selector", "#capacity a.anchor").get_attribute("href")
        == browser.current_url
    )


def test_every_command_of_the_page_can_be_pasted(page: Path) -> None:
    """If this failed, "Reproduce" would print refused commands, or leave out evaluated cohorts."""
    text = page.read_text(encoding="utf-8")
    commands = [unescape(found) for found in re.findall(r"<pre><code>(.*?)</code></pre>", text)]
    assert len(commands) == text.count("<section")

    for command in commands:
        python, script, *overrides = shlex.split(command)
        assert (python, script) == ("python", "scripts/reproduce.py")

        with initialize_config_dir(str(CONF), version_base="1.3"):
            chosen = read.read_reproduce(compose("reproduce", overrides))

        assert chosen.budget.name == "smoke"
        assert chosen.studies == in_order(chosen.studies)
