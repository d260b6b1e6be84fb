"""Loops that keep few of their states: the numbers of a plain loop, in the memory they promise."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from marks import telling

from ganjax import games, losses, nets, schemes
from ganjax.schemes.checkpointing import FLAT, checkpointed_scan, plain_scan, segment_length
from ganjax.types import Players

RNG = jax.random.key(0)


@pytest.mark.parametrize("length", [*range(1, 60), 80, 1000])
def test_states_kept(length):
    """At most those of `length` without cutting, and about twice its root with it."""
    segment = segment_length(length)
    segments, last = divmod(length - 1, segment)
    assert 1 <= last + 1 <= segment
    kept = segments + segment
    assert kept == length if length <= FLAT else kept <= 2 * length**0.5
    best = min((length - 1) // n + n for n in range(1, length + 1))
    assert kept == best or length <= FLAT


def turn(carry, x):
    """A step with a second derivative."""
    a, b = carry
    return jnp.sin(a + 0.3 * b) + 0.1 * x, b + 0.2 * a * b


def looped(step, carry, xs, length):
    for index in range(length):
        carry = step(carry, xs[index])
    return carry


START = (jnp.array([0.3, -0.7]), jnp.array([0.2, 0.4]))
same = partial(jax.tree.map, partial(np.testing.assert_allclose, rtol=1e-12, atol=1e-13))


@pytest.mark.parametrize("length", [0, 1, 10, 11, pytest.param(40, marks=pytest.mark.slow)])
def test_same_as_a_loop_in_every_mode(length, x64):
    """Value, gradient, and derivatives of the gradient forwards and backwards, also mapped."""
    start = jax.tree.map(lambda leaf: leaf.astype(float), START)
    xs = jnp.sin(jnp.arange(2.0 * length)).reshape(length, 2)

    def gradient(run, carry, xs):
        def value(carry, xs):
            a, b = run(turn, carry, xs, length=length)
            return jnp.vdot(a, a) + jnp.sum(b)

        return jax.value_and_grad(value, argnums=(0, 1))(carry, xs)

    def everything(run):
        def slope(carry):
            return jnp.sum(jnp.sin(gradient(run, carry, xs)[1][0][0]))

        seeds = jax.tree.map(lambda leaf: jnp.stack([leaf, 2 * leaf]), start)
        mapped = jax.vmap(partial(gradient, run), in_axes=(0, None))(seeds, xs)
        return mapped, jax.grad(slope)(start), jax.jacfwd(slope)(start)

    ours = jax.jit(partial(everything, checkpointed_scan))()
    same(ours, jax.jit(partial(everything, plain_scan))())
    found = jax.jit(partial(gradient, looped))(start, xs)
    same(jax.tree.map(lambda leaf: leaf[0], ours[0]), found)


def test_averages_over_a_mapped_axis(x64):
    start = jax.tree.map(lambda leaf: leaf.astype(float), START)
    xs = jnp.sin(jnp.arange(2.0 * 2 * 13)).reshape(2, 13, 2)

    def gradient(run, xs):
        def step(carry, x):
            return jax.lax.pmean(turn(carry, x), "data")

        return jax.grad(lambda xs: jnp.sum(run(step, start, xs, length=13)[0] ** 2))(xs)

    def mapped(run):
        return jax.jit(jax.vmap(partial(gradient, run), axis_name="data"))(xs)

    same(mapped(checkpointed_scan), mapped(looped))


def test_without_entries():
    run = jax.jit(partial(checkpointed_scan, lambda c, _: 2 * c + 1, length=13))
    assert float(run(0.0)) == 2**13 - 1


def test_memory_is_that_of_the_states_kept():
    """Of a loop over 1 MiB: 12 states for 40 steps, where a plain one has 40 and their insides."""
    matrix = jnp.ones((8, 8))

    def temporary(run, length):
        def value(carry):
            return jnp.sum(run(lambda c, _: jnp.tanh(jnp.tanh(c) @ matrix), carry, length=length))

        carry = jax.ShapeDtypeStruct((2**15, 8), jnp.float32)
        compiled = jax.jit(jax.grad(value)).lower(carry).compile()
        return compiled.memory_analysis().temp_size_in_bytes / 2**20

    ten, forty = (temporary(checkpointed_scan, length) for length in (10, 40))
    assert forty - ten == pytest.approx(2, abs=1.5)
    assert temporary(plain_scan, 40) > 75


def play(width, unroll_steps, tx, **options):
    game = games.gan(
        nets.MLPGenerator((2,), width=width),
        nets.MLPDiscriminator(width=width),
        loss=losses.minimax,
        z_dim=3,
    )
    return schemes.unrolled(
        game, Players(tx, tx), unroll_steps=unroll_steps, order="gen_first", **options
    )


def double(tree):
    return jax.tree.map(lambda a: a.astype(float) if a.dtype == jnp.float32 else a, tree)


@pytest.mark.slow
@pytest.mark.parametrize("fresh", [False, True])
def test_a_step_cut_into_segments(fresh, x64):
    """13 steps, cut, over seeds at once and with the derivative of the whole step."""
    leading = (14,) if fresh else ()
    batch = {"x": np.random.default_rng(0).standard_normal((*leading, 8, 2))}
    seeds, tx = jax.random.split(RNG, 2), optax.adam(1e-2, b1=0.5, eps_root=1e-8)
    found = []
    for remat in (True, False):
        scheme = play(4, 13, tx, remat=remat, fresh_batches=fresh)
        state = double(jax.vmap(partial(scheme.init, batch=batch))(seeds))
        state, _ = jax.jit(jax.vmap(scheme.step, in_axes=(0, None, 0)))(state, batch, seeds)
        first = jax.tree.map(lambda leaf: leaf[0], state)

        def moved(bias, scheme=scheme, first=first):
            disc = jax.tree.map(lambda leaf: leaf + bias, first.params.disc)
            shifted = first._replace(params=first.params._replace(disc=disc))
            return scheme.step(shifted, batch, RNG)[0].params

        found.append((state.params, state.opt_state, jax.jit(jax.jacfwd(moved))(0.0)))
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-10, atol=1e-12), *found)


@telling
def test_forty_steps_in_at_most_one_and_a_half_times_the_memory_of_five():
    """Arguments, results and what is in between, of compiled steps; they grow 2.3 times uncut."""
    tx, batch = optax.adam(1e-4, b1=0.5), {"x": jnp.zeros((256, 2))}

    def peak(unroll_steps):
        scheme = play(128, unroll_steps, tx)
        state = jax.eval_shape(scheme.init, RNG, batch)
        step = jax.jit(scheme.step, donate_argnums=0).lower(state, batch, RNG).compile()
        memory = step.memory_analysis()
        return (
            memory.argument_size_in_bytes
            + memory.output_size_in_bytes
            - memory.alias_size_in_bytes
            + memory.temp_size_in_bytes
        )

    assert peak(40) < 1.5 * peak(5)
