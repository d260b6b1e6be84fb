"""`unrolled.look_ahead` in less time and memory, with finite derivatives.

The generator is passed once for all steps (`hoisting`), and few states are stored
(`checkpointing`). `scripts/benchmarks/schemes.py --part forms` measures both.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ganjax.schemes.checkpointing import checkpointed_scan, plain_scan
from ganjax.schemes.field import device_mean, losses_on_rows, move
from ganjax.schemes.hoisting import split
from ganjax.types import Game, GanState, Players

TINY = 1e-36  # its square root and that root's slope are ordinary float32 numbers


def fast_look_ahead(
    game: Game,
    tx: Players,
    state: GanState,
    draw: Callable[[Any], tuple],
    *,
    steps: int,
    axis_name: str | None = None,
    shared: bool,
    remat: bool,
) -> GanState:
    """`unrolled.look_ahead`, with its arguments and result.

    With `shared` all updates have the same draw, `draw(0)`; with `remat` the backward pass computes
    updates again instead of storing them.
    """
    if steps == 0:
        return state
    state = _with_disc(state, _floored(_disc_of(state)))

    def loss(fixed, moving):
        (gen, batch, rng), (disc, model_state) = fixed, moving
        model_states = state.model_state._replace(disc=model_state)
        return losses_on_rows(game, Players(gen, disc), model_states, batch, rng, axis_name).disc

    def fixed(index):
        return state.params.gen, *draw(index)

    before, after = split(loss, fixed(0), (state.params.disc, state.model_state.disc))
    if shared:
        once, each = before(fixed(0)), None
    else:
        once, each = None, jax.vmap(lambda index: before(fixed(index)))(jnp.arange(steps))

    def inner_step(disc, this):
        now = _with_disc(state, disc)

        def value(params):
            outcome = after(once if shared else this, (params, now.model_state.disc))
            return outcome.value, outcome

        outcome = jax.grad(value, has_aux=True)(now.params.disc)
        return _disc_of(move(tx, "disc", now, *device_mean(outcome, axis_name)))

    loop = checkpointed_scan if remat else plain_scan
    return _with_disc(state, loop(inner_step, _disc_of(state), each, length=steps))


def _disc_of(state: GanState) -> tuple:
    return state.params.disc, state.opt_state.disc, state.model_state.disc


def _with_disc(state: GanState, disc: tuple) -> GanState:
    params, opt_state, model_state = disc
    return state._replace(
        params=state.params._replace(disc=params),
        opt_state=state.opt_state._replace(disc=opt_state),
        model_state=state.model_state._replace(disc=model_state),
    )


def _floored(disc: tuple) -> tuple:
    """Optax's second moments, `nu`, made positive, so that their roots have a derivative."""

    def floor(path, leaf):
        second_moment = any(getattr(key, "name", None) == "nu" for key in path)
        return jnp.maximum(leaf, jnp.asarray(TINY, leaf.dtype)) if second_moment else leaf

    params, opt_state, model_state = disc
    return params, jax.tree_util.tree_map_with_path(floor, opt_state), model_state
