"""Networks whose parameters and inputs are bfloat16: activations are, statistics are not."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from ganjax import nets
from ganjax.nets import norms

NARROW = jnp.bfloat16
LABELS = {
    "none": nets.LABELS["none"],
    **{name: partial(nets.LABELS[name], num_classes=3) for name in ("one_hot", "embedding")},
}
HEADS = {
    "logit": {},
    "projection": {"num_classes": 3},
    "auxiliary": {"num_classes": 3},
    "classifier": {"num_classes": 3},
    "code": {"z_dim": 3},
}
generator = partial(nets.DCGANGenerator, (8, 8, 2), width=2)
discriminator = partial(nets.DCGANDiscriminator, width=2)


def norm(name):
    row = nets.NORMS[name]
    return partial(row, num_classes=3) if name == "conditional_batch" else row


# name: (network, whether it takes labels, shape of its input)
NETWORKS = {
    **{f"generator_{n}": (generator(norm=norm(n)), True, (3,)) for n in nets.NORMS},
    **{
        f"weights_{n}": (discriminator(weights=w), True, (8, 8, 1)) for n, w in nets.WEIGHTS.items()
    },
    **{f"labels_{n}": (discriminator(labels=row), True, (8, 8, 1)) for n, row in LABELS.items()},
    **{
        f"head_{n}": (discriminator(head=partial(nets.HEADS[n], **o)), True, (8, 8, 1))
        for n, o in HEADS.items()
    },
    **{
        f"minibatch_{n}": (discriminator(minibatch=m), True, (8, 8, 1))
        for n, m in nets.MINIBATCH.items()
    },
    "mlp_generator": (nets.MLPGenerator((3,), width=4), True, (3,)),
    "mlp_noisy": (nets.MLPDiscriminator(width=4, noise=0.3), True, (3,)),
    "began_generator": (nets.BEGANGenerator((16, 16, 1), width=2), False, (3,)),
    "began": (nets.AUTOENCODERS["began_autoencoder"]((16, 16, 1), 3, 2), False, (16, 16, 1)),
    "dcgan_autoencoder": (
        nets.AUTOENCODERS["dcgan_autoencoder"]((8, 8, 1), 3, 2),
        False,
        (8, 8, 1),
    ),
    "gaussian": (nets.GaussianGenerator(), False, (1,)),
    "progressive_generator": (nets.ProgressiveGenerator((16, 16, 1), 16, 4), False, (3,)),
    "gradient_normalised": (
        nets.GradientNormalisedDiscriminator(discriminator()),
        True,
        (8, 8, 1),
    ),
    "progressive": (nets.ProgressiveDiscriminator(16, 4), False, (16, 16, 1)),
    "r3gan_generator": (nets.R3GANGenerator((8, 8, 1), (4,), (2,), num_classes=3), True, (3,)),
    "r3gan": (nets.R3GANDiscriminator((4,), (2,), num_classes=3), True, (8, 8, 1)),
    "resnet_generator": (nets.ResNetGenerator((8, 8, 1), width=2), True, (3,)),
    "resnet_discriminator": (nets.ResNetDiscriminator(width=2), True, (8, 8, 1)),
    "residual_mlp": (nets.ResidualMLP((2,), width=4), False, (2,)),
    "resnet": (nets.ResNetTranslator((8, 8, 1), width=2, blocks=2), False, (8, 8, 1)),
    "unet": (nets.UNet((16, 16, 1), width=2, depth=4), False, (16, 16, 1)),
    "patch": (nets.PatchDiscriminator(width=2), False, (24, 24, 1)),
}


def test_all_rows_are_here():
    assert HEADS.keys() == nets.HEADS.keys()
    assert LABELS.keys() == nets.LABELS.keys()
    kinds = {type(network) for network, _, _ in NETWORKS.values()}
    assert {*nets.GENERATORS.values(), *nets.DISCRIMINATORS.values()} <= kinds
    assert {*nets.TRANSLATORS.values(), *nets.PATCH_DISCRIMINATORS.values()} <= kinds


def narrow(tree):
    return jax.tree.map(lambda x: x.astype(NARROW), tree)


@pytest.mark.parametrize("name", NETWORKS)
def test_activations_are_bfloat16_and_collections_stay_float32(name):
    """Traced: outputs of the network and of every layer in it, and its state after a pass."""
    network, labelled, shape = NETWORKS[name]
    rngs = {"params": jax.random.key(0), "dropout": jax.random.key(1)}
    y = (jnp.arange(4) % 3,) if labelled else ()

    def run(x):
        variables = dict(network.init(rngs, x, *y))
        given = {"params": narrow(variables.pop("params"))}
        kept = [*variables, "intermediates"]
        outputs, after = network.apply(
            {**given, **variables},
            narrow(x),
            *y,
            mutable=kept,
            rngs=rngs,
            # The iteration of spectral weights is itself a pass of the layer, of float32.
            capture_intermediates=lambda module, _: name != "weights_spectral",
        )
        inside = after.pop("intermediates", {})
        return outputs, inside, after

    outputs, inside, after = jax.eval_shape(run, jnp.zeros((4, *shape)))
    assert {leaf.dtype for leaf in jax.tree.leaves((outputs, inside))} == {jnp.dtype(NARROW)}
    assert {leaf.dtype for leaf in jax.tree.leaves(after)} <= {jnp.dtype("float32")}


def far():
    """Numbers of bfloat16 whose mean is far from 0: sums of them want more than 8 bits."""
    return narrow(64 + jax.random.normal(jax.random.key(2), (32, 4, 4, 3)))


@pytest.mark.parametrize("name", ["batch", "instance", "layer", "pixel", "virtual"])
def test_normalisations_of_bfloat16_are_those_of_float32_rounded(name):
    """To half a unit in the last place of the output: nothing but it is rounded."""

    class Normalised(nn.Module):
        @nn.compact
        def __call__(self, x):
            at = norms.Pass(rows=8 if name == "virtual" else 0)
            return nets.NORMS[name]().apply(x, at)

    x = far()
    network, mutable = Normalised(), ["batch_stats"]
    variables = network.init(jax.random.key(0), x.astype(jnp.float32))
    params = {"params": narrow(variables.get("params", {}))}
    state = {key: value for key, value in variables.items() if key != "params"}
    told, after = network.apply({**params, **state}, x, mutable=mutable)
    wide = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), params)
    exact, exactly = network.apply({**wide, **state}, x.astype(jnp.float32), mutable=mutable)
    assert told.dtype == NARROW
    error = np.abs(told.astype(jnp.float32) - exact)
    np.testing.assert_array_less(error, 2**-8 * np.abs(exact) + 1e-6)
    for a, b in zip(jax.tree.leaves(after), jax.tree.leaves(exactly), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_the_minibatch_deviation_is_taken_in_float32():
    """Of one feature, as many would average roundings out."""
    x = narrow(jax.random.normal(jax.random.key(2), (32, 1)))
    told, exact = (nets.MINIBATCH["stddev"](one)[..., -1] for one in (x, x.astype(jnp.float32)))
    np.testing.assert_array_equal(told, exact.astype(NARROW))


def test_the_power_iteration_is_that_of_float32():
    """u and the norm are those of the kernel's float32 values; the layer alone is rounded."""

    class Spectral(nn.Module):
        @nn.compact
        def __call__(self, x):
            return nets.WEIGHTS["spectral"](nn.Dense(5))(x)

    network, x = Spectral(), jax.random.normal(jax.random.key(1), (4, 6))
    variables = network.init(jax.random.key(0), x)
    params, state = narrow(variables["params"]), {"spectral": variables["spectral"]}
    wide = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), params)
    for _ in range(50):
        told, state = network.apply({"params": params, **state}, narrow(x), mutable=["spectral"])
    kernel = wide["Dense_0"]["kernel"]
    u = jax.tree.leaves(state)[0]
    left, values, _ = np.linalg.svd(kernel.T)
    assert u.dtype == jnp.float32
    assert abs(np.vdot(u, left[:, 0])) > 1 - 1e-6
    expected = narrow(x).astype(jnp.float32) @ (kernel / values[0])
    np.testing.assert_allclose(told.astype(jnp.float32), expected, rtol=0, atol=2**-7)
