"""The data sets by name: each is read whole into memory, checked and split."""

from collections.abc import Callable
from functools import cache

import torch

from dropout_study.config.schema import Data
from dropout_study.data.idx import check_md5, load_idx
from dropout_study.data.images import Images, Split, class_balanced_order
from dropout_study.dropout.randomness import Purpose, generator

DIGITS_MD5 = "7696c07daa6d85010f8268703ab8b067"


def load_images(config: Data) -> Images:
    """Read a data set into memory, its images averaged over `config.pool` x `config.pool` pixels.

    Raises:
        ConfigError: files are missing and cannot be downloaded, or are truncated or altered.
    """
    images = DATASETS[config.name](config)

    return images if config.pool == 1 else images.pooled(config.pool)


@cache
def bundled_digits() -> Images:
    """scikit-learn's 1,797 digits of 8 x 8 pixels: 1,097 to train, 300 to validate, 400 to test.

    Validation and test examples are balanced: 30 and 40 per class.

    Raises:
        ConfigError: the installed set is another one.
    """
    from sklearn import datasets

    bunch = datasets.load_digits()
    labels = torch.from_numpy(bunch.target).long()
    pixels = torch.from_numpy(bunch.data).to(torch.uint8)
    content = pixels.numpy().tobytes() + labels.to(torch.uint8).numpy().tobytes()
    check_md5("scikit-learn's set of digits", content, DIGITS_MD5, "Install scikit-learn again.")

    digits = Split(pixels, labels, 1 / 16, torch.arange(len(labels)))
    order = class_balanced_order(labels, generator(Purpose.SPLIT, 0))

    return Images(
        train=digits.take(order[700:]),
        validation=digits.take(order[400:700]),
        test=digits.take(order[:400]),
    )


DATASETS: dict[str, Callable[[Data], Images]] = {
    "digits": lambda _: bundled_digits(),
    "mnist": load_idx,
    "fashion_mnist": load_idx,
    "kmnist": load_idx,
}
"""Name -> how it is read. `config.names.DATASETS` has what is known of each before that."""
