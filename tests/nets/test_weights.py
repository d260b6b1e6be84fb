"""Reparametrised kernels against singular values, closed forms and the layers they are around."""

import math
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from ganjax import nets
from ganjax.nets.convolutions import (
    DoublingConv,
    DownscalingConv,
    HalvingConv,
    SameConv,
    UpscalingConv,
)
from ganjax.nets.weights import WEIGHTS, equalised, plain, spectral, weight_norm

RNG = jax.random.key(0)
LAYERS = {
    "dense": (partial(nn.Dense, 5), (3,)),
    "conv": (partial(nn.Conv, 2, (3, 3)), (4, 5, 2)),
    "conv_strided": (partial(nn.Conv, 3, (3, 3), (2, 2)), (4, 6, 2)),
    "transposed": (partial(nn.ConvTranspose, 2, (3, 3)), (4, 3, 2)),
    "transposed_strided": (partial(nn.ConvTranspose, 2, (3, 3), (2, 2)), (3, 3, 2)),
    "halving": (partial(HalvingConv, 3), (4, 6, 2)),
    "doubling": (partial(DoublingConv, 2), (4, 3, 3)),
}


class Single(nn.Module):
    """A network of one layer."""

    layer: Callable
    weights: Callable

    @nn.compact
    def __call__(self, x, train=True):
        return self.weights(self.layer(), train=train)(x)


def initialised(module, x):
    """(params, the other collections), in float64, biases away from 0."""
    variables = jax.tree.map(lambda p: p.astype(float), dict(jax.jit(module.init)(RNG, x)))
    params = jax.tree_util.tree_map_with_path(
        lambda path, p: p + 0.3 if path[-1].key == "bias" else p, variables.pop("params")
    )
    return params, variables


def warm(module, params, state, x, calls):
    """The state after many calls in training mode."""

    def call(_, state):
        return module.apply({"params": params, **state}, x, mutable=list(state))[1]

    return jax.jit(lambda state: jax.lax.fori_loop(0, calls, call, state))(state)


def matrix(function, x):
    """A function of batches of one, affine, as a matrix [outputs, inputs]."""
    jacobian = jax.jit(jax.jacobian(lambda x: function(x[None])[0].ravel()))(x[0])
    return jacobian.reshape(-1, x.size)


@pytest.mark.parametrize("name", LAYERS)
def test_spectral_divides_by_the_largest_singular_value(name, x64):
    layer, shape = LAYERS[name]
    x = jax.random.normal(RNG, (1, *shape))
    module = Single(layer, spectral)
    params, state = initialised(module, x)

    @jax.jit
    def look(params, state, x):
        state = warm(module, params, state, x, 2000)
        raw = matrix(lambda x: Single(layer, plain).apply({"params": params}, x), x)

        def critic(x):
            return module.apply({"params": params, **state}, x, train=False)

        return raw, matrix(critic, x), critic(0 * x)

    raw, ours, zero = look(params, state, x)
    sigma = np.linalg.svd(raw, compute_uv=False)[0]
    # The iteration converges at the square of the ratio of the two largest singular values.
    np.testing.assert_allclose(ours, raw / sigma, rtol=1e-8, atol=1e-12)
    bias = next(iter(params.values()))["bias"]
    np.testing.assert_allclose(zero, np.broadcast_to(bias, zero.shape), rtol=1e-10)


@pytest.mark.parametrize(("layer", "side"), [(UpscalingConv, 8), (DownscalingConv, 4)])
def test_of_a_layer_that_resizes_the_convolution_counts(layer, side, x64):
    """The layer over the norm of a 3x3 convolution of the image it is given, before any means."""
    x = jax.random.normal(RNG, (1, 4, 4, 2))
    module = Single(partial(layer, 3, use_bias=False), spectral)
    params, state = initialised(module, x)
    state = warm(module, params, state, x, 2000)
    ours = matrix(lambda x: module.apply({"params": params, **state}, x, train=False), x)
    (own,) = params.values()
    given = jnp.zeros((1, side, side, 2))
    conv = SameConv(3, use_bias=False)
    sigma = np.linalg.norm(matrix(lambda x: conv.apply({"params": own}, x), given), 2)
    plainly = matrix(lambda x: layer(3, use_bias=False).apply({"params": own}, x), x)
    np.testing.assert_allclose(ours, plainly / sigma, rtol=1e-8, atol=1e-12)
    # Doubling has norm 2, means over 2x2 pixels 1/2: what is seen is not the layer's own.
    assert abs(np.linalg.norm(ours, 2) - 1) > 0.2


@pytest.mark.parametrize("name", ["dense", "conv", "halving", "doubling"])
def test_reshaped_norm_bounds_the_operator_norm(name, x64):
    """reshaped <= operator <= ceil(k/s) reshaped; a transposed one: operator <= k reshaped."""
    layer, shape = LAYERS[name]
    x = jax.random.normal(RNG, (1, *shape))
    module = Single(layer, partial(spectral, reshaped=True))
    params, state = initialised(module, x)

    @jax.jit
    def look(params, state, x):
        state = warm(module, params, state, x, 2000)
        raw = matrix(lambda x: Single(layer, plain).apply({"params": params}, x), x)
        return raw, matrix(lambda x: module.apply({"params": params, **state}, x, train=False), x)

    raw, ours = look(params, state, x)
    kernel = np.asarray(next(iter(params.values()))["kernel"])
    reshaped = np.linalg.norm(kernel.reshape(-1, kernel.shape[-1]), 2)
    np.testing.assert_allclose(ours, raw / reshaped, rtol=1e-8, atol=1e-12)
    ratio = np.linalg.norm(ours, 2)
    size = kernel.shape[0] if kernel.ndim > 2 else 1
    assert ratio <= math.ceil(size / (2 if name == "halving" else 1)) + 1e-10
    if name != "doubling":
        assert ratio >= 1 - 1e-10
    if size > 1:
        assert abs(ratio - 1) > 0.02, "the two norms should differ here"


@pytest.fixture
def dense(x64):
    """A spectral nn.Dense 4 -> 3, its variables and inputs."""
    x = jax.random.normal(RNG, (6, 4))
    module = Single(partial(nn.Dense, 3), spectral)
    return module, *initialised(module, x), np.asarray(x)


def u_of(state):
    return np.asarray(state["spectral"]["SpectralWeights_0"]["u"])


def unit(x):
    return x / np.linalg.norm(x)


def test_a_call_is_one_power_iteration(dense):
    module, params, state, x = dense
    w = np.asarray(params["Dense_0"]["kernel"]).T  # the paper's, [outputs, inputs]
    u = u_of(state)
    np.testing.assert_allclose(np.linalg.norm(u), 1, rtol=1e-6)  # initialised in float32
    for _ in range(3):
        y, state = module.apply({"params": params, **state}, x, mutable=["spectral"])
        v = unit(w.T @ u)
        u = unit(w @ v)
        np.testing.assert_allclose(u_of(state), u, rtol=1e-10)
        expected = x @ w.T / (u @ w @ v) + np.asarray(params["Dense_0"]["bias"])
        np.testing.assert_allclose(y, expected, rtol=1e-10)


def test_evaluation_leaves_u_alone(dense):
    module, params, state, x = dense
    w, u = np.asarray(params["Dense_0"]["kernel"]).T, u_of(state)
    y, after = module.apply({"params": params, **state}, x, train=False, mutable=["spectral"])
    np.testing.assert_array_equal(u_of(after), u)
    expected = x @ w.T / np.linalg.norm(w.T @ u) + np.asarray(params["Dense_0"]["bias"])
    np.testing.assert_allclose(y, expected, rtol=1e-10)


@pytest.mark.parametrize("train", [True, False])
def test_the_gradient_of_sigma_is_u_v(dense, train):
    """d <a, W x / sigma> / dW = a x^T / sigma - <a, W x> / sigma^2 u v^T, and u gets nothing."""
    module, params, state, x = dense
    w, u, x, a = np.asarray(params["Dense_0"]["kernel"]).T, u_of(state), x[:1], np.arange(1.0, 4.0)

    def objective(params, state):
        y, _ = module.apply({"params": params, **state}, x, train=train, mutable=["spectral"])
        return (y[0] - params["Dense_0"]["bias"]) @ a

    gradient, none = jax.jit(jax.grad(objective, argnums=(0, 1)))(params, state)
    v = unit(w.T @ u)
    u = unit(w @ v) if train else u
    sigma, x = u @ w @ v, np.asarray(x[0])
    expected = np.outer(a, x) / sigma - a @ w @ x / sigma**2 * np.outer(u, v)
    np.testing.assert_allclose(gradient["Dense_0"]["kernel"].T, expected, rtol=1e-10)
    np.testing.assert_array_equal(u_of(none), 0)


def test_second_derivatives_hold_u_and_v(dense):
    """Forward over reverse is that of W / <u, W v> with u and v constant."""
    module, params, state, x = dense
    w, u = np.asarray(params["Dense_0"]["kernel"]).T, u_of(state)
    v = unit(w.T @ u)
    u = unit(w @ v)

    def ours(params):
        y, _ = module.apply({"params": params, **state}, x, mutable=["spectral"])
        return jnp.sum(jnp.tanh(y))

    def constant(params):
        kernel, bias = params["Dense_0"]["kernel"], params["Dense_0"]["bias"]
        return jnp.sum(jnp.tanh(x @ kernel / (v @ kernel @ u) + bias.reshape(1, -1)))

    along = jax.tree.map(lambda p: jnp.sin(1 + jnp.arange(p.size).reshape(p.shape)), params)
    ours, expected = (
        jax.jit(lambda p, f=f: jax.jvp(jax.grad(f), (p,), (along,))[1])(params)
        for f in (ours, constant)
    )
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-10), ours, expected)


@pytest.mark.parametrize("row", WEIGHTS)
@pytest.mark.parametrize("name", ["dense", "doubling"])
def test_a_kernel_of_zeros_is_finite(row, name):
    layer, shape = LAYERS[name]
    x = jnp.ones((2, *shape))
    module = Single(layer, WEIGHTS[row])
    state = dict(jax.jit(module.init)(RNG, x))
    params = jax.tree_util.tree_map_with_path(
        lambda path, p: 0 * p if path[-1].key == "kernel" else p, state.pop("params")
    )

    def objective(params):
        y, new = module.apply({"params": params, **state}, x, mutable=list(state))
        return jnp.sum((y - 1) ** 2), (y, new)

    gradient, (y, new) = jax.jit(jax.grad(objective, has_aux=True))(params)
    np.testing.assert_array_equal(y, 0)
    assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(gradient))
    jax.tree.map(np.testing.assert_array_equal, new, state)


def test_precision_follows_the_kernel_and_the_state_keeps_its_own(x64):
    x = jnp.ones((2, 4))
    module = Single(partial(nn.Dense, 3), spectral)
    state = dict(module.init(RNG, x))
    params = jax.tree.map(lambda p: p.astype(jnp.float64), state.pop("params"))
    y, new = module.apply({"params": params, **state}, x, mutable=["spectral"])
    assert y.dtype == jnp.float64
    assert u_of(state).dtype == u_of(new).dtype == np.float32


def test_spectral_refuses_what_it_cannot_bound():
    module = Single(partial(HalvingConv, 2), spectral)
    state = jax.eval_shape(module.init, RNG, jnp.zeros((1, 4, 4, 1)))
    with pytest.raises(ValueError, match=r"\(4, 4, 2\) per example, but was \(2, 2, 2\)"):
        jax.eval_shape(partial(module.apply, train=False), state, jnp.zeros((1, 8, 8, 1)))
    module = Single(partial(HalvingConv, 2), partial(spectral, reshaped=True))
    state = jax.eval_shape(module.init, RNG, jnp.zeros((1, 4, 4, 1)))
    y = jax.eval_shape(partial(module.apply, train=False), state, jnp.zeros((1, 8, 8, 1)))
    assert y.shape == (1, 4, 4, 2)


@pytest.mark.parametrize("row", [row for row in WEIGHTS if row != "plain"])
def test_layers_without_a_kernel_are_refused(row):
    with pytest.raises(ValueError, match="LayerNorm has no parameter 'kernel'"):
        Single(nn.LayerNorm, WEIGHTS[row]).init(RNG, jnp.zeros((1, 3)))


CRITICS = {
    "mlp": (nets.MLPDiscriminator(width=16, weights=spectral), (2,)),
    "conv": (
        nets.DCGANDiscriminator(width=4, norm=nets.NORMS["none"], weights=spectral),
        (16, 16, 1),
    ),
    "linear": (nets.MLPDiscriminator(depth=0, weights=spectral), (3,)),
}


@pytest.mark.parametrize("name", CRITICS)
def test_spectral_critics_are_1_lipschitz(name, x64):
    module, shape = CRITICS[name]
    scales = 10.0 ** jax.random.uniform(RNG, (64, *(1,) * len(shape)), minval=-2, maxval=1)
    x = scales * jax.random.normal(jax.random.key(1), (64, *shape))
    params, state = initialised(module, x)
    # Kernels of all sizes, so that nothing is 1-Lipschitz by itself.
    params = jax.tree.map(lambda p: 30 * p, params)
    state = warm(module, params, state, x[:1], 300)

    @jax.jit
    def look(x):
        critic = partial(module.apply, {"params": params, **state}, train=False)
        slopes = jax.grad(lambda x: critic(x).sum())(x).reshape(len(x), -1)
        return critic(x), jnp.linalg.norm(slopes, axis=1)

    f, slopes = look(x)
    flat = np.asarray(x).reshape(len(x), -1)
    distances = np.linalg.norm(flat[:, None] - flat[None], axis=-1)
    rise = np.abs(np.subtract.outer(f, f)) / np.where(distances > 0, distances, np.inf)
    # The estimate approaches the norm from below.
    assert max(slopes.max(), rise.max()) <= 1 + 1e-3
    assert slopes.max() >= (1 - 1e-10 if name == "linear" else 0.05)


@pytest.mark.parametrize("name", ["dense", "halving"])
def test_weight_norm(name, x64):
    """w = g v / |v| for every feature; at the start it is the layer's own kernel."""
    layer, shape = LAYERS[name]
    x = jax.random.normal(RNG, (2, *shape))
    module = Single(layer, weight_norm)
    params, state = initialised(module, x)
    assert state == {}
    scale = params.pop("NormalisedWeights_0")["scale"]
    ((own, theirs),) = params.items()
    kernel = np.asarray(theirs["kernel"])
    lengths = np.linalg.norm(kernel.reshape(-1, kernel.shape[-1]), axis=0)
    np.testing.assert_allclose(scale, lengths, rtol=1e-6)  # initialised in float32
    g = 1.0 + np.arange(len(scale))
    y = module.apply({"params": {**params, "NormalisedWeights_0": {"scale": g}}}, x)
    theirs = {**theirs, "kernel": g * kernel / lengths}
    expected = Single(layer, plain).apply({"params": {own: theirs}}, x)
    np.testing.assert_allclose(y, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("gain", "factor"), [(None, 0.0208333333333333), (1.0, 4608**-0.5)])
def test_equalised(gain, factor, x64):
    layer = partial(nn.Conv, 2, (3, 3))
    x = jax.random.normal(RNG, (1, 3, 3, 512))
    module = Single(layer, equalised if gain is None else partial(equalised, gain=gain))
    params = module.init(RNG, x)["params"]
    np.testing.assert_array_equal(params["Conv_0"]["bias"], 0)
    kernel = np.asarray(params["Conv_0"]["kernel"], float)
    # 9216 draws: deviations of .0104 and .0074.
    np.testing.assert_allclose([kernel.mean(), kernel.std()], [0, 1], atol=0.03)
    params = {"Conv_0": {"kernel": kernel, "bias": np.ones(2)}}
    expected = {"Conv_0": {"kernel": factor * kernel, "bias": np.ones(2)}}
    np.testing.assert_allclose(
        module.apply({"params": params}, x),
        Single(layer, plain).apply({"params": expected}, x),
        rtol=1e-10,
    )


@pytest.mark.parametrize("row", WEIGHTS)
def test_layers_keep_their_names(row):
    module = nets.MLPDiscriminator(width=4, depth=1, weights=WEIGHTS[row])
    params = jax.eval_shape(module.init, RNG, jnp.zeros((2, 3)))["params"]
    own = {key: jax.tree.map(jnp.shape, params[key]) for key in ("Dense_0", "Dense_1")}
    assert own == {
        "Dense_0": {"kernel": (3, 4), "bias": (4,)},
        "Dense_1": {"kernel": (4, 1), "bias": (1,)},
    }
