"""Weight clipping and two time scales."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ganjax import dynamics, games, losses, nets, optimisers, schemes
from ganjax.types import Players

RNG = jax.random.key(0)


def test_clipping_comes_after_the_update(x64):
    """Parameters beyond the limit move first; a clamp before the step would leave them outside."""
    tx = optimisers.clip_weights(optax.sgd(1.0), limit=0.5)
    params = {"w": jnp.array([0.4, -0.4, 0.2, 3.0]), "b": jnp.array([-0.5])}
    gradients = {"w": jnp.array([-0.3, 0.05, 0.1, 2.8]), "b": jnp.array([0.1])}
    updates, _ = tx.update(gradients, tx.init(params), params)
    moved = optax.apply_updates(params, updates)
    np.testing.assert_allclose(moved["w"], [0.5, -0.45, 0.1, 0.2], rtol=1e-15)
    np.testing.assert_allclose(moved["b"], [-0.5], rtol=1e-15)


@pytest.mark.parametrize("inner", [optax.rmsprop(0.05), optax.adam(0.05)])
def test_a_critic_stays_in_its_box(inner):
    """WGAN with five critic updates a step: after every step all weights are within c."""
    generator, critic = nets.MLPGenerator((2,), width=8), nets.MLPDiscriminator(width=8)
    game = games.gan(generator, critic, loss=losses.wasserstein, z_dim=2)
    tx = Players(gen=optax.sgd(0.1), disc=optimisers.clip_weights(inner, limit=0.01))
    scheme = schemes.alternating(game, tx, disc_updates=5)
    batch = {"x": 2 + jax.random.normal(RNG, (8, 2))}
    state = scheme.init(RNG, batch)
    assert max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(state.params.disc)) > 0.1
    step = jax.jit(scheme.step)
    for key in jax.random.split(RNG, 3):
        state, _ = step(state, batch, key)
        for leaf in jax.tree.leaves(state.params.disc):
            assert float(jnp.abs(leaf).max()) <= 0.01 * (1 + 1e-6)  # one rounding
        assert max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(state.params.gen)) > 0.1
    edges = [jnp.isclose(jnp.abs(leaf), 0.01).mean() for leaf in jax.tree.leaves(state.params.disc)]
    assert max(map(float, edges)) > 0.5


def test_clipping_is_named_in_a_config():
    section = {
        "name": "clip_weights",
        "limit": 0.02,
        "inner": {"name": "rmsprop", "learning_rate": 5e-5},
    }
    tx = optimisers.transform("disc_tx", section)
    params = jnp.array([0.7])
    updates, _ = tx.update(jnp.array([0.0]), tx.init(params), params)
    np.testing.assert_allclose(params + updates, [0.02], rtol=1e-6)


def test_clipping_refuses_what_makes_no_sense():
    with pytest.raises(ValueError, match=r"limit=0.0 must be in \(0, inf\)"):
        optimisers.clip_weights(optax.sgd(0.1), limit=0.0)
    tx = optimisers.clip_weights(optax.sgd(0.1))
    with pytest.raises(ValueError, match="needs the parameters"):
        tx.update(jnp.ones(1), tx.init(jnp.ones(1)))


def test_two_time_scales(x64):
    """TTUR (arXiv:1706.08500) is two learning rates: on V = x y the radius is sqrt(1 + h g)."""
    tx = Players(gen=optax.sgd(0.1), disc=optax.sgd(0.4))
    scheme = schemes.simultaneous(games.bilinear(), tx)
    spectrum = dynamics.update_map_spectrum(scheme.step, scheme.init(RNG))
    np.testing.assert_allclose(abs(spectrum).max(), np.sqrt(1 + 0.1 * 0.4), rtol=1e-12)
