"""Anchored extragradient: a pull to the start that fades."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from ganjax import checks
from ganjax.schemes.field import copies, fields, finish, move_both, start
from ganjax.schemes.fresh_batches import with_batches
from ganjax.types import Game, Players, Scheme

KINDS = ("eag_c", "eag_v", "feg")
FIRST = 0.618  # h_0 L of EAG-V, Yoon and Ryu's choice


class Anchor(NamedTuple):
    """The start, to which the players are pulled, and the steps made from there (int32 scalar).

    The state's step will not do: it goes on where a stage grows, which is a new start. `share` is
    h_k / h_0 of kind "eag_v", else ().
    """

    params: Players
    steps: jax.Array
    share: Any = ()


def anchored(
    game: Game,
    tx: Players,
    *,
    kind: str = "eag_c",
    rho: float = 0.0,
    fresh_batches: bool = False,
    axis_name: str | None = None,
) -> Scheme:
    """Extragradient from the pulled point p = z + b (z_0 - z); k counts steps, z_0 is the start.

    Both are of the present stage. On a smooth convex-concave game |F(z_k)|^2 falls as 1 / k^2 for
    the last iterate, the best possible order. The kinds, L a Lipschitz constant of F:

    * "eag_c": z_half = p - h F(z), z' = p - h F(z_half), b = 1 / (k + 2) (Yoon and Ryu 2021,
      section 2.1, arXiv:2102.07922).
    * "eag_v": the same with steps h_k that fall from h_0 = 0.618 / L to about 0.437 / L,
      h_{k+1} / h_k = 1 - q / ((k + 1) (k + 3) (1 - q)), q = (h_k L)^2 (section 2.2).
    * "feg": z_half = p - (1 - b) (h + 2 rho) F(z), z' = p - h F(z_half) - (1 - b) 2 rho F(z),
      b = 1 / (k + 1), h = 1 / L (Lee and Kim 2021, arXiv:2106.02326): also on games that are only
      rho-comonotone with a negative rho > -h / 2. Its first step is z_0 - h F(z_0), the first
      z_half of "eag_c".

    The optax transforms make the moves -h F from p, as in `extragradient`: `optax.sgd(h)` gives the
    method, at "eag_v" `optax.sgd(0.618 / L)`. Others keep the equations with their move for -h F.

    On V = x y the map changes from step to step and has no spectral radius; |F|^2 (k + 2)^2
    stays bounded.

    Args:
      kind: "eag_c", "eag_v" or "feg".
      rho: comonotonicity of F, in the units of a step size; of kind "feg" alone.
      fresh_batches: as in `extragradient`.

    Returns:
      Scheme; a step costs two gradients of each player, and the state holds one more copy of the
      parameters. Its metrics are those at z_half.

    Raises:
      ValueError: another kind, a rho that is not finite, or one of another kind.
    """
    checks.one_of(KINDS, kind=kind)
    checks.within("(-inf, inf)", rho=rho)
    if kind != "feg" and rho != 0:
        raise ValueError(f"rho={rho!r} is of kind='feg', and kind={kind!r}; leave it out")

    def step(state, part, rng):
        at = fields(game, state, part, rng, axis_name, fresh=fresh_batches)
        slope, losses = at(state.params, 0)
        anchor, steps, share = state.memory
        k = steps.astype(float)
        pull = 1 / (k + (1 if kind == "feg" else 2))
        pulled = optax.incremental_update(anchor, state.params, pull)
        pulled = optax.tree.cast_like(pulled, state.params)
        following = _following(share, k) if kind == "eag_v" else ()
        state = state._replace(params=pulled, memory=Anchor(anchor, steps + 1, following))

        def corrected(moved, part_of_move):
            """p + part (moved - p) - (1 - b) 2 rho F(z)."""
            if kind == "eag_c":
                return moved
            moved = optax.incremental_update(moved, pulled, part_of_move)
            moved = optax.tree.add_scale(moved, -2 * rho * (1 - pull), slope)
            return optax.tree.cast_like(moved, pulled)

        parts = (1 - pull, 1.0) if kind == "feg" else (share, share)
        half = move_both(tx, state, slope, losses)
        gradients, losses = at(corrected(half.params, parts[0]), 1)
        state = state._replace(opt_state=half.opt_state)
        state, metrics = finish(tx, state, gradients, gradients, losses, evaluations=2)
        return state._replace(params=corrected(state.params, parts[1])), metrics

    def anchor(params):
        share = jnp.ones((), float) if kind == "eag_v" else ()
        return Anchor(copies(params), jnp.zeros((), jnp.int32), share)

    return with_batches(partial(start, game, tx, memory=anchor), step, count=2, fresh=fresh_batches)


def _following(share: jax.Array, k: jax.Array) -> jax.Array:
    """h_{k+1} / h_0 of EAG-V from h_k / h_0."""
    q = (FIRST * share) ** 2
    return share * (1 - q / ((k + 1) * (k + 3) * (1 - q)))
