"""Data: splits, subsets, batches, and files that are checked before anything is trained."""

import gzip
import hashlib
import os
import shutil
import struct
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import accumulate
from pathlib import Path
from threading import Thread

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import datasets
from torchvision.datasets import KMNIST, FashionMNIST

from dropout_study.config import names
from dropout_study.config.schema import ConfigError, Data
from dropout_study.data.batches import (
    MAX_UPDATES_PER_BLOCK,
    BatchStream,
    TrainBatches,
    UpdateBlocks,
    blocks_per_validation,
    subset,
)
from dropout_study.data.datasets import DATASETS, bundled_digits, load_images
from dropout_study.data.idx import FILES, UNPACKED_MD5, Checksums, read_official, split_official
from dropout_study.data.images import class_balanced_order
from dropout_study.training.data_module import DataModule
from support.images import random_images

DIGITS = Data(name="digits", root="unused")
LABELS = torch.arange(1000) * 7 % 13 % 10
IMAGES = random_images(8)


def test_digits_are_split_into_1097_300_400_without_overlap() -> None:
    """If this failed, test images would be trained on, or the classes of the held-out sets
    unbalanced.
    """
    images = load_images(DIGITS)
    parts = (images.train, images.validation, images.test)
    assert [len(part) for part in parts] == [1097, 300, 400]
    assert torch.cat([part.ids for part in parts]).unique().numel() == 1797
    assert images.validation.labels.bincount().tolist() == [30] * 10
    assert images.test.labels.bincount().tolist() == [40] * 10
    assert torch.equal(load_images(DIGITS).test.ids, images.test.ids)


def test_inputs_lie_in_0_1_and_pooling_averages_squares() -> None:
    """If this failed, inputs would be scaled wrongly or pooled over the wrong pixels."""
    plain = load_images(DIGITS)
    pooled = load_images(Data(name="digits", root="unused", pool=2))
    x, _ = plain.train.batch(torch.arange(100))
    small, _ = pooled.train.batch(torch.arange(100))
    assert (x.min(), x.max()) == (0, 1)
    assert pooled.inputs == 16
    by_hand = (x[:, 0] + x[:, 1] + x[:, 8] + x[:, 9]) / 4
    torch.testing.assert_close(small[:, 0], by_hand)
    by_hand = (x[:, 20] + x[:, 21] + x[:, 28] + x[:, 29]) / 4
    torch.testing.assert_close(small[:, 6], by_hand)


@given(st.integers(1, 700), st.integers(1, 700), st.integers(0, 5))
def test_subsets_are_balanced_nested_and_of_their_size(a: int, b: int, seed: int) -> None:
    """If this failed, sizes would be compared on unrelated or unbalanced subsets."""
    small, large = sorted((a, b))
    inner = subset(LABELS, small, "none", seed)
    outer = subset(LABELS, large, "none", seed)
    assert len(inner) == small
    assert torch.equal(outer[:small], inner)
    assert outer.unique().numel() == large
    counts = LABELS[inner].bincount(minlength=10)
    assert counts.max() - counts.min() <= 1


def test_all_examples_are_a_permutation_and_seeds_differ() -> None:
    """If this failed, `train_size: null` would lose examples, or seeds share a subset."""
    assert subset(LABELS, None, "none", 0).sort().values.tolist() == list(range(1000))
    assert not torch.equal(subset(LABELS, 100, "none", 0), subset(LABELS, 100, "none", 1))
    assert class_balanced_order(LABELS, torch.Generator().manual_seed(0)).unique().numel() == 1000


def test_a_bootstrap_draws_with_replacement_from_the_subset() -> None:
    """If this failed, bagging would train on the plain subset: about 63 % of it appears in a
    resample.
    """
    chosen = subset(LABELS, 500, "none", 3)
    drawn = subset(LABELS, 500, "bootstrap", 3)
    assert len(drawn) == 500
    assert set(drawn.tolist()) <= set(chosen.tolist())
    assert 0.58 < drawn.unique().numel() / 500 < 0.69


@pytest.mark.parametrize(("examples", "size"), [(10, 4), (7, 7), (3, 8), (1, 5)])
def test_batches_run_on_across_epochs_and_show_each_example_once_an_epoch(
    examples: int, size: int
) -> None:
    """If this failed, examples would be seen unequally often, or small subsets could not be trained
    on.
    """
    indices = torch.arange(examples) + 100
    stream = BatchStream(indices, seed=2, size=size)
    seen = torch.cat([stream.batch(update) for update in range(3 * examples)])
    for epoch in seen.split(examples)[: 3 * size]:
        assert epoch.sort().values.tolist() == indices.tolist()


def test_a_batch_is_a_function_of_seed_and_update_alone() -> None:
    """If this failed, a resumed run, or a network inside a cohort, would see other batches."""
    indices = torch.arange(30)
    in_order = [BatchStream(indices, 5, 8).batch(update) for update in range(20)]
    backwards = BatchStream(indices, 5, 8)

    for update in reversed(range(20)):
        assert torch.equal(backwards.batch(update), in_order[update])

    assert not torch.equal(BatchStream(indices, 6, 8).batch(0), in_order[0])


@given(updates=st.integers(1, 70), every=st.integers(1, 70), done=st.integers(0, 70))
def test_blocks_are_the_batches_and_end_where_a_validation_is_due(
    updates: int, every: int, done: int
) -> None:
    """If this failed, updates would be lost or made twice, or the curves be validated at other
    updates than told.
    """
    every = min(every, updates)
    streams = [BatchStream(torch.arange(200), 3, 2)]
    batches = [labels for _, labels in TrainBatches(IMAGES.train, streams, updates)]
    whole = UpdateBlocks(TrainBatches(IMAGES.train, streams, updates), every)
    pieces = [[labels for _, labels in block] for block in whole]
    assert torch.equal(
        torch.stack([labels for piece in pieces for labels in piece]), torch.stack(batches)
    )
    ends = list(accumulate(len(piece) for piece in pieces))
    assert len(whole) == len(ends)
    assert max(len(piece) for piece in pieces) <= MAX_UPDATES_PER_BLOCK
    validated = ends[
        blocks_per_validation(every) - 1 :: blocks_per_validation(every)
    ]  # where Lightning does
    assert [end for end in validated if end < updates] == list(range(every, updates, every))
    assert every == 1 or updates == 1 or ends[0] < every, (
        "a checkpoint can be written before the first"
    )
    left = UpdateBlocks(TrainBatches(IMAGES.train, streams, updates), every)
    done = min(done, len(ends) - 1)
    left.load_state_dict({"next": ends[done]})
    assert [[labels.tolist() for _, labels in block] for block in left] == [
        [labels.tolist() for labels in piece] for piece in pieces[done + 1 :]
    ]


def test_a_network_sees_the_same_batches_alone_and_in_a_cohort() -> None:
    """If this failed, adding seeds would change what the others learn from."""
    images = random_images(8)
    config = Data(name="digits", root="unused", train_size=50, batch_size=7)
    together = DataModule(images, config, [4, 9, 2], 12).batches()
    alone = DataModule(images, config, [9], 12).batches()
    assert len(together) == 12

    for (x, y), (own_x, own_y) in zip(together, alone, strict=True):
        assert torch.equal(x[1], own_x[0])
        assert torch.equal(y[1], own_y[0])


def test_the_batches_of_a_pass_share_their_memory_and_are_those_of_their_indices() -> None:
    """If this failed, many networks would pay for new memory at every update, or learn from the
    examples of another update.
    """
    images = random_images(8)
    data = DataModule(images, Data(name="digits", root="-", batch_size=7), [4, 9], 5)
    places = set()

    for update, (x, labels) in enumerate(data.batches()):
        index = torch.stack([stream.batch(update) for stream in data.streams])
        expected, expected_labels = images.train.batch(index)
        assert torch.equal(x, expected)
        assert torch.equal(labels, expected_labels)
        places.add(x.data_ptr())

    assert len(places) == 1


def test_validation_and_test_batches_come_from_their_own_splits_in_order() -> None:
    """If this failed, choices would be made on test data."""
    images = random_images(8)
    data = DataModule(images, Data(name="digits", root="-", train_size=50), [0, 1], 1)
    for batches, split in (
        (data.val_dataloader(), images.validation),
        (data.test_dataloader()[0], images.test),
    ):
        x, labels = next(iter(batches))
        assert torch.equal(x, split.batch(torch.arange(len(split)))[0])
        assert torch.equal(labels, split.labels)

    own, _ = next(iter(data.test_dataloader()[1]))
    assert torch.equal(own, images.train.batch(data.subsets)[0])


def test_the_splits_are_the_published_ones() -> None:
    """If this failed, results of this version could not be compared with earlier ones."""
    images = load_images(DIGITS)
    assert images.test.ids[:5].tolist() == [1062, 1623, 299, 1594, 1591]
    assert DataModule(images, Data(name="digits", root="-", train_size=100), [0], 1).digests() == [
        "8da24ac9789f"
    ]


def test_digests_tell_subsets_apart_and_are_stable() -> None:
    """If this failed, runs on different examples would look comparable."""
    images = random_images(8)
    first = DataModule(images, Data(name="digits", root="-", train_size=50), [0, 1], 1).digests()
    again = DataModule(images, Data(name="digits", root="-", train_size=50), [1], 1).digests()
    larger = DataModule(images, Data(name="digits", root="-", train_size=60), [0], 1).digests()
    assert first[1] == again[0]
    assert len({*first, *larger}) == 3


def write_idx(root: Path, folder: str, train: int = 60, test: int = 20) -> Path:
    """Four IDX files of random images, with the classes in turn."""
    raw = root / folder / "raw"
    raw.mkdir(parents=True)
    source = torch.Generator().manual_seed(0)

    for count, images, labels in ((train, FILES[0], FILES[1]), (test, FILES[2], FILES[3])):
        pixels = (
            torch.randint(256, (count * 784,), generator=source).to(torch.uint8).numpy().tobytes()
        )
        (raw / images).write_bytes(struct.pack(">4i", 0x0803, count, 28, 28) + pixels)
        (raw / labels).write_bytes(
            struct.pack(">2i", 0x0801, count) + bytes(i % 10 for i in range(count))
        )

    return raw


def md5_of(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def checksums_of(raw: Path) -> Checksums:
    """The checksums of the unpacked files in a folder."""
    return Checksums(tuple(md5_of((raw / name).read_bytes()) for name in FILES))


def test_idx_files_are_split_five_to_one_and_the_test_set_is_left_whole(tmp_path: Path) -> None:
    """If this failed, validation would overlap with training, or with the test set."""
    raw = write_idx(tmp_path, "MNIST")
    images = split_official(*read_official(raw, checksums_of(raw)))
    assert [len(s) for s in (images.train, images.validation, images.test)] == [50, 10, 20]
    assert torch.cat([images.train.ids, images.validation.ids]).sort().values.tolist() == list(
        range(60)
    )
    assert images.test.ids.tolist() == list(range(20))


@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize("joint", ["-idx", ".idx"])
def test_files_are_read_under_every_usual_name(tmp_path: Path, packed: str, joint: str) -> None:
    """If this failed, files as they were published would count as missing."""
    raw = write_idx(tmp_path, "MNIST")
    checksums = checksums_of(raw)
    expected = read_official(raw, checksums)

    for name in FILES:
        content = (raw / name).read_bytes()
        (raw / name).unlink()
        file = raw / f"{name.replace('-idx', joint)}{packed}"
        file.write_bytes(gzip.compress(content) if packed else content)

    for split, same in zip(read_official(raw, checksums), expected, strict=True):
        assert torch.equal(split.images, same.images)
        assert torch.equal(split.labels, same.labels)


@pytest.mark.parametrize("damage", [lambda content: content[:-9], lambda _: b"none", lambda _: b""])
def test_a_damaged_archive_is_named(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    """If this failed, a download that was cut short would end in a traceback."""
    raw = write_idx(tmp_path, "MNIST")
    checksums = checksums_of(raw)
    packed = gzip.compress((raw / FILES[1]).read_bytes())
    (raw / FILES[1]).unlink()
    (raw / f"{FILES[1]}.gz").write_bytes(damage(packed))

    said = rf"{FILES[1]}\.gz (cannot be read|is truncated).* Delete it"
    with pytest.raises(ConfigError, match=said):
        read_official(raw, checksums)


def test_images_and_labels_have_to_match(tmp_path: Path) -> None:
    """If this failed, images would have the labels of others, or pixels of another size be read."""
    raw = write_idx(tmp_path, "MNIST")
    labels = (raw / FILES[1]).read_bytes()
    shutil.copy(raw / FILES[3], raw / FILES[1])

    with pytest.raises(ConfigError, match=f"{FILES[0]} holds 60 images of 28 x 28 .* 20 labels"):
        read_official(raw, checksums_of(raw))

    (raw / FILES[1]).write_bytes(labels)
    pixels = (raw / FILES[2]).read_bytes()
    (raw / FILES[2]).write_bytes(struct.pack(">4i", 0x0803, 20, 14, 56) + pixels[16:])

    with pytest.raises(ConfigError, match=f"{FILES[2]} holds 20 images of 14 x 56 .* 20 labels"):
        read_official(raw, checksums_of(raw))


def test_what_torchvision_once_made_of_the_files_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, old files of torchvision, which have no checksum, would be read instead."""
    raw = write_idx(tmp_path, "FashionMNIST")
    legacy = raw.with_name("processed")
    legacy.mkdir()

    for name in ("training.pt", "test.pt"):
        torch.save((torch.zeros(9, 28, 28), torch.arange(9)), legacy / name)

    monkeypatch.setitem(UNPACKED_MD5, "fashion_mnist", checksums_of(raw).md5)
    images = load_images(Data(name="fashion_mnist", root=str(tmp_path)))
    assert [len(split) for split in (images.train, images.validation, images.test)] == [50, 10, 20]


def test_other_digits_than_the_published_ones_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this failed, another version of scikit-learn could change every result without a word."""
    bunch = datasets.load_digits()
    bunch.target[0] = 1
    monkeypatch.setattr(datasets, "load_digits", lambda: bunch)

    with pytest.raises(ConfigError, match=r"digits was altered: .* Install scikit-learn again"):
        bundled_digits.__wrapped__()


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the four archives of a small KMNIST, from which torchvision downloads."""
    folder = write_idx(tmp_path / "mirror", "KMNIST")
    resources = []

    for name in FILES:
        content = gzip.compress((folder / name).read_bytes())
        (folder / f"{name}.gz").write_bytes(content)
        resources.append((f"{name}.gz", md5_of(content)))

    serve = partial(SimpleHTTPRequestHandler, directory=folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), serve)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(KMNIST, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
    monkeypatch.setattr(KMNIST, "resources", resources)
    Thread(target=server.serve_forever, daemon=True).start()
    yield folder
    server.shutdown()
    server.server_close()


def test_a_download_that_fails_leaves_nothing_half(tmp_path: Path, mirror: Path) -> None:
    """If this failed, the next start would take half of a download for the files."""

    def found() -> set[str]:
        return {path.name for path in raw.parent.rglob("*") if path.is_file()}

    config = Data(name="kmnist", root=str(tmp_path))
    raw = tmp_path / "KMNIST" / "raw"
    last = mirror / f"{FILES[3]}.gz"
    intact = last.read_bytes()
    last.write_bytes(intact[:-9])

    with pytest.raises(ConfigError, match="could not be downloaded"):
        load_images(config)

    assert found() == set()

    last.write_bytes(intact)
    name = FILES[0].replace("-idx", ".idx")
    shutil.copy(mirror / f"{FILES[0]}.gz", raw / f"{name}.gz")
    load_images(config)
    archives = {f"{file}.gz" for file in FILES[1:]}
    assert found() == {f"{name}.gz", *archives}, "what was there is left alone"


def test_archives_are_downloaded_once_and_verified_whenever_they_are_read(
    tmp_path: Path, mirror: Path
) -> None:
    """If this failed, other images than the published ones would count as KMNIST, or every job
    would download them.
    """
    online = Data(name="kmnist", root=str(tmp_path))
    offline = Data(name="kmnist", root=str(tmp_path), download=False)
    first = load_images(online)
    sizes = [len(split) for split in (first.train, first.validation, first.test)]
    assert sizes == [50, 10, 20]
    assert torch.equal(load_images(offline).train.images, first.train.images)

    images = read_official(mirror, checksums_of(mirror))[1]
    assert torch.equal(first.test.images, images.images)
    assert torch.equal(first.test.labels, images.labels)

    archive = tmp_path / "KMNIST" / "raw" / f"{FILES[3]}.gz"
    altered = gzip.compress((mirror / FILES[3]).read_bytes()[:-1] + b"\x01")
    expected = md5_of(archive.read_bytes())
    archive.write_bytes(altered)

    sentence = rf"{FILES[3]}\.gz was altered: its md5 is {md5_of(altered)} where {expected}"
    with pytest.raises(ConfigError, match=sentence):
        load_images(offline)


def test_unpacked_files_without_a_checksum_are_not_read(tmp_path: Path, mirror: Path) -> None:
    """If this failed, files of any origin would count as KMNIST."""
    raw = write_idx(tmp_path, "KMNIST", 120, 40)

    with pytest.raises(
        ConfigError, match=r"the archives \(\.gz\), by which it is verified, are not"
    ):
        load_images(Data(name="kmnist", root=str(tmp_path), download=False))

    images = load_images(Data(name="kmnist", root=str(tmp_path)))
    assert len(images.test) == 20, "those of the archives, which were downloaded"
    assert (raw / FILES[0]).stat().st_size == 16 + 120 * 784, "what was there is left alone"
    assert mirror.is_dir()


def test_a_data_set_with_published_checksums_is_downloaded_unpacked(
    tmp_path: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, MNIST and Fashion-MNIST could not be downloaded, or not be verified."""
    monkeypatch.setattr(FashionMNIST, "mirrors", KMNIST.mirrors)
    monkeypatch.setattr(FashionMNIST, "resources", KMNIST.resources)
    config = Data(name="fashion_mnist", root=str(tmp_path))

    with pytest.raises(ConfigError, match=f"{FILES[0]} was altered: .* where f4a8712d"):
        load_images(config)

    monkeypatch.setitem(UNPACKED_MD5, "fashion_mnist", checksums_of(mirror).md5)
    assert len(load_images(config).test) == 20
    raw = tmp_path / "FashionMNIST" / "raw"
    assert {file.name for file in raw.iterdir()} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_named_with_what_was_expected(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this failed, a broken download would be trained on, or end in a traceback."""
    raw = write_idx(tmp_path, "FashionMNIST")
    monkeypatch.setitem(UNPACKED_MD5, "fashion_mnist", checksums_of(raw).md5)
    whole = (raw / name).read_bytes()
    (raw / name).write_bytes(whole[:-1])

    with pytest.raises(
        ConfigError, match=rf"{name} is truncated.* {len(whole) - 1} bytes .* {len(whole)}\."
    ):
        load_images(Data(name="fashion_mnist", root=str(tmp_path)))

    (raw / name).write_bytes(b"")

    with pytest.raises(ConfigError, match=name):
        load_images(Data(name="fashion_mnist", root=str(tmp_path)))


def test_an_altered_mnist_file_is_named_with_both_checksums(tmp_path: Path) -> None:
    """If this failed, results on altered images would be published as MNIST."""
    raw = write_idx(tmp_path, "MNIST")
    found = md5_of((raw / FILES[0]).read_bytes())
    with pytest.raises(
        ConfigError, match=f"{FILES[0]} was altered: its md5 is {found} where 6bbc9ace"
    ):
        load_images(Data(name="mnist", root=str(tmp_path)))


def test_missing_files_are_reported_with_the_three_ways_out(tmp_path: Path) -> None:
    """If this failed, a user without data would not know what to do; nothing must be left behind
    either.
    """
    with pytest.raises(ConfigError) as raised:
        load_images(Data(name="mnist", root=str(tmp_path), download=False))

    assert all(
        way in str(raised.value) for way in ("data.root", "data.download=true", "data=digits")
    )
    assert list(tmp_path.iterdir()) == []


def test_train_size_beyond_the_examples_is_refused() -> None:
    """If this failed, a small data set would silently stand in for a larger one."""
    with pytest.raises(ConfigError, match="train_size=201"):
        DataModule(random_images(8), Data(name="kmnist", root="-", train_size=201), [0], 1)


@pytest.mark.skipif(
    "DROPOUT_STUDY_DATA" not in os.environ, reason="set DROPOUT_STUDY_DATA to the folder of MNIST"
)
def test_mnist_is_split_into_50000_10000_and_the_official_test_set() -> None:
    """If this failed, results would not be comparable with any paper."""
    images = load_images(Data(name="mnist", root=os.environ["DROPOUT_STUDY_DATA"], download=False))
    assert [len(s) for s in (images.train, images.validation, images.test)] == [
        50_000,
        10_000,
        10_000,
    ]
    assert images.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert torch.cat([images.train.ids, images.validation.ids]).unique().numel() == 60_000


@pytest.mark.parametrize("name", ["digits", "mnist1d"])
def test_every_data_set_can_be_read_and_is_what_is_said_of_it(name: str) -> None:
    """If this failed, a data set would be offered that nothing reads, or checked against wrong
    sizes.
    """
    assert list(DATASETS) == list(names.DATASETS)
    images = load_images(Data(name=name, root="unused"))
    facts = names.DATASETS[name]
    assert (images.inputs, len(images.train)) == (facts.inputs, facts.train)
    assert facts.side is None or facts.side**2 == facts.inputs
    assert images.classes == facts.classes == len(images.test.labels.unique())
