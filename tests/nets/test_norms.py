"""Normalisations against closed forms and a second computation in numpy."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from ganjax import nets
from ganjax.nets.norms import NORMS, ConditionalBatchNorm, Pass, VirtualBatchNorm, virtual

RNG = jax.random.key(0)


def norm(row):
    return NORMS[row](**({"num_classes": 2} if row == "conditional_batch" else {}))


class Single(nn.Module):
    """A network of one normalisation."""

    row: str

    @nn.compact
    def __call__(self, x, train=True):
        at = Pass(train, jnp.arange(x.shape[0]) % 2, rows=2)
        return norm(self.row).apply(x, at)


def applied(module, x):
    """The output in training mode with gains of 2 and biases of 1, in float64."""
    variables = dict(jax.jit(module.init)(RNG, x))
    filled = {"scale": 2.0, "gain": 2.0, "bias": 1.0}

    def fill(path, p):  # an embedding's name stands above it
        return np.full(p.shape, filled[path[-2 if path[-1].key == "embedding" else -1].key])

    variables["params"] = jax.tree_util.tree_map_with_path(fill, variables.get("params", {}))
    apply = jax.jit(partial(module.apply, mutable=["batch_stats"]))
    return np.asarray(apply(variables, x)[0])


def standardised(x, axes, epsilon):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


def test_pixel_closed_form(x64):
    y = Single("pixel").apply({}, jnp.array([[3.0, 4.0]]))
    # sqrt(12.5 + 1e-8) below.
    np.testing.assert_allclose(y, [[0.848528137, 1.131370849]], rtol=1e-8)
    np.testing.assert_allclose(y, np.array([[3.0, 4.0]]) / np.sqrt(12.5 + 1e-8), rtol=1e-10)


@pytest.mark.parametrize(
    ("row", "axes", "epsilon"),
    [("batch", (0, 1, 2), 1e-5), ("instance", (1, 2), 1e-6), ("layer", (1, 2, 3), 1e-6)],
)
def test_which_axes_are_normalised(row, axes, epsilon, x64):
    x = 1 + 3 * np.asarray(jax.random.normal(RNG, (5, 3, 4, 2)))
    expected = 2 * standardised(x, axes, epsilon) + 1
    np.testing.assert_allclose(applied(Single(row), x), expected, rtol=1e-10, atol=1e-12)


def test_layer_norm_of_points(x64):
    x = np.asarray(jax.random.normal(RNG, (5, 4)))
    np.testing.assert_allclose(
        applied(Single("layer"), x), 2 * standardised(x, 1, 1e-6) + 1, rtol=1e-10
    )


def test_instance_norm_needs_space():
    with pytest.raises(ValueError, match=r"activations \(2, 3\) without spatial axes"):
        nets.MLPDiscriminator(width=3, norm=NORMS["instance"]).init(RNG, jnp.zeros((2, 4)))


@pytest.mark.parametrize("row", NORMS)
def test_a_row_centres_if_a_bias_before_it_has_no_effect(row, x64):
    x = jax.random.normal(RNG, (5, 4, 4, 3))
    shifted = x + jnp.array([1.0, -2.0, 3.0]).reshape(1, 1, 1, 3)
    unmoved = np.allclose(applied(Single(row), x), applied(Single(row), shifted), atol=1e-9)
    assert norm(row).centres == unmoved


@pytest.mark.parametrize("row", NORMS)
def test_biases_stand_where_no_centring_follows(row):
    option = {"norm": partial(norm, row), "width": 2}
    y = jnp.zeros(2, int) if row == "conditional_batch" else None
    generator = nets.DCGANGenerator((16, 16, 1), **option)
    discriminator = nets.DCGANDiscriminator(**option)
    gen = jax.eval_shape(generator.init, RNG, jnp.zeros((2, 3)), y)["params"]
    disc = jax.eval_shape(discriminator.init, RNG, jnp.zeros((2, 16, 16, 1)), y)["params"]
    before = [gen["Dense_0"], gen["DoublingConv_0"], disc["HalvingConv_1"]]
    others = [gen["DoublingConv_1"], disc["HalvingConv_0"], disc["Dense_0"]]
    if row != "instance":
        mlp = nets.MLPDiscriminator(depth=1, **option)
        params = jax.eval_shape(mlp.init, RNG, jnp.zeros((2, 3)), y)["params"]
        before, others = [*before, params["Dense_0"]], [*others, params["Dense_1"]]
    assert {"bias" in params for params in before} == {not norm(row).centres}
    assert all("bias" in params for params in others)


@pytest.mark.parametrize("shape", [(3,), (4, 2, 3)], ids=["points", "images"])
def test_virtual_statistics(shape, x64):
    """Means and means of squares mixed as R : 1; the reference batch by itself."""
    x = 2 + 3 * np.asarray(jax.random.normal(RNG, (7, *shape)))
    rows, axes = 4, tuple(range(1, len(shape)))
    y = applied(VirtualBatchNorm(rows=rows), x)
    reference, alone = x[:rows], x[rows:]

    def mixed(function):
        ref = function(reference).mean((0, *axes), keepdims=True)
        return (rows * ref + function(alone).mean(axes, keepdims=True)) / (rows + 1)

    mean, squares = mixed(lambda x: x), mixed(np.square)
    expected = 2 * (alone - mean) / np.sqrt(squares - mean**2 + 1e-5) + 1
    np.testing.assert_allclose(y[rows:], expected, rtol=1e-10, atol=1e-12)
    expected = 2 * standardised(reference, (0, *axes), 1e-5) + 1
    np.testing.assert_allclose(y[:rows], expected, rtol=1e-10, atol=1e-12)


def test_virtual_network(x64):
    """An MLP recomputed in numpy, at another batch size than that of its reference batch."""
    module = nets.MLPDiscriminator(width=3, depth=2, activation=jnp.tanh, norm=virtual)
    inputs = np.asarray(jax.random.normal(RNG, (6, 2)))
    variables = jax.jit(module.init)(RNG, inputs)
    np.testing.assert_array_equal(variables["reference"]["inputs"], inputs)
    variables = jax.tree.map(lambda p: np.asarray(p, float), dict(variables))
    x = np.asarray(jax.random.normal(jax.random.key(1), (3, 2)))
    params, reference, alone = variables["params"], inputs, x
    for layer in range(2):
        kernel, norm = params[f"Dense_{layer}"]["kernel"], params[f"VirtualBatchNorm_{layer}"]
        reference, alone = reference @ kernel, alone @ kernel
        mean, squares = ((6 * f(reference).mean(0) + f(alone)) / 7 for f in (np.array, np.square))
        alone = (alone - mean) / np.sqrt(squares - mean**2 + 1e-5)
        reference = standardised(reference, 0, 1e-5)
        reference, alone = (np.tanh(norm["scale"] * a + norm["bias"]) for a in (reference, alone))
    expected = alone @ params["Dense_2"]["kernel"][:, 0] + params["Dense_2"]["bias"]
    for train in (True, False):
        y = jax.jit(partial(module.apply, train=train))(variables, x)
        np.testing.assert_allclose(y, expected, rtol=1e-10)


@pytest.mark.parametrize("player", ["gen", "disc"])
def test_virtual_examples_do_not_see_their_batch(player):
    if player == "gen":
        module, shape = nets.DCGANGenerator((8, 8, 1), width=2, norm=virtual), (5,)
    else:
        module, shape = nets.DCGANDiscriminator(width=2, norm=virtual), (16, 16, 1)
    variables = jax.jit(module.init)(RNG, jax.random.normal(RNG, (4, *shape)))
    x = jax.random.normal(jax.random.key(1), (6, *shape))
    together, after = jax.jit(partial(module.apply, mutable=["reference"]))(variables, x)
    alone = jax.jit(partial(module.apply, train=False))(variables, x[:1])
    np.testing.assert_allclose(together[:1], alone, rtol=1e-4, atol=1e-6)  # float32
    jax.tree.map(np.testing.assert_array_equal, after["reference"], variables["reference"])


def test_virtual_needs_its_reference():
    with pytest.raises(ValueError, match="virtual batch normalisation needs a reference batch"):
        virtual().apply(jnp.zeros((2, 3)), Pass())


def test_other_modules_are_no_norms():
    with pytest.raises(ValueError, match=r"must return a nets\.norms\.Norm"):
        nets.MLPDiscriminator(width=3, norm=nn.LayerNorm).init(RNG, jnp.zeros((2, 4)))


def test_conditional_batch_norm(x64):
    x = 1 + 2 * np.asarray(jax.random.normal(RNG, (5, 2, 3, 4)))
    y = np.array([0, 2, 1, 2, 0])
    module = ConditionalBatchNorm(num_classes=3)
    variables = module.init(RNG, x, y)
    stats = variables["batch_stats"]["BatchNorm_0"]
    assert jax.tree.map(np.shape, variables["params"]) == {
        "gain": {"embedding": (3, 4)},
        "bias": {"embedding": (3, 4)},
    }
    plain, after = module.apply(variables, x, y, mutable=["batch_stats"])
    normal = standardised(x, (0, 1, 2), 1e-5)
    np.testing.assert_allclose(plain, normal, rtol=1e-10)
    gain, bias = np.arange(12.0).reshape(3, 4), np.arange(12.0)[::-1].reshape(3, 4)
    params = {"gain": {"embedding": gain}, "bias": {"embedding": bias}}
    coloured, _ = module.apply(
        {"params": params, "batch_stats": {"BatchNorm_0": stats}}, x, y, mutable=["batch_stats"]
    )
    expected = normal * gain[y][:, None, None] + bias[y][:, None, None]
    np.testing.assert_allclose(coloured, expected, rtol=1e-10, atol=1e-12)
    mean, var = 0.1 * x.mean((0, 1, 2)), 0.9 + 0.1 * x.var((0, 1, 2))
    new = after["batch_stats"]["BatchNorm_0"]
    np.testing.assert_allclose(new["mean"], mean, rtol=1e-6)  # running averages are float32
    evaluated = module.apply({"params": params, **after}, x, y, train=False)
    expected = (x - mean) / np.sqrt(var + 1e-5) * gain[y][:, None, None] + bias[y][:, None, None]
    np.testing.assert_allclose(evaluated, expected, rtol=1e-5, atol=1e-5)


def test_conditional_batch_norm_needs_classes():
    with pytest.raises(ValueError, match=r"num_classes=0 must be .* at least 1"):
        ConditionalBatchNorm(0).init(RNG, jnp.zeros((2, 3)), jnp.zeros(2, int))
