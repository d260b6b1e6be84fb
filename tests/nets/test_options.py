"""The contract of every row of WEIGHTS, NORMS and MINIBATCH in the networks that take them."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganjax import nets
from ganjax.nets import MINIBATCH, NORMS, WEIGHTS

RNG = jax.random.key(0)
SHELVES = {"weights": WEIGHTS, "norm": NORMS, "minibatch": MINIBATCH}
ROWS = [(option, row) for option, shelf in SHELVES.items() for row in shelf]
EVERY = pytest.mark.parametrize(("option", "row"), ROWS)
# Without the rows that are the network without options once more.
DISTINCT = pytest.mark.parametrize(("option", "row"), [pair for pair in ROWS if pair[1] != "none"])


def small_critic(option, row):
    """A smooth critic of points, and for `instance` one of images: (module, shape)."""
    options = {option: SHELVES[option][row]}
    if row == "discrimination":
        options[option] = partial(MINIBATCH[row], kernels=3, dims=2)
    if row == "instance":
        return nets.DCGANDiscriminator(width=1, **options), (16, 16, 1)
    return nets.MLPDiscriminator(width=4, depth=1, activation=jnp.tanh, **options), (3,)


def split(variables):
    state = dict(variables)
    return state.pop("params"), state


@EVERY
@pytest.mark.parametrize("network", ["mlp_gen", "mlp_disc", "dcgan_gen", "dcgan_disc"])
def test_networks_take_every_row(network, option, row):
    """Shapes, types and the structure of the state, at other batch sizes and in both modes."""
    if (option == "minibatch" and "gen" in network) or (row == "instance" and "mlp" in network):
        return
    options = {option: SHELVES[option][row], "width": 2}
    module, shape, out = {
        "mlp_gen": lambda: (nets.MLPGenerator((4, 2), **options), (3,), (4, 2)),
        "mlp_disc": lambda: (nets.MLPDiscriminator(**options), (4, 2), ()),
        "dcgan_gen": lambda: (nets.DCGANGenerator((16, 16, 1), **options), (3,), (16, 16, 1)),
        "dcgan_disc": lambda: (nets.DCGANDiscriminator(**options), (16, 16, 1), ()),
    }[network]()
    params, state = jax.eval_shape(lambda x: split(module.init(RNG, x)), jnp.zeros((4, *shape)))

    def training(params, state, x):
        return module.apply({"params": params, **state}, x, mutable=list(state))

    y, new = jax.eval_shape(training, params, state, jnp.zeros((6, *shape)))
    assert (y.shape, y.dtype) == ((6, *out), jnp.float32)
    chex.assert_trees_all_equal_shapes_and_dtypes(dict(new), state)

    def evaluation(params, state, x):
        return module.apply({"params": params, **state}, x, train=False)

    y = jax.eval_shape(evaluation, params, state, jnp.zeros((1, *shape)))
    assert (y.shape, y.dtype) == ((1, *out), jnp.float32)


@DISTINCT
def test_forward_over_reverse_is_central_differences(option, row, x64):
    module, shape = small_critic(option, row)
    x = jax.random.normal(jax.random.key(1), (4, *shape))
    params, state = split(
        jax.tree.map(lambda p: p.astype(float), dict(jax.jit(module.init)(RNG, x)))
    )

    def objective(params, x):
        logits, _ = module.apply({"params": params, **state}, x, mutable=list(state))
        return jnp.sum(jnp.tanh(logits))

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


@DISTINCT
def test_vmap_over_seeds_is_a_loop(option, row):
    module, shape = small_critic(option, row)
    x = jax.random.normal(jax.random.key(1), (4, *shape))

    def play(rng):
        params, state = split(module.init(rng, x))

        def objective(params):
            logits, new = module.apply({"params": params, **state}, x, mutable=list(state))
            return jnp.sum(logits**2), new

        return jax.value_and_grad(objective, has_aux=True)(params)

    rngs = jax.random.split(RNG, 2)
    together = jax.jit(jax.vmap(play))(rngs)
    one = jax.jit(play)
    apart = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(one(rng) for rng in rngs))
    # float32, another order of sums
    jax.tree.map(partial(np.testing.assert_allclose, rtol=2e-4, atol=1e-5), together, apart)
