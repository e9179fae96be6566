"""What is refused before a cohort is trained."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dropout_study.config.schema import Config, ConfigError
from dropout_study.running import run


@pytest.mark.parametrize("override", ["rules=[exact_geometric]", "probes=[enumeration]"])
def test_what_enumerates_too_many_masks_is_refused_before_training(
    override: str, make_config: Callable[..., Config], tmp_path: Path
) -> None:
    """If this failed, a condition would be trained and then run out of memory."""
    config = make_config(override, "model.widths=[512]", "model.hidden_rate=0.5")
    key = override.partition("=")[0]
    with pytest.raises(ConfigError, match=rf"^{key}=.* cannot be used: 512 droppable units"):
        run._build(config, tmp_path, lambda _: None, shows_bar=False)


def test_hidden_units_are_measured_only_where_there_are_some(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    """If this failed, softmax regression would be trained and then end in a traceback."""
    config = make_config("model=softmax_regression", "probes=[units]")
    with pytest.raises(ConfigError, match=r"^probes=.* model=softmax_regression has none\.$"):
        run._build(config, tmp_path, lambda _: None, shows_bar=False)
