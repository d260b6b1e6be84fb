"""A sub-batch and a draw for each gradient of a step, in every scheme that evaluates several."""

import inspect
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ganjax import schemes
from ganjax.types import Game, Loss, Players

RNG = jax.random.key(0)
INNER = partial(schemes.alternating, disc_updates=3, fresh_batches=True)
# scheme: its options, and the leading axes and updates of the generator they lead to.
CASES = {
    "alex": ({}, (2,), 1),
    "alternating": ({"disc_updates": 3}, (3,), 1),
    "anchored": ({}, (2,), 1),
    "extragradient": ({}, (2,), 1),
    "lookahead": ({"inner": INNER, "steps": 4}, (4, 3), 4),
    "negative_momentum": ({"disc_updates": 2}, (2,), 1),
    "opponent_shaping": ({"lookahead_lr": 1.0}, (2,), 1),
    "prediction": ({}, (2,), 1),
    "proximal": ({"iterations": 3}, (3,), 1),
    "runge_kutta": ({"lr": 1.0}, (4,), 1),
    "unrolled": ({"unroll_steps": 2}, (3,), 1),
}


def sgd(h):
    return Players(optax.sgd(h), optax.sgd(h))


def mean_game(noise=0.0):
    """L_gen = x m + y and L_disc = (y - m)^2 / 2, with m the mean of the batch and of a draw."""

    def losses(params, model_state, batch, rng):
        mean = jnp.mean(batch["x"]) + noise * jax.random.normal(rng)
        gen = Loss(params.gen * mean + params.disc, (), {})
        return Players(gen, Loss((params.disc - mean) ** 2 / 2, (), {}))

    def init(rng, batch):
        assert batch["x"].shape == (2,)
        return Players(jnp.zeros(()), jnp.zeros(())), Players((), ())

    return Game(init, losses)


def test_all_schemes_with_the_option_are_here():
    signatures = {name: inspect.signature(row) for name, row in schemes.SCHEMES.items()}
    assert {n for n, s in signatures.items() if "fresh_batches" in s.parameters} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_the_same_batch_several_times_is_one_batch(name, x64):
    """Of a game that draws nothing, two steps; the axes are those that the scheme names."""
    options, batches, updates = CASES[name]
    fresh = schemes.SCHEMES[name](mean_game(), sgd(0.1), **options, fresh_batches=True)
    assert (fresh.batches, fresh.updates) == (batches, updates)
    if name == "lookahead":
        options = options | {"inner": partial(schemes.alternating, disc_updates=3)}
    plain = schemes.SCHEMES[name](mean_game(), sgd(0.1), **options)
    assert (plain.batches, plain.updates) == ((), updates)
    batch = {"x": jnp.array([1.0, 3.0])}
    stacked = {"x": jnp.broadcast_to(batch["x"], (*batches, 2))}
    a, b = fresh.init(RNG, stacked), plain.init(RNG, batch)
    for _ in range(2):
        (a, metrics_a), (b, metrics_b) = fresh.step(a, stacked, RNG), plain.step(b, batch, RNG)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-12), (a, metrics_a), (b, metrics_b))


# The players after one step with h = 1 from 0, on sub-batches of means 1, 2, 4...
PLACES = {
    "alex": ({}, -1.0, 2.0),
    "anchored": ({}, -2.0, 1.0),  # y_half = 1, then its gradient 1 - 2
    "extragradient": ({}, -2.0, 1.0),
    "opponent_shaping": ({"lookahead_lr": 1.0, "shaping": False}, -2.0, 2.0),
    "prediction": ({}, -1.0, 2.0),
    "proximal": ({"iterations": 2}, -2.0, 1.0),
    "runge_kutta": ({"lr": 1.0, "order": 2}, -1.5, 1.0),  # slopes -1 and 1 - 2, of y
}


@pytest.mark.parametrize("name", PLACES)
def test_each_gradient_has_its_sub_batch(name, x64):
    options, gen, disc = PLACES[name]
    scheme = schemes.SCHEMES[name](mean_game(), sgd(1.0), **options, fresh_batches=True)
    batch = {"x": jnp.array([[1.0, 1.0], [2.0, 2.0]])}
    state, _ = scheme.step(scheme.init(RNG, batch), batch, RNG)
    np.testing.assert_allclose((state.params.gen, state.params.disc), (gen, disc), rtol=1e-12)
    with pytest.raises(ValueError, match="leading axis of 2 sub-batches"):
        scheme.step(state, {"x": jnp.ones((3, 2))}, RNG)
    with pytest.raises(ValueError, match="leading axis of 2 sub-batches"):
        scheme.init(RNG, {"x": jnp.ones(())})


@pytest.mark.parametrize("name", ["extragradient", "opponent_shaping", "proximal", "runge_kutta"])
def test_each_gradient_has_its_draw(name, x64):
    """x' of sub-batches all 0 is the noise of one gradient, or the mean noise of several."""
    options = {"runge_kutta": {"order": 2}, "proximal": {"iterations": 2}}.get(name, {})
    options |= CASES[name][0] if name != "proximal" else {}
    moved = []
    for fresh in (True, False):
        scheme = schemes.SCHEMES[name](mean_game(1.0), sgd(1.0), **options, fresh_batches=fresh)
        batch = {"x": jnp.zeros((2, 2)) if fresh else jnp.zeros(2)}
        state, _ = scheme.step(scheme.init(RNG, batch), batch, RNG)
        moved.append(float(state.params.gen))
    np.testing.assert_allclose(moved[1], -jax.random.normal(RNG), rtol=1e-12)
    assert abs(moved[0] - moved[1]) > 1e-3
