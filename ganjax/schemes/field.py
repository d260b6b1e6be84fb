"""What every scheme is made of: gradients at a point, one optax move, averages over devices.

No `stop_gradient` anywhere in this folder: it corrupts the linearisation of a step. Freeze a
player by closing over it, outside the function that is differentiated.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from ganjax.spread import on_rows
from ganjax.types import Game, GanState, Loss, Players


def start(game: Game, tx: Players, rng: jax.Array, batch: Any = None) -> GanState:
    """The state before the first step: fresh players, fresh optimisers, no memory, no average."""
    params, model_state = game.init(rng, batch)
    return GanState(
        step=jnp.zeros((), jnp.int32),
        params=params,
        opt_state=Players(gen=tx.gen.init(params.gen), disc=tx.disc.init(params.disc)),
        model_state=model_state,
        memory=(),
        average=(),
    )


def device_mean(tree: Any, axis_name: str | None) -> Any:
    """Mean of the floating-point leaves over the mapped device axis; the tree itself without one.

    Gradients are averaged, never losses before differentiation: that lets replicas drift apart
    under `pmap` and scales gradients by the number of devices under `shard_map`.
    """
    if axis_name is None:
        return tree
    return jax.tree.map(
        lambda leaf: (
            jax.lax.pmean(leaf, axis_name) if jnp.issubdtype(leaf.dtype, jnp.inexact) else leaf
        ),
        tree,
    )


def losses_on_rows(
    game: Game,
    params: Players,
    model_state: Players,
    batch: Any,
    rng: jax.Array,
    axis_name: str | None = None,
) -> Players:
    """`game.losses` on this device's rows, with the draws that these rows have on one device.

    Every scheme evaluates its game through this function: `spread.on_rows` tells the game the axis.
    """
    return on_rows(game.losses, axis_name)(params, model_state, batch, rng)


def both_gradients(
    game: Game,
    params: Players,
    model_state: Players,
    batch: Any,
    rng: jax.Array,
    axis_name: str | None = None,
) -> tuple[Players, Players]:
    """Each player's gradient of its own loss, both out of one forward pass.

    F(z) = (grad_gen L_gen, grad_disc L_disc): `jax.vjp` of the two losses with the cotangents
    (1, 0) and (0, 1). The compiler does not find this sharing in two separate gradients.

    Returns:
      (`Players` of gradients, `Players` of `Loss`), averaged over devices.
    """

    def values(params):
        losses = losses_on_rows(game, params, model_state, batch, rng, axis_name)
        return Players(gen=losses.gen.value, disc=losses.disc.value), losses

    value, pull_back, losses = jax.vjp(values, params, has_aux=True)
    one, zero = jax.tree.map(jnp.ones_like, value), jax.tree.map(jnp.zeros_like, value)
    gradients = Players(
        gen=pull_back(Players(gen=one.gen, disc=zero.disc))[0].gen,
        disc=pull_back(Players(gen=zero.gen, disc=one.disc))[0].disc,
    )
    return device_mean((gradients, losses), axis_name)


def field(
    game: Game, state: GanState, batch: Any, rng: jax.Array, axis_name: str | None = None
) -> Callable[[Players], tuple[Players, Players]]:
    """F of one step: `params -> both_gradients`, with that step's model state, batch and draw."""
    return lambda params: both_gradients(game, params, state.model_state, batch, rng, axis_name)


def own_gradient(
    game: Game,
    player: str,
    params: Players,
    model_state: Players,
    batch: Any,
    rng: jax.Array,
    axis_name: str | None = None,
) -> tuple[Any, Loss]:
    """One player's gradient of its own loss, the other player held fixed.

    Only this player's `Loss` is returned, so the compiler drops what the other alone needs.

    Returns:
      (gradient, `Loss`) of `player`, "gen" or "disc", averaged over devices.
    """

    def value(own):
        at = params._replace(**{player: own})
        losses = losses_on_rows(game, at, model_state, batch, rng, axis_name)
        loss = getattr(losses, player)
        return loss.value, loss

    gradient, loss = jax.grad(value, has_aux=True)(getattr(params, player))
    return device_mean((gradient, loss), axis_name)


def move(tx: Players, player: str, state: GanState, gradient: Any, loss: Loss) -> GanState:
    """One optax move of one player, which takes over its own new model state and nothing else.

    The transform is told the state's step, for rates that follow the run's steps.
    """
    params, own = getattr(state.params, player), getattr(state.opt_state, player)
    transform = optax.with_extra_args_support(getattr(tx, player))
    updates, opt_state = transform.update(gradient, own, params, step=state.step)
    return state._replace(
        params=state.params._replace(**{player: optax.apply_updates(params, updates)}),
        opt_state=state.opt_state._replace(**{player: opt_state}),
        model_state=state.model_state._replace(**{player: loss.model_state}),
    )


def move_both(tx: Players, state: GanState, gradients: Players, losses: Players) -> GanState:
    """One optax move of both players from the same point."""
    state = move(tx, "gen", state, gradients.gen, losses.gen)
    return move(tx, "disc", state, gradients.disc, losses.disc)


def zeros(params: Players) -> Players:
    """Gradients of 0, what a scheme remembers before its first step."""
    return jax.tree.map(jnp.zeros_like, params)


def finish(
    tx: Players,
    state: GanState,
    direction: Players,
    gradients: Players,
    losses: Players,
    *,
    evaluations: int,
    products: int = 0,
) -> tuple[GanState, dict[str, jax.Array]]:
    """The end of a joint step: both players move along `direction`, the step counts, metrics.

    Args:
      tx: `Players` of optax transforms.
      state: where both start from.
      direction: what the transforms get in place of gradients.
      gradients: both players' gradients, for the metrics.
      losses: both players' losses; their model states are taken over.
      evaluations: gradients of each player that the step evaluated.
      products: Jacobian products, as in `summary`.

    Returns:
      What a scheme's step returns.
    """
    state = move_both(tx, state, direction, losses)
    metrics = summary(
        gradients,
        losses,
        gen_evaluations=evaluations,
        disc_evaluations=evaluations,
        products=products,
    )
    return state._replace(step=state.step + 1), metrics


def summary(
    gradients: Players,
    losses: Players,
    *,
    gen_evaluations: int,
    disc_evaluations: int,
    products: int = 0,
) -> dict[str, jax.Array]:
    """The metrics every step reports, with both players' own beside them.

    Args:
      gradients: of both players, for their norms.
      losses: of both players.
      gen_evaluations: gradients of the generator's loss that the step evaluated.
      disc_evaluations: the same of the discriminator's loss.
      products: products of the Jacobian of one player's gradient, or of its transpose, with a
        vector; each costs about as much as two more gradients.
    """
    return {
        "loss/gen": losses.gen.value,
        "loss/disc": losses.disc.value,
        "grad_norm/gen": optax.tree.norm(gradients.gen),
        "grad_norm/disc": optax.tree.norm(gradients.disc),
        "evaluations/gen": jnp.asarray(gen_evaluations, jnp.int32),
        "evaluations/disc": jnp.asarray(disc_evaluations, jnp.int32),
        "evaluations/products": jnp.asarray(products, jnp.int32),
        **losses.gen.metrics,
        **losses.disc.metrics,
    }


def sub_batch(batch: Any, index: int | jax.Array | slice, *, fresh: bool) -> Any:
    """One sub-batch of a batch's leading axis, or a slice of them; the batch if not `fresh`."""
    return jax.tree.map(lambda leaf: leaf[index], batch) if fresh else batch


def check_sub_batches(batch: Any, count: int, *, fresh: bool) -> None:
    """Refuses a batch without a leading axis of `count` sub-batches where one is expected.

    Raises:
      ValueError: with the shape that came.
    """
    for leaf in jax.tree.leaves(batch) if fresh else ():
        if leaf.ndim == 0 or leaf.shape[0] != count:
            raise ValueError(
                f"fresh_batches needs a leading axis of {count} sub-batches, got an array of "
                f"shape {leaf.shape}; stack the sub-batches along a new first axis"
            )
