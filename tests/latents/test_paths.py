"""Ways through the latent space and arithmetic in it: closed forms, ends, degenerate directions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganjax import latents

X, Y = np.eye(4)[:2]
T = np.linspace(0, 1, 7)


@pytest.fixture
def pairs():
    """Two sets of latents [5, 8], float64, of norms that differ."""
    draw = np.random.default_rng(0)
    return jnp.asarray(draw.normal(size=(5, 8))), jnp.asarray(2 * draw.normal(size=(5, 8)))


def on_the_sphere(a, b):
    return (x / jnp.linalg.norm(x, axis=-1, keepdims=True) for x in (a, b))


def test_slerp_of_orthogonal_vectors(x64):
    middle = latents.slerp(jnp.asarray(X), jnp.asarray(Y), 0.5)
    np.testing.assert_allclose(middle, (X + Y) / np.sqrt(2), rtol=1e-10)
    third = latents.slerp(jnp.asarray(X), jnp.asarray(Y), 1 / 3)
    np.testing.assert_allclose(third, np.sqrt(3) / 2 * X + Y / 2, rtol=1e-10)
    # The formula does not normalise: norms between those of the ends.
    middle = latents.slerp(jnp.asarray(X), jnp.asarray(3 * Y), 0.5)
    np.testing.assert_allclose(middle, (X + 3 * Y) / np.sqrt(2), rtol=1e-10)


def test_slerp_stays_on_the_sphere_at_constant_speed(x64, pairs):
    a, b = on_the_sphere(*pairs)
    whole = np.arccos(np.sum(a * b, -1))
    for t in T:
        z = latents.slerp(a, b, t)
        np.testing.assert_allclose(np.linalg.norm(z, axis=-1), 1, rtol=1e-12)
        angle = np.arccos(np.clip(np.sum(a * z, -1), -1, 1))
        np.testing.assert_allclose(angle, t * whole, atol=1e-7)  # the arccosine is flat at 1
    np.testing.assert_allclose(latents.slerp(a, b, 0.3), latents.slerp(b, a, 0.7), rtol=1e-10)


@pytest.mark.parametrize("name", sorted(latents.PATHS))
def test_ends_are_exact_and_t_may_differ(name):
    path = latents.PATHS[name]
    a, b = (jax.random.normal(jax.random.key(s), (7, 8)) for s in (0, 1))
    np.testing.assert_array_equal(path(a, b, 0.0), a)
    np.testing.assert_array_equal(path(a, b, 1.0), b)
    together = path(a, b, jnp.asarray(T))
    for index, t in enumerate(T):
        alone = path(a[index], b[index], float(t))
        np.testing.assert_allclose(together[index], alone, rtol=1e-5, atol=1e-6)  # float32


DEGENERATE = {
    "equal": (X, X),
    "parallel": (X, 3 * X),
    "opposite": (X + Y, -2 * (X + Y)),
    "zero and not": (0 * X, Y),
    "not and zero": (X, 0 * Y),
    "both zero": (0 * X, 0 * Y),
}


def test_slerp_is_lerp_where_there_is_no_great_circle(x64):
    cases = [DEGENERATE[name] for name in sorted(DEGENERATE)]
    a, b = (jnp.asarray(part) for part in zip(*cases, strict=True))
    backward = jax.jit(jax.vmap(jax.jacrev(latents.slerp, (0, 1, 2)), (0, 0, None)))
    forward = jax.jit(jax.vmap(jax.jacfwd(latents.slerp, (0, 1, 2)), (0, 0, None)))
    for t in (0.0, 0.25, 1.0):
        np.testing.assert_allclose(latents.slerp(a, b, t), (1 - t) * a + t * b, rtol=1e-12)
        for gradients in (forward, backward):
            for part in gradients(a, b, t):
                assert np.isfinite(part).all()


def test_slerp_near_the_degenerate(x64):
    """Nearly parallel, and nearly opposite: half way round the sphere, until it gives way."""
    gap = np.array([1e-12, 1e-9, 1e-6, 1e-3])[:, None]
    a, turned = np.broadcast_to(X, (4, 4)), np.cos(gap) * X + np.sin(gap) * Y
    between = np.cos(gap / 2) * X + np.sin(gap / 2) * Y
    np.testing.assert_allclose(latents.slerp(a, turned, 0.5), between, atol=1e-15)
    middle = latents.slerp(a, -turned, 0.5)
    assert np.isfinite(middle).all()
    round_half = np.sin(gap / 2) * X - np.cos(gap / 2) * Y
    np.testing.assert_allclose(middle[2:], round_half[2:], atol=1e-9)  # of what is left of a + b
    assert np.isfinite(jax.jit(jax.jacrev(latents.slerp))(a, -turned, 0.5)).all()


def test_gradients_of_slerp_are_its_slopes(x64, pairs):
    """Central differences, h = 1e-6, along a direction of all arguments at once."""
    point = pairs[0][0], pairs[1][0], jnp.asarray(0.3)
    direction = pairs[0][1], pairs[1][1], jnp.asarray(0.7)
    ahead, behind = (
        latents.slerp(*(x + h * d for x, d in zip(point, direction, strict=True)))
        for h in (1e-6, -1e-6)
    )
    _, exact = jax.jvp(latents.slerp, point, direction)
    np.testing.assert_allclose(exact, (ahead - behind) / 2e-6, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", sorted(latents.PATHS))
def test_walks_go_through_their_anchors(name, x64, pairs):
    path, anchors = latents.PATHS[name], pairs[0]
    points = jax.jit(lambda anchors: latents.walk(anchors, steps=3, path=path))(anchors)
    assert points.shape == (4 * 3 + 1, 8)
    np.testing.assert_array_equal(points[::3], anchors)
    np.testing.assert_allclose(points[4], path(anchors[1], anchors[2], 1 / 3), rtol=1e-10)


def test_planes_have_their_corners(x64, pairs):
    corners = pairs[0][:4]
    points = latents.plane(corners, rows=3, columns=5, path=latents.lerp)
    assert points.shape == (3, 5, 8)
    np.testing.assert_array_equal(points[[0, 0, -1, -1], [0, -1, 0, -1]], corners)
    np.testing.assert_allclose(points[1, 2], corners.mean(0), rtol=1e-10)
    np.testing.assert_allclose(points[0, 1], 0.75 * corners[0] + 0.25 * corners[1], rtol=1e-10)


def test_walks_and_planes_that_go_nowhere_are_refused():
    anchors = jnp.zeros((4, 2))
    with pytest.raises(ValueError, match=r"anchors of shape \(1, 2\)"):
        latents.walk(anchors[:1], steps=2)
    with pytest.raises(ValueError, match="steps=0"):
        latents.walk(anchors, steps=0)
    with pytest.raises(ValueError, match=r"corners of shape \(3, 2\)"):
        latents.plane(anchors[:3], rows=2, columns=2)
    with pytest.raises(ValueError, match="rows=1"):
        latents.plane(anchors, rows=1, columns=2)


def test_arithmetic_of_means():
    a = jnp.array([[1.0, 2.0], [3.0, 4.0], [5.0, 9.0]])  # mean (3, 5)
    b = jnp.array([[1.0, 1.0], [2.0, 0.0]])  # mean (1.5, 0.5)
    c = jnp.array([10.0, 20.0])
    np.testing.assert_array_equal(latents.arithmetic(a, b, c), [11.5, 24.5])
    with pytest.raises(ValueError, match="concepts of shapes"):
        latents.arithmetic(a, b, jnp.zeros((3, 4)))
    with pytest.raises(ValueError, match="at least one"):
        latents.arithmetic(a, b, jnp.zeros((0, 2)))
