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
