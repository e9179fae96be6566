"""The data sets of plug-ins as images in memory."""

import numpy as np
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


def _split(inputs: np.ndarray, labels: np.ndarray) -> Split:
    """Examples of one part, whose images are laid out in a row."""
    return Split(
        torch.from_numpy(inputs).flatten(1),
        torch.from_numpy(labels),
        scale=1 / LARGEST_BYTE if inputs.dtype == np.uint8 else 1.0,
        ids=torch.arange(len(labels)),
    )
