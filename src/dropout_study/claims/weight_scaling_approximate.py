"""With nonlinear hidden units weight scaling is an approximation."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropout_study.analysis import figures, small_nets
from dropout_study.analysis.claim import Claim, Group, Published, Studies, runs_of
from dropout_study.analysis.criteria import Answers, Check, Exact, NotWorse, Part
from dropout_study.analysis.runs import Effect, ResultsMissing, Runs
from dropout_study.analysis.sampled_nets import pool_errors, pool_size, sampled_nets
from dropout_study.measures.statistics import interval

TOLERANCE = 1e-12  # nats, below which weight scaling counts as exact
NONLINEAR = ("relu", "tanh", "sigmoid")
"""Arms of the study `enumerable` with nonlinear hidden units."""


class WeightScalingApproximate(Claim):
    """What one scaled pass costs in test error, compared with the enumerated ensemble."""

    id = "weight_scaling_approximate"
    title = "Weight scaling, approximate"
    says = (
        "Where there are nonlinear hidden units, one pass with scaled weights approximates the "
        "ensemble."
    )
    source = "the sentence before equation 7.56, and the intuition behind 7.66"
    group = Group.ENSEMBLE
    studies = ("exact", "enumerable", "sampling", "mc_samples")
    parts = {
        "close": Part(
            "test error of weight scaling minus test error of the geometric mean over all 2^20 "
            "masks, for each pair of digits and activation",
            NotWorse(small_nets.MARGIN, small_nets.REASON),
            settled_within=small_nets.MARGIN,
            answers=Answers(
                "one scaled pass is close to the geometric mean of all 2^20 masks: its test "
                "error minus that mean's is {value}",
                "one scaled pass makes {} more errors than the geometric mean of all 2^20 "
                "masks, too many to be close",
                "it is open whether one scaled pass makes 0.3 points more errors than the "
                "geometric mean",
            ),
        ),
    }
    checks = {
        "not exact": Check(
            "nets with two layers of nonlinear hidden units, all masks enumerated, whose weight "
            f"scaling is within {TOLERANCE:g} nats of the geometric ensemble",
            Exact(0, f"{TOLERANCE:g} is the tolerance at which linear nets count as exact"),
            "nets",
        ),
    }
    published = (
        Published(
            "weight scaling and the exact ensemble, small ReLU nets",
            "very close",
            "Warde-Farley et al. 2014",
            "W",
        ),
        Published(
            "KL divergence from the mean of 1,000 masks to halved weights, tanh",
            "4.4e-4",
            "code of Goodfellow et al. 2013",
            "P",
        ),
    )
    deviations = (
        *small_nets.DEVIATIONS,
        "The published divergence is that of one larger net from the arithmetic mean of sampled "
        "masks; the divergences here are from geometric means, and decide nothing.",
        "Larger nets cannot be enumerated; they are compared by sampled masks, beside the "
        "criterion.",
    )
    caption = (
        "Divergence of weight scaling from the geometric ensemble, nets of two hidden layers on "
        "digits of 4 x 4 pixels. Mean and 95 % interval over seeds."
    )
    notes = (
        "'Approximates' is one-sided: weight scaling that errs less than the ensemble does no "
        "harm. With one hidden layer weight scaling is exact, so the nets have two."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Differences of test errors."""
        return {"close": differences(studies)}

    def check(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """The number of exact nets of each activation."""
        deep = deep_nets(runs_of(studies, "enumerable"))
        largest = {kind: nets.column("exact/weight_scaling_error") for kind, nets in deep.items()}

        return {
            "not exact": {
                kind: Effect([float((errors <= TOLERANCE).sum())])
                for kind, errors in largest.items()
            }
        }

    def context_lines(self, studies: Studies) -> list[str]:
        """Errors and likelihoods of both, here and of sampled masks in larger nets."""
        lines = small_nets.describe(studies["exact"], "weight_scaling", "exact_geometric")
        lines += [
            f"{name}, all masks: {_divergence(nets, 'divergence')}"
            for name, nets in small_nets.pairs(studies["exact"]).items()
        ]
        lines += [f"{name}, {_sampled(nets)}" for name, nets in sampled_nets(studies).items()]

        return lines

    def left_out(self, studies: Studies) -> list[str]:
        """Nets that do not solve their task."""
        return small_nets.left_out(studies["exact"])

    def figure(self, studies: Studies) -> Figure:
        """The divergence by number of units."""
        sheet, (axes,) = figures.sheet()
        _draw_divergence(axes, runs_of(studies, "enumerable"))

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """The nets that solve their task."""
        return small_nets.pairs(studies["exact"])


def differences(studies: Studies) -> dict[str, Effect]:
    """Error of weight scaling minus error of the geometric mean, in points."""
    return small_nets.differences(studies["exact"], "weight_scaling", "exact_geometric")


def deep_nets(enumerable: Runs) -> dict[str, Runs]:
    """The nets with two layers of nonlinear hidden units, by activation.

    Raises:
        ResultsMissing: there is none.
    """
    has_two_layers = enumerable.frame["model.widths"].astype(str).str.contains("x")
    deep = Runs(enumerable.frame[has_two_layers], enumerable.values).by("arm")
    nets = {arm: deep[arm] for arm in NONLINEAR if arm in deep}
    if not nets:
        raise ResultsMissing("there are no results of two layers of nonlinear hidden units")

    return nets


def _sampled(nets: Runs) -> str:
    """Weight scaling and the geometric mean of a pool of sampled masks."""
    error = nets.error().minus(pool_errors(nets, "geometric")).estimate()

    return (
        f"{pool_size(nets):,} sampled masks: weight scaling minus geometric mean "
        f"{error.interval():+.3f} points of test error; {_divergence(nets, 'pool')}"
    )


def _divergence(nets: Runs, prefix: str) -> str:
    """How far weight scaling is from a geometric mean; the prefix is that of its metrics."""
    kl = interval(nets.column(f"{prefix}/kl_geometric").tolist())
    disagreement = interval((100 * nets.column(f"{prefix}/disagreement_geometric")).tolist())

    return f"KL to weight scaling {kl:.2g} nats, other classes on {disagreement:.2f} % of images"


def _draw_divergence(axes: Axes, enumerable: Runs) -> None:
    """Divergence by number of units, for each activation."""
    for i, (kind, nets) in enumerate(deep_nets(enumerable).items()):
        shapes = sorted(nets.conditions(), key=_units)
        x = [_units(net) for net in shapes]
        figures.points(axes, x, [net.column("exact/kl").tolist() for net in shapes], kind, i + 1)

    axes.set(xlabel="droppable units", ylabel="KL to weight scaling (nats)", yscale="log")
    axes.set_xticks(sorted({_units(net) for net in enumerable.conditions()}))


def _units(net: Runs) -> float:
    return float(net.column("exact/units").iloc[0])
