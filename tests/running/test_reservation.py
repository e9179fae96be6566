"""What a run says of itself before it is trained."""

from collections.abc import Callable

import pytest

from dropout_study.config.condition import condition_digest
from dropout_study.config.schema import Config
from dropout_study.running.reservation import overrides_of


@pytest.mark.parametrize(
    "typed",
    [
        (),
        ("data=mnist", "model=lenet", "model.dropout=all", "optimizer=sgd", "data.classes=[3,1]"),
        ("model=autoencoder", "rules=[weight_scaling]", "schedule=constant", "data.train_size=100"),
        ("model.widths=[8,8]", "regularizer=[l2,max_norm]", "probes=[units]", "mc.per_image=[5]"),
        ("study.name='one, two'", "study.stage=half", "seeds=[7,8]", "budget=smoke"),
    ],
)
def test_the_command_of_a_run_trains_its_condition(
    typed: tuple[str, ...], make_config: Callable[..., Config]
) -> None:
    """If this failed, who pastes the command from MLflow would train something else."""
    config = make_config(*typed)
    again = make_config(*overrides_of(config))
    assert condition_digest(again) == condition_digest(config)
    assert (again.study.name, again.study.stage) == (config.study.name, config.study.stage)
    assert (again.seeds, again.budget.name) == (config.seeds, config.budget.name)
