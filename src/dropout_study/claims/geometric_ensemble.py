"""The renormalized geometric mean is a distribution that can replace the arithmetic mean."""

from dropout_study.analysis import small_nets
from dropout_study.analysis.claim import Claim, Group, Published, Studies, runs_of
from dropout_study.analysis.criteria import Answers, Check, Exact, NotWorse, Part
from dropout_study.analysis.runs import Effect, Runs, minus
from dropout_study.analysis.sampled_nets import pool_errors, pool_size, sampled_nets


class GeometricEnsemble(Claim):
    """Both means over all 2^20 subnetworks are compared by their test errors."""

    id = "geometric_ensemble"
    title = "The geometric ensemble"
    says = (
        "The renormalized geometric mean of the subnetworks' predictions is a distribution, and "
        "can stand in for their arithmetic mean."
    )
    source = "equations 7.54 and 7.55"
    group = Group.ENSEMBLE
    studies = ("exact", "enumerable", "sampling", "mc_samples")
    parts = {
        "stands in": Part(
            "test error of the geometric mean minus test error of the arithmetic mean, both over "
            "all 2^20 masks, for each pair of digits and activation",
            NotWorse(small_nets.MARGIN, small_nets.REASON),
            settled_within=small_nets.MARGIN,
            answers=Answers(
                "the geometric mean of all 2^20 masks can stand in for the arithmetic mean: "
                "its test error minus the other's is {value}",
                "the geometric mean of all 2^20 masks makes {} more errors than the arithmetic "
                "mean, too many to stand in for it",
                "it is open whether the geometric mean makes 0.3 points more errors than the "
                "arithmetic mean",
            ),
        ),
    }
    checks = {
        "a distribution": Check(
            "sum over the classes of the enumerated geometric mean, minus 1",
            Exact(1e-12, "far above the rounding errors of 65,536 terms in double precision"),
        ),
    }
    published = (
        Published(
            "geometric and arithmetic mean, small ReLU nets",
            "comparable",
            "Warde-Farley et al. 2014",
            "W",
        ),
    )
    deviations = (
        *small_nets.DEVIATIONS,
        "Larger nets cannot be enumerated; they are compared by sampled masks, beside the "
        "criterion.",
    )
    notes = (
        "The plain 2^n-th root of the book holds for keep = 1/2, where all masks are equally "
        "likely; in general the mean is weighted with the probabilities of the masks. 'Can stand "
        "in' is one-sided: a geometric mean that is better stands in as well."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Differences of test errors."""
        return {"stands in": differences(studies)}

    def check(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """The error of the sum."""
        sum_errors = {
            kind: Effect(nets.column("exact/geometric_sum_error").tolist())
            for kind, nets in runs_of(studies, "enumerable").by("arm").items()
        }

        return {"a distribution": sum_errors}

    def context_lines(self, studies: Studies) -> list[str]:
        """Errors and likelihoods of both means, here and of sampled masks in larger nets."""
        lines = small_nets.describe(studies["exact"], "exact_geometric", "exact_arithmetic")
        lines += [f"{name}, {_sampled(nets)}" for name, nets in sampled_nets(studies).items()]

        return lines

    def left_out(self, studies: Studies) -> list[str]:
        """Nets that do not solve their task."""
        return small_nets.left_out(studies["exact"])

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """The nets that solve their task."""
        return small_nets.pairs(studies["exact"])


def differences(studies: Studies) -> dict[str, Effect]:
    """Error of the geometric mean minus error of the arithmetic mean, in points."""
    return small_nets.differences(studies["exact"], "exact_geometric", "exact_arithmetic")


def _sampled(nets: Runs) -> str:
    """The two means of a pool of sampled masks."""
    error = pool_errors(nets, "geometric").minus(pool_errors(nets, "arithmetic")).estimate()
    nll = minus(nets.column("pool/nll_geometric"), nets.column("pool/nll_arithmetic")).estimate()

    return (
        f"{pool_size(nets):,} sampled masks, geometric minus arithmetic mean: "
        f"{error.interval():+.3f} points of test error, {nll.interval():+.4f} nats of NLL"
    )
