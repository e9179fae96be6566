"""Weight scaling against a thousand masks: where one pass errs less."""

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Group, Published, Studies, runs_of
from dropout_study.analysis.criteria import Answers, Better, Part
from dropout_study.analysis.margins import NO_SIZE
from dropout_study.analysis.runs import Effect, Runs
from dropout_study.claims.mc_samples import SAMPLING, models, pool, sampled


class ScalingBeatsSampling(Claim):
    """Errors of one scaled pass and of the mean of a thousand masks, in several models."""

    id = "scaling_beats_sampling"
    title = "Weight scaling against 1,000 masks"
    says = (
        "Weight scaling can classify better than the mean of sampled subnetworks, even of 1,000 of "
        "them."
    )
    source = "the paragraph on Goodfellow et al. (2013)"
    group = Group.BEYOND
    studies = ("mc_samples", SAMPLING)
    optional = (SAMPLING,)
    parts = {
        "scaling errs less": Part(
            "test error of the mean of 1,000 masks minus test error of weight scaling",
            Better(0, NO_SIZE),
            some=True,
            settled_within=0.1,
            answers=Answers(
                "one scaled pass makes {} fewer errors than 1,000 masks",
                "one scaled pass makes {} more errors than 1,000 masks",
                "no difference was found between one scaled pass and 1,000 masks",
            ),
        ),
    }
    published = (
        Published(
            "maxout network on MNIST, weight scaling compared with up to 1,000 masks",
            "better",
            "Goodfellow et al. 2013",
            "M",
        ),
    )
    deviations = (
        "ReLU networks on small data sets instead of a maxout network on all of MNIST.",
        "The nets of the study `sampling` are given below and do not decide: their errors were "
        "known before this criterion was written down. LeNet's nets do not decide either: their "
        "pools have 300 masks.",
        "That 10 to 20 masks are often enough, which the book says beside it, is asked in "
        "'Monte-Carlo samples'.",
    )
    caption = (
        "Points of error that weight scaling saves, compared with the mean of the whole pool of "
        "masks. Grey: seeds, black: mean and 95 % interval over seeds and test images."
    )

    def estimate(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """What weight scaling saves in the models of 1,000 masks that this study trains."""
        return {
            "scaling errs less": {name: saved(nets) for name, nets in deciding(studies).items()}
        }

    def context_lines(self, studies: Studies) -> list[str]:
        """The same for all models."""
        return [
            f"{name}: {pool(nets):,} masks minus weight scaling "
            f"{saved(nets).estimate().interval():+.3f} points"
            for name, nets in models(studies).items()
        ]

    def figure(self, studies: Studies) -> Figure:
        """What weight scaling saves in all models."""
        effects = {f"{name}, {pool(nets):,}": saved(nets) for name, nets in models(studies).items()}
        sheet, (axes,) = figures.sheet(width=6.0)
        figures.intervals(axes, effects)
        axes.set_xlabel("points of error saved")

        return sheet

    def trained_conditions(self, studies: Studies) -> dict[str, Runs]:
        """The models that decide."""
        return deciding(studies)


def deciding(studies: Studies) -> dict[str, Runs]:
    """The models of the study `mc_samples` that have its largest pools, those of 1,000 masks."""
    nets = runs_of(studies, "mc_samples").by("arm")
    largest = max(map(pool, nets.values()))

    return {name: runs for name, runs in nets.items() if pool(runs) == largest}


def saved(nets: Runs) -> Effect:
    """Error of the whole pool minus error of weight scaling, in points."""
    return sampled(nets, pool(nets)).minus(nets.error())
