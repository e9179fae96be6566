"""n droppable units give 2^n subnetworks."""

import math

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Studies
from dropout_study.analysis.criteria import Exact, Part
from dropout_study.analysis.runs import Effect

EXPECTED = {
    "masks": 16,
    "with a path": 9,
    "functions, with biases": 13,
    "functions, without biases": 10,
}


def counts() -> dict[str, int]:
    """What is counted on 2 inputs and 2 hidden ReLU units, all four droppable, with positive weights."""
    import torch  # what the claims say is read without it

    from dropout_study.dropout.counting import count_connected, count_functions, count_masks
    from dropout_study.dropout.networks import MLP

    network = MLP(2, 1, [2]).double()
    network.initialize(0)

    for p in network.parameters():
        p.data = p.data.abs() + 0.5  # a unit that is never active would not count

    source = torch.Generator().manual_seed(0)
    inputs = torch.randn(200, 2, generator=source, dtype=torch.float64)
    bare = MLP(2, 1, [2]).double()
    bare.load_state_dict({k: v * ("bias" not in k) for k, v in network.state_dict().items()})

    return {
        "masks": count_masks(network),
        "with a path": count_connected(network),
        "functions, with biases": count_functions(network, inputs),
        "functions, without biases": count_functions(bare, inputs),
    }


def estimate(studies: Studies) -> dict[str, dict[str, Effect]]:
    """How far counts are from what they should be."""
    runs = studies["enumerable"]
    units = runs.column("exact/units")
    masks = runs.column("exact/masks")
    off = [abs(math.log2(m) - n) for n, m in zip(units, masks, strict=True)]

    return {
        "counted": {name: Effect([found - EXPECTED[name]]) for name, found in counts().items()},
        "enumerated": {"trained nets": Effect(off)},
        "probabilities": {"trained nets": Effect(runs.column("exact/probability_error").tolist())},
    }


def figure(studies: Studies) -> Figure:
    """Masks by units, of the nets that were enumerated."""
    runs = studies["enumerable"]
    units = runs.column("exact/units")
    masks = runs.column("exact/masks")
    sheet, (axes,) = figures.sheet()
    n = range(1, 21)
    axes.plot(n, [2.0**i for i in n], color="0.6", linewidth=1)
    axes.annotate(
        "$2^n$",
        (20, 2.0**20),
        xytext=(-20, -4),
        textcoords="offset points",
        ha="right",
        color="0.4",
    )
    axes.plot(units, masks, "o", color="black")
    axes.set(
        yscale="log",
        xlabel="droppable units n",
        ylabel="subnetworks gone through",
        xticks=range(0, 21, 4),
    )

    return sheet


CLAIM = Claim(
    id="subnetworks",
    title="2^n subnetworks",
    says="If n units can be dropped, each kept or dropped independently, there are 2^n subnetworks.",
    source="the product 2 x 2 x ... x 2 = 2^n, under the heading Dropout",
    studies=("enumerable",),
    parts={
        "counted": Part(
            "masks, masks with a path and distinct functions of a 2-2-1 net, less 16, 9, 13, 10",
            Exact(0),
            "",
        ),
        "enumerated": Part("log2 of the masks gone through, less n", Exact(0), ""),
        "probabilities": Part("sum of the masks' probabilities, less 1", Exact(1e-12), ""),
    },
    estimate=estimate,
    figure=figure,
    caption="Masks that were gone through, for every trained net of the study, by its number of droppable units.",
    notes="2^n counts masks. Fewer connect input and output (9 of 16 for two inputs and two hidden units), and fewer "
    "still differ as functions (13; 10 without biases).",
)
