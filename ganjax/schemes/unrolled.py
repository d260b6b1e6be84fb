"""Unrolled play: the generator looks ahead through the discriminator's own optimiser."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax

from ganjax.schemes.checkpointing import checkpointed_scan, plain_scan
from ganjax.schemes.field import (
    check_sub_batches,
    device_mean,
    losses_on_rows,
    move,
    own_gradient,
    start,
    sub_batch,
    summary,
)
from ganjax.schemes.hoisting import split
from ganjax.schemes.simultaneous import simultaneous
from ganjax.types import Game, Players, Scheme

ORDERS = ("simultaneous", "gen_first", "disc_first")
TINY = 1e-36  # its square root and that root's slope are ordinary float32 numbers


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
    ("gen_first") or before it ("disc_first", the look-ahead then starts from the new y).

    The looked-ahead steps share one draw of batch and latents unless `fresh_batches`; the
    generator's own loss is taken on another draw of latents. With order "simultaneous" they begin
    with the discriminator's own step of this turn, so that one of them with `first_order` is
    alternating play with the discriminator first, and none is simultaneous play.

    On V = x y with both steps h and k h <= 1 the spectral radius is sqrt(1 - (2k - 1) h^2) in
    simultaneous order, sqrt(1 - (k - 1) h^2) with `first_order`: it converges from k = 1 and k = 2.

    Through `optax.adam` the derivative is infinite where a second moment is exactly 0, as that of a
    dead ReLU unit is. Second moments (optax's `nu`) of 0 are read as 1e-36 while looking ahead,
    which changes no value and keeps the derivative finite; `eps_root=1e-16` does the same, and a
    larger one (1e-12) slows the cure of mode collapse.

    Args:
      game: any game.
      tx: `Players` of optax transforms.
      unroll_steps: looked-ahead steps k of the discriminator, at least 0.
      first_order: if True the looked-ahead discriminator is held fixed, which leaves out how it
        reacts to the generator.
      order: "simultaneous", "gen_first" or "disc_first".
      inner_tx: optax transform of the looked-ahead steps, freshly initialised each time; None for
        the discriminator's own with its present state.
      remat: if True the backward pass computes looked-ahead steps again instead of storing what it
        needs: memory then grows by the discriminator's state a step up to 10 steps, and by that
        state times the root of their number beyond, never by activations (`checkpointing.py`).
      fresh_batches: if True every leaf of a batch has a leading axis of `unroll_steps + 1`
        sub-batches: one for each looked-ahead step, which then draws its own latents too, and the
        last for the generator's loss. The discriminator's ordinary step sees the first.
      axis_name: mapped device axis over which gradients are averaged, those of looked-ahead steps
        included; None for none.

    Returns:
      Scheme; a step costs one gradient of the generator and `unroll_steps + 1` of the
      discriminator, and as many Jacobian products as it looks ahead steps unless `first_order`.

    Raises:
      ValueError: an option is out of range or, while tracing, a batch without the leading axis.
    """
    if unroll_steps < 0:
        raise ValueError(f"unroll_steps={unroll_steps} must be at least 0")
    if order not in ORDERS:
        raise ValueError(f"order={order!r} must be one of {', '.join(map(repr, ORDERS))}")
    part = partial(sub_batch, fresh=fresh_batches)
    check = partial(check_sub_batches, count=unroll_steps + 1, fresh=fresh_batches)
    at_once = simultaneous(game, tx, axis_name=axis_name)
    inner = Players(gen=None, disc=tx.disc if inner_tx is None else inner_tx)

    def init(rng, batch=None):
        check(batch)
        return start(game, tx, rng, part(batch, 0))

    def looked_ahead(gen, state, batch, rng):
        """The state with the discriminator k steps on, against the generator `gen`."""
        state = state._replace(params=state.params._replace(gen=gen))
        if unroll_steps == 0:
            return state
        if inner_tx is not None:
            fresh_state = inner_tx.init(state.params.disc)
            state = state._replace(opt_state=state.opt_state._replace(disc=fresh_state))
        if not first_order:
            floored = _floor_second_moments(state.opt_state.disc)
            state = state._replace(opt_state=state.opt_state._replace(disc=floored))

        def loss(fixed, moving):
            (gen, batch, rng), (params, model_state) = fixed, moving
            model_state = state.model_state._replace(disc=model_state)
            params = Players(gen=gen, disc=params)
            return losses_on_rows(game, params, model_state, batch, rng, axis_name).disc

        draws = jax.random.split(rng, unroll_steps if fresh_batches else 1)
        start_at = (state.params.disc, state.model_state.disc)
        before, after = split(loss, (gen, part(batch, 0), draws[0]), start_at)
        if fresh_batches:
            parts = part(batch, slice(unroll_steps))
            draws = jax.vmap(lambda *draw: before((gen, *draw)))(parts, draws)
        else:
            one_draw = before((gen, batch, draws[0]))

        def inner_step(disc, draw):
            now = _with_disc(state, disc)
            draw = draw if fresh_batches else one_draw

            def value(params):
                outcome = after(draw, (params, now.model_state.disc))
                return outcome.value, outcome

            outcome = jax.grad(value, has_aux=True)(now.params.disc)
            return _disc_of(move(inner, "disc", now, *device_mean(outcome, axis_name)))

        turns = draws if fresh_batches else None
        loop = checkpointed_scan if remat and not first_order else plain_scan
        return _with_disc(state, loop(inner_step, _disc_of(state), turns, length=unroll_steps))

    def gen_gradient(state, batch, rng_look, rng):
        batch_gen = part(batch, -1)
        if first_order:
            ahead = looked_ahead(state.params.gen, state, batch, rng_look)
            return own_gradient(
                game, "gen", ahead.params, ahead.model_state, batch_gen, rng, axis_name
            )

        def value(gen):
            ahead = looked_ahead(gen, state, batch, rng_look)
            given = (ahead.params, ahead.model_state, batch_gen, rng, axis_name)
            loss = losses_on_rows(game, *given).gen
            return loss.value, loss

        return device_mean(jax.grad(value, has_aux=True)(state.params.gen), axis_name)

    def disc_gradient(state, batch, rng):
        rng = jax.random.split(rng, 1)[0]
        return own_gradient(
            game, "disc", state.params, state.model_state, part(batch, 0), rng, axis_name
        )

    def step(state, batch, rng):
        check(batch)
        if unroll_steps == 0 and order == "simultaneous":
            return at_once.step(state, part(batch, 0), rng)
        rng_gen, rng_disc = jax.random.split(rng)
        if order == "simultaneous":
            gen = gen_gradient(state, batch, rng_disc, rng_gen)
            disc = disc_gradient(state, batch, rng_disc)
            state = move(tx, "disc", move(tx, "gen", state, *gen), *disc)
        else:
            rng_gen, rng_look = jax.random.split(rng_gen)
            if order == "disc_first":
                disc = disc_gradient(state, batch, rng_disc)
                state = move(tx, "disc", state, *disc)
            gen = gen_gradient(state, batch, rng_look, rng_gen)
            state = move(tx, "gen", state, *gen)
            if order == "gen_first":
                disc = disc_gradient(state, batch, rng_disc)
                state = move(tx, "disc", state, *disc)
        metrics = summary(
            Players(gen=gen[0], disc=disc[0]),
            Players(gen=gen[1], disc=disc[1]),
            gen_evaluations=1,
            disc_evaluations=unroll_steps + 1,
            products=0 if first_order else unroll_steps,
        )
        return state._replace(step=state.step + 1), metrics

    return Scheme(init, step, batches=(unroll_steps + 1,) if fresh_batches else ())


def _disc_of(state):
    return state.params.disc, state.opt_state.disc, state.model_state.disc


def _with_disc(state, disc):
    params, opt_state, model_state = disc
    return state._replace(
        params=state.params._replace(disc=params),
        opt_state=state.opt_state._replace(disc=opt_state),
        model_state=state.model_state._replace(disc=model_state),
    )


def _floor_second_moments(opt_state: Any) -> Any:
    """Optax's second moments, `nu`, made positive, so that their roots have a derivative."""

    def floor(path, leaf):
        second_moment = any(getattr(key, "name", None) == "nu" for key in path)
        return jnp.maximum(leaf, jnp.asarray(TINY, leaf.dtype)) if second_moment else leaf

    return jax.tree_util.tree_map_with_path(floor, opt_state)
