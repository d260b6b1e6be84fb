"""ProGAN's networks against its formulas written out once more, its sizes, and how they grow."""

import math
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganjax.nets import ProgressiveDiscriminator, ProgressiveGenerator
from ganjax.nets.progressive import halve

RNG = jax.random.key(0)
SMALL = {"fmap_base": 16, "fmap_max": 4}  # 4 channels at 4 and 8 pixels, 2 at 16
HE = math.sqrt(2)


def networks(size):
    return ProgressiveGenerator((size, size, 3), **SMALL), ProgressiveDiscriminator(**SMALL)


def shapes(network, shape):
    return jax.eval_shape(network.init, RNG, jnp.zeros((4, *shape)))["params"]


@cache
def started(size):
    """Both networks' parameters and inputs, all normal, biases too, in float64."""
    random, (gen, disc) = np.random.RandomState(size), networks(size)
    z, x = random.normal(size=(4, 3)), random.normal(size=(4, size, size, 3))
    params = (shapes(gen, (3,)), shapes(disc, x.shape[1:]))
    return *jax.tree.map(lambda leaf: random.normal(size=leaf.shape), params), z, x


@cache
def run(size, player):
    """A network as a compiled function (params, inputs, alpha)."""
    network = networks(size)[player]
    return jax.jit(lambda params, data, alpha: network.apply({"params": params}, data, alpha))


# The paper once more, in numpy.


def scale(kernel, gain=HE):
    return gain / math.sqrt(math.prod(kernel.shape[:-1]))


def leaky(x):
    return np.where(x > 0, x, 0.2 * x)


def normalised(x):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-8)


def dense(layer, x, gain=HE):
    return x @ layer["kernel"] * scale(layer["kernel"], gain) + layer["bias"]


def conv(layer, x, halved=False):
    """Sums of shifted images, zeros around them; means over 2x2 pixels before the activation."""
    kernel, (_, h, w, _) = layer["kernel"], x.shape
    around = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    taps = [around[:, i : i + h, j : j + w] @ kernel[i, j] for i in range(3) for j in range(3)]
    x = down(sum(taps)) if halved else sum(taps)
    return leaky(x * scale(kernel) + layer["bias"])


def up(x):
    return np.kron(x, np.ones((1, 2, 2, 1)))


def down(x):
    return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4


def generated(p, z, alpha):
    """16 pixels."""
    first = p["block_4_dense"]["kernel"]
    x = (normalised(z) @ first * scale(first, HE / 4)).reshape(4, 4, 4, 4)
    x = normalised(leaky(x + p["block_4_bias"]))
    x = normalised(conv(p["block_4_conv_1"], x))
    for size in (8, 16):
        old = x
        x = normalised(conv(p[f"block_{size}_conv_0"], up(x)))
        x = normalised(conv(p[f"block_{size}_conv_1"], x))
    before, after = dense(p["to_rgb_8"], old, 1.0), dense(p["to_rgb_16"], x, 1.0)
    return (1 - alpha) * up(before) + alpha * after


def judged(p, x, alpha):
    """16 pixels."""
    new = conv(p["block_16_conv_0"], leaky(dense(p["from_rgb_16"], x)))
    new = conv(p["block_16_conv_1"], new, halved=True)
    old = leaky(dense(p["from_rgb_8"], down(x)))
    x = (1 - alpha) * old + alpha * new
    x = conv(p["block_8_conv_1"], conv(p["block_8_conv_0"], x), halved=True)
    spread = np.sqrt(x.var(0) + 1e-8).mean()  # one group of four
    x = np.concatenate([x, np.full((4, 4, 4, 1), spread)], -1)
    x = conv(p["block_4_conv"], x).reshape(4, -1)
    return dense(p["logit"], leaky(dense(p["block_4_dense"], x)), 1.0)[:, 0]


@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_both_are_the_paper(alpha, x64):
    gen, disc, z, x = started(16)
    np.testing.assert_allclose(run(16, 0)(gen, z, alpha), generated(gen, z, alpha), rtol=1e-10)
    np.testing.assert_allclose(run(16, 1)(disc, x, alpha), judged(disc, x, alpha), rtol=1e-10)


def test_the_papers_constants(x64):
    """Scales of its kernels, and the functions above on the papers' examples."""
    gen = shapes(ProgressiveGenerator((8, 8, 3)), (512,))
    np.testing.assert_allclose(scale(gen["block_8_conv_0"]["kernel"]), 0.0208333, rtol=2e-6)
    assert gen["block_4_dense"]["kernel"].shape == (512, 8192)
    np.testing.assert_allclose(scale(gen["block_4_dense"]["kernel"], HE / 4), 0.015625, rtol=1e-12)
    np.testing.assert_allclose(normalised(np.array([3.0, 4.0])), [0.848528, 1.131371], atol=1e-6)


def test_the_minibatch_standard_deviation_reaches_the_last_block(x64):
    """Rows (1,2), (3,4), (5,6), (7,8) have 2.2360680: seen through a convolution that copies it."""
    network = ProgressiveDiscriminator(fmap_base=4, fmap_max=2)
    x = jnp.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]).reshape(4, 1, 1, 2)
    x = jnp.broadcast_to(x, (4, 4, 4, 2))
    params = jax.tree.map(
        lambda leaf: np.zeros(leaf.shape), jax.eval_shape(network.init, RNG, x)["params"]
    )
    params["from_rgb_4"]["kernel"][:] = np.eye(2)  # fan-in 2: the scale is 1
    params["block_4_conv"]["kernel"][1, 1, 2, 0] = 1 / scale(params["block_4_conv"]["kernel"])
    params["block_4_dense"]["kernel"][0, 0] = 1 / scale(params["block_4_dense"]["kernel"])
    params["logit"]["kernel"][0] = 1 / scale(params["logit"]["kernel"], 1.0)
    logits = network.apply({"params": params}, x)
    np.testing.assert_allclose(logits, np.sqrt(5 + 1e-8), rtol=1e-10)
    np.testing.assert_allclose(logits, 2.2360680, rtol=1e-7)


@pytest.mark.parametrize(
    ("size", "gen", "disc"), [(32, 20_719_628, 20_726_785), (1024, 23_079_115, 23_087_249)]
)
def test_the_papers_sizes(size, gen, disc):
    """Of blocks and all layers from and to colours, counted in its code."""
    for network, shape, count in (
        (ProgressiveGenerator((size, size, 3)), (512,), gen),
        (ProgressiveDiscriminator(), (size, size, 3), disc),
    ):
        leaves = jax.tree.leaves(shapes(network, shape))
        assert sum(math.prod(leaf.shape) for leaf in leaves) == count


@pytest.mark.parametrize("size", [8, 16])
def test_a_network_holds_every_leaf_of_the_one_before(size):
    for player, colours in enumerate(("to_rgb", "from_rgb")):
        large, small = (
            shapes(networks(side)[player], (side, side, 3) if player else (3,))
            for side in (2 * size, size)
        )
        held = jax.tree.map(lambda leaf: leaf.shape, {name: large[name] for name in small})
        assert held == jax.tree.map(lambda leaf: leaf.shape, small)
        block = f"block_{2 * size}_conv"
        assert set(large) - set(small) == {f"{block}_0", f"{block}_1", f"{colours}_{2 * size}"}


def test_at_alpha_0_nothing_has_changed(x64):
    """The generator's image is the old one doubled; the discriminator is the old one, halved."""
    gen, disc, z, x = started(16)
    small = {k: v for k, v in gen.items() if "16" not in k}
    old = run(8, 0)(small, z, 1.0)
    np.testing.assert_array_equal(run(16, 0)(gen, z, 0.0), up(np.asarray(old)))
    small = {k: v for k, v in disc.items() if "16" not in k}
    old = run(8, 1)(small, halve(x), 1.0)
    np.testing.assert_allclose(run(16, 1)(disc, x, 0.0), old, rtol=1e-13)
    np.testing.assert_allclose(halve(x), down(np.asarray(x)), rtol=1e-13)


def test_at_alpha_1_the_old_path_is_gone(x64):
    """Bitwise whatever the old layers from and to colours are, which have no gradient then."""
    gen, disc, z, x = started(16)
    for player, params, data, layer in ((0, gen, z, "to_rgb_8"), (1, disc, x, "from_rgb_8")):
        other = {**params, layer: jax.tree.map(lambda p: p + 1, params[layer])}
        np.testing.assert_array_equal(
            run(16, player)(params, data, 1.0), run(16, player)(other, data, 1.0)
        )
        assert not np.array_equal(
            run(16, player)(params, data, 0.9), run(16, player)(other, data, 0.9)
        )
        gradient = jax.jit(jax.grad(lambda p: run(16, player)(p, data, 1.0).sum()))(params)  # noqa: B023
        for name, leaves in gradient.items():
            dead = name in ("to_rgb_4", "to_rgb_8", "from_rgb_4", "from_rgb_8")
            for leaf in jax.tree.leaves(leaves):
                assert bool((leaf != 0).any()) != dead, name


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((12, 12, 1), "12 is not a power of two from 4 on.*e.g. to 16"),
        ((8, 16, 1), "square"),
        ((2,), "square"),
    ],
)
def test_shapes_that_cannot_grow_are_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        ProgressiveGenerator(shape, **SMALL).init(RNG, jnp.zeros((2, 3)))
    with pytest.raises(ValueError, match=message):
        ProgressiveDiscriminator(**SMALL).init(RNG, jnp.zeros((2, *shape)))


def test_sizes_are_checked():
    with pytest.raises(ValueError, match=r"fmap_max=0 must be .* at least 1"):
        ProgressiveDiscriminator(fmap_max=0).init(RNG, jnp.zeros((2, 4, 4, 1)))
