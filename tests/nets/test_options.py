"""The contract of every row of the shelves that networks take options from."""

from functools import partial

import chex
import examples
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from marks import marked

from ganjax import nets
from ganjax.nets import HEADS, LABELS, MINIBATCH, NORMS, WEIGHTS

RNG = jax.random.key(0)
SHELVES = {
    "weights": WEIGHTS,
    "norm": NORMS,
    "minibatch": MINIBATCH,
    "labels": LABELS,
    "head": HEADS,
}
# Arguments that a row cannot do without, or that keep it small.
ARGUMENTS = {
    "discrimination": {"kernels": 3, "dims": 2},
    "conditional_batch": {"num_classes": 3},
    "one_hot": {"num_classes": 3},
    "embedding": {"num_classes": 3, "dim": 2},
    "projection": {"num_classes": 3},
    "auxiliary": {"num_classes": 3},
    "classifier": {"num_classes": 3},
    "code": {"z_dim": 3},
}
ROWS = [(option, row) for option, shelf in SHELVES.items() for row in shelf]
NETWORKS = ("mlp_gen", "mlp_disc", "dcgan_gen", "dcgan_disc", "resnet_gen", "resnet_disc")
# Without the rows that are the network without options once more.
PAIRS = [pair for pair in ROWS if pair[1] not in ("none", "logit")]
# Rows that keep or compute over a batch; the others are plain functions.
SHARED = ("batch", "virtual", "spectral", "discrimination", "stddev")


def labels(rows):
    return jnp.arange(rows) % 3


def value_of(option, row):
    return partial(SHELVES[option][row], **ARGUMENTS.get(row, {}))


def small_critic(option, row, **more):
    """A smooth critic of points, and for `instance` one of images: (module, shape)."""
    options = {option: value_of(option, row)}
    if row == "instance":
        return nets.DCGANDiscriminator(width=1, **options), (16, 16, 1)
    module = nets.MLPDiscriminator(width=4, depth=1, activation=jnp.tanh, **options, **more)
    return module, (3,)


def split(variables):
    state = dict(variables)
    return state.pop("params"), state


@pytest.mark.parametrize(
    ("network", "option", "row"),
    marked(
        [(network, *row) for network in NETWORKS for row in ROWS],
        default=[
            (network, *row)
            for network in NETWORKS
            for row in ROWS
            if "resnet" not in network or row[0] in ("norm", "weights")
        ],
    ),
)
def test_networks_take_every_row(network, option, row):
    """Shapes, types and the structure of the state, at other batch sizes and in both modes."""
    judges = option in ("minibatch", "head")
    if (judges and "gen" in network) or (row == "instance" and "mlp" in network):
        return
    options = {option: value_of(option, row), "width": 2}
    module, shape, out = {
        "mlp_gen": lambda: (nets.MLPGenerator((4, 2), **options), (3,), (4, 2)),
        "mlp_disc": lambda: (nets.MLPDiscriminator(**options), (4, 2), ()),
        "dcgan_gen": lambda: (nets.DCGANGenerator((16, 16, 1), **options), (3,), (16, 16, 1)),
        "dcgan_disc": lambda: (nets.DCGANDiscriminator(**options), (16, 16, 1), ()),
        "resnet_gen": lambda: (nets.ResNetGenerator((8, 8, 1), **options), (3,), (8, 8, 1)),
        "resnet_disc": lambda: (nets.ResNetDiscriminator(**options), (8, 8, 1), ()),
    }[network]()
    params, state = jax.eval_shape(
        lambda x: split(module.init(RNG, x, labels(4))), jnp.zeros((4, *shape))
    )

    def check(outputs, rows):
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        assert all(array.dtype == jnp.float32 for array in outputs)
        shapes = [array.shape for array in outputs]
        expected = {
            "code": [(rows, 3)],
            "auxiliary": [(rows,), (rows, 3)],
            "classifier": [(rows, 3), (rows, shapes[-1][-1] if shapes[-1] else 0)],
        }
        assert shapes == expected.get(row, [(rows, *out)])

    def training(params, state, x):
        return module.apply({"params": params, **state}, x, labels(6), mutable=list(state))

    outputs, new = jax.eval_shape(training, params, state, jnp.zeros((6, *shape)))
    check(outputs, 6)
    chex.assert_trees_all_equal_shapes_and_dtypes(dict(new), state)

    def evaluation(params, state, x):
        return module.apply({"params": params, **state}, x, labels(1), train=False)

    check(jax.eval_shape(evaluation, params, state, jnp.zeros((1, *shape))), 1)


@pytest.mark.parametrize(
    ("option", "row"),
    marked(
        PAIRS,
        [pair for pair in PAIRS if pair[1] in SHARED],
        [p for p in PAIRS if p[1] not in SHARED],
    ),
)
def test_forward_over_reverse_is_central_differences(option, row, x64):
    module, shape = small_critic(option, row, kernel_init=examples.waves)
    x = jax.random.normal(jax.random.key(1), (4, *shape))
    params, state = split(
        jax.tree.map(lambda p: p.astype(float), dict(jax.jit(module.init)(RNG, x, labels(4))))
    )

    def objective(params, x):
        outputs, _ = module.apply({"params": params, **state}, x, labels(4), mutable=list(state))
        return sum(jnp.sum(jnp.tanh(array)) for array in jax.tree.leaves(outputs))

    def waves(p):
        return jnp.sin(1.0 + jnp.arange(p.size)).reshape(p.shape)

    along = jax.tree.map(waves, (params, x))
    if row == "spectral":  # along its kernels it holds u and v fixed: see test_weights.py
        along = jax.tree.map(jnp.zeros_like, params), along[1]

    @jax.jit
    def both(params, x):
        gradient = jax.grad(objective, argnums=(0, 1))
        step = 1e-5

        def moved(by):
            return gradient(*jax.tree.map(lambda p, a: p + by * a, (params, x), along))

        ends = jax.vmap(moved)(jnp.array([-step, step]))
        differences = jax.tree.map(lambda g: (g[1] - g[0]) / (2 * step), ends)
        return jax.jvp(gradient, (params, x), along)[1], differences

    exact, differences = both(params, x)
    largest = max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(exact))
    assert largest > 1e-3
    # Central differences err by step^2 and by rounding / step.
    jax.tree.map(
        partial(np.testing.assert_allclose, rtol=1e-6, atol=1e-6 * largest), exact, differences
    )


# Seeds meet where a row keeps or computes over a batch.
@pytest.mark.parametrize(
    ("option", "row"),
    marked(
        PAIRS,
        default=[pair for pair in PAIRS if pair[1] in SHARED],
    ),
)
def test_vmap_over_seeds_is_a_loop(option, row):
    module, shape = small_critic(option, row)
    x = jax.random.normal(jax.random.key(1), (4, *shape))

    def play(rng):
        params, state = split(module.init(rng, x, labels(4)))

        def objective(params):
            variables = {"params": params, **state}
            outputs, new = module.apply(variables, x, labels(4), mutable=list(state))
            return sum(jnp.sum(array**2) for array in jax.tree.leaves(outputs)), new

        return jax.value_and_grad(objective, has_aux=True)(params)

    rngs = jax.random.split(RNG, 2)
    together = jax.jit(jax.vmap(play))(rngs)
    one = jax.jit(play)
    apart = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(one(rng) for rng in rngs))
    # float32, another order of sums
    jax.tree.map(partial(np.testing.assert_allclose, rtol=2e-4, atol=1e-5), together, apart)
