"""The figures of what decides: of all verdicts, of a claim, and the drawn example."""

import math
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
from matplotlib.backends.backend_svg import FigureCanvasSVG

from dropout_study.analysis import figures
from dropout_study.analysis.criteria import Better, Measured, NotWorse, Part, Within
from dropout_study.claims import CLAIMS
from dropout_study.report.answers import finding
from dropout_study.report.forest import COLOURS, MARKERS, NARROW_WIDTH, Entry, forest, zone
from dropout_study.report.page import write_report
from dropout_study.report.pictures import PIXELS_PER_INCH
from dropout_study.report.rows import decisive_case, rows
from dropout_study.report.summary import EXAMPLES, _repeated, effects, example, summary
from dropout_study.report.verdict_table import kind
from dropout_study.report.verdicts import NO_RUNS, Outcome
from support.outcomes import CONTRADICTING, SUPPORTING, UNCLEAR, outcome

WHY = "a reason"


def test_the_zone_is_where_the_criterion_is_met() -> None:
    """If this failed, an effect would be drawn on the side that contradicts its sentence."""
    assert zone(Part("gain", Better(0.1, WHY))) == (0.1, math.inf)
    assert zone(Part("harm", NotWorse(0.3, WHY))) == (-math.inf, 0.3)
    assert zone(Part("slope", Within(0.05, -0.5, WHY))) == (-0.55, -0.45)
    assert zone(Part("cost", Measured(below=1.5, reason=WHY))) == (-math.inf, 1.5)
    assert zone(Part("cost", Measured(above=5, reason=WHY))) == (5, math.inf)


def test_every_claim_with_runs_has_a_row_on_an_axis_of_its_unit() -> None:
    """If this failed, a verdict would be missing, or points be compared with ratios."""
    outcomes = [
        outcome("regularizers", SUPPORTING),
        outcome("robustness", CONTRADICTING, half=SUPPORTING),
        outcome("cost", [1.1, 1.2, 1.1, 1.15, 1.12]),
        outcome("subnetworks", [0.0]),
        Outcome(CLAIMS["capacity"], NO_RUNS),
    ]
    drawn = summary(outcomes, "summary")
    assert drawn is not None
    text = drawn.svg.decode()

    for shown in outcomes[:3]:
        assert f"{shown.claim.title}: " in drawn.alt
        part, _ = decisive_case(shown) or ("", "")
        assert f", {shown.shown_of(part)}" in drawn.alt
        assert shown.claim.title in text

    assert "subnetworks" not in text
    assert "Capacity" not in text
    assert text.count("difference of errors (points)") == 1
    assert text.count("ratio of costs (times)") == 1


def test_verdicts_differ_in_more_than_colour() -> None:
    """If this failed, a reader who sees no red and green could not tell them apart."""
    kinds = [kind(made.shown) for made in map(decided, (SUPPORTING, CONTRADICTING, UNCLEAR))]
    kinds.append(kind("criterion missed"))
    assert len({MARKERS[each] for each in kinds}) == 4
    assert len({COLOURS[each] for each in kinds}) == 4

    drawn = summary([decided(UNCLEAR)], "summary")
    assert drawn is not None
    assert "not resolved" in re.sub(r"<[^>]*>", " ", drawn.svg.decode())


def decided(values: list[float]) -> Outcome:
    """A claim with these values per seed."""
    return outcome("ensemble_gain", values)


def test_every_effect_of_a_claim_has_a_row_with_its_own_outcome() -> None:
    """If this failed, the figure of a claim would hide the effect that decides it."""
    made = outcome("capacity", SUPPORTING, budget="laptop")
    drawn = effects(made, "Dropout helps.")
    assert drawn is not None
    assert drawn.alt.startswith("Dropout helps. Effects with intervals")
    assert drawn.caption.startswith("Dropout helps. ")
    letters = re.sub(r"<[^>]*>", " ", drawn.svg.decode())

    for part in made.claim.parts:
        assert f"{part}: +1.00 (+0.902 to +1.10), supported" in drawn.alt
        assert part in letters

    assert letters.count("+1.00 (+0.902 to +1.10)") == len(made.claim.parts)
    assert effects(outcome("subnetworks", [0.0]), "") is None
    assert effects(Outcome(CLAIMS["capacity"], NO_RUNS), "") is None


def test_effects_on_scales_of_their_own_have_axes_of_their_own() -> None:
    """If this failed, points and log ratios would be read off one axis."""
    made = outcome("dataset_size", SUPPORTING, budget="laptop")
    part = "unstable training or worse performance"
    decision = made.decisions[part]
    (case,) = decision.cases.values()
    (effect,) = made.effects[part].values()
    decision.cases.clear()

    for name in ("100 examples, points", "100 examples, spread"):
        decision.cases[name] = case
        made.effects[part][name] = effect

    drawn = effects(made, "")
    assert drawn is not None
    letters = re.sub(r"<[^>]*>", " ", drawn.svg.decode())
    for label in ("difference of errors (points)", "log ratio of standard deviations over seeds"):
        assert letters.count(label) == 1


def test_effects_that_two_parts_ask_of_are_drawn_once() -> None:
    """If this failed, each model would have two rows with one dot in opposite colours."""
    drawn = effects(outcome("mc_samples", SUPPORTING, budget="laptop"), "")
    assert drawn is not None
    letters = re.sub(r"<[^>]*>", " ", drawn.svg.decode())
    assert "some models gain" in letters
    assert "others lose" not in letters
    said = "'others lose' asks for the other side of the line in 'some models gain'."
    assert drawn.caption.endswith(said)
    assert "Of 'some models gain', 'others lose', 'about 20', one case" in drawn.caption


def test_parts_of_one_measure_with_margins_of_their_own_are_all_drawn() -> None:
    """If this failed, a part would be missing from the figure of all effects of its claim."""
    made = outcome("mc_samples", SUPPORTING, budget="laptop")
    gain, loss, share = made.claim.parts.values()
    larger = replace(gain, criterion=Better(0.3, WHY))

    for parts in ({"any": gain, "large": larger}, {"any": larger, "lose": loss}, {"a": share}):
        assert _repeated(parts) == {}

    assert _repeated({"lose": loss, "gain": gain}) == {"gain": "lose"}


def test_where_one_case_is_enough_none_contradicts() -> None:
    """If this failed, a supported claim would be drawn with red crosses."""
    made = outcome("mc_samples", CONTRADICTING, budget="laptop")
    drawn = effects(made, "")
    assert drawn is not None
    assert {row.outcome for row in rows(made)} == {"criterion met", "criterion missed"}
    assert "contradicted" not in drawn.alt
    assert COLOURS["contradicted"] not in drawn.svg.decode().lower()


def test_an_axis_says_what_is_measured() -> None:
    """If this failed, shares and differences of shares would stand above one word, "effect"."""
    outcomes = [outcome(name, SUPPORTING) for name in ("mc_samples", "co_adaptation")]
    drawn = [effects(made, "") for made in outcomes]
    labels = [CLAIMS["mc_samples"].parts["about 20"].axis, "difference of errors (points)"]
    letters = [re.sub(r"<[^>]*>", " ", each.svg.decode()) for each in drawn if each]
    assert all(letters[0].count(label) == 1 for label in labels)
    assert letters[1].count(CLAIMS["co_adaptation"].parts["less co-adapted"].axis) == 1


def test_seconds_of_training_are_neither_green_nor_red() -> None:
    """If this failed, a smoke test would look like a finding."""
    drawn = effects(outcome("capacity", SUPPORTING, budget="smoke"), "")
    assert drawn is not None
    text = drawn.svg.decode().lower()
    assert COLOURS["supported"] not in text
    assert COLOURS["open"] in text


def test_nothing_is_drawn_without_runs() -> None:
    """If this failed, a newcomer's first report would begin with empty axes."""
    assert summary([Outcome(claim, NO_RUNS) for claim in CLAIMS.values()], "summary") is None


def test_the_drawn_example_obeys_the_criterion_that_it_names() -> None:
    """If this failed, the explanation of verdicts would teach a wrong rule."""
    low, high = zone(Part("gain", Better(0, WHY)))

    for name, (mean, lower, upper) in EXAMPLES.items():
        assert lower < mean < upper
        inside = low < lower and upper < high
        outside = upper < low
        found = "supported" if inside else "contradicted" if outside else "not resolved"
        assert found == name

    assert all(name in example().svg.decode() for name in EXAMPLES)


def test_a_phone_sees_every_effect_with_its_name_and_outcome() -> None:
    """If this failed, on a phone the verdict would lie beyond the right edge of the figure."""
    made = outcome("capacity", SUPPORTING, budget="laptop")
    drawn = effects(made, "")
    assert drawn is not None
    assert drawn.narrow is not None
    letters = re.sub(r"<[^>]*>", " ", drawn.narrow.decode())

    for part in made.claim.parts:
        assert part in letters

    assert letters.count("supported: +1.00 (+0.902 to +1.10)") == len(made.claim.parts)
    assert NARROW_WIDTH * PIXELS_PER_INCH < 390


def test_no_line_of_a_narrow_figure_runs_beyond_its_edge() -> None:
    """If this failed, a phone would show names or intervals without their ends."""
    made = outcome("capacity", SUPPORTING, budget="laptop")
    (name, part), *_ = made.claim.parts.items()
    (case,) = made.decisions[name].cases.values()
    (effect,) = made.effects[name].values()
    wide = "removing a random half of the hidden units adds: without dropout, and with dropout"
    long = [wide, *(each.measure for each in CLAIMS["co_adaptation"].parts.values())]
    entries = [Entry(name, part, "", case, effect, made.shown) for name in long]

    with figures.style():
        drawn = forest(entries, {}, narrow=True)
        FigureCanvasSVG(drawn).draw()  # type: ignore[no-untyped-call]
        ends = [text.get_window_extent().x1 for text in drawn.axes[0].texts]

    assert len(ends) == len(long) > 3
    assert max(ends) <= drawn.bbox.x1


def test_the_page_shows_a_phone_the_narrow_figure(tmp_path: Path) -> None:
    """If this failed, a phone would get the wide figure, or a space would cut its address short."""
    shown = outcome("capacity", SUPPORTING, budget="laptop")
    drawn = effects(shown, finding(shown))
    assert drawn is not None
    write_report([shown], pd.DataFrame(), tmp_path, {}, None)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    media = re.escape('media="screen and (max-width: 30rem)"')
    sources = re.findall(rf'<source {media} srcset="([^"]*)"><img class="fits"', page)

    assert page.count("<source") == len(sources) == 2, "of the summary and of the effects"
    assert sources[1] == drawn.narrow_address
    assert not [each for each in sources if " " in each or each.endswith(",")]
    assert not example().narrow_address
