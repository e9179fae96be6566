"""Monte-Carlo averaging against weight scaling, by number of masks."""

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Published, Studies
from dropout_study.analysis.criteria import ALPHA, Greater, Part
from dropout_study.analysis.runs import Effect, Errors, ResultsMissing, Runs
from dropout_study.config.schema import MonteCarlo
from dropout_study.measures.statistics import PERCENT, interval

MASKS = MonteCarlo().per_image[0]


class MonteCarloSamples(Claim):
    """Weight scaling against the mean of a fixed number of masks, on several models."""

    id = "mc_samples"
    title = "Monte-Carlo samples"
    says = (
        "Some models do better with Monte-Carlo averaging of about 20 samples; the best number "
        "depends on the problem."
    )
    source = "the paragraph on Gal and Ghahramani (2015)"
    studies = ("mc_samples",)
    parts = {
        "some models": Part(
            f"test error of weight scaling minus test error of {MASKS} sampled masks",
            Greater(),
            some=True,
        ),
    }
    published = (
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
            "LeNet, weight scaling: dropout everywhere compared with dropout after the last "
            "hidden layer alone",
            "can be worse",
            "Gal and Ghahramani 2015",
            "W",
        ),
    )
    caption = (
        "Test error of the mean probabilities of k masks, repeatedly drawn from one pool, and of "
        f"weight scaling; both with 95 % intervals over seeds. Dotted: {MASKS} masks."
    )
    notes = (
        "The pairs were declared before the runs: every model of the study, weight scaling "
        f"against {MASKS} masks. A supported model's p value is multiplied by the number of models "
        f"and then has to be at most {ALPHA:g}."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """The gain of each model."""
        return {
            "some models": {arm: gain(runs) for arm, runs in models(studies["mc_samples"]).items()}
        }

    def context_lines(self, studies: Studies) -> list[str]:
        """How many masks suffice, and NLL."""
        lines = []

        for arm, runs in models(studies["mc_samples"]).items():
            margin = runs.values["margin"]
            k = sufficient_masks(runs)
            difference = f"within {margin:g} points of weight scaling"
            number = (
                f"{difference} from {k} masks on"
                if k
                else f"no tested number of masks is {difference}"
            )
            largest = int(runs.curve("mc/nll").index.max())
            scaled = runs.column("test/nll/weight_scaling")
            nll = interval((scaled - runs.at("mc/nll", largest)).tolist())
            lines.append(
                f"{arm}: {number}; "
                f"NLL of weight scaling minus NLL of {largest} masks {nll:+.4f} nats"
            )

        return lines

    def figure(self, studies: Studies) -> Figure:
        """Error against the number of masks, for each model."""
        nets = models(studies["mc_samples"])
        sheet, axes = figures.panels(len(nets), columns=2)

        for axis, (arm, runs) in zip(axes, nets.items(), strict=True):
            figures.line(axis, runs.curve("mc/error"), "Monte Carlo", label=False, within=PERCENT)
            ci = interval(runs.column("test/error/weight_scaling").tolist()).within(PERCENT)
            look = figures.look("weight scaling", 1)
            color = look["color"]
            axis.axhspan(ci.low, ci.high, color=color, alpha=0.12, linewidth=0)
            axis.axhline(ci.mean, color=color, linestyle=look["linestyle"], label="weight scaling")
            axis.axvline(int(runs.values["k"]), color="0.5", linewidth=0.8, linestyle=":")
            axis.set(xscale="log", xlabel="masks k", ylabel="test error (%)")
            axis.set_title(arm, fontsize=9, loc="left")
            axis.legend(fontsize=8, loc="upper right")

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """All models."""
        return models(studies["mc_samples"])


def models(runs: Runs) -> dict[str, Runs]:
    """The declared models that have results.

    Raises:
        ResultsMissing: there is none.
    """
    if not (arms := runs.by("arm")):
        raise ResultsMissing("there are no results")

    return arms


def gain(runs: Runs) -> Effect:
    """Error of weight scaling minus error of k masks (mean over repeated draws), in points."""
    k = int(runs.values["k"])
    sampled = Errors(runs.at("mc/error", k), runs.wrong(f"monte_carlo_{k}"))
    return runs.error().minus(sampled)


def sufficient_masks(runs: Runs) -> int | None:
    """The smallest k from which on Monte Carlo is, with confidence, as good as weight scaling.

    That is: from which on the 95 % interval of its error lies below the error of weight scaling
    plus the declared margin. None if there is no such k.
    """
    scaled = runs.column("test/error/weight_scaling")
    margin = float(runs.values["margin"])
    smallest = None

    for k in sorted(runs.curve("mc/error").index, reverse=True):
        excess = interval((runs.at("mc/error", k) - scaled).tolist())
        if not excess.high < margin:
            break

        smallest = int(k)

    return smallest
