"""Dropout needs capacity: small nets underfit, wide ones gain."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Published, Studies
from dropout_study.analysis.criteria import Greater, Part
from dropout_study.analysis.runs import Effect, ResultsMissing, Runs, minus
from dropout_study.measures.statistics import PERCENT, interval


def estimate(studies: Studies) -> dict[str, dict[str, Effect]]:
    """Differences between dropout and none, on the narrowest and on the widest nets."""
    runs = studies["capacity"]
    rate = runs.values["rate"]
    narrow, wide = (
        {r: runs.where(model__widths=runs.values[width], model__hidden_rate=r) for r in (0, rate)}
        for width in ("narrow", "wide")
    )
    training = minus(*(narrow[r].column("train/error/weight_scaling") for r in (rate, 0)))

    return {
        "small nets underfit": {"training error": training},
        "small nets do worse": {"test error": narrow[rate].error().minus(narrow[0].error())},
        "wide nets gain": {"test error": wide[0].error().minus(wide[rate].error())},
    }


def width(runs: Runs) -> int:
    """Units of the first hidden layer."""
    return int(str(runs.frame["model.widths"].iloc[0]).partition("x")[0])


def by_width(runs: Runs, rate: float) -> dict[int, Runs]:
    """The nets of one rate, narrowest first."""
    of_rate = runs.where(model__hidden_rate=rate)
    found = [
        of_rate.where(model__widths=widths) for widths in sorted(set(of_rate.frame["model.widths"]))
    ]

    return dict(sorted((width(nets), nets) for nets in found))


def beside(studies: Studies) -> list[str]:
    """The wide nets' NLL, and the comparison at an equal number of kept units."""
    runs = studies["capacity"]
    lines = []
    rate = float(runs.values["rate"])
    plain = by_width(runs, 0)
    dropped = by_width(runs, rate)

    for n in plain:
        nll = minus(
            plain[n].column("test/nll/weight_scaling"), dropped[n].column("test/nll/weight_scaling")
        )
        gain = plain[n].error().minus(dropped[n].error())
        line = f"width {n}: gain {interval(gain.values):+.2f} points, NLL {interval(nll.values):+.4f} nats"

        wider = round(n / (1 - rate))
        if wider in dropped:
            kept = plain[n].error().minus(dropped[wider].error())
            line += f"; with n * keep fixed, {n} against {wider}: {interval(kept.values):+.2f}"

        lines.append(line)

    return lines


def figure(studies: Studies) -> Figure:
    """Test and training error by width for each rate; and, where it was run, test error by rate."""
    runs = studies["capacity"]
    rates = sorted(set(runs.frame["model.hidden_rate"]))
    rate_study = studies.get("dropout_rate")

    sheet, axes = figures.sheet(3 if rate_study is not None else 2)
    for axis, part in zip(axes, ("test", "train"), strict=False):
        for i, rate in enumerate(rates):
            nets = by_width(runs, rate)
            values = [net.column(f"{part}/error/weight_scaling").tolist() for net in nets.values()]
            figures.points(axis, list(nets), values, f"rate {rate:g}", i, within=PERCENT)

        axis.set(
            xlabel="units of each hidden layer",
            ylabel=f"{'training' if part == 'train' else 'test'} error (%)",
        )
        axis.set_xscale("log", base=2)

        if part == "test":
            axis.set_yscale("log")

    if rate_study is not None:
        _draw_rates(axes[2], rate_study)

    return sheet


def _draw_rates(axes: Axes, runs: Runs) -> None:
    """Test error by probability of keeping (figure 9 of Srivastava et al.)."""
    for i, (arm, frame) in enumerate(runs.frame.groupby("arm", sort=True)):
        nets = Runs(frame, runs.values)

        try:
            curve = {
                1 - rate: nets.where(model__hidden_rate=rate).column("test/error/weight_scaling")
                for rate in sorted(set(frame["model.hidden_rate"]), reverse=True)
            }
        except ResultsMissing:
            continue

        figures.line(axes, pd.DataFrame(curve).T, str(arm), i, label=False, within=PERCENT)

    axes.set(xlabel="probability of keeping a hidden unit", ylabel="test error (%)", yscale="log")
    axes.legend(fontsize=8)


def compared(studies: Studies) -> dict[str, Runs]:
    """The narrowest and the widest nets, at all rates."""
    runs = studies["capacity"]
    rates = sorted(set(runs.frame["model.hidden_rate"]))

    return {
        f"{runs.values[end]}, rate {rate:g}": runs.where(
            model__widths=runs.values[end], model__hidden_rate=rate
        )
        for end in ("narrow", "wide")
        for rate in rates
    }


CLAIM = Claim(
    id="capacity",
    title="Capacity",
    says="Dropout requires a sufficiently large capacity; small models may underfit.",
    source="Limitations of Dropout, 1",
    studies=("capacity", "dropout_rate"),
    parts={
        "small nets underfit": Part(
            "training error with dropout less without, narrowest nets", Greater()
        ),
        "small nets do worse": Part(
            "test error with dropout less without, narrowest nets", Greater()
        ),
        "wide nets gain": Part("test error without dropout less with, widest nets", Greater()),
    },
    estimate=estimate,
    figure=figure,
    caption="Error by the width of two hidden layers; right, error by the probability of keeping, with n units, with "
    "n / keep units, and with inputs dropped too. Mean and 95 % interval over seeds.",
    published=(
        Published(
            "n fixed (2048-2048-2048), keep 0.4 to 0.8",
            "flat",
            "Srivastava et al. 2014, figure 9",
            "T",
        ),
        Published("n fixed, keep 0.1", "about 2.7 %", "Srivastava et al. 2014, figure 9", "T"),
        Published(
            "n * keep fixed (256/256/512), keep 0.1",
            "about 1.7 %",
            "Srivastava et al. 2014, figure 9",
            "T",
        ),
    ),
    beside=beside,
    compared=compared,
)
