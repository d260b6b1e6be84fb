"""A discriminator divided by its gradient: values, slopes, and training."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from ganjax import experiment, nets, train

X = jax.random.normal(jax.random.key(1), (16, 4, 4, 1))


def normalised(critic):
    module = nets.GradientNormalisedDiscriminator(critic)
    return module, module.init(jax.random.key(0), X)


@pytest.mark.parametrize("depth", [0, 3])
def test_the_slope_is_the_papers(depth):
    """Of a piecewise linear critic; scaling it changes nothing but the offset of its layers."""
    critic = nets.MLPDiscriminator(width=16, depth=depth, activation=nn.relu)
    module, variables = normalised(critic)
    inside = {"params": variables["params"]["critic"]}

    def f(x):
        return critic.apply(inside, x[None])[0]

    def divided(x):
        return module.apply(variables, x[None])[0]

    values, slopes = jax.vmap(jax.value_and_grad(f))(X)
    norms = np.linalg.norm(slopes.reshape(16, -1), axis=1)
    found, own = jax.vmap(jax.value_and_grad(divided))(X)
    np.testing.assert_allclose(found, values / (norms + np.abs(values)), rtol=1e-5)
    expected = (norms / (norms + np.abs(values))) ** 2
    np.testing.assert_allclose(np.linalg.norm(own.reshape(16, -1), axis=1), expected, rtol=1e-4)
    assert (np.abs(found) < 1).all()
    assert (expected <= 1).all()


def test_the_critic_is_as_by_itself_in_a_batch_and_with_a_state():
    """Power iterations advance; a flat critic has a finite gradient."""
    critic = nets.MLPDiscriminator(width=8, weights=nets.WEIGHTS["spectral"])
    module, variables = normalised(critic)
    _, after = module.apply(variables, X, mutable=["spectral"])
    before = jax.tree.leaves(variables["spectral"])
    assert any((a != b).any() for a, b in zip(before, jax.tree.leaves(after), strict=True))
    flat = jax.tree.map(jnp.zeros_like, variables)
    gradient = jax.grad(lambda v: module.apply(v, X, train=False).sum())(flat)
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


def test_more_than_logits_are_refused():
    with pytest.raises(ValueError, match=r"logits \[16\]"):
        normalised(nets.MLPDiscriminator(head=lambda x, y, dense: (x, x)))


def test_it_trains_from_a_config(tmp_path):
    mlp = {"name": "mlp", "width": 8, "depth": 1}
    adam = {"name": "adam", "learning_rate": 1e-3}
    built = experiment.build(
        {
            "steps": 3,
            "batch_size": 8,
            "data": {"name": "ring"},
            "game": {"name": "gan", "z_dim": 4},
            "generator": mlp,
            "discriminator": {"name": "gradient_normalised", "critic": {**mlp, "width": 6}},
            "loss": {"name": "hinge"},
            "scheme": {"name": "alternating"},
            "gen_tx": adam,
            "disc_tx": adam,
        }
    )
    assert train.train(built, tmp_path).step == 3
    kernel = experiment.load(tmp_path).state.params.disc["critic"]["Dense_0"]["kernel"]
    assert kernel.shape == (2, 6)
