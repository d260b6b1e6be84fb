"""Rows in epochs: every row once, in an order of its own for each epoch and key."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from ganjax.data.order import _divided, epochs, permuted

SIZES = [1, 2, 3, 7, 10, 97, 1797, 60_000]


COMPILED = jax.jit(permuted, static_argnums=3)


def permutation(key, epoch, rows):
    epochs = np.full(rows, epoch, "uint32")
    return np.asarray(COMPILED(jax.random.key(key), epochs, np.arange(rows), rows))


@pytest.mark.parametrize("rows", SIZES)
def test_every_row_once(rows):
    for epoch in (0, 1):
        np.testing.assert_array_equal(np.sort(permutation(3, epoch, rows)), np.arange(rows))


def test_epochs_and_keys_differ():
    orders = [permutation(key, epoch, 97) for key in (0, 1) for epoch in (0, 1)]
    assert len({tuple(order) for order in orders}) == 4


@pytest.mark.parametrize("n", [4, 10, 37])
def test_steps_read_one_sequence(n):
    """Batches that divide the epoch, that do not, and that are longer than it."""
    rows, order, rng = 10, epochs(10), jax.random.key(0)
    steps = jax.jit(jax.vmap(lambda step: order(rng, step, n)))(jnp.arange(20))
    sequence = np.ravel(steps)
    whole = len(sequence) // rows * rows
    for epoch, seen in enumerate(sequence[:whole].reshape(-1, rows)):
        np.testing.assert_array_equal(seen, permutation(0, epoch, rows))


def test_one_order_for_all_epochs():
    order = jax.jit(epochs(10, once=True), static_argnums=2)
    seen = np.ravel([order(jax.random.key(0), step, 4) for step in range(10)])
    np.testing.assert_array_equal(seen.reshape(4, 10), [permutation(0, 0, 10)] * 4)


def test_permutations_are_uniform():
    """Chi-squared over all orders of 5 rows, and over the places of 10 rows in many epochs."""
    keys = jax.random.split(jax.random.key(1), 12_000)
    of_keys = jax.vmap(lambda key: permuted(key, jnp.zeros(5, "uint32"), jnp.arange(5), 5))
    _, counts = np.unique(np.asarray(of_keys(keys)), axis=0, return_counts=True)
    assert len(counts) == 120
    assert stats.chisquare(counts).pvalue > 1e-3
    epochs = np.repeat(np.arange(5000, dtype="uint32")[:, None], 10, 1)
    of_epochs = jax.vmap(lambda epoch: permuted(jax.random.key(0), epoch, jnp.arange(10), 10))
    for place in np.asarray(of_epochs(epochs)).T:
        assert stats.chisquare(np.bincount(place, minlength=10)).pvalue > 1e-4


@pytest.mark.parametrize(
    ("step", "n", "rows"),
    [
        (2**31 - 1, 4096, 50_000_000),
        (12_345_678, 64, 60_000),
        (9, 2**20, 3),
        (2**31 - 1, 63, 2**29),
    ],
)
def test_positions_do_not_overflow(step, n, rows):
    quotient, rest = _divided(jnp.int32(step), n, rows)
    assert (int(quotient), int(rest)) == ((step * n // rows) % 2**32, step * n % rows)


def test_too_many_rows_are_refused():
    with pytest.raises(ValueError, match="order='random'"):
        epochs(2**29 + 1)
