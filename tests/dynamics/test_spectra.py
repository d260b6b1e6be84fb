"""Spectra of maps and games whose derivatives are known, dense and matrix-free."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from marks import telling

from ganjax import dynamics, games, nets, penalties, schemes
from ganjax.types import Game, GanState, Loss, Players

MATRIX = np.array([[0.5, -1.0, 0.2], [1.0, 0.5, 0.0], [0.3, 0.1, -0.9]])


def linear(state, batch, rng):
    """z' = M z, over a generator of two numbers, a discriminator of one."""
    z = jnp.concatenate([state.params.gen, state.params.disc])
    z = jnp.asarray(MATRIX) @ z + (0 if batch is None else batch)
    return state._replace(params=Players(z[:2], z[2:]), step=state.step + 1), {}


@pytest.fixture
def state(x64):
    return GanState(
        step=jnp.int32(3),
        params=Players(gen=jnp.array([1.0, 2.0]), disc=jnp.array([3.0])),
        opt_state=Players(gen=(), disc=()),
        model_state=Players(gen=(), disc=()),
        memory=(),
        average=jnp.array([7.0]),
    )


def test_jacobian_of_a_linear_map_is_its_matrix(state):
    np.testing.assert_allclose(dynamics.update_map_jacobian(linear, state), MATRIX, rtol=1e-15)
    shifted = dynamics.update_map_jacobian(linear, state, batch=jnp.ones(3))
    np.testing.assert_allclose(shifted, MATRIX, rtol=1e-15)


def test_spectrum_is_sorted_and_complex(state):
    spectrum = dynamics.update_map_spectrum(linear, state)
    assert spectrum.dtype == np.complex128
    assert (np.diff(np.abs(spectrum)) <= 1e-12).all()
    expected = np.linalg.eigvals(MATRIX)
    np.testing.assert_allclose(np.sort_complex(spectrum), np.sort_complex(expected), rtol=1e-10)


def test_memory_counts_and_the_average_does_not(state):
    def with_memory(state, batch, rng):
        new = state.params.gen + 0.5 * state.memory
        return state._replace(params=state.params._replace(gen=new), memory=state.params.gen), {}

    state = state._replace(memory=jnp.zeros(2))
    assert dynamics.update_map_jacobian(with_memory, state).shape == (5, 5)


def test_the_step_gets_its_key(state):
    def noisy(state, batch, rng):
        factor = jax.random.normal(rng)
        return state._replace(params=jax.tree.map(lambda p: factor * p, state.params)), {}

    key = jax.random.key(5)
    jacobian = dynamics.update_map_jacobian(noisy, state, rng=key)
    np.testing.assert_allclose(jacobian, jax.random.normal(key) * np.eye(3), rtol=1e-15)


M = np.array([[3.0, 0.3, 2.0], [0.3, 2.5, -1.0], [2.0, -1.0, 3.0]])
N = np.array([[4.0, 0.0, 0.7], [0.0, 5.0, 0.9], [0.7, 0.9, 2.0]])


def start(game, batch=None):
    tx = Players(optax.sgd(0.1), optax.sgd(0.1))
    return schemes.simultaneous(game, tx).init(jax.random.key(0), batch)


def test_game_jacobian_of_a_quadratic_game(x64):
    """Rows of M for x, rows of N for y; neither symmetric nor antisymmetric."""
    game = games.quadratic(M, N, gen_dim=2)
    expected = np.linalg.eigvals(np.concatenate([M[:2], N[2:]]))
    found = dynamics.game_jacobian_spectrum(game, start(game))
    np.testing.assert_allclose(np.sort_complex(found), np.sort_complex(expected), rtol=1e-10)
    hessians = dynamics.hessian_spectra(game, start(game))
    np.testing.assert_allclose(hessians.gen, np.linalg.eigvalsh(M[:2, :2])[::-1], rtol=1e-10)
    np.testing.assert_allclose(hessians.disc, N[2:, 2], rtol=1e-10)
    assert hessians.gen.dtype == np.float64


def gan_state():
    """A small GAN with R1, away from its start, in float64."""
    game = games.gan(
        nets.MLPGenerator((2,), width=6, depth=1),
        nets.MLPDiscriminator(width=6, depth=1),
        z_dim=3,
        penalties=(penalties.r1(0.5),),
    )
    batch = {"x": jax.random.normal(jax.random.key(1), (8, 2))}
    adam = Players(optax.adam(1e-2), optax.adam(1e-2))
    scheme = schemes.extragradient(game, adam)
    state = jax.device_get(jax.jit(scheme.init)(jax.random.key(0), batch))
    state = jax.tree.map(lambda a: a.astype(float) if a.dtype == jnp.float32 else a, state)
    for _ in range(3):
        state, _ = jax.jit(scheme.step)(state, batch, jax.random.key(2))
    return game, scheme, state, batch


@pytest.mark.slow
def test_arnoldi_finds_the_top_of_the_dense_spectra(x64):
    """Eigenvalues come in conjugate pairs, so moduli are compared."""
    game, scheme, state, batch = gan_state()
    for function, first in (
        (dynamics.update_map_spectrum, scheme.step),
        (dynamics.game_jacobian_spectrum, game),
    ):
        dense, few = function(first, state, batch), function(first, state, batch, top=6)
        assert few.shape == (6,)
        assert few.dtype == np.complex128
        np.testing.assert_allclose(np.abs(few), np.abs(dense[:6]), rtol=1e-8)  # Arnoldi's own
    dense = dynamics.hessian_spectra(game, state, batch)
    few = dynamics.hessian_spectra(game, state, batch, top=4)
    for player in ("gen", "disc"):
        a, b = getattr(few, player), getattr(dense, player)
        np.testing.assert_allclose(a, b[:4], rtol=1e-8)


def test_products_are_of_the_jacobian_itself(x64):
    """The eigenvector tells J from J^T, which the eigenvalues do not."""
    game, _, state, batch = gan_state()
    flat, unravel = jax.flatten_util.ravel_pytree(state.params)
    field = dynamics.gradient_field(game, state, batch)

    @jax.jit
    def values(z):
        return jax.flatten_util.ravel_pytree(field(unravel(z)))[0]

    v = jax.random.normal(jax.random.key(3), flat.shape)
    product = jax.jvp(values, (flat,), (v,))[1]
    h = 1e-6
    difference = (values(flat + h * v) - values(flat - h * v)) / (2 * h)
    np.testing.assert_allclose(product, difference, rtol=1e-5, atol=1e-7)  # central, ReLU kinks


@telling
def test_matrix_free_on_a_large_network():
    """More than 1e5 parameters, 4e5 floats in the state, in float32: no matrix could be held."""
    game = games.gan(nets.MLPGenerator((2,), width=256), nets.MLPDiscriminator(width=256), z_dim=8)
    batch = {"x": jax.random.normal(jax.random.key(1), (16, 2))}
    adam = Players(*(optax.adam(1e-3, eps_root=1e-8) for _ in range(2)))
    scheme = schemes.simultaneous(game, adam)
    state = jax.jit(scheme.init)(jax.random.key(0), batch)
    for _ in range(3):
        state, _ = jax.jit(scheme.step)(state, batch, jax.random.key(2))
    assert optax.tree.size(state.params) > 1e5
    spectrum = dynamics.update_map_spectrum(scheme.step, state, batch, top=2)
    assert spectrum.shape == (2,)
    assert np.isfinite(spectrum).all()


def test_matrix_free_finds_a_known_spectrum():
    """Two players of 60,000 parameters, momentum beside them: no matrix could be held.

    A player of curvature a under SGD with momentum beta has the eigenvalues of
    l^2 - (1 + beta - h a) l + beta.
    """
    curvatures = jnp.linspace(0.1, 1.0, 60_000).at[-1].set(20.0)

    def losses(params, model_state, batch, rng):
        gen, disc = (jnp.sum(curvatures * p**2) / 2 for p in params)
        return Players(gen=Loss(gen, (), {}), disc=Loss(disc / 2, (), {}))

    def init(rng, batch=None):
        return Players(jnp.ones(60_000), jnp.ones(60_000)), Players((), ())

    h, beta = 0.3, 0.5
    tx = Players(*(optax.sgd(h, momentum=beta) for _ in range(2)))
    scheme = schemes.simultaneous(Game(init, losses), tx)
    state = scheme.init(jax.random.key(0), None)
    found = dynamics.update_map_spectrum(scheme.step, state, top=2)
    expected = [np.abs(np.roots([1, -(1 + beta - h * a), beta])).max() for a in (20, 10)]
    np.testing.assert_allclose(np.abs(found), expected, rtol=1e-4)  # float32
    jacobian = dynamics.game_jacobian_spectrum(Game(init, losses), state, top=2)
    np.testing.assert_allclose(jacobian, [20, 10], rtol=1e-4)
    hessians = dynamics.hessian_spectra(Game(init, losses), state, top=1)
    np.testing.assert_allclose([hessians.gen[0], hessians.disc[0]], [20, 10], rtol=1e-4)


def test_no_curvature_is_no_error(x64):
    game = games.bilinear(dim=40)
    np.testing.assert_array_equal(dynamics.hessian_spectra(game, start(game), top=2).gen, [0, 0])


def test_no_finite_derivative_is_told(x64):
    """At the start Adam's second moments are 0."""
    game = games.bilinear()
    for eps_root in (0.0, 1e-8):
        scheme = schemes.simultaneous(
            game, Players(*(optax.adam(0.1, eps_root=eps_root) for _ in range(2)))
        )
        state = scheme.init(jax.random.key(0), None)
        state = state._replace(params=Players(jnp.zeros(1), jnp.zeros(1)))
        if eps_root:
            assert np.isfinite(dynamics.update_map_spectrum(scheme.step, state)).all()
        else:
            with pytest.raises(ValueError, match="eps_root"):
                dynamics.update_map_spectrum(scheme.step, state)


def test_top_out_of_range_is_refused(x64):
    game = games.bilinear()
    with pytest.raises(ValueError, match="top=0"):
        dynamics.game_jacobian_spectrum(game, start(game), top=0)
    assert dynamics.game_jacobian_spectrum(game, start(game), top=1).shape == (1,)
