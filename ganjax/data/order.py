"""The order of rows: a keyed permutation for each epoch, computed index by index, without a table.

A Feistel network over pairs (index // b, index % b), with sums modulo a and b in place of
exclusive-or, permutes the a * b >= n pairs; an index that lands beyond n is sent through again
until it does not (cycle walking: Black and Rogaway 2002, section 3 and 5).
"""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp

from ganjax.checks import whole

ROUNDS = 12  # with which all permutations of 5 or 6 rows are equally likely
LARGEST = 2**29  # rows, so that `_divided` stays within 32 bits


def epochs(rows: int, *, once: bool = False) -> Callable[[jax.Array, jax.Array, int], jax.Array]:
    """`(rng, step, n) -> int[n]`: the rows of step `step` where every step takes `n` of them.

    The steps of one key read one endless sequence: all rows in a random order, then all of them in
    another, and so on. So every epoch visits every row once, whatever the batch size.

    Args:
      rows: their number, at most 2^29.
      once: whether all epochs have the order of the first.
    """
    whole(1, LARGEST, rows=rows, hint="draw more of them with order='random'")

    def order(rng: jax.Array, step: jax.Array, n: int) -> jax.Array:
        epoch, first = _divided(step, n, rows)
        index = first + jnp.arange(n, dtype=jnp.uint32)
        epoch = epoch + index // rows
        return permuted(rng, jnp.zeros_like(epoch) if once else epoch, index % rows, rows)

    return order


def permuted(rng: jax.Array, epoch: jax.Array, index: jax.Array, rows: int) -> jax.Array:
    """The places of indices in the permutation of an epoch, int32 of their shape.

    Args:
      rng: the key of all permutations.
      epoch: whole numbers, one for each index.
      index: whole numbers from 0 to rows - 1.
      rows: the length of the permutation, at most 2^29.
    """
    a = math.isqrt(rows - 1) + 1
    b = -(-rows // (2 * a)) * 2  # even: sums modulo odd sides alone permute evenly
    keys = jax.random.bits(rng, (ROUNDS,), jnp.uint32)
    salt = _mixed(epoch.astype(jnp.uint32) * jnp.uint32(0x9E3779B9) + 1)

    def once(index):
        left, right = index // b, index % b
        for turn in range(0, ROUNDS, 2):
            left = (left + _mixed(right ^ _mixed(keys[turn] ^ salt)) % a) % a
            right = (right + _mixed(left ^ _mixed(keys[turn + 1] ^ salt)) % b) % b
        return left * b + right

    walked = jax.lax.while_loop(
        lambda index: jnp.any(index >= rows),
        lambda index: jnp.where(index >= rows, once(index), index),
        once(index.astype(jnp.uint32)),
    )
    return walked.astype(jnp.int32)


def _mixed(x: jax.Array) -> jax.Array:
    """A hash of 32 bits (the finaliser of MurmurHash3)."""
    x = (x ^ (x >> 16)) * jnp.uint32(0x85EBCA6B)
    x = (x ^ (x >> 13)) * jnp.uint32(0xC2B2AE35)
    return x ^ (x >> 16)


def _divided(step: jax.Array, n: int, rows: int) -> tuple[jax.Array, jax.Array]:
    """Quotient and remainder of step * n by rows, by long division: 32 bits would overflow."""
    step, each, more = jnp.asarray(step, jnp.uint32), n // rows, jnp.uint32(n % rows)
    quotient = rest = jnp.uint32(0)
    for shift in range(30, -1, -2):
        rest = rest * 4 + ((step >> shift) & 3) * more
        quotient = quotient * 4 + rest // rows
        rest = rest % rows
    return quotient + step * jnp.uint32(each), rest
