"""R1 + R2 of R3GAN's discriminator are exact in every form of a compiled step.

Against slopes by forward mode, one pixel at a time, and their derivatives by forward mode: the
penalties take both by reverse mode. A compiler that drops the second pass leaves the value right
and the gradient wrong (pytorch issue 181581).
"""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ganjax import penalties
from ganjax.nets import R3GANDiscriminator

DISC = R3GANDiscriminator(widths=(6, 4), groups=(3, 2), blocks=1)
SEEDS, ROWS, UPDATES = 2, 8, 30
WEIGHT = 0.5 * (0.55 + 0.45 * np.cos(np.pi * UPDATES / 40))
R1_AND_R2 = [
    penalties.scheduled(optax.cosine_decay_schedule(0.5, 40, alpha=0.1), row(1.0))
    for row in (penalties.r1, penalties.r2)
]


@cache
def players():
    """(parameters, data, samples), each with an axis of seeds in front; leaves are all normal."""
    x_real, x_fake = jax.random.normal(jax.random.key(0), (2, SEEDS, ROWS, 8, 8, 1))
    shapes = jax.eval_shape(lambda x: DISC.init(jax.random.key(0), x), x_real[0])
    draw = np.random.RandomState(1).normal
    params = jax.tree.map(lambda leaf: jnp.asarray(draw(0, 0.6, (SEEDS, *leaf.shape))), shapes)
    return params, x_real, x_fake


@jax.value_and_grad
def penalised(params, x_real, x_fake):
    """The penalties as a game adds them up."""
    return sum(
        penalty(lambda x: DISC.apply(params, x), x_real, x_fake, None, updates=UPDATES)
        for penalty in R1_AND_R2
    )


def of_seeds(tree):
    """The tree of each seed."""
    return [jax.tree.map(lambda leaf, seed=seed: leaf[seed], tree) for seed in range(SEEDS)]


def joined(trees):
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


def in_jit(*inputs):
    return joined(jax.jit(penalised)(*seed) for seed in of_seeds(inputs))


def in_vmap(*inputs):
    """Both seeds in one program."""
    return jax.jit(jax.vmap(penalised))(*inputs)


def in_pmap(params, x_real, x_fake):
    """A row a device, means over the devices; the last one's result."""
    mapped = jax.pmap(
        lambda *inputs: jax.lax.pmean(penalised(*inputs), "data"),
        axis_name="data",
        in_axes=(None, 0, 0),
    )
    split = [x.reshape(SEEDS, 8, ROWS // 8, *x.shape[2:]) for x in (x_real, x_fake)]
    results = joined(mapped(*seed) for seed in of_seeds((params, *split)))
    return jax.tree.map(lambda leaf: leaf[:, -1], results)


def in_sharded_jit(*inputs):
    """A row a device, by the compiler."""
    mesh = jax.make_mesh((8,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    split = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("data"))
    function = jax.jit(penalised)
    return joined(
        function(params, *(jax.device_put(x, split) for x in batches))
        for params, *batches in of_seeds(inputs)
    )


@cache
def expected():
    """Of every seed: the value, and its derivatives along three directions of the parameters."""
    params, x_real, x_fake = players()

    def value(params, x_real, x_fake):
        def slope(x):  # [8, 8, 1], by a derivative a pixel
            return jax.jacfwd(lambda x: DISC.apply(params, x[None])[0])(x)

        squares = jax.vmap(lambda x: jnp.sum(slope(x) ** 2))(jnp.concatenate([x_real, x_fake]))
        return WEIGHT / 2 * jnp.sum(squares) / ROWS

    def along(params, x_real, x_fake, direction):
        return jax.jvp(lambda p: value(p, x_real, x_fake), (params,), (direction,))

    both = jax.jit(jax.vmap(along))
    told = [both(params, x_real, x_fake, direction) for direction in directions()]
    return told[0][0], [slope for _, slope in told]


def directions():
    draw = np.random.RandomState(2).normal
    return [jax.tree.map(lambda leaf: draw(size=leaf.shape), players()[0]) for _ in range(3)]


@pytest.mark.parametrize("form", [in_jit, in_vmap, in_pmap, in_sharded_jit])
def test_r1_and_r2_are_exact(form, x64):
    assert jax.device_count() == 8
    value, gradient = form(*players())
    penalty, slopes = expected()
    np.testing.assert_allclose(value, penalty, rtol=1e-10)
    for direction, slope in zip(directions(), slopes, strict=True):
        products = jax.tree.map(lambda a, b: (a * b).reshape(SEEDS, -1).sum(1), gradient, direction)
        got = sum(jax.tree.leaves(products))
        assert (abs(slope) > 1e-3).all()
        np.testing.assert_allclose(got, slope, rtol=1e-9)  # sums of thousands of products
