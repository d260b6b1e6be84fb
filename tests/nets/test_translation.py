"""Translators and PatchGAN: the papers' sizes, what a logit sees, the convolutions they are of."""

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from ganjax import nets
from ganjax.nets import convolutions
from ganjax.nets.norms import none

RNG = jax.random.key(0)


def parameters(module, *shape):
    """Number of parameters; traced, not run."""
    variables = jax.eval_shape(lambda x: module.init(RNG, x), jnp.zeros(shape))
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(variables["params"]))


def variables_of(module, x, scale=0.3):
    """Weights of a wider spread than at the start, without a compilation."""
    shapes = jax.eval_shape(lambda x: module.init({"params": RNG, "dropout": RNG}, x), x)
    random = np.random.RandomState(0)
    return jax.tree.map(lambda leaf: scale * random.randn(*leaf.shape).astype("f"), shapes)


@pytest.mark.parametrize(
    ("module", "count"),
    [
        (nets.ResNetTranslator((256, 256, 3), blocks=9), 11_378_179),
        (nets.ResNetTranslator((256, 256, 3), blocks=6), 7_837_699),
        (nets.PatchDiscriminator(), 2_764_737),
        # The released code has no bias in the two layers without normalisation, 64 + 512 fewer.
        (nets.UNet((256, 256, 3)), 54_413_955 + 576),
    ],
    ids=["resnet9", "resnet6", "patch", "unet"],
)
def test_the_papers_networks_have_the_papers_sizes(module, count):
    assert parameters(module, 1, 256, 256, 3) == count


@pytest.mark.parametrize(("layers", "field"), [(1, 16), (2, 34), (3, 70)])
def test_a_logit_sees_a_patch(layers, field):
    """The footprint of its gradient; without norms, by which a logit sees the whole image."""
    module = nets.PatchDiscriminator(width=1, layers=layers, norm=none)
    x = np.ones((1, 104, 104, 1), "f")
    params = jax.tree.map(np.ones_like, variables_of(module, x))
    middle = jax.eval_shape(module.apply, params, x).shape[1] // 2
    gradient = jax.jit(jax.grad(lambda x: module.apply(params, x)[0, middle, middle]))(x)
    seen = gradient[0, :, :, 0] != 0
    assert (int(seen.any(0).sum()), int(seen.any(1).sum())) == (field, field)
    assert int(seen.sum()) == field**2


def test_the_map_of_logits_at_256_pixels_is_30_by_30():
    module = nets.PatchDiscriminator(width=1)
    made = jax.eval_shape(lambda x: module.init_with_output(RNG, x)[0], jnp.zeros((2, 256, 256, 3)))
    assert made.shape == (2, 30, 30)


def derivatives(function):
    """Value, reverse mode, forward over reverse."""

    def scalar(x, k):
        return jnp.sum(jnp.tanh(function(x, k)))

    grads = jax.grad(scalar, argnums=(0, 1))
    return lambda x, k: (function(x, k), grads(x, k), jax.jvp(grads, (x, k), (x, k))[1])


@pytest.mark.parametrize(
    ("size", "stride", "features"),
    # Of stride 1 those with fewer features than channels add up products, others gather patches.
    [(3, 1, 2), (3, 2, 2), (4, 1, 2), (4, 2, 2), (5, 1, 1), (4, 1, 5), ("double", 2, 2)],
    ids=lambda part: str(part),
)
def test_both_forms_of_the_convolutions_agree(size, stride, features, x64):
    rng_x, rng_k = jax.random.split(RNG)
    x = jax.random.normal(rng_x, (2, 7, 6, 3))
    if size == "double":
        kernel = jax.random.normal(rng_k, (3, 3, 3, features))
        forms = convolutions.double_by_products, convolutions.double_natively
    else:
        kernel = jax.random.normal(rng_k, (size, size, 3, features))
        forms = (
            lambda x, k: convolutions.convolve_by_products(x, k, stride),
            lambda x, k: convolutions.convolve_natively(x, k, stride),
        )
    ours, theirs = (jax.jit(derivatives(form))(x, kernel) for form in forms)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10), ours, theirs
    )


def test_doubling_is_the_transposed_convolution(x64):
    """out[o] = sum_i x[i] k[o + 1 - 2 i], for o from 0 to 2 n - 1; our kernel is mirrored."""
    x = np.arange(1.0, 5.0)
    kernel = np.array([2.0, 3.0, 5.0])
    expected = np.zeros(8)
    for i in range(4):
        for tap in range(3):
            if 0 <= 2 * i + tap - 1 < 8:
                expected[2 * i + tap - 1] += x[i] * kernel[tap]
    mirrored = np.zeros((3, 3))
    mirrored[1] = kernel[::-1]  # of the rows only the middle tap: even rows are x's own
    image = jnp.broadcast_to(jnp.asarray(x)[None, None, :, None], (1, 2, 4, 1))
    made = convolutions.double_by_products(image, jnp.asarray(mirrored)[:, :, None, None])
    np.testing.assert_allclose(made[0, 0, :, 0], expected, rtol=1e-12)


def test_reflection_mirrors_the_pixels_beside_the_edge():
    """A kernel that picks the left neighbour sees the right one at the left edge."""
    conv = convolutions.Conv(1, 3, padding=1, reflect=True, use_bias=False)
    x = jnp.arange(16.0).reshape(1, 4, 4, 1)
    kernel = jnp.zeros((3, 3, 1, 1)).at[1, 0].set(1)
    made = conv.apply({"params": {"kernel": kernel}}, x)[0, :, :, 0]
    np.testing.assert_array_equal(made[:, 0], x[0, :, 1, 0])
    np.testing.assert_array_equal(made[:, 1:], x[0, :, :-1, 0])


def test_blocks_are_residual_and_each_its_own():
    """Two blocks, the second without weights, are the first alone; tanh at the end."""
    module = nets.ResNetTranslator((8, 8, 1), width=2, blocks=2, idle_biases=False)
    x = jax.random.uniform(RNG, (2, 8, 8, 1), minval=-1)
    params = variables_of(module, x)["params"]
    name = next(name for name in params if "Block" in name)

    def emptied(p):
        return np.stack([p[0], 0 * p[1]])

    run = jax.jit(module.apply)
    both = run({"params": params}, x)
    one = run({"params": {**params, name: jax.tree.map(emptied, params[name])}}, x)
    first = {**params, name: jax.tree.map(lambda p: p[:1], params[name])}
    alone = jax.jit(module.clone(blocks=1).apply)({"params": first}, x)
    np.testing.assert_allclose(one, alone, atol=1e-5)  # float32
    assert float(jnp.abs(both - alone).max()) > 1e-3
    assert alone.shape == x.shape
    assert 0.01 < float(jnp.abs(both).max()) <= 1


def test_blocks_start_each_with_a_draw_of_its_own():
    module = nets.ResNetTranslator((8, 8, 1), width=1, blocks=2, idle_biases=False)
    params = jax.jit(module.init)(RNG, jnp.zeros((1, 8, 8, 1)))["params"]
    name = next(name for name in params if "Block" in name)
    kernels = jax.tree.leaves(params[name])
    assert len(kernels) == 2
    assert all(bool((kernel[0] != kernel[1]).all()) for kernel in kernels)
    spread = np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(params)])
    np.testing.assert_allclose(spread[spread != 0].std(), 0.02, rtol=0.15)


@pytest.mark.parametrize("network", ["translator", "patch"])
def test_idle_biases_have_no_effect(network):
    """Norms without gain and bias remove them: the same function with any biases."""
    x = jax.random.uniform(RNG, (2, 16, 16, 1), minval=-1)
    plain, biased = (
        nets.ResNetTranslator((16, 16, 1), width=1, blocks=1, idle_biases=idle)
        if network == "translator"
        else nets.PatchDiscriminator(width=2, layers=2, idle_biases=idle)
        for idle in (False, True)
    )
    params, with_biases = variables_of(plain, x), variables_of(biased, x)
    kept = {jax.tree_util.keystr(p): v for p, v in jax.tree_util.tree_leaves_with_path(params)}
    assert len(kept) < len(jax.tree.leaves(with_biases))
    with_biases = jax.tree_util.tree_map_with_path(
        lambda path, leaf: kept.get(jax.tree_util.keystr(path), leaf), with_biases
    )
    made = jax.jit(biased.apply)(with_biases, x)
    np.testing.assert_allclose(made, jax.jit(plain.apply)(params, x), atol=1e-4)  # float32


def test_unet_hands_features_across_and_drops_only_in_training():
    module = nets.UNet((8, 8, 1), width=2, depth=3, dropped=1)
    x = jax.random.uniform(RNG, (3, 8, 8, 2), minval=-1)
    variables = variables_of(module, x)
    variables["batch_stats"] = jax.tree.map(np.ones_like, variables["batch_stats"])
    evaluate = jax.jit(lambda variables: module.apply(variables, x, train=False))

    @jax.jit
    def train(rng):
        return module.apply(variables, x, mutable=["batch_stats"], rngs={"dropout": rng})[0]

    assert evaluate(variables).shape == (3, 8, 8, 1)
    assert bool((train(jax.random.key(0)) != train(jax.random.key(1))).any())
    # Nothing through the innermost layer: what is left has come across.
    inner = jax.tree.map(jnp.zeros_like, variables["params"]["HalvingConv_2"])
    cut = {**variables, "params": {**variables["params"], "HalvingConv_2": inner}}
    assert float(evaluate(cut).std()) > 1e-3
    assert bool((evaluate(cut) != evaluate(variables)).any())


@pytest.mark.parametrize(("depth", "layers"), [(2, 0), (3, 1), (6, 3)])
def test_unet_drops_in_three_layers_if_there_are_as_many(depth, layers):
    module = nets.UNet((64, 64, 1), width=1, depth=depth)
    rngs = {"params": RNG, "dropout": RNG}
    made = jax.make_jaxpr(module.init_with_output)(rngs, jnp.zeros((1, 64, 64, 1)))
    assert str(made).count("_bernoulli") == layers


def test_points_start_near_the_identity():
    module = nets.ResidualMLP((2,))
    x = jax.random.normal(RNG, (50, 2))
    made = module.apply(module.init(RNG, x), x)
    assert 0 < float(jnp.abs(made - x).max()) < 0.3


@pytest.mark.parametrize(
    ("module", "shape", "message"),
    [
        (nets.ResNetTranslator((10, 10, 1)), (1, 10, 10, 1), "10x10"),
        (nets.ResNetTranslator((2,)), (1, 2), "residual_mlp"),
        (nets.ResNetTranslator((8, 8, 1), blocks=-1), (1, 8, 8, 1), "blocks=-1"),
        (nets.UNet((16, 16, 1), depth=5), (1, 16, 16, 1), "fewer layers"),
        (nets.UNet((16, 16, 1), depth=1), (1, 16, 16, 1), "depth=1"),
        (nets.UNet((16, 16, 1), depth=2, dropout=1.0), (1, 16, 16, 1), "dropout=1.0"),
        (
            nets.UNet((16, 16, 1), depth=3, dropped=-1),
            (1, 16, 16, 1),
            "dropped=-1 must be .* 0",
        ),
        (nets.UNet((16, 16, 1), depth=3, dropped=2), (1, 16, 16, 1), "from 0 to 1; .* depth=3"),
        (nets.PatchDiscriminator(), (1, 16, 16, 1), "at least 24"),
        (nets.PatchDiscriminator(layers=0), (1, 16, 16, 1), "layers=0"),
        (nets.ResidualMLP((3,)), (1, 2), "same shape"),
    ],
)
def test_what_does_not_fit_is_refused(module, shape, message):
    with pytest.raises(ValueError, match=message):
        jax.eval_shape(lambda x: module.init(RNG, x), jnp.zeros(shape))


@pytest.mark.parametrize("name", sorted(nets.TRANSLATORS))
def test_contract_of_translators(name):
    """A batch in, a batch of the declared shape out, float32, in both modes."""
    shape, options = {"residual_mlp": ((2,), {"depth": 1})}.get(name, ((8, 8, 3), {}))
    options = {"resnet": {"blocks": 1}, "unet": {"depth": 2}}.get(name, options)
    module = nets.TRANSLATORS[name](shape=shape, width=2, **options)
    modes = [{}] if name == "residual_mlp" else [{"train": True}, {"train": False}]
    for mode in modes:
        x = jnp.zeros((3, *shape))
        init = partial(module.init_with_output, {"params": RNG, "dropout": RNG}, **mode)
        made, _ = jax.eval_shape(init, x)
        assert (made.shape, made.dtype) == (x.shape, jnp.float32)


@pytest.mark.parametrize("name", sorted(nets.PATCH_DISCRIMINATORS))
def test_contract_of_patch_discriminators(name):
    module = nets.PATCH_DISCRIMINATORS[name](width=2)
    x = jnp.zeros((5, 32, 32, 3))
    made = jax.eval_shape(lambda x: module.init_with_output(RNG, x)[0], x)
    assert made.shape[0] == 5
    assert made.ndim > 1
    assert isinstance(module, nn.Module)
