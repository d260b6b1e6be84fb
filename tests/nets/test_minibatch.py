"""Features of a whole batch against closed forms and loops in numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganjax import nets
from ganjax.nets.minibatch import MinibatchDiscrimination, stddev

RNG = jax.random.key(0)


def test_stddev_closed_form(x64):
    """Both features have the variance 5: mean 4 and 5, deviations 3, 1, 1, 3."""
    x = jnp.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])
    y = stddev(x)
    np.testing.assert_array_equal(y[:, :2], x)
    np.testing.assert_allclose(y[:, 2], np.sqrt(5 + 1e-8), rtol=1e-10)
    np.testing.assert_allclose(y[:, 2], 2.2360680, rtol=1e-7)


@pytest.mark.parametrize(
    ("batch", "group_size", "size"),
    [(8, 4, 4), (6, 4, 3), (7, 4, 1), (3, 4, 3), (10, 5, 5), (4, 1, 1), (9, 6, 3)],
)
def test_stddev_groups(batch, group_size, size, x64):
    """Groups are of the largest divisor; example i is in group i modulo the number of groups."""
    x = np.asarray(jax.random.normal(RNG, (batch, 2, 3, 4)))
    y = stddev(x, group_size=group_size)
    assert y.shape == (batch, 2, 3, 5)
    np.testing.assert_array_equal(y[..., :4], x)
    groups = batch // size
    for i in range(batch):
        expected = np.sqrt(x[i % groups :: groups].var(0) + 1e-8).mean()
        np.testing.assert_allclose(y[i, ..., 4], expected, rtol=1e-10)


def test_stddev_of_equal_examples_has_a_gradient():
    gradient = jax.grad(lambda x: stddev(x)[..., -1].sum())(jnp.ones((4, 3)))
    assert bool(jnp.isfinite(gradient).all())


def test_discrimination_is_the_papers_sum(x64):
    x = np.asarray(jax.random.normal(RNG, (4, 2, 3)))
    module = MinibatchDiscrimination(kernels=3, dims=2)
    variables = jax.tree.map(lambda p: np.asarray(p, float), module.init(RNG, x))
    tensor = variables["params"]["kernel"]
    assert tensor.shape == (6, 3, 2)
    y = module.apply(variables, x)
    np.testing.assert_array_equal(y[:, :6], x.reshape(4, 6))
    m = np.einsum("na,abc->nbc", x.reshape(4, 6), tensor)
    for i in range(4):
        for b in range(3):
            o = sum(np.exp(-np.abs(m[i, b] - m[j, b]).sum()) for j in range(4))
            np.testing.assert_allclose(y[i, 6 + b], o, rtol=1e-10)


def test_discrimination_counts_copies():
    """A lone example gets 1, one of n equal ones n."""
    module = MinibatchDiscrimination(kernels=3, dims=2)
    for n in (1, 5):
        x = jnp.ones((n, 4))
        y = module.apply(module.init(RNG, x), x)
        np.testing.assert_allclose(y[:, 4:], n, rtol=1e-6)


def test_discrimination_starts_with_unit_projections():
    """T has the variance 1 / A, whatever the number of features A."""
    x = jnp.zeros((1, 400))
    tensor = MinibatchDiscrimination(kernels=20, dims=5).init(RNG, x)["params"]["kernel"]
    np.testing.assert_allclose(tensor.std(), 0.05, rtol=0.03)  # 40,000 draws


def test_in_images_the_last_layer_sees_one_map_more():
    discriminator = nets.DCGANDiscriminator(width=2, minibatch=stddev)
    params = jax.eval_shape(discriminator.init, RNG, jnp.zeros((4, 8, 8, 1)))["params"]
    assert params["Dense_0"]["kernel"].shape == (4 * 4 * 3, 1)


@pytest.mark.parametrize(
    ("row", "options"),
    [
        ("stddev", {"group_size": 0}),
        ("discrimination", {"kernels": 0}),
        ("discrimination", {"dims": 0}),
    ],
)
def test_sizes_are_checked(row, options):
    ((name, _),) = options.items()

    def minibatch(x):
        return nets.MINIBATCH[row](x, **options)

    with pytest.raises(ValueError, match=f"{name}=0 must be .* at least 1"):
        nets.MLPDiscriminator(width=2, minibatch=minibatch).init(RNG, jnp.zeros((2, 3)))
