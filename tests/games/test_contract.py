"""The contract of every system: it plays with any scheme, over seeds, on devices, and resumes."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ganjax import checkpoints, games, nets, penalties, schemes
from ganjax.types import Players

RNG = jax.random.key(0)
ROWS = 8  # of a batch: one for each device
mlp = partial(nets.MLPGenerator, (4, 4, 1), width=4, depth=1)
critic = partial(nets.MLPDiscriminator, width=4, depth=1)


def images():
    return jax.random.uniform(jax.random.key(1), (ROWS, 4, 4, 1), float, minval=-1)


def labels():
    return jnp.arange(ROWS) % 3


# Every system: () -> (game, batch).
SYSTEMS = {
    "cycle": lambda: (
        games.cycle(nets.ResidualMLP((2,), width=4), critic(), pool_size=3),
        {"a": images()[:, 0, :2, 0], "b": images()[:, 1, :2, 0]},
    ),
    "gan": lambda: (
        games.gan(mlp(), critic(), z_dim=3, penalties=(penalties.r1(1.0),)),
        {"x": images()},
    ),
    "paired": lambda: (
        games.paired(nets.ResidualMLP((2,), width=4), critic(), l1_weight=1.0),
        {"a": images()[:, 0, :2, 0], "b": images()[:, 1, :2, 0]},
    ),
}
PLAY = {
    "alternating": partial(schemes.alternating, disc_updates=2),
    "extragradient": schemes.extragradient,
    "simultaneous": schemes.simultaneous,
    "unrolled": partial(schemes.unrolled, unroll_steps=1),
}


def double(tree):
    return jax.tree.map(lambda a: a.astype(float) if a.dtype == jnp.float32 else a, tree)


def close(a, b, **tolerance):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, **tolerance), a, b)


def moved(before, after):
    return any(
        bool((x != y).any())
        for x, y in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True)
    )


@pytest.mark.parametrize("play", PLAY)
@pytest.mark.parametrize("system", SYSTEMS)
def test_plays_with_any_scheme(system, play, x64, tmp_path):
    """Two steps; as two seeds at once on eight devices; and through a checkpoint between them."""
    game, batch = SYSTEMS[system]()
    sgd = optax.sgd(0.01)  # Adam would hide a gradient of the wrong scale
    scheme = PLAY[play](game, Players(gen=sgd, disc=sgd))

    def init(rng):
        return double(scheme.init(rng, batch))

    state = jax.jit(init)(RNG)
    step = jax.jit(scheme.step)
    first, metrics = step(state, batch, jax.random.key(1))
    chex.assert_trees_all_equal_shapes_and_dtypes(state, first)
    chex.assert_tree_all_finite((first, metrics))
    for player in ("gen", "disc"):
        before, after = getattr(state.params, player), getattr(first.params, player)
        assert moved(before, after) == bool(jax.tree.leaves(before)), player
    checkpoints.save(tmp_path, 1, first, keep=1)
    template = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), state)
    _, restored = checkpoints.restore(tmp_path, template)
    second, _ = step(first, batch, jax.random.key(2))
    resumed, _ = step(restored, batch, jax.random.key(2))
    close(resumed, second, rtol=0)

    mesh = jax.make_mesh((8,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    split = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("data"))
    whole = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
    states = jax.tree.map(lambda a, b: jnp.stack([a, b]), state, first)
    keys = jnp.stack([jax.random.key(1), jax.random.key(2)])
    together, _ = jax.jit(jax.vmap(scheme.step, in_axes=(0, None, 0)))(
        *jax.device_put((states, batch, keys), (whole, split, whole))
    )
    for seed, alone in enumerate((first, second)):
        own = jax.tree.map(lambda leaf, seed=seed: leaf[seed], together)
        close(own, alone, rtol=1e-9, atol=1e-11)
