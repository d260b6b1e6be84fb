"""BEGAN's networks: their layers at every size, and sizes that are refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganjax import nets

RNG = jax.random.key(0)


def kernels(params):
    """Shapes of the kernels, by the kind of layer, in the order in which they were made."""
    layers = sorted(params.items(), key=lambda item: int(item[0].split("_")[1]))
    return {
        kind: [layer["kernel"].shape for name, layer in layers if name.startswith(kind)]
        for kind in ("SameConv", "HalvingConv", "Dense")
    }


@pytest.mark.parametrize("size", [8, 16, 32, 64, 128, 256])
def test_layers_of_every_size(size):
    """Two convolutions a level, one more at either end and a strided one between levels."""
    module = nets.AUTOENCODERS["began_autoencoder"](shape=(size, size, 3), z_dim=5, width=4)
    x = jnp.zeros((2, size, size, 3))
    (again, codes), variables = jax.eval_shape(lambda x: module.init_with_output(RNG, x), x)
    assert again.shape == x.shape
    assert codes.shape == (2, 5)
    levels = size.bit_length() - 3
    encoder, decoder = (kernels(variables["params"][part]) for part in ("encoder", "decoder"))
    # Channels of the encoder grow by the width each time the image is halved.
    channels = [4 * (level + 1) for level in range(levels)]
    assert [shape[3] for shape in encoder["SameConv"]] == [4, *sorted(2 * channels)]
    assert encoder["HalvingConv"] == [(4, 4, c, c) for c in channels[:-1]]
    assert encoder["Dense"] == [(8 * 8 * 4 * levels, 5)]
    assert decoder["SameConv"] == [(3, 3, 4, 4)] * 2 * levels + [(3, 3, 4, 3)]
    assert (decoder["HalvingConv"], decoder["Dense"]) == ([], [(5, 8 * 8 * 4)])


def test_doubling_repeats_pixels():
    """Convolutions that pass everything through: pixels of the 8x8 image become blocks of four."""
    module = nets.BEGANGenerator((16, 16, 1), width=1, output_activation=lambda x: x)
    params = jax.tree.map(jnp.zeros_like, module.init(RNG, jnp.zeros((1, 64)))["params"])
    params["Dense_0"]["kernel"] = jnp.eye(64)
    for name in params:
        if name.startswith("SameConv"):
            params[name]["kernel"] = params[name]["kernel"].at[1, 1].set(1.0)
    z = jax.random.uniform(RNG, (1, 64))  # positive, where ELU is the identity
    x = module.apply({"params": params}, z)
    blocks = jnp.kron(z.reshape(8, 8), jnp.ones((2, 2)))
    # Up to rounding: on CPU a convolution is made of sums and differences of neighbours.
    np.testing.assert_allclose(x[0, :, :, 0], blocks, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(4, 4, 1), (24, 24, 1), (16, 8, 1), (2,)])
def test_other_shapes_are_refused(shape):
    module = nets.AUTOENCODERS["began_autoencoder"](shape=shape, width=4)
    with pytest.raises(ValueError, match=r"needs square images|not a power of two from 8 to 256"):
        jax.eval_shape(lambda x: module.init(RNG, x), jnp.zeros((2, *shape)))
