"""The gradient field at a point, along a path and in the plane."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ganjax import dynamics, games, schemes
from ganjax.types import Players

SGD = Players(optax.sgd(0.1), optax.sgd(0.1))
M = np.array([[3.0, 0.3, 2.0], [0.3, 2.5, -1.0], [2.0, -1.0, 3.0]])
N = np.array([[4.0, 0.0, 0.7], [0.0, 5.0, 0.9], [0.7, 0.9, 2.0]])


def at(game, gen=None, disc=None):
    state = schemes.simultaneous(game, SGD).init(jax.random.key(0), None)
    if gen is None:
        return state
    return state._replace(params=Players(jnp.array(gen, float), jnp.array(disc, float)))


def test_field_and_hamiltonian(x64):
    game = games.bilinear(sigma=3.0)
    state = at(game, [2.0], [5.0])
    gradients = dynamics.gradient_field(game, state)(state.params)
    assert (gradients.gen[0], gradients.disc[0]) == (15, -6)
    np.testing.assert_allclose(dynamics.hamiltonian(game, state), (15**2 + 6**2) / 2, rtol=1e-12)


def test_rotation_index(x64):
    """1 on V = x y, 0 on a potential game, and the formula in between."""
    bilinear = games.bilinear(dim=3, start=(1.0, -2.0))
    np.testing.assert_allclose(dynamics.rotation_index(bilinear, at(bilinear)), 1, rtol=1e-12)
    potential = games.quadratic(M, M, gen_dim=2)
    np.testing.assert_allclose(dynamics.rotation_index(potential, at(potential)), 0, atol=1e-12)
    game = games.quadratic(M, N, gen_dim=2, start=(1.0, -0.5))
    j = np.concatenate([M[:2], N[2:]])
    f = j @ [1.0, 1.0, -0.5]
    expected = np.linalg.norm((j - j.T) / 2 @ f) / np.linalg.norm(j @ f)
    np.testing.assert_allclose(dynamics.rotation_index(game, at(game)), expected, rtol=1e-12)


def test_path_angle_sees_attraction(x64):
    """Along a line into the minimum of a bowl the cosine jumps from -1 to 1 there."""
    bowl = games.quadratic(np.eye(2), np.eye(2))
    path = dynamics.path_angle(bowl, at(bowl, [3.0], [4.0]), at(bowl, [0.0], [0.0]))
    assert path.position.shape == path.angle.shape == path.norm.shape == (100,)
    np.testing.assert_allclose(path.angle, np.where(path.position < 1, -1, 1), rtol=1e-10)
    np.testing.assert_allclose(path.norm, 5 * np.abs(1 - path.position), rtol=1e-10)


def test_path_angle_sees_rotation(x64):
    """F is perpendicular to every line through the equilibrium of V = x y."""
    game = games.bilinear()
    path = dynamics.path_angle(
        game, at(game, [3.0], [4.0]), at(game, [0.0], [0.0]), positions=[0.0, 0.5, 0.9]
    )
    np.testing.assert_allclose(path.angle, 0, atol=1e-12)
    np.testing.assert_allclose(path.norm, [5, 2.5, 0.5], rtol=1e-10)
    with pytest.raises(ValueError, match="same parameters"):
        dynamics.path_angle(game, at(game), at(game))


def test_trajectory(x64):
    game = games.bilinear(dim=2)
    scheme = schemes.simultaneous(game, SGD)
    path = dynamics.trajectory(scheme.step, scheme.init(jax.random.key(0)), steps=3)
    assert path.gen.shape == (4, 2)
    square = (path.gen**2 + path.disc**2)[:, 0]
    np.testing.assert_allclose(square, 2 * 1.01 ** np.arange(4), rtol=1e-12)


def test_phase_portrait(x64):
    """Arrows of gradient play on V = x y: (-y, x) at (x, y)."""
    portrait = dynamics.phase_portrait(games.bilinear(), x_range=(-1, 1), y_range=(0, 2), points=5)
    x, y = np.meshgrid(portrait.x, portrait.y)
    np.testing.assert_allclose(portrait.u, -y, atol=1e-15)
    np.testing.assert_allclose(portrait.v, x, atol=1e-15)
    with pytest.raises(ValueError, match="one parameter for each player"):
        dynamics.phase_portrait(games.bilinear(dim=2), x_range=(-1, 1), y_range=(-1, 1))
