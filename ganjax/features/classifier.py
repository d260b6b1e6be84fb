"""A convolutional classifier as an extractor, fitted by the library on the labelled data set."""

import logging
import time
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn

from ganjax import augmentations
from ganjax import data as sources
from ganjax.checks import whole, within
from ganjax.features.extractor import Extractor, digest
from ganjax.features.kept import kept
from ganjax.nets.convolutions import HalvingConv, SameConv

log = logging.getLogger("ganjax")

FORMAT = 2  # of the network and its fit: another, other weights
BATCH = 128
LEAST = 16  # pixels of a side
RATE, DECAY = 0.1, 5e-4  # largest rate of SGD, weight decay


class Network(nn.Module):
    """Four convolutions with batch norm, two of which halve, a mean over pixels, a linear layer."""

    classes: int
    width: int

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> tuple[jax.Array, jax.Array]:
        """Images [n, height, width, channels] -> features [n, 4 width], logits [n, classes]."""
        for conv, times in ((HalvingConv, 1), (SameConv, 2), (HalvingConv, 4), (SameConv, 4)):
            x = conv(times * self.width, use_bias=False)(x)
            x = nn.relu(nn.BatchNorm(not train, momentum=0.9)(x))
        features = x.mean((1, 2))
        return features, nn.Dense(self.classes)(features)


def classifier(
    data: Any,
    *,
    epochs: int = 4,
    width: int = 16,
    shift: bool = True,
    smoothing: float = 0.0,
    seed: int = 0,
) -> Extractor:
    """A small convolutional network, fitted to the labels of the training part.

    Cross-entropy, SGD with Nesterov momentum and one cycle of the rate, images
    shifted by up to an eighth of their side, and mirrored if the data mirror them. The weights are
    kept in the user's cache and read again for the same data and settings. Its share of right
    answers on the test part is logged.

    Args:
      data: labelled images of 16 or more pixels, resident or streamed.
      epochs: passes over the training part.
      width: channels of the first layer; features have 4 * width dimensions.
      shift: whether images are shifted at random while it is fitted.
      smoothing: of the labels, from 0 to below 1; the probabilities are then less sure and
        Inception scores lower.
      seed: of the weights and the batches.

    Raises:
      ValueError: the data are no labelled images, or an argument is out of range.
    """
    whole(1, epochs=epochs, width=width)
    within("[0, 1)", smoothing=smoothing)
    if len(data.shape) != 3 or min(data.shape[:2]) < LEAST or not data.num_classes:
        raise ValueError(
            f"classifier needs labelled images of {LEAST} or more pixels, got data of {data.shape} "
            f"with {data.num_classes} classes; name the features 'logistic', 'pixels' or "
            "'inception'"
        )
    settings = f"epochs={epochs} width={width} shift={shift} smoothing={smoothing} seed={seed}"
    key = f"classifier {FORMAT} {settings} {sources.digest(data)}"
    network = Network(data.num_classes, width)

    def load():
        variables = kept(key, partial(_fitted, network, data, epochs, shift, smoothing, seed))
        return jax.tree_util.Partial(partial(_extract, network), variables)

    return Extractor(f"classifier, {settings}", digest(key), load, data.num_classes)


def _extract(network: Network, variables: dict, x: jax.Array) -> tuple[jax.Array, jax.Array]:
    features, logits = network.apply(variables, x, train=False)
    return features, jax.nn.softmax(logits)


def _fitted(
    network: Network, data: Any, epochs: int, shift: bool, smoothing: float, seed: int
) -> dict:
    """The variables after `epochs`."""
    count = sources.count(data)
    steps = max(1, count // BATCH)  # of an epoch
    schedule = optax.cosine_onecycle_schedule(steps * epochs, RATE)
    tx = optax.chain(
        optax.add_decayed_weights(DECAY), optax.sgd(schedule, momentum=0.9, nesterov=True)
    )
    moved = augmentations.translate(0.125) if shift else lambda x, rng: x
    rng_init, rng_play = jax.random.split(jax.random.key(seed))

    def loss(params, stats, batch, rng):
        variables = {"params": params, "batch_stats": stats}
        (_, logits), new = network.apply(
            variables, moved(batch["x"], rng), train=True, mutable=["batch_stats"]
        )
        labels = jax.nn.one_hot(batch["y"], network.classes)
        labels = optax.smooth_labels(labels, smoothing)
        return optax.softmax_cross_entropy(logits, labels).mean(), new["batch_stats"]

    def step(train, carry, index):
        params, stats, memory = carry
        rng_batch, rng_shift = jax.random.split(jax.random.fold_in(rng_play, index))
        batch = data.sample(train, rng_batch, BATCH)
        gradients, stats = jax.grad(loss, has_aux=True)(params, stats, batch, rng_shift)
        updates, memory = tx.update(gradients, memory, params)
        return (optax.apply_updates(params, updates), stats, memory), None

    @jax.jit
    def epoch(train, carry, first):
        return jax.lax.scan(partial(step, train), carry, first + jnp.arange(steps))[0]

    began = time.perf_counter()
    x = jnp.zeros((1, *data.shape))
    variables = jax.jit(partial(network.init, train=True))(rng_init, x)
    carry = variables["params"], variables["batch_stats"], tx.init(variables["params"])
    with sources.errors_of_reading():
        for index in range(epochs):
            carry = jax.block_until_ready(epoch(data.train, carry, index * steps))
            spent = time.perf_counter() - began
            log.info("classifier: epoch %d of %d, %.0f s", index + 1, epochs, spent)
    variables = jax.device_get({"params": carry[0], "batch_stats": carry[1]})
    if {"x", "y"} <= data.test.keys():
        log.info("classifier: %.2f%% right on the test part", 100 * right(network, variables, data))
    return variables


def right(network: Network, variables: dict, data: Any) -> float:
    """Share of the test part that the network classifies rightly."""
    predict = jax.jit(lambda x: network.apply(variables, x, train=False)[1].argmax(1))
    x, y = data.test["x"], np.asarray(data.test["y"])
    found = [np.asarray(predict(x[begin : begin + 500])) for begin in range(0, len(x), 500)]
    return float((np.concatenate(found) == y).mean())
