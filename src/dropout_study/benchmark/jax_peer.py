"""Networks with dropout in JAX, as its users write them: `jit` of a `scan` over `vmap(update)`.

Batches and masks are drawn by JAX's generators, per network; rates are arguments, so that seeds and
conditions share one program.
"""

import os
import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib.util import find_spec
from itertools import pairwise
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

INSTALLED = all(find_spec(name) is not None for name in ("jax", "optax"))

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from torch import Tensor

if TYPE_CHECKING or INSTALLED:  # they come with the extra `benchmark`
    import jax
    import optax
    from jax import numpy as jnp

GENERATORS = ("threefry2x32", "rbg", "unsafe_rbg")  # the first is JAX's default
THREADS = "NPROC"  # the environment variable from which XLA takes its number of threads on the CPU
CLASSES = 10


def initial_weights(sizes: Sequence[int], key: Any) -> list[tuple[Any, Any]]:
    """Weight `[in, out]` and bias `[out]` of each layer of one network."""
    keys = jax.random.split(key, len(sizes) - 1)
    return [
        (jax.random.normal(layer_key, (a, b)) * (2 / a) ** 0.5, jnp.zeros(b))
        for layer_key, (a, b) in zip(keys, pairwise(sizes), strict=True)
    ]


def loss(weights: list[tuple[Any, Any]], x: Any, labels: Any, rate: Any, key: Any) -> Any:
    """Mean cross-entropy of a batch, hidden units dropped at a rate (inverted scaling)."""
    *hidden, (last, last_bias) = weights
    keys = jax.random.split(key, len(hidden))
    h = x

    for layer_key, (weight, bias) in zip(keys, hidden, strict=True):
        units = jax.nn.relu(h @ weight + bias)
        mask = jax.random.bernoulli(layer_key, 1 - rate, units.shape)
        h = jnp.where(mask, units / (1 - rate), 0)

    logits = h @ last + last_bias

    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def optimizer() -> Any:
    """AdamW."""
    return optax.adamw(1e-3)


def update(state: Any, rate: Any, key: Any, data: tuple[Any, Any], batch: int) -> tuple[Any, Any]:
    """An update of one network on a random batch: its new state, and the loss before."""
    weights, moments = state
    images, labels = data
    rows_key, masks_key = jax.random.split(key)
    rows = jax.random.randint(rows_key, (batch,), 0, len(labels))

    value, gradient = jax.value_and_grad(loss)(weights, images[rows], labels[rows], rate, masks_key)
    change, moments = optimizer().update(gradient, moments, weights)

    return (optax.apply_updates(weights, change), moments), value


def train(
    states: Any, rates: Any, keys: Any, first: Any, data: tuple[Any, Any], batch: int, updates: int
) -> Any:
    """Updates of R networks from number `first` on: their new states, losses `[updates, R]`."""
    update_all = jax.vmap(update, (0, 0, 0, None, None))

    def step(states: Any, number: Any) -> Any:
        now = jax.vmap(jax.random.fold_in, (0, None))(keys, number)
        return update_all(states, rates, now, data, batch)

    return jax.lax.scan(step, states, first + jnp.arange(updates))


class JaxTraining:
    """R networks, one per rate, in one compiled program; a call makes some updates of each.

    Args:
        data: images `[N, D]` and labels `[N]`, which stay in memory.
        widths: of the hidden layers.
        rates: probability of dropping a hidden unit, per network, in [0, 1).
        batch: examples of an update and network.
        updates: of a call.
        kind: of generator, one of `GENERATORS`.

    Attributes:
        compile_seconds: what compiling took.
    """

    def __init__(
        self,
        data: tuple[Any, Any],
        widths: Sequence[int],
        rates: Sequence[float],
        batch: int,
        updates: int,
        kind: str = GENERATORS[0],
    ) -> None:
        self._data = tuple(map(jnp.asarray, data))
        self._rates = jnp.asarray(rates)
        self._keys = jax.random.split(jax.random.key(0, impl=kind), len(rates))
        self._updates = updates
        self._made = 0

        sizes = [data[0].shape[1], *widths, CLASSES]
        weights = jax.vmap(partial(initial_weights, sizes))(self._keys)
        self._states = weights, jax.vmap(optimizer().init)(weights)

        start = time.perf_counter()
        program = jax.jit(train, static_argnums=(5, 6), donate_argnums=0)
        self._train: Callable[..., tuple[Any, Any]] = program.lower(
            *self._arguments(), batch, updates
        ).compile()
        self.compile_seconds = time.perf_counter() - start

    def __call__(self) -> Any:
        """Train on; the losses `[updates, R]`."""
        self._states, losses = self._train(*self._arguments())
        self._made += self._updates

        return losses.block_until_ready()

    def _arguments(self) -> tuple[Any, ...]:
        return self._states, self._rates, self._keys, self._made, self._data


class JaxProcess:
    """A process in which JAX has a number of threads: XLA takes them when it starts.

    Args:
        images: what is learned, `[N, D]`, pixels in [0, 1].
        labels: `[N]`.
        threads: of XLA.
    """

    def __init__(self, images: "Tensor", labels: "Tensor", threads: int) -> None:
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        arguments = (theirs, images.numpy(), labels.numpy(), threads)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        theirs.close()

    def seconds(
        self, widths: tuple[int, ...], rate: float, nets: int, batch: int, updates: int, kind: str
    ) -> tuple[float, float]:
        """Seconds of some updates of some networks, and what compiling them took before.

        Args:
            widths: of the hidden layers.
            rate: probability of dropping a hidden unit.
            nets: number of networks.
            batch: examples of an update and network.
            updates: of each network.
            kind: of generator, one of `GENERATORS`.

        Raises:
            EOFError: the process has died.
        """
        self._connection.send((widths, rate, nets, batch, updates, kind))
        seconds, compile_seconds = self._connection.recv()

        return seconds, compile_seconds

    def close(self) -> None:
        """End the process."""
        self._connection.send(None)
        self._process.join()
        self._connection.close()


def _serve(connection: "Connection[Any, Any]", images: Any, labels: Any, threads: int) -> None:
    """Answer the questions of `JaxProcess.seconds` until one is None."""
    os.environ[THREADS] = str(threads)
    data = jnp.asarray(images), jnp.asarray(labels)

    @cache
    def training(
        widths: tuple[int, ...], rate: float, nets: int, batch: int, updates: int, kind: str
    ) -> JaxTraining:
        made = JaxTraining(data, widths, [rate] * nets, batch, updates, kind)
        made()  # the first call warms up

        return made

    for setting in iter(connection.recv, None):
        train_on = training(*setting)
        start = time.perf_counter()
        train_on()
        connection.send((time.perf_counter() - start, train_on.compile_seconds))
