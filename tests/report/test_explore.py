"""The page to play with: its numbers, its controls in a real browser, and the committed file."""

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from axe_selenium_python import Axe
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select
from torch import Tensor

from dropout_study.analysis import results_files
from dropout_study.claims import STUDIES
from dropout_study.config.names import FINAL
from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.ensemble import means
from dropout_study.dropout.masks import Site
from dropout_study.dropout.networks import MLP
from dropout_study.dropout.rules import weight_scaling
from dropout_study.report.explore import LEVELS, Net, Seen, write_page
from dropout_study.report.explore_results import Condition, line_names, shown_studies
from support.browser import Browser, browser
from support.paths import ROOT

__all__ = ["browser"]

PAGE = ROOT / "report" / "explore.html"
RESULTS = ROOT / "report" / "results"
LARGEST = 400 * 1024
"""Bytes of the page."""
CLOSE = 1e-5
RATES = (0.2, 0.5, 0.9)


def embedded(page: Path) -> dict[str, Any]:
    """What the scripts of the page compute with."""
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', read(page))
    found: dict[str, Any] = json.loads(data)

    return found


def read(page: Path) -> str:
    """The text of the page."""
    return page.read_text(encoding="utf-8")


def cohort_of(net: dict[str, Any], rate: float) -> Cohort:
    """The net of the page as the package computes it, in float64."""
    inputs, *widths, classes = net["widths"]
    cohort = Cohort(MLP(inputs, classes, widths, hidden_rate=rate), [0]).double()

    for layer, weight, bias in zip(
        cohort.stacked.typed_layers(), net["weights"], net["biases"], strict=True
    ):
        layer.weight.data = torch.tensor([weight], dtype=torch.float64)
        layer.bias.data = torch.tensor([bias], dtype=torch.float64)  # type: ignore[union-attr]

    return cohort


def images_of(net: dict[str, Any]) -> Tensor:
    """The test digits of the page."""
    pixels = [[LEVELS.index(character) for character in text] for text in net["pixels"]]
    return torch.tensor(pixels, dtype=torch.float64) / 16


def in_package(net: dict[str, Any], x: Tensor, masks: Tensor, rate: float) -> dict[str, Tensor]:
    """Log-probabilities of subnetworks, their means and weight scaling, by the package."""
    cohort = cohort_of(net, rate)
    keep = Site("hidden0", (1,), rate).keep
    first = net["widths"][1]
    factors = [
        {
            "hidden0": mask[:first].view(1, 1, -1) / keep,
            "hidden1": mask[first:].view(1, 1, -1) / keep,
        }
        for mask in masks
    ]
    subnetworks = [cohort(x, each)[0].log_softmax(-1) for each in factors]
    ensemble = means(subnetworks, [len(subnetworks)])

    return {
        "subnetworks": torch.stack(subnetworks)[:, 0],
        "arithmetic": ensemble.arithmetic[0, 0],
        "geometric": ensemble.geometric[0, 0],
        "weightScaling": weight_scaling(cohort, x)[0, 0],
    }


def condition(arm: str, name: str = "", **factors: object) -> Condition:
    """Networks of one condition, as far as the names of lines depend on them."""
    known = dict.fromkeys(
        ("width", "examples", "rate", "input rate", "layers", "activation", "data", "updates")
    )
    return Condition(name or arm, arm, pd.DataFrame(), known | factors)


def test_a_line_leaves_out_what_the_axis_shows() -> None:
    """If this failed, each point would be a line of its own, or two lines would be one."""
    grid = [
        condition(f"{width}x{width}, rate {rate}", width=width, rate=rate)
        for width in (16, 64)
        for rate in (0.0, 0.5)
    ]
    assert line_names(grid, [16, 16, 64, 64]) == ["rate 0.0", "rate 0.5"] * 2
    assert line_names(grid, [0.0, 0.5, 0.0, 0.5]) == ["16x16", "16x16", "64x64", "64x64"]

    sizes = [
        condition(f"{arm}, n = {n}", examples=n) for arm in ("none", "dropout") for n in (1, 2)
    ]
    assert line_names(sizes, [1, 2, 1, 2]) == ["none", "none", "dropout", "dropout"]

    arms = {"none": (0, 0), "hidden 0.5": (0.5, 0), "input 0.2, hidden 0.5": (0.5, 0.2)}
    rates = [condition(arm, **{"rate": r, "input rate": i}) for arm, (r, i) in arms.items()]
    assert line_names(rates, [0, 0.5, 0.5]) == ["input rate 0", "input rate 0", "input rate 0.2"]

    layers = [condition("relu", width=w, layers=n) for n in (1, 2) for w in (4, 8)]
    assert line_names(layers, [4, 8, 4, 8])[0] != line_names(layers, [4, 8, 4, 8])[2]


def networks(study: str, rate: float, seeds: int, **columns: object) -> list[dict[str, Any]]:
    """Networks of a condition of a study, which differ in their errors."""
    shared = {
        "study": study,
        "stage": FINAL,
        "budget": "laptop",
        "condition": f"mlp 16-16, rate {rate}",
        "digest": f"{study} {rate}",
        "arm": f"rate {rate}",
        "model.name": "mlp",
        "model.widths": "16x16",
        "model.hidden_rate": rate,
    }
    return [
        shared | {"seed": 100 + i, "test/error/weight_scaling": 1.0 + i} | columns
        for i in range(seeds)
    ]


def study_of(table: pd.DataFrame, name: str) -> dict[str, Any]:
    """What the page shows of a study."""
    return next(study for study in shown_studies(table) if study["name"] == name)


def test_a_point_names_its_run_with_interval_or_seeds() -> None:
    """If this failed, a point would not say what it is, or two seeds would have an interval."""
    table = pd.DataFrame([*networks("capacity", 0.0, 5), *networks("capacity", 0.5, 2)])
    study = study_of(table, "capacity")
    assert [view["axis"] for view in study["views"]] == ["rate", "arm"]

    (line,) = study["views"][0]["lines"]
    many, few = line["points"]
    assert (many["x"], many["mean"]) == (0.0, 3.0)
    assert many["low"] < 3.0 < many["high"]
    assert few["values"] == [1.0, 2.0]
    assert "low" not in few
    run = study["runs"][few["run"]]
    assert run == {"condition": "mlp 16-16, rate 0.5", "seeds": [100, 101]}


def test_networks_of_two_arms_are_shown_under_both() -> None:
    """If this failed, an arm that tuning brought to the settings of another would be missing."""
    shared = networks("capacity", 0.5, 4, arm="dropout", also='[["dropout, rate 0.5", null]]')
    table = pd.DataFrame([*networks("capacity", 0.0, 4), *shared])
    (side,) = (view for view in study_of(table, "capacity")["views"] if view["axis"] == "arm")
    places = {point["x"] for line in side["lines"] for point in line["points"]}
    assert places == {"rate 0.0", "dropout = dropout, rate 0.5"}


@pytest.mark.parametrize(("classes", "axes"), [("none", {"examples", "arm"}), ("1 7", {"arm"})])
def test_examples_are_an_axis_unless_classes_set_their_number(classes: str, axes: set[str]) -> None:
    """If this failed, error could not be read against the size of the data, or pairs of classes
    would be drawn as if their size mattered.
    """
    table = pd.DataFrame(
        network
        | {"digest": n, "arm": f"none, n = {n}", "data.train_size": n, "condition": f"n {n}"}
        for n in (100, 500)
        for network in networks("dataset_size", 0.0, 4, **{"data.classes": classes})
    )
    study = study_of(table, "dataset_size")
    assert {view["axis"] for view in study["views"]} == axes


def test_the_errors_of_averaged_masks_have_an_axis() -> None:
    """If this failed, the number of masks could not be explored once its runs are there."""
    curve = {"curve/blocks/error": [9.0, 5.0], "steps/blocks/error": [1, 20]}
    curve |= {"curve/blocks/nll": [0.9, 0.5], "steps/blocks/nll": [1, 20]}
    study = study_of(pd.DataFrame(networks("mc_samples", 0.5, 4, **curve)), "mc_samples")
    view = next(view for view in study["views"] if view["axis"] == "masks")
    averaged, scaled = view["lines"]
    assert [(point["x"], point["mean"]) for point in averaged["points"]] == [(1, 9.0), (20, 5.0)]
    assert {point["mean"] for point in scaled["points"]} == {2.5}


def test_a_study_without_results_gives_its_command() -> None:
    """If this failed, a reader would choose a study and see nothing."""
    study = study_of(pd.DataFrame(), "capacity")
    assert study["views"] == []
    assert study["command"] == "python scripts/reproduce.py 'studies=[capacity]'"


def test_the_same_net_gives_the_same_bytes(tmp_path: Path) -> None:
    """If this failed, a new page would differ from the committed one for no reason."""
    seen = Seen(0.5, 100, 30.0, 10.0, 9.0, 8.0)
    net = Net([64, 1, 1, 10], 0.5, 1, 1, [[[0.1]]], [[0.2]], [[0] * 64], [3], [seen] * 3)
    pages = [tmp_path / "a.html", tmp_path / "new" / "b.html"]

    for page in pages:
        write_page(net, pd.DataFrame(), page)

    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_the_committed_page_shows_the_published_results() -> None:
    """If this failed, the page would lag behind the report; `scripts/explore.py` renews it."""
    table = results_files.read(RESULTS, STUDIES)
    assert embedded(PAGE)["studies"] == json.loads(json.dumps(shown_studies(table)))


def test_the_committed_page_is_small_and_needs_nothing_else() -> None:
    """If this failed, the page would load slowly on a phone, or fail without a network."""
    text = read(PAGE)
    assert len(text.encode()) <= LARGEST
    addresses = [
        address
        for address in re.findall(r"""(?:src|href)=["']([^"']+)|url\(([^)]+)\)|@import""", text)
        if not address[0].startswith("#") and address[0] != "index.html"
    ]
    assert addresses == []
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text) == []
    assert not re.search(r"\b(fetch|XMLHttpRequest|import)\s*\(", text)


def test_the_text_of_the_committed_page_is_that_of_its_net() -> None:
    """If this failed, the page would promise other errors than its reader sees."""
    net = embedded(PAGE)["net"]
    predicted = weight_scaling(cohort_of(net, 0.5), images_of(net))[0].argmax(-1)
    wrong = 100 * (predicted != torch.tensor(net["labels"])).double().mean().item()
    assert f"<em>weight scaling</em>, {wrong:.1f}&nbsp;%" in read(PAGE)


def show(
    driver: Browser, width: int = 1280, scheme: str = "light", motion: str = "no-preference"
) -> None:
    """Open the page anew in a window of some width."""
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = {"prefers-color-scheme": scheme, "prefers-reduced-motion": motion}
    media = [{"name": name, "value": value} for name, value in features.items()]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
    driver.get(PAGE.as_uri())


def by_id(driver: Browser, name: str) -> WebElement:
    """The element with an id."""
    return driver.find_element("id", name)


def press(driver: Browser, name: str) -> None:
    """Press a button by its id."""
    element = by_id(driver, name)
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    element.click()


def votes(driver: Browser) -> list[int]:
    """The votes in the table."""
    cells = driver.find_elements("css selector", "#predictions tbody td:nth-child(3)")
    return [int(cell.text) if cell.text.isdigit() else 0 for cell in cells]


@pytest.mark.browser
@pytest.mark.parametrize("rate", RATES)
def test_the_page_computes_what_the_package_does(browser: Browser, rate: float) -> None:
    """If this failed, a lecture would show other numbers than the study's."""
    show(browser)
    net = embedded(PAGE)["net"]
    units = sum(net["widths"][1:-1])
    source = torch.Generator().manual_seed(0)
    masks = (torch.rand(20, units, generator=source) >= rate).double()

    for digit in (0, 17, 399):
        x = images_of(net)[digit : digit + 1]
        script = "const p = predict(IMAGES[arguments[0]], arguments[1], arguments[2]);"
        script += "return Object.fromEntries(Object.entries(p).map(([key, value]) =>"
        script += " [key, key === 'subnetworks' ? value.map(v => [...v]) : [...value]]));"
        shown = browser.execute_script(script, digit, masks.int().tolist(), rate)

        for name, expected in in_package(net, x, masks, rate).items():
            computed = torch.tensor(shown[name], dtype=torch.float64)
            assert torch.allclose(computed, expected, rtol=0, atol=CLOSE), name


@pytest.mark.browser
def test_the_page_is_accessible_and_fits_a_desk_and_a_phone(browser: Browser) -> None:
    """If this failed, the page would fail on a phone, in the dark, or in a screen reader."""
    for width, scheme in ((1280, "light"), (390, "dark")):
        show(browser, width, scheme)
        press(browser, "ten")
        axe = Axe(browser)
        axe.inject()
        tags = ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]
        violations = axe.run({"runOnly": {"type": "tag", "values": tags}})["violations"]
        serious = [
            f"{found['id']}: {found['nodes'][0]['html'][:200]}"
            for found in violations
            if found["impact"] in ("serious", "critical")
        ]
        assert serious == []
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width

    resources = "return performance.getEntriesByType('resource').map(entry => entry.name)"
    assert browser.execute_script(resources) == []
    assert browser.get_log("browser") == []


@pytest.mark.browser
def test_masks_are_drawn_counted_and_forgotten(browser: Browser) -> None:
    """If this failed, the votes and means would not be those of the masks drawn so far."""
    show(browser)
    press(browser, "one")
    assert sum(votes(browser)) == 1
    assert "Mask 1 drawn" in by_id(browser, "said").text
    press(browser, "ten")
    press(browser, "hundred")
    assert sum(votes(browser)) == 111
    dots = browser.find_elements("css selector", "#error svg circle")
    assert len(dots) == 111

    unit = browser.find_element("css selector", ".unit")
    kept = unit.get_attribute("aria-pressed")
    unit.click()
    assert unit.get_attribute("aria-pressed") != kept
    assert sum(votes(browser)) == 111, "a mask by hand votes"
    assert "by hand" in by_id(browser, "said").text

    press(browser, "restart")
    assert sum(votes(browser)) == 0


@pytest.mark.browser
def test_the_rate_moves_by_keyboard_and_forgets_the_masks(browser: Browser) -> None:
    """If this failed, masks of two rates would be averaged, or a keyboard could not move it."""
    show(browser)
    press(browser, "ten")
    by_id(browser, "rate").send_keys(Keys.ARROW_RIGHT)
    assert by_id(browser, "rate-words").text.startswith("0.55")
    assert sum(votes(browser)) == 0
    by_id(browser, "rate").send_keys(Keys.HOME)
    press(browser, "ten")
    pressed = browser.find_elements("css selector", ".unit[aria-pressed=true]")
    assert len(pressed) == 32, "rate 0 drops a unit"


@pytest.mark.browser
def test_a_digit_is_chosen_drawn_and_erased(browser: Browser) -> None:
    """If this failed, a reader could not try a digit of their own, with mouse or keyboard."""
    show(browser)
    press(browser, "next")
    assert by_id(browser, "digit").get_attribute("value") == "2"
    press(browser, "hard")
    assert by_id(browser, "digit-words").text.startswith("Test digit")
    press(browser, "clear")
    ink = "return state.x.reduce((sum, v) => sum + v, 0)"
    assert browser.execute_script(ink) == 0

    cells = browser.find_elements("css selector", "#pixels button")
    stroke = ActionChains(browser).move_to_element(cells[3]).click_and_hold()
    stroke.move_to_element(cells[27]).move_to_element(cells[59]).release().perform()
    drawn = browser.execute_script(ink)
    assert drawn > 3
    assert by_id(browser, "digit-words").text == "A digit of your own."

    browser.execute_script("arguments[0].focus()", cells[0])
    ActionChains(browser).send_keys(Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.SPACE).perform()
    assert browser.execute_script("return state.x[9]") == 1
    press(browser, "eraser")
    ActionChains(browser).move_to_element(cells[9]).click().perform()
    assert browser.execute_script("return state.x[9]") == 0


@pytest.mark.browser
def test_results_are_chosen_and_read(browser: Browser) -> None:
    """If this failed, a study could not be looked at, or a point would not name its run."""
    show(browser)
    study = Select(by_id(browser, "study"))
    studies = {each["name"]: each for each in embedded(PAGE)["studies"]}

    for name, shown in studies.items():
        study.select_by_value(name)
        words = by_id(browser, "study-words").text

        if not shown["views"]:
            assert "no results yet" in words
            assert not by_id(browser, "shown").is_displayed()
            continue

        for axis in Select(by_id(browser, "axis")).options:
            axis.click()
            assert browser.find_elements("css selector", "#chart svg path[transform]")
            runs = browser.find_elements("css selector", "#points td:last-child")
            assert runs
            assert all("seed" in run.text for run in runs)

    study.select_by_value("regularizers")
    first = by_id(browser, "place-words").text
    by_id(browser, "place").send_keys(Keys.ARROW_RIGHT)
    second = by_id(browser, "place-words").text
    assert second != first
    assert second in (by_id(browser, "read").get_attribute("textContent") or "")
    assert by_id(browser, "place").get_attribute("aria-valuetext") == second
    assert browser.get_log("browser") == []


@pytest.mark.browser
def test_nothing_moves_for_readers_who_want_no_motion(browser: Browser) -> None:
    """If this failed, bars would slide for a reader whom that makes sick."""
    moving = (
        "return getComputedStyle(document.querySelector('.unit'), '::after').transitionDuration"
    )
    show(browser)
    assert browser.execute_script(moving) == "0.2s"
    show(browser, motion="reduce")
    assert browser.execute_script(moving) == "0s"
