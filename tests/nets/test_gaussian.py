"""The Gaussian generator: what it makes of latents, where it starts, what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganjax import nets

RNG = jax.random.key(0)


def test_samples_are_an_affine_map_of_latents(x64):
    module = nets.GaussianGenerator()
    z = jax.random.normal(RNG, (5, 1))
    params = {"params": {"mean": jnp.array(-0.5), "log_std": jnp.array(np.log(2.0))}}
    np.testing.assert_allclose(module.apply(params, z), 2 * z - 0.5, rtol=1e-10)


def test_it_starts_where_it_is_told():
    module = nets.GENERATORS["gaussian"](shape=(1,), mean=-1.5, std=0.25)
    params = module.init(RNG, jnp.zeros((3, 1)))["params"]
    assert {name: leaf.shape for name, leaf in params.items()} == {"mean": (), "log_std": ()}
    x = module.apply({"params": params}, jnp.array([[0.0], [1.0]]))
    assert x.dtype == jnp.float32
    np.testing.assert_allclose(x, [[-1.5], [-1.25]], rtol=1e-6)  # float32


@pytest.mark.parametrize(
    ("options", "z_dim", "told"),
    [
        ({"shape": (2,)}, 1, r"shape=\(2,\) must be \(1,\)"),
        ({"shape": (8, 8, 1)}, 1, r"must be \(1,\)"),
        ({}, 2, "set z_dim to 1"),
        ({"std": 0.0}, 1, "std=0.0"),
        ({"mean": float("nan")}, 1, "mean=nan"),
    ],
)
def test_what_is_no_gaussian_on_the_line_is_refused(options, z_dim, told):
    with pytest.raises(ValueError, match=told):
        nets.GaussianGenerator(**options).init(RNG, jnp.zeros((3, z_dim)))
