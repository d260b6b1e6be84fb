"""The gradient field of a game, at a point and along a line.

Shared arguments: `game`, any game; `state`, parameters and model state at the point; `batch`, as
for the game's losses, None for toys; `rng`, key for the losses, `jax.random.key(0)` if None.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ganjax.types import Game, GanState, Players


def player_value(
    game: Game, state: GanState, batch: Any, rng: jax.Array | None
) -> Callable[[Any, str, Players], jax.Array]:
    """`(part, player, params) -> loss` of a player whose part of `params` is replaced."""
    rng = jax.random.key(0) if rng is None else rng

    def value(part, player, params):
        at = params._replace(**{player: part})
        return getattr(game.losses(at, state.model_state, batch, rng), player).value

    return value


def gradient_field(
    game: Game, state: GanState, batch: Any = None, rng: jax.Array | None = None
) -> Callable[[Players], Players]:
    """F: params -> (grad_x L_gen, grad_y L_disc), with the model state of `state` and one draw."""
    slope = jax.grad(player_value(game, state, batch, rng))

    def field(params):
        return Players(*(slope(getattr(params, name), name, params) for name in Players._fields))

    return field


def hamiltonian(
    game: Game, state: GanState, batch: Any = None, rng: jax.Array | None = None
) -> jax.Array:
    """|F(z)|^2 / 2, 0 at stationary points alone (Balduzzi et al. 2018, arXiv:1802.05642)."""
    return optax.tree.norm(gradient_field(game, state, batch, rng)(state.params), squared=True) / 2


def rotation_index(
    game: Game, state: GanState, batch: Any = None, rng: jax.Array | None = None
) -> jax.Array:
    """|A F| / |J F| with A = (J - J^T) / 2: how much of the field's change along F is rotation.

    1 on V = x y, where J is antisymmetric, and 0 on a potential game, where it is symmetric; NaN
    where J F is 0, as at a stationary point. From one product J F and one J^T F.
    """
    field = gradient_field(game, state, batch, rng)
    gradients, pull_back = jax.vjp(field, state.params)
    (transposed,) = pull_back(gradients)
    _, product = jax.jvp(field, (state.params,), (gradients,))
    return optax.tree.norm(optax.tree.sub(product, transposed)) / 2 / optax.tree.norm(product)


class Path(NamedTuple):
    """The gradient field along the line through two states, each array [points].

    Attributes:
      position: 0 at the first state, 1 at the second.
      angle: cosine between F and the direction from the first state to the second; NaN if F is 0.
      norm: |F|.
    """

    position: np.ndarray
    angle: np.ndarray
    norm: np.ndarray


def path_angle(
    game: Game,
    first: GanState,
    second: GanState,
    batch: Any = None,
    rng: jax.Array | None = None,
    *,
    positions: np.ndarray | None = None,
) -> Path:
    """Path angle and path norm between two checkpoints (Berard et al. 2020, arXiv:1906.04848).

    At `second` a cosine that changes its sign (from -1 to 1, as steps descend along F) means
    attraction, a bump in it rotation, and both together an attracting spiral.

    Args:
      game, batch, rng: as above.
      first: usually an early checkpoint.
      second: usually the last one; its model state is used everywhere.
      positions: points on the line; 100 from -0.1 to 1.1 if None.

    Raises:
      ValueError: both states have the same parameters.
    """
    positions = np.linspace(-0.1, 1.1, 100) if positions is None else np.asarray(positions, float)
    direction = optax.tree.sub(second.params, first.params)
    length = optax.tree.norm(direction)
    if not length > 0:
        raise ValueError("both states have the same parameters; there is no path between them")
    field = gradient_field(game, second, batch, rng)

    def at(position):
        params = jax.tree.map(
            lambda p, d: p + position.astype(p.dtype) * d, first.params, direction
        )
        gradients = field(params)
        norm = optax.tree.norm(gradients)
        return optax.tree.vdot(gradients, direction) / (norm * length), norm

    angle, norm = jax.lax.map(jax.jit(at), jnp.asarray(positions, float))
    return Path(positions, np.asarray(angle), np.asarray(norm))


def trajectory(
    step: Callable, state: GanState, batch: Any = None, rng: jax.Array | None = None, *, steps: int
) -> Players:
    """Both players' parameters over a number of steps of a scheme, on one batch.

    Step number s gets the key `fold_in(rng, s)`.

    Returns:
      `Players` of the parameters' pytrees with a leading axis of `steps` + 1, the start included.
    """
    rng = jax.random.key(0) if rng is None else rng

    def body(state, index):
        state, _ = step(state, batch, jax.random.fold_in(rng, index))
        return state, state.params

    _, params = jax.lax.scan(body, state, jnp.arange(steps))
    return jax.tree.map(
        lambda first, rest: jnp.concatenate([first[None], rest]), state.params, params
    )


class Portrait(NamedTuple):
    """-F of a two-parameter game in the plane of x (generator) and y (discriminator).

    Attributes:
      x: coordinates of the arrows [points].
      y: coordinates of the arrows [points].
      u: -F in x, [points of y, points of x].
      v: -F in y, [points of y, points of x].
    """

    x: np.ndarray
    y: np.ndarray
    u: np.ndarray
    v: np.ndarray


def phase_portrait(
    game: Game, *, x_range: tuple[float, float], y_range: tuple[float, float], points: int = 20
) -> Portrait:
    """-F, the direction of gradient descent, on a grid of `points` along each axis.

    Raises:
      ValueError: the game has more than one parameter for a player.
    """
    params, model_state = game.init(jax.random.key(0), None)
    if [leaf.size for leaf in jax.tree.leaves(params)] != [1, 1]:
        raise ValueError("a phase portrait needs a game of one parameter for each player")
    state = GanState(jnp.int32(0), params, Players((), ()), model_state, (), ())
    field = gradient_field(game, state)
    x, y = np.linspace(*x_range, points), np.linspace(*y_range, points)

    def arrow(x, y):
        at = jax.tree.map(lambda leaf, value: jnp.full_like(leaf, value), params, Players(x, y))
        return tuple(-leaf.reshape(()) for leaf in jax.tree.leaves(field(at)))

    over_x = jax.vmap(arrow, in_axes=(0, None))
    u, v = jax.vmap(over_x, in_axes=(None, 0))(jnp.asarray(x), jnp.asarray(y))
    return Portrait(x, y, np.asarray(u), np.asarray(v))
