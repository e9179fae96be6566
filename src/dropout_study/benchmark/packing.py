"""Packs: the time of an update against the number of conditions, together and one by one."""

from collections.abc import Callable

from dropout_study.benchmark.comparison import Row, in_turn, per_call, ratio
from dropout_study.benchmark.training import BareUpdates
from dropout_study.config.schema import Config
from dropout_study.data.datasets import load_images
from dropout_study.training.build import make_network
from dropout_study.training.threads import as_many_threads_as_pay

Configure = Callable[..., Config]
SEEDS = 5
CALLS = 10
CONDITIONS = (3, 9, 27)
WIDTHS = ([16, 16], [64, 64], [256, 256])


def conditions(configure: Configure, widths: list[int], number: int) -> list[Config]:
    """Conditions that differ in dropout rate and learning rate, of five networks each."""
    sizes = ",".join(map(str, widths))
    shared = [
        f"model.widths=[{sizes}]",
        f"seeds=[{','.join(map(str, range(SEEDS)))}]",
        "data=digits",
        "budget.updates=1000000",
    ]
    rates = [0.0, 0.2, 0.5]

    return [
        configure(
            *shared, f"model.hidden_rate={rates[i % 3]}", f"optimizer.lr={1e-3 * 2 ** (i // 3)}"
        )
        for i in range(number)
    ]


def seconds_of_update(configs: list[Config]) -> Callable[[], float]:
    """What takes the time of an update of some conditions as one cohort."""
    first, *others = configs
    images = load_images(first.data)
    network = make_network(first, images.inputs, images.classes)
    networks = sum(len(config.seeds) for config in configs)
    update = BareUpdates(first, images, others)

    def measured() -> float:
        with as_many_threads_as_pay(network, networks, first.data.batch_size):
            return per_call(update, CALLS)

    return measured


def packs(configure: Configure, rounds: int) -> list[Row]:
    """Time of an update of all conditions, together to one by one."""
    return [_row(configure, widths, number, rounds) for widths in WIDTHS for number in CONDITIONS]


def _row(configure: Configure, widths: list[int], number: int, rounds: int) -> Row:
    configs = conditions(configure, widths, number)
    # Conditions of one kind cost the same: with and without dropout are measured, and multiplied.
    rivals = {
        "together": seconds_of_update(configs),
        "rate 0": seconds_of_update(configs[:1]),
        "rate 0.5": seconds_of_update(configs[2:3]),
    }
    times = in_turn(rivals, max(rounds, 5))
    times["one by one"] = [
        number / 3 * plain + 2 * number / 3 * dropout
        for plain, dropout in zip(times["rate 0"], times["rate 0.5"], strict=True)
    ]
    sizes = "-".join(map(str, [64, *widths, 10]))
    what = f"an update of {number} conditions of {SEEDS} nets {sizes}, together to one by one"

    return Row("packs", what, *ratio(times, "together", "one by one"))
