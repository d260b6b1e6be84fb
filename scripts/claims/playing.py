"""Play of schemes in closed form: many runs in one program, in float64."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree

from ganjax import dynamics, schemes
from ganjax.types import Game, GanState, Players, Scheme

RNG = jax.random.key(0)  # of games without randomness


def both(tx: optax.GradientTransformation) -> Players:
    """The same transform for both players."""
    return Players(tx, tx)


def vector_field(game: Game) -> Callable[[jax.Array], jax.Array]:
    """F of a game without randomness as a function of all its numbers, [n] -> [n]."""
    state = schemes.simultaneous(game, both(optax.sgd(0.0))).init(RNG, None)
    at, (_, unravel) = dynamics.gradient_field(game, state), ravel_pytree(state.params)
    return lambda z: ravel_pytree(at(unravel(z)))[0]


def joined(state: GanState) -> jax.Array:
    """Both players' numbers of a state as one vector."""
    return jnp.concatenate(state.params)


def squared(z: Players) -> jax.Array:
    """|x|^2 + |y|^2."""
    return jnp.vdot(z.gen, z.gen) + jnp.vdot(z.disc, z.disc)


def size_of(field: Callable, state: GanState) -> jax.Array:
    """|F(z)| of a `vector_field`."""
    return jnp.linalg.norm(field(joined(state)))


def near(field: Callable, z: Players) -> jax.Array:
    """Whether |F(z)| < 1e-3."""
    return jnp.linalg.norm(field(jnp.concatenate(z))) < 1e-3


def first_done(
    make: Callable[[jax.Array], Scheme],
    settings: jax.Array,
    done: Callable[[Players], jax.Array],
    most: int,
) -> jax.Array:
    """The fewest steps to `done` over settings [chunks, n, k]; `most` if none is done by then.

    A chunk is played together until one of it is done, or has made the fewest steps so far.
    """

    def moved(row, state):
        return make(row).step(state, None, RNG)[0]

    def chunk(fewest, rows):
        def goes_on(carry):
            states, steps = carry
            return (steps < fewest) & ~jax.vmap(done)(states.params).any()

        def play(carry):
            states, steps = carry
            return jax.vmap(moved)(rows, states), steps + 1

        states = jax.vmap(lambda row: make(row).init(RNG, None))(rows)
        return jax.lax.while_loop(goes_on, play, (states, 0))[1], None

    return jax.lax.scan(chunk, most, settings)[0]


def steps_until(scheme: Scheme, done: Callable[[Players], jax.Array], most: int) -> jax.Array:
    """Steps until the parameters are `done`, at most `most`; 0 if they are at the start."""
    return first_done(lambda _: scheme, jnp.zeros((1, 1, 1)), done, most)


def each_done(
    make: Callable[[jax.Array], Scheme],
    settings: jax.Array,
    done: Callable[[Players], jax.Array],
    most: int,
) -> jax.Array:
    """Steps to `done` for each of the settings [n, k], at most `most` each."""
    return jax.vmap(lambda row: first_done(make, row[None, None], done, most))(settings)


def path(
    scheme: Scheme,
    steps: int,
    watch: Callable[[GanState], Any],
    *,
    rng: jax.Array = RNG,
    every: int = 1,
) -> Any:
    """`watch(state)` at the start and after every `every` of `steps` steps, along a first axis.

    Step k draws from `fold_in(rng, k)`.
    """

    def moved(k, state):
        return scheme.step(state, None, jax.random.fold_in(rng, k))[0]

    def some(state, first):
        state = jax.lax.fori_loop(first, first + every, moved, state)
        return state, watch(state)

    start = scheme.init(rng, None)
    _, later = jax.lax.scan(some, start, jnp.arange(0, steps, every))
    return jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), watch(start), later)


def descent(game: Game, step: float, tau: float, steps: int, *, in_turn: bool = False) -> Any:
    """z [1001, numbers] along so many steps of gradient play, y's rate tau times x's."""
    make = partial(schemes.alternating, first="gen") if in_turn else schemes.simultaneous
    scheme = make(game, Players(optax.sgd(step), optax.sgd(tau * step)))
    return np.asarray(jax.jit(partial(path, scheme, steps, joined, every=steps // 1000))())


def angles(z: np.ndarray) -> np.ndarray:
    """Angles within [-pi, pi)."""
    return (z + np.pi) % (2 * np.pi) - np.pi
