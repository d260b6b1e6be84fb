"""Networks: the contract of every row, and DCGAN's guidelines."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from marks import telling

from ganjax import nets
from ganjax.nets import DISCRIMINATORS, GENERATORS

SIZES = (8, 16, 32, 64, 128)
RNG = jax.random.key(0)
NARROW = {  # where the width goes by another name
    "progressive": {"fmap_max": 4},
    "r3gan": {"widths": (4,), "groups": (2,)},
    "gradient_normalised": {"critic": DISCRIMINATORS["mlp"](width=4)},
}


def shapes(tree):
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): leaf.shape
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def started(module, x):
    """The outputs of a new network in training."""
    return module.apply(module.init(RNG, x), x, mutable=["batch_stats"])[0]


@pytest.mark.parametrize("name", [name for name in GENERATORS if name != "gaussian"])  # no images
@pytest.mark.parametrize("channels", [1, 3])
def test_generator_contract(name, channels):
    shape = (8, 8, channels)
    module = GENERATORS[name](shape=shape, **NARROW.get(name, {"width": 4}))
    if name == "mlp":
        module = module.clone(output_activation=nn.tanh)
    z = 100 * jax.random.normal(RNG, (5, 3))
    x = jax.jit(lambda z: started(module, z))(z)
    chex.assert_shape(x, (5, *shape))
    chex.assert_type(x, jnp.float32)
    if name not in ("progressive", "r3gan"):  # affine at the output, as in the paper
        assert float(jnp.abs(x).max()) <= 1


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_discriminator_contract(name):
    module = DISCRIMINATORS[name](**NARROW.get(name, {"width": 4}))
    x = jax.random.normal(RNG, (5, 16, 16, 3))
    logits = jax.jit(lambda x: started(module, x))(x)
    chex.assert_shape(logits, (5,))
    chex.assert_type(logits, jnp.float32)


def test_a_name_is_one_network():
    """A section of a config may name networks of several shelves."""
    for shelves in (
        (GENERATORS, nets.TRANSLATORS),
        (DISCRIMINATORS, nets.AUTOENCODERS, nets.PATCH_DISCRIMINATORS),
    ):
        assert len({name for shelf in shelves for name in shelf}) == sum(map(len, shelves))


@pytest.mark.parametrize("size", SIZES)
def test_dcgan_of_every_size(size):
    """Shapes alone: traced, not run."""
    z, x = jnp.zeros((2, 100)), jnp.zeros((2, size, size, 3))
    generator = nets.DCGANGenerator((size, size, 3), width=8)
    discriminator = nets.DCGANDiscriminator(width=8)
    x_fake, variables = jax.eval_shape(lambda z: generator.init_with_output(RNG, z), z)
    logits, judge = jax.eval_shape(lambda x: discriminator.init_with_output(RNG, x), x)
    assert x_fake.shape == x.shape
    assert logits.shape == (2,)
    layers = size.bit_length() - 3
    assert shapes(variables["params"])["Dense_0/kernel"] == (100, 16 * 8 * 2 ** (layers - 1))
    assert len(
        [k for k in shapes(judge["params"]) if k.startswith("HalvingConv") and "kernel" in k]
    ) == (layers)


def test_the_papers_generator_has_1024_channels_at_4_pixels():
    generator = nets.DCGANGenerator((64, 64, 3), width=128)
    variables = jax.eval_shape(lambda z: generator.init(RNG, z), jnp.zeros((2, 100)))
    kernels = [s for k, s in shapes(variables["params"]).items() if "DoublingConv" in k]
    assert (4, 4, 1024, 512) in kernels
    assert (4, 4, 128, 3) in kernels


@pytest.mark.parametrize("player", ["gen", "disc"])
def test_no_bias_before_a_batch_norm(player):
    """Only the layer that no normalisation follows has a bias; the rest would get no gradient."""
    if player == "gen":
        module, inputs = nets.DCGANGenerator((32, 32, 1), width=4), jnp.zeros((2, 10))
        biased = {"DoublingConv_2/bias"}
    else:
        module, inputs = nets.DCGANDiscriminator(width=4), jnp.zeros((2, 32, 32, 1))
        biased = {"HalvingConv_0/bias", "Dense_0/bias"}
    params = shapes(jax.eval_shape(lambda x: module.init(RNG, x), inputs)["params"])
    biases = {key for key in params if key.endswith("bias") and "BatchNorm" not in key}
    assert biases == biased
    norms = {key.split("/")[0] for key in params if "BatchNorm" in key}
    assert len(norms) == (3 if player == "gen" else 2)


def test_dcgan_weights_are_normal_with_deviation_002():
    generator = nets.DCGANGenerator((16, 16, 1), width=64)
    params = jax.device_get(jax.jit(generator.init)(RNG, jnp.zeros((2, 100))))["params"]
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        name = jax.tree_util.keystr(path)
        if "kernel" in name:
            np.testing.assert_allclose([leaf.mean(), leaf.std()], [0, 0.02], atol=2e-3)
        elif "scale" in name:
            np.testing.assert_allclose([leaf.mean(), leaf.std()], [1, 0.02], atol=1e-2)


@telling
def test_evaluation_mode_uses_running_averages():
    """In evaluation a sample does not depend on its batch, and no statistics change."""
    generator = nets.DCGANGenerator((8, 8, 1), width=4)
    z = jax.random.normal(RNG, (6, 5))
    variables = jax.jit(generator.init)(RNG, z)
    together = generator.apply(variables, z, train=False)
    alone = generator.apply(variables, z[:1], train=False)
    np.testing.assert_allclose(together[:1], alone, rtol=1e-5)  # float32, another blocking
    _, after = generator.apply(variables, z, train=True, mutable=["batch_stats"])
    changed = jax.tree.map(
        lambda a, b: bool((a != b).any()),
        after,
        dict(variables)["batch_stats"] and {"batch_stats": variables["batch_stats"]},
    )
    assert all(jax.tree.leaves(changed))


def test_running_averages_weigh_the_newest_batch_by_a_tenth():
    discriminator = nets.DCGANDiscriminator(width=4)
    x = jax.random.normal(RNG, (6, 16, 16, 1))
    variables = jax.jit(discriminator.init)(RNG, x)
    train = jax.jit(lambda variables: discriminator.apply(variables, x, mutable=["batch_stats"])[1])
    after = train(variables)
    mean = after["batch_stats"]["BatchNorm_0"]["mean"]
    again = train({**variables, **after})
    # From 0: 0.1 m, then 0.19 m.
    np.testing.assert_allclose(again["batch_stats"]["BatchNorm_0"]["mean"], 1.9 * mean, rtol=1e-4)


@pytest.mark.parametrize("size", [4, 12, 256])
def test_other_sizes_are_refused(size):
    with pytest.raises(ValueError, match=f"image size {size} is not a power of two from 8 to 128"):
        nets.DCGANDiscriminator().init(RNG, jnp.zeros((1, size, size, 1)))


@pytest.mark.parametrize("shape", [(2,), (8, 16, 1)])
def test_points_and_oblongs_are_refused(shape):
    with pytest.raises(ValueError, match="square images"):
        nets.DCGANGenerator(shape).init(RNG, jnp.zeros((1, 5)))


def test_mlp_settings():
    """Width, depth, activation and initialiser do what they say."""
    module = nets.MLPDiscriminator(
        width=16, depth=3, activation=nn.tanh, kernel_init=nn.initializers.orthogonal(0.8)
    )
    params = module.init(RNG, jnp.zeros((1, 16)))["params"]
    assert len(params) == 4
    kernel = params["Dense_1"]["kernel"]
    np.testing.assert_allclose(kernel.T @ kernel, 0.64 * np.eye(16), atol=1e-5)


def test_the_mlp_generator_flattens_images():
    """So that it may encode them, as a network of a user's game."""
    module, x = nets.MLPGenerator((3,), width=4), jax.random.normal(RNG, (5, 8, 8, 1))
    codes, params = module.init_with_output(RNG, x)
    assert codes.shape == (5, 3)
    np.testing.assert_array_equal(codes, module.apply(params, x.reshape(5, -1)))


def test_mlp_input_scale(x64):
    plain, scaled = nets.MLPDiscriminator(width=4), nets.MLPDiscriminator(width=4, input_scale=0.25)
    x = jax.random.normal(RNG, (3, 2))
    params = plain.init(RNG, x)
    np.testing.assert_allclose(scaled.apply(params, 4 * x), plain.apply(params, x), rtol=1e-10)


def test_mlp_noise_is_what_the_next_layer_sees_in_training(x64):
    """Behind one hidden layer the class logits have the covariance std^2 W^T W, features none."""
    head = partial(nets.HEADS["classifier"], num_classes=2)
    noisy, plain = (
        nets.MLPDiscriminator(width=4, depth=1, noise=noise, head=head) for noise in (0.5, 0.0)
    )
    x = jnp.ones((20_000, 3))
    params = plain.init(RNG, x)
    variables = {"rngs": {"dropout": jax.random.key(1)}}
    logits, features = noisy.apply(params, x, **variables)
    expected, clean = plain.apply(params, x)
    np.testing.assert_array_equal(features, clean)
    kernel = np.asarray(params["params"]["Dense_1"]["kernel"])
    covariance = 0.25 * kernel.T @ kernel
    # Five standard errors of 20,000 draws.
    atol = 5 * np.sqrt(2 / 20_000) * covariance.max()
    np.testing.assert_allclose(np.cov((logits - expected).T), covariance, atol=atol)
    np.testing.assert_array_equal(noisy.apply(params, x, train=False)[0], expected)
    linear = nets.MLPDiscriminator(depth=0, noise=0.5)  # its one layer sees the input itself
    params = linear.init(RNG, x)
    np.testing.assert_array_equal(
        linear.apply(params, x, **variables), linear.apply(params, x, train=False)
    )


@pytest.mark.parametrize("name", nets.ACTIVATIONS)
def test_activations_are_elementwise(name):
    x = jnp.linspace(-2, 2, 5)
    y = nets.ACTIVATIONS[name](x)
    assert y.shape == x.shape
    assert y[-1] == nets.ACTIVATIONS[name](x[-1:])[0]


@pytest.mark.parametrize("name", nets.INITIALISERS)
def test_initialisers_make_matrices(name):
    matrix = nets.INITIALISERS[name]()(RNG, (6, 4), jnp.float32)
    assert matrix.shape == (6, 4)
    assert float(matrix.std()) > 0
