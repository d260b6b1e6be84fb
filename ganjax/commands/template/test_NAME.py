"""The parts do what they say; run `python -m pytest` in this folder."""

import jax
import jax.numpy as jnp
import NAME
import numpy as np
import optax

from ganjax import dynamics, games
from ganjax.types import Players


def test_the_loss_by_hand():
    """D(x) = 3/4 and 1/2 on real data, 1/2 on samples."""
    real, fake = jnp.log(jnp.array([3.0, 1.0])), jnp.zeros(2)
    np.testing.assert_allclose(NAME.logistic.gen(real, fake), np.log(2), rtol=1e-6)
    expected = np.log([4 / 3, 2]).mean() + np.log(2)
    np.testing.assert_allclose(NAME.logistic.disc(real, fake), expected, rtol=1e-6)


def test_the_scheme_has_its_spectral_radius_on_xy():
    """On V = x y the update's eigenvalues have modulus sqrt((1 - h reach)^2 + h^2)."""
    tx = Players(optax.sgd(0.1), optax.sgd(0.1))
    scheme = NAME.far_extragradient(games.bilinear(), tx, reach=0.2)
    state = scheme.init(jax.random.key(0), None)
    radius = np.abs(dynamics.update_map_spectrum(scheme.step, state)).max()
    np.testing.assert_allclose(radius, np.hypot(1 - 0.1 * 0.2, 0.1), rtol=1e-5)
