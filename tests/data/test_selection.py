"""Some classes of a data set, and training images that are put aside for tests."""

import os
import random
import sys

import mnist1d.data
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dropout_study.config.schema import ConfigError, Data
from dropout_study.data.datasets import load_images
from dropout_study.data.images import Images, Split
from dropout_study.data.mnist1d import PUBLISHED_SEED, generate, load_mnist1d
from dropout_study.training.data_module import DataModule
from support.images import random_images


def digits(**chosen: object) -> Data:
    return Data(name="digits", root="unused", **chosen)  # type: ignore[arg-type]


def labels_by_id(split: Split) -> dict[int, int]:
    return dict(zip(split.ids.tolist(), split.labels.tolist(), strict=True))


@pytest.mark.parametrize("classes", [[3, 8], [8, 3], [0, 5, 9], [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]])
def test_a_subset_has_all_examples_of_its_classes_numbered_in_ascending_order(
    classes: list[int],
) -> None:
    """If this failed, examples of a class would be lost or have the label of another, or the order
    in which classes are typed would change a result.
    """
    whole = load_images(digits())
    some = load_images(digits(classes=classes))
    assert some.classes == len(classes)

    for before, after in (
        (whole.train, some.train),
        (whole.validation, some.validation),
        (whole.test, some.test),
    ):
        kept = {i: label for i, label in labels_by_id(before).items() if label in classes}
        numbers = {i: sorted(classes).index(label) for i, label in kept.items()}
        assert labels_by_id(after) == numbers
        assert list(labels_by_id(after)) == list(numbers), "in the order of the whole set"
        place = {i: row for row, i in enumerate(before.ids.tolist())}
        rows = torch.tensor([place[i] for i in after.ids.tolist()])
        assert torch.equal(after.images, before.images[rows])


def test_the_number_of_classes_holds_where_few_examples_are_trained_on() -> None:
    """If this failed, networks would lack the output of a class that no training example has."""
    whole = random_images(4, count=40)
    few = Images(whole.train.take(torch.arange(3)), whole.validation, whole.test)
    assert few.classes == 10


def test_all_classes_and_no_reserve_are_the_data_set_itself() -> None:
    """If this failed, the new keys would change results that were recorded before them."""
    plain = load_images(digits(train_size=100))
    assert plain is load_images(digits()), "not even copied"
    module = DataModule(plain, digits(train_size=100), [0], 1)
    assert module.digests() == ["8da24ac9789f"]


@given(count=st.integers(1, 200), fewer=st.integers(1, 200))
def test_the_reserve_moves_a_balanced_choice_from_training_to_test(count: int, fewer: int) -> None:
    """If this failed, test images would be trained on, or lost, or the larger of two reserves would
    not contain the smaller.
    """
    images = random_images(4)
    reserved = images.with_reserve(count)
    moved = reserved.test.ids[200:]
    assert len(moved) == count
    assert torch.equal(reserved.test.ids[:200], images.test.ids)
    assert torch.equal(reserved.test.images[200:], images.train.images[moved])
    assert torch.equal(reserved.test.labels[200:], images.train.labels[moved])

    rest = torch.tensor(sorted(set(range(200)) - set(moved.tolist())), dtype=torch.long)
    assert torch.equal(reserved.train.ids, rest)
    assert torch.equal(reserved.train.images, images.train.images[rest])
    assert reserved.validation is images.validation

    of_classes = reserved.test.labels[200:].bincount(minlength=10)
    assert of_classes.max() - of_classes.min() <= 1

    smaller = min(count, fewer)
    assert torch.equal(images.with_reserve(smaller).test.ids[200:], moved[:smaller])


def test_the_reserve_is_the_same_for_every_seed_and_size_and_never_trained_on() -> None:
    """If this failed, seeds would be tested on different images, which crosses nothing, or an image
    be trained on by one seed and tested on for another.
    """
    chosen = digits(train_size=100, reserve=600)
    images = load_images(chosen)
    assert len(images.test) == 1000
    again = load_images(digits(train_size=300, reserve=600))
    assert torch.equal(again.test.ids, images.test.ids)

    module = DataModule(images, chosen, [0, 1, 2], 1)
    trained = images.train.ids[module.subsets]
    assert trained.shape == (3, 100)
    assert not torch.isin(trained, images.test.ids).any(), "ids of digits are those of one set"

    without = DataModule(load_images(digits(train_size=100)), digits(train_size=100), [0], 1)
    assert module.digests()[0] != without.digests()[0]


def test_the_reserve_is_pinned() -> None:
    """If this failed, results of this version could not be compared with earlier ones."""
    reserved = load_images(digits(train_size=100, reserve=5)).test.ids[400:]
    assert reserved.tolist() == [1393, 43, 264, 45, 1620]


def test_a_reserve_of_some_classes_leaves_what_is_trained_on() -> None:
    """If this failed, fewer examples than asked for would be trained on without a word."""
    pool = len(load_images(digits(classes=[3, 8])).train)
    fits = digits(classes=[3, 8], train_size=50, reserve=pool - 50)
    assert len(load_images(fits).train) == 50

    sentence = rf"data.reserve={pool - 49} .*\[3, 8\]: there are {pool} .*train_size=50 of them"
    with pytest.raises(ConfigError, match=sentence):
        load_images(digits(classes=[3, 8], train_size=50, reserve=pool - 49))

    large = digits(classes=[3, 8], train_size=pool + 1)
    with pytest.raises(ConfigError, match=rf"there are {pool} .* of data.classes=\[3, 8\]"):
        DataModule(load_images(large), large, [0], 1)


@pytest.mark.skipif(
    "DROPOUT_STUDY_DATA" not in os.environ, reason="set DROPOUT_STUDY_DATA to the folder of MNIST"
)
def test_a_reserve_of_mnist_is_30000_further_test_images() -> None:
    """If this failed, the studies on few examples would not have the images they need."""
    root = os.environ["DROPOUT_STUDY_DATA"]
    chosen = Data(name="mnist", root=root, download=False, train_size=10_000, reserve=30_000)
    images = load_images(chosen)
    sizes = [len(split) for split in (images.train, images.validation, images.test)]
    assert sizes == [20_000, 10_000, 40_000]
    assert images.test.labels[10_000:].bincount().tolist() == [3_000] * 10
    ids = [images.train.ids, images.validation.ids, images.test.ids[10_000:]]
    assert torch.cat(ids).unique().numel() == 60_000


def test_the_published_examples_of_mnist1d_are_trained_on_and_validate() -> None:
    """If this failed, results could not be compared with what its authors report. The numbers are
    those of `mnist1d_data.pkl`, which they have published.
    """
    images = load_mnist1d(Data(name="mnist1d", root="unused"))
    assert [len(split) for split in (images.train, images.validation, images.test)] == [
        4_000,
        1_000,
        10_000,
    ]
    x, labels = images.train.batch(torch.arange(10))
    assert labels.tolist() == [2, 6, 4, 5, 6, 6, 6, 0, 3, 1]
    expected = [-0.33200567, -0.47191037, -0.77869708, -1.00974083]
    torch.testing.assert_close(x[0, :4], torch.tensor(expected))
    assert images.test.labels.bincount().tolist() == [1_000] * 10


def test_more_examples_of_mnist1d_are_new_ones_and_leave_the_test_set_alone() -> None:
    """If this failed, examples would be trained on twice, or tested on after training, or sizes be
    compared on different test sets.
    """
    small = load_images(Data(name="mnist1d", root="unused"))
    large = load_images(Data(name="mnist1d", root="unused", train_size=4_001, reserve=300))
    assert len(large.train) == 9_000
    assert torch.equal(large.train.images[:4_000], small.train.images)
    assert torch.equal(large.validation.images, small.validation.images)
    assert len(large.test) == 10_300
    assert torch.equal(large.test.images[:10_000], small.test.images)

    everything = torch.cat([s.images for s in (large.train, large.validation, large.test)])
    assert len(everything.unique(dim=0)) == len(everything)
    assert large.train.ids.unique().numel() == 9_000
    assert not torch.isin(large.train.ids, large.validation.ids).any()


def test_classes_of_mnist1d_are_generated_until_there_are_enough() -> None:
    """If this failed, a subset of the classes would have fewer examples than were asked for."""
    chosen = Data(name="mnist1d", root="unused", classes=[3, 8], train_size=1_000, reserve=100)
    images = load_images(chosen)
    assert len(images.train) >= 1_000
    assert len(images.test) == 2_100
    assert images.classes == 2
    assert images.train.labels.unique().tolist() == [0, 1]


def test_generating_leaves_the_shared_generators_alone() -> None:
    """If this failed, reading a data set would change what a caller's program draws."""
    random.seed(5)
    np.random.seed(5)
    expected = (random.random(), np.random.random())
    random.seed(5)
    np.random.seed(5)
    generate.__wrapped__(43)
    assert (random.random(), np.random.random()) == expected


def test_other_signals_than_the_published_ones_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, another version of the package could change every result without a word."""
    templates = mnist1d.data.get_templates()
    templates["x"][0, 0] += 0.01
    monkeypatch.setattr(mnist1d.data, "get_templates", lambda: templates)

    with pytest.raises(ConfigError, match=r"mnist1d generates was altered: .* pip install"):
        generate.__wrapped__(PUBLISHED_SEED)


def test_a_missing_package_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, a user without the extra would get a traceback."""
    monkeypatch.setitem(sys.modules, "mnist1d.data", None)

    with pytest.raises(
        ConfigError, match=r"needs the package mnist1d .*pip install -e '\.\[mnist1d"
    ):
        generate.__wrapped__(77)
