"""Ways from latent to latent: straight, along a great circle, through anchors, over a plane."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from ganjax import checks

Path = Callable[[jax.Array, jax.Array, jax.Array], jax.Array]


def lerp(a: jax.Array, b: jax.Array, t: jax.Array | float) -> jax.Array:
    """(1 - t) a + t b, exact at both ends; a, b latents [..., dim], t a scalar or [...]."""
    t = _column(t)
    return (1 - t) * a + t * b


def slerp(a: jax.Array, b: jax.Array, t: jax.Array | float) -> jax.Array:
    """sin((1 - t) w) / sin(w) a + sin(t w) / sin(w) b, w the angle between a and b.

    White 2016 (arXiv:1609.04468), section 2.1, after Shoemake. The great circle if the norms are
    equal; otherwise the norm changes smoothly from one to the other. Normal latents lie near a
    sphere, the middle of a straight line between two of them does not.

    Finite, with finite gradients, everywhere: it is `lerp` where a and b are parallel, where one is
    zero, and where they are opposite (to the root of the rounding), since no great circle is
    distinguished there. Exact at both ends; compiled, to the last digit. Arguments as in `lerp`.
    """
    t = _column(t)
    angle = _angle(a, b)[..., None]
    # sin(t w) / sin(w) = t sinc(t w) / sinc(w), with the limit t at w = 0.
    whole = _sinc(angle)
    return (1 - t) * _sinc((1 - t) * angle) / whole * a + t * _sinc(t * angle) / whole * b


def walk(anchors: jax.Array, *, steps: int, path: Path = slerp) -> jax.Array:
    """Points on the way through anchors, in order.

    Args:
      anchors: latents [anchors, dim], at least two; the first repeated at the end closes the way.
      steps: points from one anchor to the next, at least 1.
      path: `(a, b, t) -> z`.

    Returns:
      Latents [(anchors - 1) * steps + 1, dim], the anchors among them.

    Raises:
      ValueError: fewer than two anchors, or no steps.
    """
    if anchors.ndim != 2 or len(anchors) < 2:
        raise ValueError(f"anchors of shape {anchors.shape} must be [anchors >= 2, dim]")
    checks.whole(1, steps=steps)
    t = jnp.arange(1, steps) / steps
    between = jax.vmap(lambda a, b: jax.vmap(lambda t: path(a, b, t))(t))(anchors[:-1], anchors[1:])
    legs = jnp.concatenate([anchors[:-1, None], between], axis=1)  # [legs, steps, dim]
    return jnp.concatenate([legs.reshape(-1, anchors.shape[1]), anchors[-1:]])


def plane(corners: jax.Array, *, rows: int, columns: int, path: Path = slerp) -> jax.Array:
    """Points of a surface between four latents, each of them in its corner.

    Args:
      corners: latents [4, dim]: top left, top right, bottom left, bottom right.
      rows: at least 2.
      columns: at least 2.
      path: `(a, b, t) -> z`: down the left and right edges, then across.

    Returns:
      Latents [rows, columns, dim].

    Raises:
      ValueError: not four corners, or fewer than two rows or columns.
    """
    if corners.ndim != 2 or len(corners) != 4:
        raise ValueError(f"corners of shape {corners.shape} must be [4, dim]")
    checks.whole(2, rows=rows, columns=columns)
    edges = (walk(corners[i::2], steps=rows - 1, path=path) for i in range(2))
    return jax.vmap(lambda ends: walk(ends, steps=columns - 1, path=path))(jnp.stack([*edges], 1))


def _column(t: jax.Array | float) -> jax.Array:
    """t with an axis for dim, unless it is a scalar."""
    t = jnp.asarray(t)
    return t[..., None] if t.ndim else t


def _angle(a: jax.Array, b: jax.Array) -> jax.Array:
    """Angle [...] between a and b, 0 where `slerp` is `lerp`: 2 atan2(|u - v|, |u + v|).

    Of the unit vectors u and v; accurate near 0 and pi (Kahan), where the arccosine is not and has
    no finite gradient.
    """
    length_a, length_b = _norm(a), _norm(b)
    u, v = (x / jnp.where(n > 0, n, 1)[..., None] for x, n in ((a, length_a), (b, length_b)))
    apart, together = _norm(u - v), _norm(u + v)
    straight = (length_a == 0) | (length_b == 0) | (together**2 <= jnp.finfo(u.dtype).eps)
    apart, together = jnp.where(straight, 0, apart), jnp.where(straight, 1, together)
    return 2 * jnp.arctan2(apart, together)


def _norm(x: jax.Array) -> jax.Array:
    """Euclidean norm [...] over the last axis, with gradient 0 at 0."""
    square = jnp.sum(x**2, axis=-1)
    zero = square == 0
    return jnp.where(zero, 0, jnp.sqrt(jnp.where(zero, 1, square)))


def _sinc(x: jax.Array) -> jax.Array:
    """sin(x) / x, 1 at 0."""
    return jnp.sinc(x / jnp.pi)


PATHS = {
    "lerp": lerp,
    "slerp": slerp,
}
