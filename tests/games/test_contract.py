"""The contract of every system: it plays with any scheme, over seeds, on devices, and resumes."""

import inspect
from functools import partial

import chex
import examples
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from marks import marked

from ganjax import checkpoints, games, nets, penalties, schemes
from ganjax.types import Players

RNG = jax.random.key(0)
ROWS = 8  # of a batch: one for each device
SMALL = {"width": 4, "depth": 1, "kernel_init": examples.waves}
autoencoder = partial(nets.AUTOENCODERS["mlp_autoencoder"], (4, 4, 1), z_dim=2, width=4, depth=1)
mlp = partial(nets.MLPGenerator, (4, 4, 1), **SMALL)
critic = partial(nets.MLPDiscriminator, **SMALL)


def images():
    return jax.random.uniform(jax.random.key(1), (ROWS, 4, 4, 1), float, minval=-1)


def points():
    return jax.random.normal(jax.random.key(1), (ROWS, 2), float)


def labels():
    return jnp.arange(ROWS) % 3


# Every system: () -> (game, batch).
SYSTEMS = {
    "adversarial_autoencoder": lambda: (
        games.adversarial_autoencoder(autoencoder(), critic(), z_dim=2),
        {"x": images()},
    ),
    "autoencoder": lambda: (games.autoencoder(autoencoder()), {"x": images()}),
    "boundary_equilibrium": lambda: (
        games.boundary_equilibrium(mlp(), autoencoder(), z_dim=3, gamma=1.0, lambda_k=0.1),
        {"x": images()},
    ),
    "conditional": lambda: (
        games.conditional(
            *(
                network(labels=partial(nets.LABELS["one_hot"], num_classes=3))
                for network in (mlp, critic)
            ),
            num_classes=3,
            z_dim=3,
            packing=2,
        ),
        {"x": images(), "y": labels()},
    ),
    "cycle": lambda: (
        games.cycle(nets.MLPGenerator((2,), **SMALL), critic(), pool_size=5),
        {"a": points(), "b": -points()},
    ),
    "energy_based": lambda: (
        games.energy_based(mlp(), autoencoder(), z_dim=3),
        {"x": images()},
    ),
    "gan": lambda: (
        games.gan(mlp(), critic(), z_dim=3, penalties=(penalties.r1(1.0),)),
        {"x": images()},
    ),
    "paired": lambda: (
        games.paired(nets.MLPGenerator((2,), **SMALL), critic()),
        {"a": points(), "b": -points()},
    ),
    "progressive": lambda: (
        games.progressive(
            nets.ProgressiveGenerator((8, 8, 1), fmap_max=4),
            nets.ProgressiveDiscriminator(fmap_max=4),
            z_dim=3,
            fade_steps=3,
        ),
        {"x": jnp.tile(images(), (1, 2, 2, 1))},
    ),
    "semi_supervised": lambda: (
        games.semi_supervised(
            mlp(),
            critic(head=partial(nets.HEADS["classifier"], num_classes=3)),
            3,
            z_dim=3,
            pseudo_label_weight=1.0,
            confidence=0.0,
        ),
        {"x": images(), "x_labelled": -images(), "y": labels()},
    ),
    "vae": lambda: (games.vae(autoencoder(moments=2), z_dim=2), {"x": images()}),
}
PLAY = {
    "alternating": schemes.alternating,
    "alternating_2": partial(schemes.alternating, disc_updates=2),
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


def test_every_system_is_here():
    """All games that are made from networks."""
    networks = {"autoencoder", "generator", "discriminator"}
    systems = {
        name
        for name, factory in games.GAMES.items()
        if networks & inspect.signature(factory).parameters.keys()
    }
    assert systems == SYSTEMS.keys()


# By default each system as it is mostly played; convolutions that grow compile long.
CASES = marked(
    [(system, play) for system in SYSTEMS for play in PLAY],
    default=[(system, "alternating") for system in SYSTEMS if system != "progressive"],
    telling=[
        ("progressive", "simultaneous"),
        ("conditional", "extragradient"),
        ("cycle", "alternating_2"),
        ("cycle", "simultaneous"),
        ("gan", "alternating_2"),
        ("gan", "unrolled"),
    ],
)


@pytest.mark.parametrize(("system", "play"), CASES)
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
    restored = jax.device_get(checkpoints.restore(tmp_path, template)[1])
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
