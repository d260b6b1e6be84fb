"""Both forms of the convolutions are Flax's, in every order and mode of autodiff."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from marks import marked

from ganjax.nets import convolutions, products
from ganjax.nets.convolutions import (
    DoublingConv,
    DownscalingConv,
    HalvingConv,
    SameConv,
    UpscalingConv,
)

RNG = jax.random.key(0)
CONVOLVE = convolutions.convolve_by_products, convolutions.convolve_natively
PAIRS = {
    "halve": [partial(form, stride=2, padding=1) for form in CONVOLVE],
    "double": (convolutions.double_by_products, convolutions.double_natively),
    "same": [partial(form, padding=1) for form in CONVOLVE],
}
SIZES = {"halve": 4, "double": 4, "same": 3}  # of the kernels


@pytest.fixture
def images(x64):
    return jax.random.normal(RNG, (2, 6, 4, 3))


def derivatives(function):
    """Value, reverse, forward, forward over reverse, reverse over reverse, vmap of grad."""

    def scalar(x, k):
        return jnp.sum(jnp.tanh(function(x, k)))

    grads = jax.grad(scalar, argnums=(0, 1))

    def squared(x, k):
        return sum(jnp.sum(g**2) for g in grads(x, k))

    return lambda x, k: (
        function(x, k),
        grads(x, k),
        jax.jvp(scalar, (x, k), (x, k))[1],
        jax.jvp(grads, (x, k), (x, k))[1],
        jax.grad(squared, argnums=(0, 1))(x, k),
        jax.vmap(lambda row: jax.grad(scalar)(row[None], k))(x),
    )


FORMS = [*itertools.product(PAIRS, (2, None))]


@pytest.mark.parametrize(
    ("name", "outputs"),
    marked([*FORMS, ("same", 4)], default=FORMS, telling=[("same", 4)]),
    ids=lambda value: value or "unfiltered",
)
def test_both_forms_agree_to_any_order(name, outputs, images, monkeypatch):
    monkeypatch.setattr(products, "_outputs", lambda *sizes: outputs)
    kernel = jax.random.normal(jax.random.key(1), (SIZES[name], SIZES[name], 3, 5))
    by_products, natively = (jax.jit(derivatives(f))(images, kernel) for f in PAIRS[name])
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10), by_products, natively
    )


@pytest.mark.parametrize(("channels", "features"), [(8, 1), (1, 8)], ids=["shifts", "patches"])
def test_few_channels_or_features_change_the_form_only(channels, features, x64):
    """One product, of shifts to be added up or of gathered neighbourhoods."""
    rng_x, rng_k = jax.random.split(RNG)
    x = jax.random.normal(rng_x, (2, 5, 4, channels))
    kernel = jax.random.normal(rng_k, (3, 3, channels, features))
    by_products, natively = (jax.jit(derivatives(f))(x, kernel) for f in PAIRS["same"])
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10), by_products, natively
    )
    counted = str(jax.make_jaxpr(PAIRS["same"][0])(x, kernel)).count("dot_general")
    assert counted == 1


GROUPS = [(2, 4, 6), (4, 4, 4), (2, 64, 64), (6, 48, 24), (8, 64, 64)]


@pytest.mark.parametrize(("groups", "channels", "features"), GROUPS)
def test_groups_are_convolved_each_by_itself(groups, channels, features, x64):
    """Both forms, in every order; the widest pair filters each group."""
    rng_x, rng_k = jax.random.split(RNG)
    x = jax.random.normal(rng_x, (2, 16, 16, channels))
    kernel = jax.random.normal(rng_k, (3, 3, channels // groups, features)) / channels
    by_products, natively = (
        jax.jit(derivatives(partial(form, padding=1, groups=groups)))(x, kernel)
        for form in CONVOLVE
    )
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9), by_products, natively
    )
    parts = zip(jnp.split(x, groups, axis=3), jnp.split(kernel, groups, axis=3), strict=True)
    alone = [CONVOLVE[1](*part, padding=1) for part in parts]
    np.testing.assert_allclose(by_products[0], jnp.concatenate(alone, 3), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("layer", [SameConv(5, groups=3), SameConv(6, groups=2), DoublingConv(6)])
def test_groups_that_do_not_divide_are_refused(layer, images):
    groups = 3 if isinstance(layer, DoublingConv) else layer.groups
    with pytest.raises(ValueError, match=rf"groups={groups} must divide the 3 channels"):
        layer.clone(groups=groups).init(RNG, images)


@pytest.mark.parametrize(
    ("ours", "flax"),
    [
        (HalvingConv(5), nn.Conv(5, (4, 4), (2, 2))),
        (DoublingConv(5), nn.ConvTranspose(5, (4, 4), (2, 2))),
        (HalvingConv(5, use_bias=False), nn.Conv(5, (4, 4), (2, 2), use_bias=False)),
        (SameConv(5), nn.Conv(5, (3, 3))),
        (SameConv(6, groups=3), nn.Conv(6, (3, 3), feature_group_count=3)),
    ],
    ids=["halve", "double", "no_bias", "same", "groups"],
)
def test_layers_are_flax_layers(ours, flax, images):
    """The same parameters, bit by bit, and the same function of them."""
    x = images
    params = flax.init(RNG, x)
    jax.tree.map(np.testing.assert_array_equal, ours.init(RNG, x), params)
    params = jax.tree.map(lambda p: p.astype(float) + 0.1, params)
    np.testing.assert_allclose(ours.apply(params, x), flax.apply(params, x), rtol=1e-10, atol=1e-12)


def test_resizing_convolutions_are_two_layers_in_one(images):
    """Nearest neighbours and a 3x3 convolution; such a one and means over 2x2 pixels."""
    params = jax.tree.map(lambda p: p.astype(float) + 0.1, SameConv(5).init(RNG, images))
    doubled = images.repeat(2, axis=1).repeat(2, axis=2)
    expected = SameConv(5).apply(params, doubled)
    got = UpscalingConv(5).apply(params, images)
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-12)
    expected = SameConv(5).apply(params, images).reshape(2, 3, 2, 2, 2, 5).mean((2, 4))
    got = DownscalingConv(5).apply(params, images)
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-12)
