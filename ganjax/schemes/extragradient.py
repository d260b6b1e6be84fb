"""Extragradient: gradients taken at an extrapolated point."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import optax

from ganjax import checks
from ganjax.schemes.field import fields, finish, move_both, start
from ganjax.schemes.fresh_batches import with_batches
from ganjax.types import Game, Players, Scheme

# A step size, one for each step of the run, or an optimiser; `Players` of them for two.
Reach = float | Callable[[jax.Array], Any] | optax.GradientTransformation | Players | None


def extragradient(
    game: Game,
    tx: Players,
    *,
    reach: Reach = None,
    fresh_batches: bool = False,
    axis_name: str | None = None,
) -> Scheme:
    """z_half = z - g F(z), z' = z - h F(z_half) (Korpelevich 1976; Gidel et al. 2019).

    Without `reach` the optax transforms make both moves: both start from z, and the optimiser's
    state runs on from the first to the second, which with `optax.adam` is ExtraAdam
    (arXiv:1802.10551, algorithm 4). A schedule of optax's own then counts both moves; one of a
    config's counts steps.

    With a reach g of its own, z_half is reached by other means than z': EG+ with h = g / 2
    (Diakonikolas et al. 2021, arXiv:2011.00364); double step sizes, g above h and falling more
    slowly, with `fresh_batches` (Hsieh et al. 2020, algorithm 1, arXiv:2003.10162); same-sample and
    independent-sample SEG without and with `fresh_batches` (Gorbunov et al. 2022,
    arXiv:2111.08611). Reach h is extragradient with SGD, reach 0 simultaneous play.

    On V = sigma x y the spectral radius is sqrt((1 - g h sigma^2)^2 + (h sigma)^2). With g = h and
    s = h sigma it is sqrt(1 - s^2 + s^4): it converges for s < 1, fastest at s = 1/sqrt(2).

    Args:
      reach: g: a number, at least 0; a schedule `(step) -> g` of the state's step; an optax
        transform, whose states the scheme remembers; `Players` of these; None for `tx`.
      fresh_batches: if True every leaf of a batch has a leading axis of sub-batches, one for each
        gradient of a player (here 2), which then draws new latents too; if False all of a step's
        gradients see the same batch and draw.

    Returns:
      Scheme; a step costs two gradients of each player. Its metrics are those at z_half.

    Raises:
      ValueError: the reach is negative or not finite.
    """
    place, first = "opt_state", tx
    if reach is not None:
        pair = reach if isinstance(reach, Players) else Players(reach, reach)
        place, first = "memory", Players(*map(_transform, pair))

    def step(state, part, rng):
        at = fields(game, state, part, rng, axis_name, fresh=fresh_batches)
        ready = state._replace(opt_state=getattr(state, place))
        half = move_both(first, ready, *at(state.params, 0))
        gradients, losses = at(half.params, 1)
        state = state._replace(**{place: half.opt_state})
        return finish(tx, state, gradients, gradients, losses, evaluations=2)

    def remembered(params):
        if reach is None:
            return ()
        return Players(first.gen.init(params.gen), first.disc.init(params.disc))

    init = partial(start, game, tx, memory=remembered)
    return with_batches(init, step, count=2, fresh=fresh_batches)


def _transform(reach: Any) -> optax.GradientTransformation:
    if isinstance(reach, optax.GradientTransformation):
        return reach
    if not callable(reach):
        checks.within("[0, inf)", reach=reach)
        return optax.sgd(reach)

    def update(gradients, state, params=None, *, step, **extra):
        del params, extra
        return optax.tree.scale(-reach(step), gradients), state

    return optax.GradientTransformationExtraArgs(lambda params: optax.EmptyState(), update)
