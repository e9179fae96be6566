"""With nonlinear hidden units weight scaling is an approximation."""

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Published, Studies
from dropout_study.analysis.criteria import Equivalent, Greater, Part
from dropout_study.analysis.runs import Effect, Runs
from dropout_study.analysis.small_nets import (
    conditions,
    deep,
    mean_errors,
    mean_over,
    named,
    nonlinear,
)
from dropout_study.measures.statistics import interval

MARGIN = 1.0


def estimate(studies: Studies) -> dict[str, dict[str, Effect]]:
    """Averages over the nets with two layers of nonlinear units."""
    nets = deep(studies["enumerable"])
    divergence = Effect(mean_over([runs.column("exact/kl") for runs in nets]).tolist())
    scaled, exact = (
        mean_errors([runs.error(rule) for runs in nets])
        for rule in ("weight_scaling", "exact_geometric")
    )

    return {
        "not exact": {"two hidden layers": divergence},
        "close": {"two hidden layers": scaled.minus(exact)},
    }


def beside(studies: Studies) -> list[str]:
    """KL and both errors by net."""
    lines = []

    for name, runs in named(nonlinear(studies["enumerable"])).items():
        of = interval(runs.column("exact/kl").tolist())
        scaled, exact = (
            runs.column(f"test/error/{rule}").mean()
            for rule in ("weight_scaling", "exact_geometric")
        )
        lines.append(
            f"{name}: KL {of:.2g} nats; test error {scaled:.2f} % scaled, {exact:.2f} % geometric ensemble"
        )

    return lines


def _units(net: Runs) -> float:
    return float(net.column("exact/units").iloc[0])


def figure(studies: Studies) -> Figure:
    """KL by number of units, for each activation and depth."""
    sheet, axes = figures.sheet(2)
    runs = studies["enumerable"]
    frame = runs.frame[runs.frame["arm"] != "softmax regression"]
    for i, (arm, of_arm) in enumerate(frame.groupby("arm", sort=True)):
        for axis, is_deep in zip(axes, (False, True), strict=True):
            part = of_arm[of_arm["model.widths"].astype(str).str.contains("x") == is_deep]
            nets = sorted(conditions(Runs(part, {})), key=_units)
            x = [_units(net) for net in nets]
            values = [net.column("exact/kl").tolist() for net in nets]

            if x:
                figures.points(axis, x, values, str(arm), i)

    for axis, title in zip(axes, ("one hidden layer: exact", "two hidden layers"), strict=True):
        axis.set(xlabel="droppable units", ylabel="KL to weight scaling (nats)")
        axis.set_title(title, fontsize=9, loc="left")

    axes[0].set_ylim(axes[1].get_ylim())

    return sheet


def compared(studies: Studies) -> dict[str, Runs]:
    """The nets with two layers of nonlinear units."""
    return named(deep(studies["enumerable"]))


CLAIM = Claim(
    id="weight_scaling_approximate",
    title="Weight scaling, approximate",
    says="Where there are nonlinear hidden units, one pass with scaled weights approximates the ensemble.",
    source="the sentence before equation 7.56, and the intuition behind 7.66",
    studies=("enumerable",),
    parts={
        "not exact": Part(
            "KL divergence from the geometric ensemble to weight scaling", Greater(1e-6), "nats"
        ),
        "close": Part(
            "test error of weight scaling less that of the geometric ensemble", Equivalent(MARGIN)
        ),
    },
    estimate=estimate,
    figure=figure,
    caption="Divergence of weight scaling from the enumerated geometric ensemble, on trained nets with masks on "
    "hidden units at rate 0.5, both on one scale. Mean and 95 % interval over seeds.",
    published=(
        Published(
            "weight scaling against the exact ensemble, small ReLU nets",
            "very close",
            "Warde-Farley et al. 2014",
            "T",
        ),
        Published(
            "KL of the mean of 1,000 masks to halved weights, tanh",
            "4.4e-4",
            "code of Goodfellow et al. 2013",
            "P",
        ),
    ),
    beside=beside,
    compared=compared,
)
