"""A batch in parts: the numbers of the whole, in the memory of a part."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from marks import marked, telling

from ganjax import experiment, games, train
from ganjax.errors import ConfigError

SGD = {"name": "sgd", "learning_rate": 0.05}
MLP = {"name": "mlp", "width": 8, "depth": 1}
DCGAN = {"name": "dcgan", "width": 4, "norm": "none"}
DIGITS = {
    "steps": 5,
    "batch_size": 16,
    "data": {"name": "digits"},
    "game": {"name": "gan", "z_dim": 4, "augment": {"name": "translate"}},
    "generator": MLP,
    "discriminator": MLP,
    "loss": {"name": "non_saturating"},
    "penalties": {"wgan_gp": {"name": "wgan_gp", "weight": 1.0}},
    "scheme": {"name": "alternating"},
    "gen_tx": SGD,
    "disc_tx": SGD,
}
SCHEMES = {
    "alternating": {"disc_updates": 2, "fresh_batches": True},
    "unrolled": {"unroll_steps": 2},
}


def played(parts, scheme):
    scheme = {"name": scheme, **SCHEMES[scheme]}
    built = experiment.build({**DIGITS, "scheme": scheme, "accumulate": parts})
    state = experiment.initial_state(built, jax.random.key(0))
    wide = jax.tree.map(
        lambda x: x.astype(float) if jnp.issubdtype(x.dtype, jnp.inexact) else x,
        (state, built.train),
    )
    state, train_data = wide
    return jax.jit(train.chunk(built, 5))(state, train_data, jax.random.key(1), jnp.int32(0))


@pytest.mark.parametrize("scheme", marked(SCHEMES, ["alternating"], telling=["unrolled"]))
def test_parts_add_up_to_the_whole(scheme, x64):
    """Latents, augmentations and the penalty's points are the whole batch's, row by row."""
    (whole, told), (four, told_four) = played(1, scheme), played(4, scheme)
    for one, other in zip(jax.tree.leaves(whole), jax.tree.leaves(four), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)
    for key in told.metrics:
        np.testing.assert_allclose(told.metrics[key], told_four.metrics[key], rtol=1e-5)


@telling
def test_the_memory_is_that_of_a_part():
    def planned(parts):
        config = {**DIGITS, "discriminator": DCGAN, "batch_size": 256, "accumulate": parts}
        config |= {"game": {"name": "gan", "z_dim": 4}, "penalties": {}}
        return train.compiled_chunk(experiment.build(config), 1).memory_analysis()

    assert planned(8).temp_size_in_bytes < planned(1).temp_size_in_bytes / 3


def test_what_does_not_divide_is_refused():
    with pytest.raises(ConfigError, match="accumulate=3 must divide batch_size=16"):
        experiment.build({**DIGITS, "accumulate": 3})
    with pytest.raises(ValueError, match="parts=0 must be a whole number"):
        games.accumulated(games.bilinear(), 0)


def test_an_image_pool_refuses_parts():
    """Each part would change it; without a pool the parts are the batch."""
    networks = {"generator": {"name": "residual_mlp"}, "discriminator": {"name": "mlp"}}
    config = {key: DIGITS[key] for key in ("batch_size", "scheme", "gen_tx", "disc_tx")}
    config |= {**networks, "data": {"name": "affine_domains"}, "accumulate": 2}
    with pytest.raises(ConfigError, match=r"accumulate=2 .* set game\.pool_size to 0 or"):
        experiment.build({**config, "game": {"name": "cycle"}})
    experiment.build({**config, "game": {"name": "cycle", "pool_size": 0}})
