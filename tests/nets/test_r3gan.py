"""R3GAN's networks against their definition in Flax's layers, their sizes, the labels."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from ganjax.nets import R3GANDiscriminator, R3GANGenerator
from ganjax.nets.r3gan import smooth_double, smooth_halve

RNG = jax.random.key(0)
PAPER = {  # widths, groups, pixels, classes, in the presets of the released training script
    "cifar10": ((768,) * 4, (96,) * 4, 32, 10),
    "ffhq_64": ((768,) * 4 + (384,), (96,) * 4 + (48,), 64, 0),
    "ffhq_256": ((768,) * 4 + (384, 192, 96), (96,) * 4 + (48, 24, 12), 256, 0),
    "imagenet_32": ((1536,) * 4, (96,) * 4, 32, 1000),
    "imagenet_64": ((1536,) * 5, (96,) * 5, 64, 1000),
}


def shapes(module, *inputs):
    return jax.eval_shape(lambda *inputs: module.init(RNG, *inputs), *inputs)["params"]


def random(tree, scale=0.3):
    """Normal leaves, those that start at 0 too, in float64."""
    draw = np.random.RandomState(0).normal
    return jax.tree.map(lambda leaf: jnp.asarray(draw(0, scale, leaf.shape)), tree)


def resized(matrix, x):
    """A matrix [new, old] on both axes of images."""
    return jnp.einsum("Hh,bhwc,Ww->bHWc", matrix, x, matrix)


def filtered(side):
    """[side/2, side]: row i is [1, 3, 3, 1] / 8 from pixel 2i - 1 on, what is outside cut off."""
    rows = np.zeros((side // 2, side + 2))
    for i in range(side // 2):
        rows[i, 2 * i : 2 * i + 4] = np.array([1, 3, 3, 1]) / 8
    return rows[:, 1:-1]


def test_resizing_is_its_filter(x64):
    """Halving by [1, 3, 3, 1] / 8, and doubling by twice the transpose on each axis."""
    x = jax.random.normal(RNG, (2, 6, 6, 3))
    np.testing.assert_allclose(smooth_halve(x), resized(filtered(6), x), rtol=1e-10, atol=1e-12)
    doubled = resized(2 * filtered(12).T, x)
    np.testing.assert_allclose(smooth_double(x), doubled, rtol=1e-10, atol=1e-12)


# The networks once more, of Flax's layers: parameters are numbered in the order of the calls.


class Taken:
    """Hands out a network's layers of each kind, one after another."""

    def __init__(self, params):
        self.params, self.count = params, {}

    def __call__(self, kind):
        index = self.count[kind] = self.count.get(kind, -1) + 1
        return self.params[f"{kind}_{index}"]

    def linear(self, x):
        own = self("Dense")
        y = x @ own["kernel"]
        return y + own["bias"].reshape(1, 1, 1, -1) if "bias" in own else y

    def blocks(self, x, groups):
        for _ in range(2):
            h = nn.leaky_relu(self.linear(x), 0.2)
            own = self("SameConv")
            conv = nn.Conv(h.shape[-1], (3, 3), feature_group_count=groups)
            x = x + self.linear(nn.leaky_relu(conv.apply({"params": own}, h), 0.2))
        return x


def generated(params, z, y):
    taken = Taken(params)
    z = jnp.concatenate([z, params["labels"]["embedding"][y]], axis=1)
    x = params["basis"][None] * taken.linear(z)[:, None, None, :]
    x = taken.blocks(x, 3)
    x = taken.blocks(resized(2 * filtered(8).T, taken.linear(x)), 2)
    x = taken.blocks(resized(2 * filtered(16).T, x), 2)
    return taken.linear(x)


def judged(params, x, y):
    taken = Taken(params)
    x = taken.blocks(taken.linear(x), 2)
    x = taken.blocks(resized(filtered(16), x), 2)
    x = taken.blocks(taken.linear(resized(filtered(8), x)), 3)
    x = taken.linear(jnp.einsum("bhwc,hwc->bc", x, params["basis"]))
    return (x * params["labels"]["embedding"][y]).sum(1)


def test_the_networks_are_their_definition(x64):
    """Widths 6 and 4: one 1x1 layer between them, none between 8 and 16 pixels."""
    options = dict(widths=(6, 4), groups=(3, 2), num_classes=3)
    gen, disc = R3GANGenerator((16, 16, 2), **options), R3GANDiscriminator(**options)
    z, y = jax.random.normal(RNG, (4, 5)), jnp.array([0, 2, 1, 2])
    params = random(shapes(gen, z, y))
    x = jax.jit(gen.apply)({"params": params}, z, y)
    np.testing.assert_allclose(x, jax.jit(generated)(params, z, y), rtol=1e-10, atol=1e-10)
    params = random(shapes(disc, x, y))
    logits = jax.jit(disc.apply)({"params": params}, x, y)
    assert logits.std() > 0.1
    np.testing.assert_allclose(logits, jax.jit(judged)(params, x, y), rtol=1e-9)


def counted(widths, groups, classes, z_dim=64, blocks=2):
    """(generator, discriminator) parameters, layer by layer from the released code's structure."""
    shared = 3 * widths[-1] + 16 * widths[0]  # colours, the basis
    shared += sum(a * b for a, b in itertools.pairwise(widths) if a != b)
    for c, g in zip(widths, groups, strict=True):
        shared += blocks * (2 * c * 2 * c + 2 * 2 * c + 9 * (2 * c) ** 2 // g)
    gen = shared + widths[0] * (z_dim if not classes else 2 * z_dim) + classes * z_dim
    return gen, shared + (widths[0] + classes) * (widths[0] if classes else 1)


@pytest.mark.parametrize("name", PAPER)
def test_the_papers_sizes(name):
    """With 64 latents; traced, not run."""
    widths, groups, size, classes = PAPER[name]
    gen = R3GANGenerator((size, size, 3), widths, groups, num_classes=classes)
    disc = R3GANDiscriminator(widths, groups, num_classes=classes)
    y = (jnp.zeros(2, int),) if classes else ()
    leaves = (
        shapes(gen, jnp.zeros((2, 64)), *y),
        shapes(disc, jnp.zeros((2, size, size, 3)), *y),
    )
    ours = tuple(sum(leaf.size for leaf in jax.tree.leaves(tree)) for tree in leaves)
    assert ours == counted(widths, groups, classes)


def test_short_tuples_repeat_their_last_number():
    for size, short, full in ((32, (8,), (8,) * 4), (64, (8, 4), (8, 4, 4, 4, 4))):
        x = jnp.zeros((2, size, size, 3))
        trees = [shapes(R3GANDiscriminator(widths, (2,)), x) for widths in (short, full)]
        assert trees[0] == trees[1]


def test_the_start():
    """Deviations of every kind of layer; blocks start as the identity, biases at 0."""
    gen = R3GANGenerator((8, 8, 3), widths=(128, 256), groups=(4,), num_classes=50)
    disc = R3GANDiscriminator(widths=(128,), groups=(4,), num_classes=50)
    z, y = jnp.zeros((2, 64)), jnp.zeros(2, int)
    made = gen.init(RNG, z, y)["params"]
    gain = (2 / 1.04) ** 0.5 * 4**-0.25  # 4 blocks
    expected = {
        "Dense_0": 128**-0.5,
        "Dense_1": gain * 128**-0.5,
        "SameConv_0": gain * (9 * 256 / 4) ** -0.5,
        "Dense_2": 0.0,
        "Dense_5": 128**-0.5,
        "SameConv_2": gain * (9 * 512 / 4) ** -0.5,
    }
    for name, std in expected.items():
        np.testing.assert_allclose(made[name]["kernel"].std(), std, rtol=0.02)
        np.testing.assert_array_equal(made[name].get("bias", 0.0), 0.0)
    np.testing.assert_allclose(made["basis"].std(), 1, rtol=0.05)
    np.testing.assert_allclose(made["labels"]["embedding"].std(), 50**-0.5, rtol=0.05)
    judge = disc.init(RNG, jnp.zeros((2, 8, 8, 3)), y)["params"]
    np.testing.assert_allclose(judge["basis"].std(), 1 / 4, rtol=0.05)
    scale = (50 * 128) ** -0.5
    np.testing.assert_allclose(judge["labels"]["embedding"].std(), scale, rtol=0.05)


def test_without_labels_there_are_no_vectors():
    """Also where the data have classes: the game decides."""
    gen, disc = R3GANGenerator((8, 8, 1), (4,), (2,)), R3GANDiscriminator((4,), (2,))
    for module, inputs in ((gen, jnp.zeros((2, 3))), (disc, jnp.zeros((2, 8, 8, 1)))):
        alone = shapes(module.clone(num_classes=7), inputs)
        assert alone == shapes(module, inputs)
        assert "labels" not in alone
        with pytest.raises(ValueError, match="num_classes=0 must be"):
            module.init(RNG, inputs, jnp.zeros(2, int))
        with pytest.raises(ValueError, match="one label per example"):
            module.clone(num_classes=7).init(RNG, inputs, jnp.zeros((2, 2), int))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"widths": (4, 4, 4)}, r"widths=\(4, 4, 4\) must have 1 to 2 numbers for images of 8"),
        ({"groups": ()}, r"groups=\(\) must have 1 to 2"),
        ({"widths": (4, 0)}, "widths=0 must be"),
        ({"groups": (3,)}, "groups=3 must divide the 8 channels"),
        ({"blocks": 0}, "blocks=0"),
        ({"expansion": 0}, "expansion=0"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    options = {"widths": (4,), "groups": (2,), **options}
    with pytest.raises(ValueError, match=message):
        R3GANGenerator((8, 8, 1), **options).init(RNG, jnp.zeros((2, 3)))
    with pytest.raises(ValueError, match=message):
        R3GANDiscriminator(**options).init(RNG, jnp.zeros((2, 8, 8, 1)))
