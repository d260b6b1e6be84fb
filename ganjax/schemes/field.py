"""The parts of every scheme: gradients at a point, one optax update, averages over devices.

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

Field = Callable[..., tuple[Players, Players]]


def start(
    game: Game,
    tx: Players,
    rng: jax.Array,
    batch: Any = None,
    *,
    memory: Callable[[Players], Any] = lambda params: (),
) -> GanState:
    """The state before the first step: fresh players and optimisers, no average.

    `memory`: `params -> the scheme's first memory`, in new buffers, as a state is donated.
    """
    if not callable(memory):
        raise TypeError(
            f"start got memory={memory!r}; expected a function of the parameters, e.g. "
            "optax.tree.zeros_like"
        )
    params, model_state = game.init(rng, batch)
    if not (isinstance(params, Players) and isinstance(model_state, Players)):
        raise TypeError(
            "the game's init returned no pair of Players; expected (params, model_state), "
            "each Players(gen=..., disc=...)"
        )
    return GanState(
        step=jnp.zeros((), jnp.int32),
        params=params,
        opt_state=Players(gen=tx.gen.init(params.gen), disc=tx.disc.init(params.disc)),
        model_state=model_state,
        memory=memory(params),
        average=(),
    )


def copies(params: Any) -> Any:
    """The parameters in buffers of their own: a donated state must not hold one buffer twice."""
    return jax.tree.map(jnp.copy, params)


def device_mean(tree: Any, axis_name: str | None) -> Any:
    """Mean of the floating-point leaves over the mapped device axis; the tree itself without one.

    Gradients are averaged, never losses before differentiation: that lets replicas drift apart
    under `pmap` and scales gradients by the number of devices under `shard_map`.
    """
    if axis_name is None:
        return tree

    def mean(leaf):
        return jax.lax.pmean(leaf, axis_name) if jnp.issubdtype(leaf.dtype, jnp.inexact) else leaf

    return jax.tree.map(mean, tree)


def losses_on_rows(
    game: Game,
    params: Players,
    model_state: Players,
    batch: Any,
    rng: jax.Array,
    axis_name: str | None = None,
) -> Players:
    """`game.losses` on this device's rows (`spread.on_rows`); all schemes evaluate a game here."""
    losses = on_rows(game.losses, axis_name)(params, model_state, batch, rng)
    _check_losses(losses)
    return losses


def _check_losses(losses: Any) -> None:
    """Raises TypeError for losses of a user's game that no scheme could descend."""
    if not (isinstance(losses, Players) and all(isinstance(loss, Loss) for loss in losses)):
        raise TypeError(
            f"the game's losses returned a {type(losses).__name__}; expected "
            "Players(gen=Loss(value, model_state, metrics), disc=Loss(...))"
        )
    for player, loss in losses._asdict().items():
        if jnp.ndim(loss.value):
            raise TypeError(
                f"the game's loss of {player!r} has shape {jnp.shape(loss.value)}; expected a "
                "scalar (take the mean)"
            )


def both_gradients(
    game: Game,
    params: Players,
    model_state: Players,
    batch: Any,
    rng: jax.Array,
    axis_name: str | None = None,
) -> tuple[Players, Players]:
    """Each player's gradient of its loss, both out of one forward pass.

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
) -> Field:
    """F of one step: `params -> both_gradients`, with that step's model state, batch and draw."""
    return lambda params: both_gradients(game, params, state.model_state, batch, rng, axis_name)


def fields(
    game: Game,
    state: GanState,
    part: Callable[[Any], Any],
    rng: jax.Array,
    axis_name: str | None = None,
    *,
    fresh: bool,
) -> Field:
    """`field` for several evaluations in a step: `(params, index) -> both_gradients`.

    All share one batch and draw unless `fresh`: evaluation i then sees `part(i)`, from
    `with_batches`, and draws from `fold_in(rng, i)`.
    """

    def at(params, index):
        draw = jax.random.fold_in(rng, index) if fresh else rng
        return both_gradients(game, params, state.model_state, part(index), draw, axis_name)

    return at


def own_gradient(
    game: Game,
    player: str,
    params: Players,
    model_state: Players,
    batch: Any,
    rng: jax.Array,
    axis_name: str | None = None,
    *,
    through: Callable[[Players], tuple[Players, Players]] | None = None,
) -> tuple[Any, Loss]:
    """One player's gradient of its loss, the other player held fixed.

    Only this player's `Loss` is returned, so the compiler drops the other's part. With `through`,
    `params -> (params, model_state)`, the loss is evaluated there and that function differentiated
    as well: how the other player reacts.

    Returns:
      (gradient, `Loss`) of `player`, "gen" or "disc", averaged over devices.
    """

    def value(moving):
        at = params._replace(**{player: moving}), model_state
        at = at if through is None else through(at[0])
        loss = getattr(losses_on_rows(game, *at, batch, rng, axis_name), player)
        return loss.value, loss

    return device_mean(jax.grad(value, has_aux=True)(getattr(params, player)), axis_name)


def move(tx: Players, player: str, state: GanState, gradient: Any, loss: Loss) -> GanState:
    """One optax update of one player, which takes over its new model state and nothing else.

    The transform gets the state's step, for rates that follow the run's steps.
    """
    params, opt_state = getattr(state.params, player), getattr(state.opt_state, player)
    transform = optax.with_extra_args_support(getattr(tx, player))
    updates, opt_state = transform.update(gradient, opt_state, params, step=state.step)
    return state._replace(
        params=state.params._replace(**{player: optax.apply_updates(params, updates)}),
        opt_state=state.opt_state._replace(**{player: opt_state}),
        model_state=state.model_state._replace(**{player: loss.model_state}),
    )


def move_both(tx: Players, state: GanState, gradients: Players, losses: Players) -> GanState:
    """One optax update of both players from the same point."""
    state = move(tx, "gen", state, gradients.gen, losses.gen)
    return move(tx, "disc", state, gradients.disc, losses.disc)


def turn(
    game: Game,
    tx: Players,
    player: str,
    state: GanState,
    batch: Any,
    rng: jax.Array,
    axis_name: str | None = None,
) -> tuple[GanState, tuple[Any, Loss]]:
    """One player's gradient at the state and its update: (new state, (gradient, `Loss`))."""
    at = state.params, state.model_state, batch, rng, axis_name
    outcome = own_gradient(game, player, *at)
    return move(tx, player, state, *outcome), outcome


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
      direction: passed to the transforms in place of gradients.
      gradients: both players' gradients, for the metrics.
      losses: both players' losses; their model states are taken over.
      evaluations: gradients of each player that the step evaluated.
      products: Jacobian products, as in `summary`.

    Returns:
      (`GanState`, metrics), as from a scheme's step.
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


def finish_turns(
    state: GanState, gen: tuple[Any, Loss], disc: tuple[Any, Loss], **counts: int
) -> tuple[GanState, dict[str, jax.Array]]:
    """The end of a step whose players have moved in turn, each by its (gradient, `Loss`).

    `counts` are those of `summary`; the result is that of `finish`.
    """
    return state._replace(step=state.step + 1), summary(*paired(gen, disc), **counts)


def paired(gen: tuple, disc: tuple) -> tuple[Players, ...]:
    """Tuples of both players as a tuple of `Players`."""
    return tuple(Players(*pair) for pair in zip(gen, disc, strict=True))


def summary(
    gradients: Players,
    losses: Players,
    *,
    gen_evaluations: int = 1,
    disc_evaluations: int = 1,
    products: int = 0,
) -> dict[str, jax.Array]:
    """The metrics that every step reports, with those of both losses beside them.

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
