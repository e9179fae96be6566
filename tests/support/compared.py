"""Networks of several dropout rates, as a comparison reads them."""

from collections.abc import Sequence

from support.rows import Columns

METRIC = "test/nll/weight_scaling"


def nets(rate: float, values: Sequence[float], width: int = 16) -> list[Columns]:
    """Networks of a rate with these values of the metric, one per seed from 0 on."""
    name = f"mlp {width}, rate {rate:g}, digits_8x8"
    return [
        {
            "digest": name,
            "condition": name,
            "seed": seed,
            "data.name": "digits",
            "model.hidden_rate": rate,
            "model.widths": str(width),
            METRIC: value,
        }
        for seed, value in enumerate(values)
    ]


CURVE = "mc/error"


def sampled(rate: float, curves: Sequence[dict[int, float]]) -> list[Columns]:
    """Networks of a rate with a curve each: number of masks -> error."""
    return [
        {
            **net,
            CURVE: list(curve.values())[-1],
            f"curve/{CURVE}": list(curve.values()),
            f"steps/{CURVE}": list(curve),
        }
        for net, curve in zip(nets(rate, [0.0] * len(curves)), curves, strict=True)
    ]
