"""Dropout as an efficient alternative to bagging."""

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Studies
from dropout_study.analysis.criteria import Greater, Part
from dropout_study.analysis.runs import Effect, Errors, Runs
from dropout_study.measures.statistics import interval, range_of

BAGGED = "bagged"
ONE = "dropout"
LONG = "dropout, trained as long as a bag"
MARGIN = -0.2


def bags(runs: Runs) -> Runs:
    """The first member of each bag, which carries the bag's results."""
    frame = runs.where(arm=BAGGED).frame
    return Runs(frame[frame["curve/bag/error"].notna()], runs.values)


def of_size(runs: Runs, members: int | None = None) -> Errors:
    """Errors of bags of one member, or of all."""
    found = bags(runs)
    count = members or int(found.curve("bag/error").index.max())
    return Errors(found.at("bag/error", count), found.wrong("weight_scaling" if members else "bag"))


def estimate(studies: Studies) -> dict[str, dict[str, Effect]]:
    """Differences of test errors; a dropout net shares the seed of the first member of its bag."""
    runs = studies["bagging"]
    dropout = runs.where(arm=ONE).error()

    return {
        "at the cost of one net": {"1 member": of_size(runs, 1).minus(dropout)},
        "against a whole bag": {"all members": of_size(runs).minus(dropout)},
    }


def beside(studies: Studies) -> list[str]:
    """What costs the same at training or at prediction."""
    runs = studies["bagging"]
    size = int(bags(runs).curve("bag/error").index.max())
    whole = of_size(runs)
    sampled = runs.where(arm=ONE).error("monte_carlo")
    long = runs.where(arm=LONG).error()
    nll = bags(runs).curve("bag/nll").iloc[-1]
    lines = {
        f"equal training cost, bag of {size} less dropout trained as long, one pass": whole.minus(
            long
        ),
        f"bag of {size} less dropout with Monte-Carlo passes, test error": whole.minus(sampled),
    }
    told = [f"{what}: {interval(effect.values):+.3f} points" for what, effect in lines.items()]
    arms = {
        f"bag of {size}": nll,
        "dropout, one pass": runs.where(arm=ONE).column("test/nll/weight_scaling"),
    }
    arms["dropout, Monte Carlo"] = runs.where(arm=ONE).column("test/nll/monte_carlo")

    return [
        *told,
        "NLL: "
        + ", ".join(f"{name} {values.mean():.4f}" for name, values in arms.items())
        + " nats",
    ]


def figure(studies: Studies) -> Figure:
    """Error and NLL by number of members, against the dropout nets."""
    runs = studies["bagging"]
    sheet, axes = figures.sheet(2)
    for axis, (key, label) in zip(
        axes, {"error": "test error (%)", "nll": "NLL (nats)"}.items(), strict=True
    ):
        curve = bags(runs).curve(f"bag/{key}")
        figures.line(axis, curve, "bag", 0, within=range_of(key))

        for i, (name, arm, rule) in enumerate(
            (
                ("dropout", ONE, "weight_scaling"),
                ("dropout, Monte Carlo", ONE, "monte_carlo"),
                ("dropout, long", LONG, "weight_scaling"),
            ),
            1,
        ):
            values = runs.where(arm=arm).column(f"test/{key}/{rule}").tolist()
            of = interval(values).within(range_of(key))
            look = figures.look(name, i)
            axis.axhspan(of.low, of.high, color=look["color"], alpha=0.12, linewidth=0)
            axis.axhline(of.mean, color=look["color"], linestyle=look["linestyle"], label=name)
            figures.label_end(axis, name, (curve.index.max(), of.mean), look["color"])

        axis.set(xlabel="members of the bag", ylabel=label, xlim=(0.5, curve.index.max()))
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))

    return sheet


def compared(studies: Studies) -> dict[str, Runs]:
    """All arms."""
    return {arm: studies["bagging"].where(arm=arm) for arm in (BAGGED, ONE, LONG)}


CLAIM = Claim(
    id="bagging",
    title="Against bagging",
    says="Dropout is a computationally efficient alternative to bagging.",
    source="the paragraph Dropout, and equations 7.52 and 7.53",
    studies=("bagging",),
    parts={
        "at the cost of one net": Part(
            "test error of a bag of one less that of one dropout net", Greater()
        ),
        "against a whole bag": Part(
            "test error of a whole bag less that of one dropout net and one pass", Greater(MARGIN)
        ),
    },
    estimate=estimate,
    figure=figure,
    caption="Bags of nets without dropout on bootstrap resamples, mean of probabilities, against single dropout nets "
    "of the same number of updates (long: as many as all members together).",
    beside=beside,
    compared=compared,
    notes="The margin lets dropout be up to 0.2 points worse than a bag whose training and prediction cost ten times "
    "as much. A bag of one has seen a bootstrap resample, 63 % of the different images: a net without dropout on all "
    "images beats it too.",
)
