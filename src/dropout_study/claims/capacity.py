"""Dropout needs capacity: small nets underfit, wide ones gain."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Published, Studies
from dropout_study.analysis.criteria import Greater, Part
from dropout_study.analysis.runs import Effect, ResultsMissing, Runs, minus
from dropout_study.measures.statistics import PERCENT, interval


class Capacity(Claim):
    """Dropout and none, on the narrowest and on the widest nets."""

    id = "capacity"
    title = "Capacity"
    says = "Dropout requires a sufficiently large capacity; small models may underfit."
    source = "Limitations of Dropout, 1"
    studies = ("capacity", "dropout_rate")
    parts = {
        "small nets underfit": Part(
            "training error of the narrowest nets: with dropout minus without", Greater()
        ),
        "small nets do worse": Part(
            "test error of the narrowest nets: with dropout minus without", Greater()
        ),
        "wide nets gain": Part(
            "test error of the widest nets: without dropout minus with", Greater()
        ),
    }
    published = (
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
    )
    caption = (
        "Error by the width of two hidden layers; right, error by the probability of keeping, "
        "with n units, with n / keep units, and with inputs dropped as well. Mean and 95 % "
        "interval over seeds."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Differences between dropout and none, on the narrowest and on the widest nets."""
        runs = studies["capacity"]
        rate = runs.values["rate"]
        narrow = runs.where(model__widths=runs.values["narrow"])
        narrow_plain = narrow.where(model__hidden_rate=0)
        narrow_dropout = narrow.where(model__hidden_rate=rate)
        wide = runs.where(model__widths=runs.values["wide"])
        wide_plain = wide.where(model__hidden_rate=0)
        wide_dropout = wide.where(model__hidden_rate=rate)

        training_error = minus(
            narrow_dropout.column("train/error/weight_scaling"),
            narrow_plain.column("train/error/weight_scaling"),
        )
        narrow_error = narrow_dropout.error().minus(narrow_plain.error())
        wide_error = wide_plain.error().minus(wide_dropout.error())

        return {
            "small nets underfit": {"training error": training_error},
            "small nets do worse": {"test error": narrow_error},
            "wide nets gain": {"test error": wide_error},
        }

    def context_lines(self, studies: Studies) -> list[str]:
        """Gain at every width, also in NLL, and at an equal number of kept units."""
        runs = studies["capacity"]
        rate = float(runs.values["rate"])
        plain_nets = by_width(runs, 0)
        dropout_nets = by_width(runs, rate)
        lines = []

        for units, plain in plain_nets.items():
            dropout = dropout_nets[units]
            gain = interval(plain.error().minus(dropout.error()).values)
            nll = interval(
                minus(
                    plain.column("test/nll/weight_scaling"),
                    dropout.column("test/nll/weight_scaling"),
                ).values
            )
            line = f"width {units}: gain {gain:+.2f} points, NLL {nll:+.4f} nats"

            more_units = round(units / (1 - rate))
            if more_units in dropout_nets:
                wider_gain = plain.error().minus(dropout_nets[more_units].error())
                line += (
                    f"; with n * keep fixed, width {units} without minus width {more_units} "
                    f"with dropout: {interval(wider_gain.values):+.2f} points"
                )

            lines.append(line)

        return lines

    def figure(self, studies: Studies) -> Figure:
        """Test and training error by width for each rate; test error by rate, where it was run."""
        runs = studies["capacity"]
        rate_study = studies.get("dropout_rate")

        sheet, axes = figures.sheet(3 if rate_study is not None else 2)
        _draw_widths(axes[0], runs, "test")
        axes[0].set(ylabel="test error (%)", yscale="log")
        _draw_widths(axes[1], runs, "train")
        axes[1].set(ylabel="training error (%)")

        if rate_study is not None:
            _draw_rates(axes[2], rate_study)

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """The narrowest and the widest nets, at all rates."""
        runs = studies["capacity"]
        conditions = {}

        for widths in (runs.values["narrow"], runs.values["wide"]):
            for rate in runs.values_of("model.hidden_rate"):
                nets = runs.where(model__widths=widths, model__hidden_rate=rate)
                conditions[f"{widths}, rate {rate:g}"] = nets

        return conditions


def width(runs: Runs) -> int:
    """Units of the first hidden layer."""
    return int(str(runs.frame["model.widths"].iloc[0]).partition("x")[0])


def by_width(runs: Runs, rate: float) -> dict[int, Runs]:
    """The nets of one rate by units of the first hidden layer, narrowest first."""
    nets = runs.where(model__hidden_rate=rate)
    by_units = {width(same_widths): same_widths for same_widths in nets.by("model.widths").values()}

    return dict(sorted(by_units.items()))


def _draw_widths(axes: Axes, runs: Runs, split: str) -> None:
    for i, rate in enumerate(runs.values_of("model.hidden_rate")):
        nets = by_width(runs, rate)
        values = [net.column(f"{split}/error/weight_scaling").tolist() for net in nets.values()]
        figures.points(axes, list(nets), values, f"rate {rate:g}", i, within=PERCENT)

    axes.set(xlabel="units of each hidden layer")
    axes.set_xscale("log", base=2)


def _draw_rates(axes: Axes, runs: Runs) -> None:
    """Test error by probability of keeping (figure 9 of Srivastava et al. 2014)."""
    for i, (arm, nets) in enumerate(runs.by("arm").items()):
        rates = sorted(nets.values_of("model.hidden_rate"), reverse=True)

        try:
            curve = {
                1 - rate: nets.where(model__hidden_rate=rate).column("test/error/weight_scaling")
                for rate in rates
            }
        except ResultsMissing:
            continue

        figures.line(axes, pd.DataFrame(curve).T, arm, i, label=False, within=PERCENT)

    axes.set(xlabel="probability of keeping a hidden unit", ylabel="test error (%)", yscale="log")
    axes.legend(fontsize=8)
