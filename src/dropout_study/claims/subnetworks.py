"""n droppable units give 2^n subnetworks."""

import math

from matplotlib.figure import Figure

from dropout_study.analysis import figures
from dropout_study.analysis.claim import Claim, Group, Studies
from dropout_study.analysis.criteria import Check, Exact
from dropout_study.analysis.runs import Effect

EXPECTED = {
    "masks": 16,
    "connected masks": 9,
    "functions, with biases": 13,
    "functions, without biases": 10,
}
"""Of a net with two inputs, two hidden units and one output, all four units droppable."""
COUNTS = Exact(0, "a count has no error")


class Subnetworks(Claim):
    """There is one subnetwork per mask; all of them are counted."""

    id = "subnetworks"
    title = "2^n subnetworks"
    says = (
        "If n units can be dropped, each kept or dropped independently, there are 2^n subnetworks."
    )
    source = "the product 2 x 2 x ... x 2 = 2^n, under the heading Dropout"
    group = Group.ENSEMBLE
    studies = ("enumerable",)
    checks = {
        "counted": Check(
            "counts on a 2-2-1 net minus the expected 16 masks, 9 connected masks, 13 distinct "
            "functions (10 without biases)",
            COUNTS,
        ),
        "enumerated": Check("log2 of the number of enumerated masks, minus n", COUNTS),
        "probabilities": Check(
            "sum of the masks' probabilities, minus 1",
            Exact(1e-12, "far above the rounding errors of 65,536 terms in double precision"),
        ),
    }
    deviations = ("The statement is about any n; nets with 4, 8 and 16 units are enumerated.",)
    caption = (
        "Enumerated masks of every trained net of the study, by its number of droppable units."
    )
    notes = (
        "2^n counts masks. Fewer connect input and output (9 of 16 for two inputs and two hidden "
        "units), and fewer still differ as functions (13; 10 without biases)."
    )

    def check(self, studies: Studies) -> dict[str, dict[str, Effect]]:
        """Counts minus what they should be."""
        runs = studies["enumerable"]
        units = runs.column("exact/units")
        masks = runs.column("exact/masks")
        surplus = [math.log2(count) - n for n, count in zip(units, masks, strict=True)]
        probability_error = runs.column("exact/probability_error").tolist()

        return {
            "counted": {name: Effect([n - EXPECTED[name]]) for name, n in counts().items()},
            "enumerated": {"trained nets": Effect(surplus)},
            "probabilities": {"trained nets": Effect(probability_error)},
        }

    def figure(self, studies: Studies) -> Figure:
        """Enumerated masks by the number of units, and the line 2^n."""
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
        axes.plot(units, masks, "o", color="black", label="trained nets")
        axes.set(
            yscale="log",
            xlabel="droppable units n",
            ylabel="enumerated subnetworks",
            xticks=range(0, 21, 4),
        )

        return sheet


def counts() -> dict[str, int]:
    """Counts on 2 inputs and 2 hidden ReLU units, all four droppable, with positive weights."""
    import torch  # the sentences of the claims are read without it

    from dropout_study.dropout.counting import count_connected, count_functions, count_masks
    from dropout_study.dropout.networks import MLP

    network = MLP(2, 1, [2]).double()
    network.initialize(0)

    for p in network.parameters():
        p.data = p.data.abs() + 0.5  # a unit that is never active would not count

    source = torch.Generator().manual_seed(0)
    inputs = torch.randn(200, 2, generator=source, dtype=torch.float64)
    without_biases = MLP(2, 1, [2]).double()
    without_biases.load_state_dict(
        {name: weights * ("bias" not in name) for name, weights in network.state_dict().items()}
    )

    return {
        "masks": count_masks(network),
        "connected masks": count_connected(network),
        "functions, with biases": count_functions(network, inputs),
        "functions, without biases": count_functions(without_biases, inputs),
    }
