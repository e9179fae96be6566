"""How fast updates are from narrow to wide, few to many networks, small to large batches."""

from dataclasses import dataclass
from functools import partial
from statistics import median

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.benchmark.comparison import in_turn, per_call
from dropout_study.benchmark.machine import product
from dropout_study.benchmark.training import BATCH, BareUpdates, Configure, operations, overrides
from dropout_study.data.datasets import load_images

WIDTHS = (16, 32, 64, 128, 256, 512, 1024, 2048)
COHORTS = (1, 2, 5, 10, 20, 50)
BATCHES = (16, 64, 256, 1024)
LONGEST = 1.5e11  # operations of an update beyond which a point is left out: seconds each
LIMIT = "a matrix product alone"


@dataclass(frozen=True)
class Speed:
    """GFLOP/s of one combination, and of a matrix product timed in turn with it."""

    width: int
    nets: int
    batch: int
    rate: float
    limit: float


def measure(configure: Configure) -> list[Speed]:
    """The speed of every combination that a figure shows."""
    images = load_images(configure().data)
    wide = [(width, nets, BATCH) for nets in (1, 10) for width in WIDTHS]
    many = [(width, nets, BATCH) for width in (64, 256) for nets in COHORTS]
    large = [(width, nets, batch) for width, nets in ((64, 10), (256, 1)) for batch in BATCHES]
    speeds = []

    for width, nets, batch in dict.fromkeys(wide + many + large):
        work = nets * operations([width, width], batch)
        if work > LONGEST:
            continue

        calls = max(4, min(30, int(2e10 / work)))
        config = configure(
            *overrides([width, width], 0.5, nets, batch), f"budget.updates={calls + 3}"
        )
        update, limit_of = (
            partial(per_call, rival, 1, 0) for rival in (BareUpdates(config, images), product)
        )
        times = in_turn({"update": update, "product": limit_of}, calls + 3)
        seconds = {name: median(of[3:]) for name, of in times.items()}
        limit = 2 * BATCH * 1024**2 / seconds["product"]
        speeds.append(Speed(width, nets, batch, work / seconds["update"] / 1e9, limit / 1e9))

    return speeds


def figure(speeds: list[Speed]) -> Figure:
    """Share of the matrix product's speed against width, number of networks and batch size."""
    of = {(speed.width, speed.nets, speed.batch): speed.rate / speed.limit for speed in speeds}
    panels = [
        (
            "width of two hidden layers",
            [(f"nets: {n}", {w: (w, n, BATCH) for w in WIDTHS}) for n in (1, 10)],
        ),
        (
            "networks in lock-step",
            [(f"width {w}", {n: (w, n, BATCH) for n in COHORTS}) for w in (64, 256)],
        ),
        (
            "batch size",
            [
                (f"nets: {n} x {w}", {b: (w, n, b) for b in BATCHES})
                for w, n in ((64, 10), (256, 1))
            ],
        ),
    ]

    with figures.style():
        sheet, axes = figures.sheet(columns=3, height=3.0)
        for part, (label, lines) in zip(axes, panels, strict=True):
            for position, (name, points) in enumerate(lines):
                shown = {x: of[key] for x, key in points.items() if key in of}
                drawn = figures.look(name, position + 1)
                part.plot(list(shown), list(shown.values()), **drawn)
                figures.label_end(part, name, list(shown.items())[-1], drawn["color"])

            part.axhline(1, color="0.3", linewidth=1, linestyle=":")
            part.set(xlabel=label, ylim=(0, 1.15))
            part.set_xscale("log", base=10 if points.keys() == set(COHORTS) else 2)

        axes[0].annotate(
            LIMIT,
            (WIDTHS[0], 1),
            xytext=(0, 4),
            textcoords="offset points",
            fontsize=8,
            color="0.3",
        )
        axes[0].set_ylabel("speed of an update, share of the limit")

        return figures.finish(sheet)
