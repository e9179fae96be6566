"""The data sets of plug-ins as images in memory."""

from typing import Any

import torch

from dropout_study.config.data_set import DataSet, checked_examples
from dropout_study.data.images import Images, Split

LARGEST_BYTE = 255


def load_own(config: DataSet) -> Images:
    """Read the data set of a plug-in.

    Raises:
        ConfigError: its examples cannot be used.
    """
    train, validation, test = checked_examples(config)

    return Images(_split(*train), _split(*validation), _split(*test))


def _split(inputs: Any, labels: Any) -> Split:
    """Examples of one part, whose images are laid out in a row."""
    inputs = torch.as_tensor(inputs).flatten(1)
    labels = torch.as_tensor(labels).long()
    is_byte = inputs.dtype == torch.uint8

    return Split(
        inputs.contiguous() if is_byte else inputs.float().contiguous(),
        labels,
        scale=1 / LARGEST_BYTE if is_byte else 1.0,
        ids=torch.arange(len(labels)),
    )
