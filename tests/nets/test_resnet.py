"""SNGAN's networks against their definition in plain layers, their sizes, a step of play."""

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from marks import telling

from ganjax import experiment
from ganjax.nets import HEADS, NORMS, WEIGHTS, ResNetDiscriminator, ResNetGenerator

RNG = jax.random.key(0)
SPECTRAL = partial(WEIGHTS["spectral"], reshaped=True)


def shapes(module, *shape):
    return jax.eval_shape(lambda x: module.init(RNG, x), jnp.zeros((2, *shape)))


def parameters(module, *shape):
    """Number of parameters; traced, not run."""
    leaves = jax.tree.leaves(shapes(module, *shape)["params"])
    return sum(math.prod(leaf.shape) for leaf in leaves)


def random(tree, scale=0.4):
    """Normal leaves instead of the initialisers', biases too, in float64."""
    draw = np.random.RandomState(0).normal
    return jax.tree.map(lambda leaf: jnp.asarray(draw(0, scale, leaf.shape)), tree)


# The paper once more, of plain layers: parameters are numbered in the order of the calls.


class Taken:
    """Hands out a network's layers of each kind, one after another."""

    def __init__(self, params):
        self.params, self.count = params, {}

    def __call__(self, kind):
        index = self.count[kind] = self.count.get(kind, -1) + 1
        return self.params[f"{kind}_{index}"]

    def conv(self, kind, x):
        """3x3 and its bias, if any."""
        own = self(kind)
        layer = nn.Conv(own["kernel"].shape[-1], (3, 3), use_bias="bias" in own)
        return layer.apply({"params": own}, x)

    def pixelwise(self, x):
        own = self("Dense")
        conv = {**own, "kernel": own["kernel"][None, None]}
        return nn.Conv(own["kernel"].shape[-1], (1, 1), use_bias="bias" in own).apply(
            {"params": conv}, x
        )

    def normalised(self, x):
        """Batch normalisation by the batch."""
        own = self("BatchNorm")
        apart = x - x.mean((0, 1, 2), keepdims=True)
        apart /= jnp.sqrt(x.var((0, 1, 2), keepdims=True) + 1e-5)
        return nn.relu(apart * own["scale"].reshape(1, 1, 1, -1) + own["bias"].reshape(1, 1, 1, -1))


def up(x):
    b, h, w, c = x.shape
    return jax.image.resize(x, (b, 2 * h, 2 * w, c), "nearest")


def down(x):
    return nn.avg_pool(x, (2, 2), (2, 2))


def generated(params, z, width, blocks):
    taken = Taken(params)
    dense = taken("Dense")
    x = (z @ dense["kernel"] + dense["bias"].reshape(1, -1)).reshape(-1, 4, 4, width)
    for _ in range(blocks):
        h = taken.conv("UpscalingConv", up(taken.normalised(x)))
        h = taken.conv("SameConv", taken.normalised(h))
        x = h + taken.pixelwise(up(x))
    return jnp.tanh(taken.conv("SameConv", taken.normalised(x)))


def judged(params, x, halvings):
    taken = Taken(params)
    h = taken.conv("DownscalingConv", nn.relu(taken.conv("SameConv", x)))
    x = down(h) + taken.pixelwise(down(x))
    for _ in range(halvings - 1):
        h = taken.conv("SameConv", nn.relu(x))
        h = down(taken.conv("DownscalingConv", nn.relu(h)))
        x = h + down(taken.pixelwise(x))
    for _ in range(2):
        h = taken.conv("SameConv", nn.relu(x))
        x = x + taken.conv("SameConv", nn.relu(h))
    dense = taken("Dense")
    return nn.relu(x).sum((1, 2)) @ dense["kernel"][:, 0] + dense["bias"]


def test_the_generator_is_its_definition(x64):
    module = ResNetGenerator((16, 16, 2), width=3)
    z = jax.random.normal(RNG, (4, 5))
    variables = random(shapes(module, 5))
    ours = jax.jit(partial(module.apply, mutable=["batch_stats"]))(variables, z)[0]
    theirs = jax.jit(partial(generated, width=3, blocks=2))(variables["params"], z)
    assert ours.std() > 0.1
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("size", "halvings"), [(8, 1), (32, 2)])
def test_the_discriminator_is_its_definition(size, halvings, x64):
    module = ResNetDiscriminator(width=3)
    x = jax.random.normal(RNG, (3, size, size, 2))
    variables = random(shapes(module, size, size, 2))
    ours = jax.jit(module.apply)(variables, x)
    theirs = jax.jit(partial(judged, halvings=halvings))(variables["params"], x)
    assert ours.std() > 1e-3
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)


def test_spectral_weights_see_the_plain_kernels(x64):
    """The definition with every kernel divided by its norm, also where means follow at once."""
    module = ResNetDiscriminator(width=2, weights=SPECTRAL)
    x = jax.random.normal(RNG, (3, 8, 8, 2))
    variables = random(shapes(module, 8, 8, 2))
    params, state = variables.pop("params"), variables

    def call(_, state):
        return module.apply({"params": params, **state}, x, mutable=list(state))[1]

    state = jax.jit(lambda state: jax.lax.fori_loop(0, 500, call, state))(state)
    ours = jax.jit(partial(module.apply, train=False))({"params": params, **state}, x)

    def divided(own):
        matrix = np.asarray(own["kernel"]).reshape(-1, own["kernel"].shape[-1])
        return {**own, "kernel": own["kernel"] / np.linalg.norm(matrix, 2)}

    params = {name: divided(own) for name, own in params.items()}
    theirs = jax.jit(partial(judged, halvings=1))(params, x)
    # The iteration converges at the square of the ratio of the two singular values.
    np.testing.assert_allclose(ours, theirs, rtol=1e-8)


def test_a_kernel_has_one_norm_whatever_it_resizes():
    """One u for every kernel, as long as the convolution's output is, or the features."""
    for weights, of_down in ((SPECTRAL, (3,)), (WEIGHTS["spectral"], (8, 8, 3))):
        spectral = shapes(ResNetDiscriminator(width=3, weights=weights), 8, 8, 1)["spectral"]
        u = [leaf.shape for leaf in jax.tree.leaves(spectral)]
        assert len(u) == 8  # 6 convolutions, a shortcut, the logit
        assert u[1] == of_down
    images = shapes(ResNetGenerator((8, 8, 1), width=3, weights=WEIGHTS["spectral"]), 5)
    assert jax.tree.leaves(images["spectral"])[1].shape == (8, 8, 3)


def test_the_papers_sizes():
    """With 128 latents, by table 4: counted by hand, layer by layer.

    The released code's generator has 4,276,739, for it has a bias of 256 in each of the 9 layers in
    front of or beside a batch normalisation, where it does nothing.
    """
    block = 2 * 9 * 256 * 256 + 256 * 256 + 2 * 2 * 256
    gen = (128 + 1) * 16 * 256 + 3 * block + 2 * 256 + (9 * 256 + 1) * 3
    assert gen == 4_276_739 - 9 * 256
    assert parameters(ResNetGenerator((32, 32, 3)), 128) == gen
    conv = (9 * 128 + 1) * 128
    disc = (9 * 3 + 1) * 128 + 7 * conv + (3 + 1) * 128 + (128 + 1) * 128 + 128 + 1
    assert disc == 1_053_825
    assert parameters(ResNetDiscriminator(), 32, 32, 3) == disc


@pytest.mark.parametrize(("size", "halvings"), [(8, 1), (16, 1), (32, 2), (64, 3), (256, 5)])
def test_of_every_size(size, halvings):
    """Shapes alone: traced, not run. A block for every doubling, halvings down to 8 pixels."""
    gen, disc = ResNetGenerator((size, size, 3), width=2), ResNetDiscriminator(width=2)
    x, made = jax.eval_shape(lambda z: gen.init_with_output(RNG, z), jnp.zeros((2, 5)))
    logits, judge = jax.eval_shape(lambda x: disc.init_with_output(RNG, x), x)
    assert x.shape == (2, size, size, 3)
    assert logits.shape == (2,)
    assert sum("Upscaling" in name for name in made["params"]) == round(math.log2(size / 4))
    assert sum("Downscaling" in name for name in judge["params"]) == halvings


def test_a_logit_sees_every_pixel(x64):
    module, x = ResNetDiscriminator(width=4), jax.random.normal(RNG, (1, 16, 16, 1))
    params = random(shapes(module, 16, 16, 1))
    slope = jax.jit(jax.grad(lambda x: module.apply(params, x)[0]))(x)
    assert bool((slope != 0).all())


@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_no_bias_that_a_norm_removes(norm):
    """With a norm by channel only the first and the last layer have one, with others all do."""
    for module, shape, free in (
        (ResNetGenerator((16, 16, 1), width=2, norm=NORMS[norm]), (5,), {"Dense_0", "SameConv_2"}),
        (ResNetDiscriminator(width=2, norm=NORMS[norm]), (16, 16, 1), {"Dense_1"}),
    ):
        params = shapes(module, *shape)["params"]
        layers = {name for name in params if "Norm" not in name}
        biased = {name for name in layers if "bias" in params[name]}
        assert biased == (free if norm == "batch" else layers)


def test_labels_join_by_norm_and_by_projection():
    """The paper that came with it: class-conditional normalisation, projection of the sums."""
    norm = partial(NORMS["conditional_batch"], num_classes=3)
    head = partial(HEADS["projection"], num_classes=3)
    y = jnp.arange(4) % 3
    gen, disc = ResNetGenerator((8, 8, 1), width=2, norm=norm), ResNetDiscriminator(2, head=head)
    x, made = jax.eval_shape(lambda z: gen.init_with_output(RNG, z, y), jnp.zeros((4, 5)))
    logits, judge = jax.eval_shape(lambda x: disc.init_with_output(RNG, x, y), x)
    assert logits.shape == (4,)
    assert made["params"]["ConditionalBatchNorm_2"]["gain"]["embedding"].shape == (3, 2)
    assert judge["params"]["Dense_1"]["kernel"].shape == (3, 2)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((12, 12, 1), "12 is not a power of two from 8 on.*e.g. to 16"),
        ((4, 4, 1), "4 is not .* from 8 on.*e.g. to 8"),
        ((8, 16, 1), "square"),
        ((2,), "mlp"),
    ],
)
def test_other_shapes_are_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        ResNetGenerator(shape, width=2).init(RNG, jnp.zeros((2, 3)))
    with pytest.raises(ValueError, match=message):
        ResNetDiscriminator(width=2).init(RNG, jnp.zeros((2, *shape)))


def test_widths_are_checked():
    with pytest.raises(ValueError, match=r"width=0 must be .* at least 1"):
        ResNetGenerator((8, 8, 1), width=0).init(RNG, jnp.zeros((2, 3)))


@telling
def test_a_step_of_play_moves_every_parameter(monkeypatch):
    """By its name in a config, with the hinge loss and spectral weights; finite, u goes on."""
    # XLA's own convolutions, as on an accelerator, are compiled sooner.
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    adam = {"name": "adam", "learning_rate": 1e-3, "b1": 0.0, "b2": 0.9}
    built = experiment.build(
        {
            "batch_size": 4,
            "data": {"name": "digits"},
            "game": {"name": "gan", "z_dim": 3},
            "generator": {"name": "resnet_gan", "width": 2},
            "discriminator": {
                "name": "resnet_gan",
                "width": 2,
                "weights": {"name": "spectral", "reshaped": True},
            },
            "loss": {"name": "hinge"},
            "scheme": {"name": "alternating"},
            "gen_tx": adam,
            "disc_tx": adam,
        }
    )

    @jax.jit
    def play(rng):
        before = experiment.initial_state(built, rng)
        return before, built.scheme.step(before, built.batch(built.train, rng), rng)

    before, (after, metrics) = play(RNG)
    moved = jax.tree.map(
        lambda a, b: bool((a != b).any() and jnp.isfinite(b).all()), before.params, after.params
    )
    # While no logit is beyond its margin, data and samples pull the last bias alike.
    moved.disc["Dense_1"].pop("bias")
    assert all(jax.tree.leaves(moved)), moved
    u = (state.model_state.disc["spectral"] for state in (before, after))
    turned = jax.tree.map(lambda a, b: a.size == 1 or bool((a != b).any()), *u)  # one number is 1
    assert all(jax.tree.leaves(turned))
    assert all(bool(jnp.isfinite(value)) for value in metrics.values())
