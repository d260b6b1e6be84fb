"""The linearised update map of maps whose derivative is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganjax import dynamics
from ganjax.types import GanState, Players

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
