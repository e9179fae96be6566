"""Training a cohort with Lightning: losses, updates, validation, final evaluation."""

import dataclasses
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.optim import Optimizer

from dropout_study.config.schema import SGD, Config
from dropout_study.data.batches import UpdateBlocks
from dropout_study.dropout import masks
from dropout_study.dropout.cohort import Cohort
from dropout_study.dropout.networks import Network
from dropout_study.measures.scores import Scores
from dropout_study.training.boosting import boosted
from dropout_study.training.build import make_task, validation_interval
from dropout_study.training.checkpoints import Checkpointing
from dropout_study.training.half_precision import HalfCopy
from dropout_study.training.members import Member, members_of
from dropout_study.training.optimizers import (
    Slices,
    hand_gradients,
    make_optimizer,
    make_schedule,
    slices_of,
)
from dropout_study.training.own_terms import OwnTerms, Update
from dropout_study.training.rate_schedules import rate_share
from dropout_study.training.regularizers import Strengths, at_limit, penalty, project

LOG_INTERVAL = 50  # updates between points of the loss curve


class Diverged(ArithmeticError):
    """The loss of every network of the cohort is NaN or infinite."""


@dataclass(frozen=True)
class Point:
    """A value of every network at one update: a point of R curves."""

    key: str
    update: int
    values: list[float]
    time_ms: int


class CohortTraining(pl.LightningModule):
    """Trains the networks of a cohort together and independently of each other.

    The loss is the sum of the networks' losses, so the gradient of each is its own; nothing else
    couples them (no global clipping, no shared stopping, no gradient scaler).

    Args:
        config: what the networks share, and of which one condition alone is trained.
        network: the architecture.
        checkpointing: writes checkpoints; None writes none.
        members: the networks of several conditions; None are those of the condition.

    Attributes:
        task: what the networks learn.
        curves: `train/loss`, `val/error`, `val/nll` by update, for every network.
        results: final metric -> values of the networks, filled by validation and test.
        diverged: index of a network -> the first recorded update at which its loss was NaN or
            infinite.
    """

    def __init__(
        self,
        config: Config,
        network: Network,
        checkpointing: Checkpointing | None = None,
        members: Sequence[Member] | None = None,
    ) -> None:
        super().__init__()
        # Without the closures and hooks around a step, a small update takes 4 % less.
        self.automatic_optimization = False
        self.config = config
        self.task = make_task(config)
        self._checkpointing = checkpointing
        self._members = members_of(config, network) if members is None else list(members)
        seeds = [member.seed for member in self._members]
        self.cohort = Cohort(network, seeds, [member.sites for member in self._members])

        if config.trainer.precision == "64-true":
            self.double()  # Lightning does so only after it has read a checkpoint, into float32

        self._half = HalfCopy(self.cohort) if config.trainer.precision == "bf16" else None
        self.curves: list[Point] = []
        self.results: dict[str, list[float]] = {}
        self.diverged: dict[int, int] = {}
        self._weights = {f"stacked.{name}": axes for name, axes in network.incoming().items()}
        self._strengths = Strengths.of(
            [member.regularizer for member in self._members], len(self._weights)
        )
        self._terms = OwnTerms([member.terms for member in self._members])
        self._sampler: masks.Sampler | None = None
        self._slices: list[Slices] = []
        self._losses: list[Tensor] = []
        self._best: tuple[Tensor, dict[str, Tensor]] | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Outputs `[R, N, C]` without masks: the weight scaling rule."""
        return cast("Tensor", self.cohort(x))

    def training_step(self, batch: Iterable[tuple[Tensor, Tensor]], _: int) -> None:
        """An update for each of the batches of a block."""
        for x, labels in batch:
            self._update(x.to(self.dtype), labels)

    def _update(self, x: Tensor, labels: Tensor) -> None:
        """One update of all networks, each with its own masks: `[R, B, D]` and `[R, B]`."""
        update = self.global_step
        dtype = self._half.dtype if self._half else x.dtype
        factors = self._draws_masks().draw(update, x.shape[1], dtype)
        losses = self.losses(x, labels, factors)
        self._losses.append(losses.detach())
        optimizer = cast("Optimizer", self.optimizers())  # which counts the updates
        self._ramp_momentum(optimizer, update)
        self.cohort.zero_grad()

        with torch.autocast(self.device.type, enabled=False):  # which is for the forward pass alone
            losses.sum().backward()
            hand_gradients(list(self.cohort.parameters()), self._slices)
            optimizer.step()

        cast("Any", self.lr_schedulers()).step()

        if self._strengths.max_norm:
            self._constrain()

        if (update + 1) % LOG_INTERVAL == 0 or update + 1 == self.config.budget.updates:
            self._record("train/loss", torch.stack(self._losses).mean(0))
            self._losses.clear()
            self._note_divergence()

    def losses(self, x: Tensor, labels: Tensor, factors: masks.Masks) -> Tensor:
        """Mean loss of the examples plus regularizers of every network, `[R]`.

        Args:
            x: inputs `[R, B, D]`.
            labels: `[R, B]`.
            factors: masks as in `Cohort.forward`.
        """
        *hidden, outputs = (self._half or self.cohort).outputs(x, factors)
        targets = self.task.targets(x, labels)
        losses = self.task.losses(outputs, targets)

        if self.config.objective == "boosting":
            with torch.no_grad():
                ensemble = self.cohort(x)
            losses = boosted(losses, outputs, targets, ensemble)

        loss = losses.mean(1)
        weights = [self.cohort.get_parameter(name) for name in self._weights]

        self._strengths = self._strengths.to(loss)
        loss = loss + penalty(self._strengths, weights, hidden)

        if self._terms:
            loss = loss + self._terms.penalty(Update(outputs, targets, hidden, weights))

        return loss

    def _draws_masks(self) -> masks.Sampler:
        """What draws the masks, on the device that trains."""
        if self._sampler is None:
            sites = [member.sites for member in self._members]
            share = rate_share(self.config.mask, self.config.budget.updates)
            self._sampler = masks.Sampler(sites, self.cohort.seeds, self.device, share)

        return self._sampler

    def on_train_start(self) -> None:
        """Move tensors of a checkpoint, which was read on the CPU, to the device that trains.

        Raises:
            ValueError: the blocks of the data module have another validation interval.
        """
        batches = self.trainer.train_dataloader
        interval = validation_interval(self.config)

        if isinstance(batches, UpdateBlocks) and batches.validation_interval != interval:
            raise ValueError(
                f"the data module expects a validation every {batches.validation_interval} "
                f"updates, the configuration every {interval}"
            )

        self._losses = [losses.to(self.device) for losses in self._losses]
        if self._best is not None:
            error, weights = self._best
            self._best = error, {name: p.to(self.device) for name, p in weights.items()}

    def _ramp_momentum(self, optimizer: Optimizer, update: int) -> None:
        """Set the momentum of an update, if it is ramped."""
        options = self.config.optimizer
        if isinstance(options, SGD) and options.momentum_ramp:
            share = min(update / options.momentum_ramp, 1)
            rise = share * (options.momentum - options.momentum_start)

            for group in optimizer.param_groups:
                group["momentum"] = options.momentum_start + rise

    def on_train_batch_end(self, *_: Any) -> None:
        """Write a checkpoint if it is time.

        Not right before a validation: Lightning would leave it out after resuming.
        """
        if self._checkpointing and self.global_step % validation_interval(self.config):
            self._checkpointing(self.trainer)

    def _note_divergence(self) -> None:
        """Note the networks whose loss is NaN or infinite; the others train on, unaffected.

        Raises:
            Diverged: all networks have.
        """
        for i, loss in enumerate(self.curves[-1].values):
            if not math.isfinite(loss):
                self.diverged.setdefault(i, self.global_step)

        self.raise_if_all_diverged()

    def raise_if_all_diverged(self) -> None:
        """Stop, since no network can be saved.

        Raises:
            Diverged: all networks have diverged; naming the update of the last.
        """
        if len(self.diverged) == len(self._members):
            last = max(self.diverged.values())
            raise Diverged(f"the loss of every network is not a number at update {last}")

    @torch.no_grad()
    def _constrain(self) -> None:
        """Apply the max-norm constraint."""
        for weight, axes, limits in self._limited():
            project(weight, axes, limits)

    def _limited(self) -> Iterator[tuple[Tensor, tuple[int, ...], Tensor]]:
        """Weights, their axes, and the largest norms `[R]` of each layer that max-norm limits."""
        for (name, axes), limits in zip(
            self._weights.items(), self._strengths.max_norm, strict=True
        ):
            weight = self.cohort.get_parameter(name)
            yield weight, axes, limits.to(weight)  # no copy after the first update

    def on_validation_epoch_start(self) -> None:
        """Begin to count errors on validation examples."""
        self._validation = Scores(["nll"], self.task)

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        """Count a batch of validation examples."""
        self._validation.add(*self._predictions(batch))

    def on_validation_epoch_end(self) -> None:
        """Add a point to the validation curves; keep the best weights (`budget.weights=best`)."""
        means = self._validation.means()

        for measure, values in means.items():
            self._record(f"val/{measure}", values)
            self.results[f"val/{measure}"] = values.tolist()

        if self.config.budget.weights == "best":
            self._keep_best(means["error"])

    def _keep_best(self, error: Tensor) -> None:
        """Keep, per seed, the weights with the lowest validation error; the earliest if tied."""
        now = {name: p.detach() for name, p in self.cohort.named_parameters()}

        if self._best is None:
            self._best = error, {name: p.clone() for name, p in now.items()}
            return

        lowest, weights = self._best
        better = error < lowest

        for name, p in now.items():
            weights[name][better] = p[better]

        self._best = torch.where(better, error, lowest), weights

    @torch.no_grad()
    def restore_best(self) -> None:
        """Put the best weights in place (`budget.weights=best`)."""
        if self._best is not None:
            for name, p in self._best[1].items():
                self.cohort.get_parameter(name).copy_(p)

    def part(self, config: Config, network: Network, networks: Sequence[int]) -> "CohortTraining":
        """Some of the trained networks, as if their condition had been trained alone.

        Args:
            config: the condition.
            network: its architecture, with its rates.
            networks: which of this cohort they are, one per seed.
        """
        alone = CohortTraining(config, network)
        own = list(networks)

        for name, p in alone.cohort.named_parameters():
            p.data.copy_(self.cohort.get_parameter(name)[own])

        alone.curves = [
            dataclasses.replace(point, values=[point.values[i] for i in own])
            for point in self.curves
        ]
        alone.results = {key: [values[i] for i in own] for key, values in self.results.items()}
        alone.diverged = {new: self.diverged[i] for new, i in enumerate(own) if i in self.diverged}

        if len(alone.diverged) == len(config.seeds):  # alone, they would have stopped here
            last = max(alone.diverged.values())
            alone.curves = [point for point in alone.curves if point.update <= last]

        if self._best is not None:
            error, weights = self._best
            alone._best = error[own], {name: weight[own] for name, weight in weights.items()}

        return alone

    def on_test_epoch_start(self) -> None:
        """Begin to count errors on test and on training examples."""
        self._final = {part: Scores(["nll"], self.task) for part in ("test", "train")}

    def test_step(self, batch: tuple[Tensor, Tensor], _: int, dataloader_idx: int = 0) -> None:
        """Count a batch of test (0) or training (1) examples."""
        part = ("test", "train")[dataloader_idx]
        self._final[part].add(*self._predictions(batch))

    def on_test_epoch_end(self) -> None:
        """Final results under the weight scaling rule."""
        for part, scores in self._final.items():
            for measure, values in scores.means().items():
                self.results[f"{part}/{measure}/weight_scaling"] = values.tolist()

        if self._strengths.max_norm:
            limited = [at_limit(weight, axes, limits) for weight, axes, limits in self._limited()]
            self.results["train/at_limit"] = torch.cat(limited, 1).double().mean(1).tolist()

    def _predictions(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Predictions `[R, N, C]` without masks, in float64, and the targets."""
        x, labels = batch
        outputs = cast("Tensor", self(x)).cpu().double()

        return self.task.prediction(outputs), self.task.targets(x, labels)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add curves, results and best weights to a checkpoint, and what it is of."""
        if self._checkpointing:
            checkpoint["run"] = self._checkpointing.file.name
            checkpoint["trained"] = self._checkpointing.trained

        checkpoint["seen"] = {
            "curves": [dataclasses.asdict(point) for point in self.curves],
            "results": self.results,
            "diverged": self.diverged,
            "losses": self._losses,
            "best": self._best,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore curves, results and best weights."""
        progress = checkpoint["seen"]
        self.curves = [Point(**point) for point in progress["curves"]]
        self.results = progress["results"]
        self.diverged = progress["diverged"]
        self._losses = progress["losses"]
        self._best = progress["best"]

    def configure_optimizers(self) -> Any:
        """The configured optimizer with a schedule that steps at every update."""
        parameters = list(self.cohort.parameters())
        self._slices = slices_of(parameters, [member.optimizer for member in self._members])
        optimizer = make_optimizer(self._slices)
        schedule = make_schedule(self.config, optimizer)
        return {"optimizer": optimizer, "lr_scheduler": schedule}

    def _record(self, key: str, values: Tensor) -> None:
        """Add a point to the curves of all networks, values `[R]`."""
        now_ms = int(time.time() * 1000)
        self.curves.append(Point(key, self.global_step, values.tolist(), now_ms))
