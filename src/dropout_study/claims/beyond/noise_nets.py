"""The nets of the study `noise`: one kind or place of noise per arm, each tuned."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.runs import Effect, Runs
from dropout_study.measures.statistics import PERCENT, interval

SETTLED = 0.15
"""Points by which a contrast may move after half the updates: half of that of `regularizers`, whose
effects are larger."""
DEVIATIONS = (
    "784-256-256-10 on 10,000 examples of MNIST: effects are larger there than on all of it, so "
    "that fewer seeds resolve them. Test images: 10,000, and 30,000 of the training set that "
    "nothing was trained or chosen on.",
    "AdamW with a one-cycle schedule and no max-norm; each arm has six candidates, and more "
    "where a choice at an end extended them, judged after half of the final updates by four nets "
    "each.",
    "That dropped hidden units save about 0.4 points on such nets and images was known from the "
    "study `regularizers`; the seeds are others.",
)
CAPTION = (
    "Test error of each arm with the constants that validation data chose; grey: seeds, black: "
    "mean and 95 % interval over seeds."
)
CONSTANTS = {  # the variance of noise is rate / (1 - rate), whatever its kind
    "optimizer.lr": "learning rate",
    "model.input_rate": "rate of inputs",
    "model.hidden_rate": "rate of hidden units",
}
"""Setting -> its name."""


def arms(noise: Runs, names: Sequence[str]) -> dict[str, Runs]:
    """The nets of some arms, by name.

    Raises:
        ResultsMissing: an arm is not there.
    """
    return {name: noise.where(arm=name) for name in names}


def describe(noise: Runs, names: Sequence[str]) -> list[str]:
    """A line per arm: its error, its likelihood, and what validation data chose."""
    return [f"{name}: {_describe(nets)}" for name, nets in arms(noise, names).items()]


def figure(noise: Runs, names: Sequence[str]) -> Figure:
    """The test errors of some arms, one below the other."""
    effects = {
        name: Effect(nets.column("test/error/weight_scaling").tolist())
        for name, nets in arms(noise, names).items()
    }

    sheet, (axes,) = figures.sheet(width=6.0)
    figures.intervals(axes, effects, margin=None, within=PERCENT)
    axes.set(xlabel="test error (%) of the chosen candidate")

    return sheet


def _describe(nets: Runs) -> str:
    error = interval(nets.column("test/error/weight_scaling").tolist()).within(PERCENT)
    nll = nets.column("test/nll/weight_scaling").mean()
    network = nets.frame.iloc[0]
    settings = [
        f"{name} {float(network[key]):.3g}"
        for key, name in CONSTANTS.items()
        if key in network and network[key] > 0
    ]

    return f"test error {error:.2f} %, NLL {nll:.4f} nats; {', '.join(settings)}"
