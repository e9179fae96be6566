"""The alternatives: minimal code of the same methods, written as the peers write it."""

import logging
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.environments import LightningEnvironment
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

TORCH_UNCERTAINTY = "torch_uncertainty"  # comes with the extra `benchmark`


def plain_network(
    widths: list[int], rate: float, inputs: int = 784, classes: int = 10
) -> nn.Sequential:
    """The usual stack of nn.Linear, ReLU and nn.Dropout."""
    sizes = [inputs, *widths]
    layers: list[nn.Module] = []

    for a, b in pairwise(sizes):
        layers += [nn.Linear(a, b), nn.ReLU(), nn.Dropout(rate)]

    return nn.Sequential(*layers, nn.Linear(sizes[-1], classes))


class PlainLoop:
    """Updates of one network in a plain loop: the data in memory, fused AdamW; a call is one."""

    def __init__(
        self, images: Tensor, labels: Tensor, widths: list[int], rate: float, batch: int
    ) -> None:
        self._network = plain_network(widths, rate)
        self._images = images
        self._labels = labels
        self._batch = batch
        self._optimizer = torch.optim.AdamW(self._network.parameters(), fused=True)

    def __call__(self) -> None:
        """One batch, one step."""
        index = torch.randint(len(self._labels), (self._batch,))
        loss = F.cross_entropy(self._network(self._images[index]), self._labels[index])
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()


class Classifier(pl.LightningModule):
    """A LightningModule as in the templates: one network, its loss logged to the progress bar."""

    def __init__(self, widths: list[int], rate: float) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Flatten(), plain_network(widths, rate))
        self.stamps: list[float] = []

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        """The cross-entropy of a batch."""
        x, labels = batch
        loss = F.cross_entropy(self.network(x), labels)
        self.log("train/loss", loss, prog_bar=True)

        return loss

    def on_train_batch_end(self, *_: Any) -> None:
        """Note the time."""
        self.stamps.append(time.perf_counter())

    def configure_optimizers(self) -> Any:
        """Adam, as they have it."""
        return torch.optim.Adam(self.parameters())


def seconds_of_loader(
    root: str, widths: list[int], rate: float, batch: int, workers: int, folder: Path
) -> float:
    """Seconds per EXAMPLE of Lightning with a DataLoader over MNIST, once it is warm."""
    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))]
    )
    data = datasets.MNIST(root, train=True, transform=transform)
    loader = DataLoader(data, batch, shuffle=True, num_workers=workers)
    module = Classifier(widths, rate)
    batches = max(12, min(80, 20_000 // batch))
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)

    with warnings.catch_warnings():
        # Advice on the number of workers, which is what is varied here.
        warnings.simplefilter("ignore")
        trainer = pl.Trainer(
            accelerator="cpu",
            max_epochs=1,
            limit_train_batches=batches,
            logger=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            default_root_dir=str(folder),
            plugins=[LightningEnvironment()],  # else a cluster's variables change what is measured
        )
        trainer.fit(module, loader)

    gaps = [b - a for a, b in pairwise(module.stamps[batches // 4 :])]

    # Batches that workers have prepared come in bursts: the mean is the rate, the median is not.
    return (median(gaps) if workers == 0 else sum(gaps) / len(gaps)) / batch


@torch.no_grad()
def passes(model: nn.Module, x: Tensor, count: int, batch: int) -> Tensor:
    """Mean probabilities `[N, C]` over `count` passes in train mode, by batch."""
    model.train()
    parts = []

    for rows in x.split(batch):
        total: Tensor = model(rows).softmax(-1)

        for _ in range(count - 1):
            total += model(rows).softmax(-1)

        parts.append(total / count)

    return torch.cat(parts)


@torch.no_grad()
def repeated(model: nn.Module, x: Tensor, count: int, batch: int) -> Tensor:
    """Mean probabilities `[N, C]` from batches repeated `count` times (torch-uncertainty)."""
    logits = repeating(model, count)
    parts = [
        logits(rows).unflatten(0, (count, len(rows))).softmax(-1).mean(0) for rows in x.split(batch)
    ]

    return torch.cat(parts)


def repeating(model: nn.Module, count: int) -> Callable[[Tensor], Tensor]:
    """Inputs `[B, D]` to the logits `[count * B, C]` of as many passes, in one."""
    if find_spec(TORCH_UNCERTAINTY) is None:
        return lambda x: model.train()(x.repeat(count, 1))

    from torch_uncertainty.methods import mc_dropout

    wrapped: nn.Module = mc_dropout(model, count)

    return wrapped.eval()


def name_of_repeated() -> str:
    """Whose code `repeated` runs."""
    installed = find_spec(TORCH_UNCERTAINTY) is not None
    return f"torch-uncertainty {version('torch-uncertainty')}" if installed else "repeated batches"
