"""Second tries: their numbers are those of their networks, and the page tells them."""

import re

import numpy as np
import pandas as pd
from scipy import stats

from dropout_study.claims import CLAIMS
from dropout_study.config.names import DECIDING_SEVERITIES
from dropout_study.report.first_edition import EARLIER
from dropout_study.report.second_tries import SECOND_TRIES
from support.paths import ROOT

REPORT = ROOT / "report"
NAMED = ("noise", "missing_pixels", "occlusion")


def gains(networks: pd.DataFrame, column: str) -> dict[tuple[str, int, float], str]:
    """Points of error that dropout saves: widths, updates, learning rate -> mean, interval."""
    paired = networks.pivot(
        index=["widths", "updates", "lr", "seed"], columns="hidden_rate", values=column
    )
    saved = (paired[0.0] - paired[0.5]).dropna()
    found = {}

    for condition, values in saved.groupby(["widths", "updates", "lr"]):
        half = stats.t.ppf(0.975, len(values) - 1) * values.sem()
        mean = values.mean()
        found[condition] = f"{mean:+.2f} ({mean - half:+.2f} to {mean + half:+.2f})"

    return found


def test_what_is_told_of_robustness_is_what_its_networks_give() -> None:
    """If this failed, the page would tell numbers that nobody measured."""
    told = SECOND_TRIES["robustness"]
    networks = pd.read_csv(REPORT / told.file)
    measured = [*gains(networks, "named").values(), *gains(networks, "unseen").values()]
    numbers = re.findall(r"[+-]\d+\.\d+ \([^)]*\)", told.found)
    assert len(numbers) == len(measured)
    assert sorted(numbers) == sorted(measured)


def test_every_try_is_of_a_claim_and_has_its_networks() -> None:
    """If this failed, the page would link a file that is not there."""
    for claim, second in SECOND_TRIES.items():
        assert claim in CLAIMS
        assert f"]({second.file})" in (REPORT / "README.md").read_text(encoding="utf-8")
        assert f'href="{second.file}"' in (REPORT / "index.html").read_text(encoding="utf-8")
        assert (REPORT / second.file).is_file()


def test_what_is_told_of_the_first_edition_is_what_its_networks_give() -> None:
    """If this failed, the cause of a verdict would rest on numbers that its archive has not."""
    networks = pd.read_parquet(REPORT / "first-edition" / "results.parquet")
    nets = networks[(networks["study"] == "robustness") & (networks["model.input_rate"] == 0)]
    assert set(nets["budget.updates"]) == {5000}
    saved = {}

    for kind, last in DECIDING_SEVERITIES.items():
        curves = zip(
            nets[f"curve/corruption/{kind}"], nets[f"steps/corruption/{kind}"], strict=True
        )
        errors = [np.asarray(curve)[np.asarray(steps) <= last].mean() for curve, steps in curves]
        means = pd.Series(errors, index=nets.index).groupby(nets["model.hidden_rate"]).mean()
        saved[kind] = means[0.0] - means[0.5]

    gain = np.mean([saved[kind] for kind in NAMED])
    loss = -np.mean([of_kind for kind, of_kind in saved.items() if kind not in NAMED])
    assert f"gained {gain:.2f}" in EARLIER["robustness"].change
    assert f"lost {loss:.2f}" in EARLIER["robustness"].change
