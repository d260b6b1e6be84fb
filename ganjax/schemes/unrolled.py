"""Unrolled GAN: the generator's gradient passes through future steps of the discriminator."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax

from ganjax import checks
from ganjax.schemes.fast_unrolling import fast_look_ahead
from ganjax.schemes.field import finish_turns, move, own_gradient, start, turn
from ganjax.schemes.fresh_batches import with_batches
from ganjax.schemes.simultaneous import simultaneous
from ganjax.types import Game, GanState, Players, Scheme

ORDERS = ("simultaneous", "gen_first", "disc_first")


def look_ahead(
    game: Game,
    tx: Players,
    state: GanState,
    draw: Callable[[Any], tuple],
    *,
    steps: int,
    axis_name: str | None = None,
) -> GanState:
    """The state with the discriminator `steps` updates on: y_{i+1} = y_i - h grad_y L_disc(x, y_i).

    The plain form, to read and to test against; `fast_look_ahead` computes the same. `draw(i)` is
    the batch and key of update i, `tx.disc` the transform that makes it.
    """

    def inner_step(state, index):
        return turn(game, tx, "disc", state, *draw(index), axis_name)[0], None

    return jax.lax.scan(inner_step, state, jnp.arange(steps))[0]


def unrolled(
    game: Game,
    tx: Players,
    *,
    unroll_steps: int = 5,
    first_order: bool = False,
    order: str = "simultaneous",
    inner_tx: optax.GradientTransformation | None = None,
    remat: bool = True,
    fresh_batches: bool = False,
    axis_name: str | None = None,
) -> Scheme:
    """The generator descends its loss against the discriminator `unroll_steps` steps from now.

    y_0 = y, y_{i+1} = y_i - h grad_y L_disc(x, y_i), and x' = x - h d/dx L_gen(x, y_k(x)), the
    derivative taken through every y_i and through the state of the optimiser that made it (Metz et
    al. 2017, sections 2.2 and 2.3, arXiv:1611.02163). The discriminator itself makes one ordinary
    step: from the same point ("simultaneous", as in the authors' code), after the generator
    ("gen_first") or before it ("disc_first", y_0 is then the new y).

    The steps to y_k share one draw of batch and latents unless `fresh_batches`; the generator's
    loss is taken on another draw of latents. With order "simultaneous" they begin with the step
    that the discriminator makes, so that k = 1 with `first_order` is alternating play with the
    discriminator first, and k = 0 is simultaneous play.

    On V = x y with both steps h and k h <= 1 the spectral radius is sqrt(1 - (2k - 1) h^2) in
    simultaneous order, sqrt(1 - (k - 1) h^2) with `first_order`: it converges from k = 1 and k = 2.

    Through `optax.adam` the derivative is infinite where a second moment is exactly 0, as that of a
    dead ReLU unit is. Second moments (optax's `nu`) of 0 are read as 1e-36 on the way to y_k,
    which changes no value and keeps the derivative finite; `eps_root=1e-16` does the same, and a
    larger one (1e-12) slows the cure of mode collapse.

    Args:
      unroll_steps: k, at least 0.
      first_order: if True y_k is held fixed, which leaves out how it reacts to the generator.
      order: "simultaneous", "gen_first" or "disc_first".
      inner_tx: optax transform of the steps to y_k, initialised afresh each time; None for the
        discriminator's transform with its present state.
      remat: if True the backward pass computes the steps to y_k again instead of storing them:
        memory then grows by the discriminator's state a step up to 10 steps, and by that state
        times the root of their number beyond, never by activations (`checkpointing.py`).
      fresh_batches: if True every leaf of a batch has a leading axis of `unroll_steps + 1`
        sub-batches: one for each step to y_k, which then draws new latents too, and the last for
        the generator's loss. The discriminator's ordinary step sees the first.

    Returns:
      Scheme; a step costs one gradient of the generator and `unroll_steps + 1` of the
      discriminator, and `unroll_steps` Jacobian products unless `first_order`.

    Raises:
      ValueError: an option is out of range or, while tracing, a batch without the leading axis.
    """
    checks.whole(0, unroll_steps=unroll_steps)
    checks.one_of(ORDERS, order=order)
    return with_look_ahead(
        partial(fast_look_ahead, shared=not fresh_batches, remat=remat),
        game,
        tx,
        unroll_steps=unroll_steps,
        first_order=first_order,
        order=order,
        inner_tx=inner_tx,
        fresh_batches=fresh_batches,
        axis_name=axis_name,
    )


def with_look_ahead(
    ahead: Callable[..., GanState],
    game: Game,
    tx: Players,
    *,
    unroll_steps: int,
    first_order: bool = False,
    order: str = "simultaneous",
    inner_tx: optax.GradientTransformation | None = None,
    fresh_batches: bool = False,
    axis_name: str | None = None,
) -> Scheme:
    """`unrolled` with `look_ahead` or a function of the same signature."""
    inner = tx if inner_tx is None else tx._replace(disc=inner_tx)
    ahead = partial(ahead, game, inner, steps=unroll_steps, axis_name=axis_name)
    at_once = simultaneous(game, tx, axis_name=axis_name)
    moves = ("disc", "gen") if order == "disc_first" else ("gen", "disc")

    def step(state, part, rng):
        if unroll_steps == 0 and order == "simultaneous":
            return at_once.step(state, part(0), rng)
        rng_gen, rng_disc = jax.random.split(rng)
        rng_gen, rng_ahead = (
            (rng_gen, rng_disc) if order == "simultaneous" else jax.random.split(rng_gen)
        )
        draws = jax.random.split(rng_ahead, max(unroll_steps, 1) if fresh_batches else 1)

        def draw(index):
            return part(index), draws[index if fresh_batches else 0]

        def gen_gradient(state):
            def in_future(params):
                now = state._replace(params=params)
                if inner_tx is not None:
                    fresh = now.opt_state._replace(disc=inner_tx.init(params.disc))
                    now = now._replace(opt_state=fresh)
                now = ahead(now, draw)
                return now.params, now.model_state

            through = None if first_order else in_future
            at = in_future(state.params) if first_order else (state.params, state.model_state)
            return own_gradient(game, "gen", *at, part(-1), rng_gen, axis_name, through=through)

        def disc_gradient(state):
            rng = jax.random.split(rng_disc, 1)[0]
            at = state.params, state.model_state, part(0), rng, axis_name
            return own_gradient(game, "disc", *at)

        before, outcomes = state, {}
        gradients = {"gen": gen_gradient, "disc": disc_gradient}
        for player in moves:
            outcomes[player] = gradients[player](before if order == "simultaneous" else state)
            state = move(tx, player, state, *outcomes[player])
        products = 0 if first_order else unroll_steps
        return finish_turns(state, **outcomes, disc_evaluations=unroll_steps + 1, products=products)

    init = partial(start, game, tx)
    return with_batches(init, step, count=unroll_steps + 1, fresh=fresh_batches)
