"""Monte-Carlo averaging against weight scaling, by number of masks."""

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Published, Studies
from dropout_study.analysis.criteria import Greater, Part
from dropout_study.analysis.runs import Effect, Errors, ResultsMissing, Runs
from dropout_study.measures.statistics import PERCENT, interval


def models(runs: Runs) -> dict[str, Runs]:
    """The models that were declared and are there.

    Raises:
        ResultsMissing: none is.
    """
    found = {
        str(arm): Runs(frame, runs.values) for arm, frame in runs.frame.groupby("arm", sort=True)
    }
    if not found:
        raise ResultsMissing("there are no results")

    return found


def gain(runs: Runs) -> Effect:
    """Error of weight scaling less that of k masks (mean over re-draws)."""
    k = int(runs.values["k"])
    sampled = Errors(runs.at("mc/error", k), runs.wrong(f"monte_carlo_{k}"))
    return runs.error().minus(sampled)


def enough(runs: Runs) -> int | None:
    """The k from which on the error is below that of weight scaling plus the margin, with confidence; if any."""
    scaled = runs.column("test/error/weight_scaling")
    margin = float(runs.values["margin"])
    found = None

    for k in sorted(runs.curve("mc/error").index, reverse=True):
        if not interval((runs.at("mc/error", k) - scaled).tolist()).high < margin:
            break
        found = int(k)

    return found


def estimate(studies: Studies) -> dict[str, dict[str, Effect]]:
    """The gain by 20 masks, of each model."""
    return {"some models": {arm: gain(runs) for arm, runs in models(studies["mc_samples"]).items()}}


def beside(studies: Studies) -> list[str]:
    """How many masks are enough, and NLL."""
    lines = []

    for arm, runs in models(studies["mc_samples"]).items():
        k = enough(runs)
        margin = runs.values["margin"]
        number = f"from {k} masks on" if k else "with no number of masks that was tried"
        largest = int(runs.curve("mc/nll").index.max())
        nll = interval(
            (runs.column("test/nll/weight_scaling") - runs.at("mc/nll", largest)).tolist()
        )
        lines.append(
            f"{arm}: as good as weight scaling, within {margin:g} points, {number}; NLL of weight scaling less that "
            f"of {largest} masks {nll:+.4f} nats"
        )

    return lines


def figure(studies: Studies) -> Figure:
    """Error against the number of masks, for each model."""
    found = models(studies["mc_samples"])
    sheet, axes = figures.panels(len(found), columns=2)
    for axis, (arm, runs) in zip(axes, found.items(), strict=True):
        figures.line(axis, runs.curve("mc/error"), "Monte Carlo", label=False, within=PERCENT)
        of = interval(runs.column("test/error/weight_scaling").tolist()).within(PERCENT)
        look = figures.look("weight scaling", 1)
        axis.axhspan(of.low, of.high, color=look["color"], alpha=0.12, linewidth=0)
        axis.axhline(
            of.mean, color=look["color"], linestyle=look["linestyle"], label="weight scaling"
        )
        axis.axvline(int(runs.values["k"]), color="0.5", linewidth=0.8, linestyle=":")
        axis.set(xscale="log", xlabel="masks k", ylabel="test error (%)")
        axis.set_title(arm, fontsize=9, loc="left")
        axis.legend(fontsize=8, loc="upper right")

    return sheet


def compared(studies: Studies) -> dict[str, Runs]:
    """All models."""
    return models(studies["mc_samples"])


CLAIM = Claim(
    id="mc_samples",
    title="Monte-Carlo samples",
    says="Some models do better with Monte-Carlo averaging of about 20 samples; the best number depends on the "
    "problem.",
    source="the paragraph on Gal and Ghahramani (2015)",
    studies=("mc_samples",),
    parts={
        "some models": Part(
            "test error of weight scaling less that of 20 sampled masks", Greater(), some=True
        ),
    },
    estimate=estimate,
    figure=figure,
    caption="Test error of the mean probabilities of k masks, drawn again and again from one pool with a 95 % interval "
    "over seeds, and of weight scaling likewise. Dotted: 20 masks.",
    published=(
        Published(
            "k at which Monte Carlo equals weight scaling, MNIST",
            "about 50",
            "Srivastava et al. 2014, figure 11",
            "T, S; code P",
        ),
        Published(
            "k from which LeNet improves by more than one standard deviation",
            "about 20",
            "Gal and Ghahramani 2015",
            "W",
        ),
        Published(
            "LeNet, weight scaling, dropout everywhere against after the last hidden layer alone",
            "can be worse",
            "Gal and Ghahramani 2015",
            "W",
        ),
    ),
    beside=beside,
    compared=compared,
    notes="The pairs were declared before the runs: every model of the study, weight scaling against 20 masks. p is "
    "multiplied by their number, and has to be below 0.05 then.",
)
