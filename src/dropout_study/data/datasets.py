"""The data sets by name: each is read whole into memory, checked and split."""

from collections.abc import Callable
from functools import cache

import torch

from dropout_study.config.data_set import DataSet
from dropout_study.config.schema import ConfigError, Data
from dropout_study.data.idx import check_md5, load_idx
from dropout_study.data.images import Images, Split, class_balanced_order
from dropout_study.data.mnist1d import load_mnist1d
from dropout_study.data.own import load_own
from dropout_study.dropout.randomness import Purpose, generator

DIGITS_MD5 = "7696c07daa6d85010f8268703ab8b067"


def load_images(config: Data) -> Images:
    """Read or generate a data set: the chosen classes, with the reserve, pooled.

    Raises:
        ConfigError: files are missing and cannot be downloaded, or are truncated or altered; a
            package is missing; a plug-in gives examples that cannot be used; or the reserve leaves
            fewer examples than `config.train_size`.
    """
    if isinstance(config, DataSet):
        images = select(load_own(config), config)
    else:
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


def select(images: Images, config: Data) -> Images:
    """The examples of `config.classes`, `config.reserve` of which move from training to test.

    Raises:
        ConfigError: the reserve leaves fewer training examples than `config.train_size`.
    """
    if config.classes:
        images = images.of_classes(config.classes)

    if not config.reserve:
        return images

    available = len(images.train)
    wanted = config.train_size or 0

    if available - config.reserve < wanted:
        classes = f" with data.classes={config.classes}" if config.classes else ""
        raise ConfigError(
            f"data.reserve={config.reserve} cannot be used{classes}: there are {available} "
            f"training examples, and data.train_size={wanted} of them must be left."
        )

    return images.with_reserve(config.reserve)


DATASETS: dict[str, Callable[[Data], Images]] = {
    "digits": lambda config: select(bundled_digits(), config),
    "mnist": lambda config: select(load_idx(config), config),
    "fashion_mnist": lambda config: select(load_idx(config), config),
    "kmnist": lambda config: select(load_idx(config), config),
    "mnist1d": load_mnist1d,
}
"""Name -> how it is read. `config.names.DATASETS` has what is known of each before that."""
