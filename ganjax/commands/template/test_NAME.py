"""The parts do what they say; run `python -m pytest` in this folder."""

import jax
import jax.numpy as jnp
import NAME
import numpy as np
import optax

from ganjax import dynamics, games
from ganjax.types import Players


def test_the_loss_by_hand():
    real, fake = jnp.array([1.0, 3.0]), jnp.array([0.0, -1.0])
    np.testing.assert_allclose(NAME.squares.gen(real, fake), (1 + 4) / 2)
    np.testing.assert_allclose(NAME.squares.disc(real, fake), (0 + 4) / 2 + (1 + 0) / 2)


def test_the_scheme_has_its_spectral_radius_on_xy():
    """On V = x y the update's eigenvalues have modulus sqrt((1 - h reach)^2 + h^2)."""
    tx = Players(optax.sgd(0.1), optax.sgd(0.1))
    scheme = NAME.far_extragradient(games.bilinear(), tx, reach=0.2)
    state = scheme.init(jax.random.key(0), None)
    radius = np.abs(dynamics.update_map_spectrum(scheme.step, state)).max()
    np.testing.assert_allclose(radius, np.hypot(1 - 0.1 * 0.2, 0.1), rtol=1e-5)
