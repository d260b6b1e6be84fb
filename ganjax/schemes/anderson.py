"""Anderson mixing: the next point from the last few moves of any scheme."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from ganjax import checks
from ganjax.types import Game, Players, Scheme


def anderson(
    game: Game,
    tx: Players,
    *,
    inner: Callable[..., Scheme],
    depth: int = 5,
    ridge: float = 1e-8,
    axis_name: str | None = None,
) -> Scheme:
    """z' = g - w' dG, w = argmin |f - w' dF|^2: g the point that `inner` reaches from z, f = g - z.

    GDA-AM (He et al. 2022, algorithms 1 and 2, arXiv:2110.02457), both players' numbers as one
    vector; dG and dF hold the differences of the last `depth` g and f. It is a quasi-Newton step
    towards a fixed point of `inner`, so let that be SGD without momentum, and batches little noise.
    Weights may be negative: a mixture can leave the set of a projection or the range of a clip.

    If `inner` is affine with n numbers and `depth` at least n, z' is `inner` after GMRES (Walker &
    Ni 2011, doi:10.1137/10078356X), which arrives in n + 1 steps, up to `ridge`: on V = x y in
    three over `alternating`. Over `simultaneous`, a pure rotation there, GMRES stagnates, and so
    does this.

    Args:
      inner: factory `(game, tx, axis_name=...) -> Scheme` of a scheme without memory; bind options
        by `functools.partial`.
      depth: differences m in use, at least 1.
      ridge: on dF dF', relative to its trace, at least 0; 0 may divide by 0 at a fixed point.

    Returns:
      Scheme; a step costs as much as that of `inner`, and the state holds 2 (m + 1) copies of the
      parameters more.

    Raises:
      ValueError: an option is out of range or, from `init`, an inner scheme with memory.
    """
    checks.whole(1, depth=depth)
    checks.within("[0, inf)", ridge=ridge)
    scheme = inner(game, tx, axis_name=axis_name)

    def init(rng, batch=None):
        state = scheme.init(rng, batch)
        if jax.tree.leaves(state.memory):
            raise ValueError("the inner scheme has memory; take one without, e.g. 'alternating'")
        z = ravel_pytree(state.params)[0]
        rows = {name: jnp.zeros((depth + 1, z.size), z.dtype) for name in ("g", "f")}
        return state._replace(memory={**rows, "count": jnp.zeros((), jnp.int32)})

    def step(state, batch, rng):
        z, unravel = ravel_pytree(state.params)
        after, metrics = scheme.step(state._replace(memory=()), batch, rng)
        g, memory = ravel_pytree(after.params)[0], state.memory
        rows = {
            name: jnp.roll(memory[name], 1, 0).at[0].set(row)
            for name, row in (("g", g), ("f", g - z))
        }
        known = (jnp.arange(depth) < memory["count"])[:, None]
        dg, df = (jnp.where(known, rows[name][:-1] - rows[name][1:], 0) for name in ("g", "f"))
        gram = df @ df.T
        weight = ridge * jnp.trace(gram) + jnp.finfo(gram.dtype).tiny
        w = jnp.linalg.solve(gram + weight * jnp.eye(depth, dtype=gram.dtype), df @ rows["f"][0])
        count = jnp.minimum(memory["count"] + 1, depth)
        after = after._replace(params=unravel(g - w @ dg), memory=rows | {"count": count})
        return after, metrics

    return scheme._replace(init=init, step=step)
