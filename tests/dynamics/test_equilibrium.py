"""Gains, gaps and the monitor, on games whose equilibria are known."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ganjax import dynamics, games, nets, schemes
from ganjax.types import Players

RNG = jax.random.key(0)
SGD = Players(optax.sgd(0.1), optax.sgd(0.1))


def at(game, gen=None, disc=None):
    state = schemes.simultaneous(game, SGD).init(RNG, None)
    if gen is None:
        return state
    return state._replace(params=Players(jnp.array(gen, float), jnp.array(disc, float)))


def test_distance(x64):
    params = Players(jnp.array([3.0]), jnp.array([4.0]))
    assert dynamics.distance_to_equilibrium(params) == 5
    moved = Players(jnp.array([3.0]), jnp.array([3.0]))
    assert dynamics.distance_to_equilibrium(params, moved) == 1


def test_gains_on_the_bilinear_game(x64):
    """k steps of SGD along a constant gradient g gain k h |g|^2."""
    game = games.bilinear()
    gains = dynamics.best_response_gains(game, SGD, at(game, [2.0], [-3.0]), steps=7)
    np.testing.assert_allclose(gains.gen, 0.7 * 9, rtol=1e-12)
    np.testing.assert_allclose(gains.disc, 0.7 * 4, rtol=1e-12)
    gap = dynamics.duality_gap(game, SGD, at(game, [2.0], [-3.0]), steps=7)
    np.testing.assert_allclose(gap, 0.7 * 13, rtol=1e-12)
    assert dynamics.duality_gap(game, SGD, at(game, [0.0], [0.0])) == 0


def test_a_gain_is_the_best_on_the_way(x64):
    """With step 1.5 on a bowl of curvature 1 the first step helps, h = 2.5 never does."""
    bowl = games.quadratic(np.eye(2), np.eye(2))
    for h, expected in ((1.5, (1 - 0.5**20) / 2), (2.5, 0.0)):
        tx = Players(optax.sgd(h), optax.sgd(h))
        gains = dynamics.best_response_gains(bowl, tx, at(bowl), steps=10)
        np.testing.assert_allclose(gains.gen, expected, rtol=1e-12)


def test_duality_gap_in_the_limit_is_the_optimisers(x64):
    """A strongly convex-concave game: max_y V - min_x V = (|g_x|^2 + |g_y|^2) / 2 exactly."""
    game = games.quadratic(np.array([[1.0, 2.0], [2.0, -1.0]]))
    gap = dynamics.duality_gap(game, SGD, at(game, [0.7], [-0.2]), steps=400)
    g_x, g_y = 0.7 - 0.4, 1.4 + 0.2
    np.testing.assert_allclose(gap, (g_x**2 + g_y**2) / 2, rtol=1e-10)


def test_box_gap(x64):
    """|x| + |y| on V = x y; against all corners of the box in three dimensions."""
    game = games.bilinear()
    gap = dynamics.box_duality_gap(game, at(game, [0.3], [-0.4]))
    np.testing.assert_allclose(gap, 0.7, rtol=1e-12)
    x, y = np.array([0.1, -0.5, 0.3]), np.array([0.2, 0.4, -1.0])
    corners = np.stack(np.meshgrid(*[[-2.0, 2.0]] * 3), -1).reshape(-1, 3)
    expected = max(corners @ x) * 3 - min(corners @ y) * 3
    wide = games.bilinear(sigma=3.0, dim=3)
    gap = dynamics.box_duality_gap(wide, at(wide, x, y), radius=2.0)
    np.testing.assert_allclose(gap, expected, rtol=1e-12)
    with pytest.raises(ValueError, match="radius=0"):
        dynamics.box_duality_gap(game, at(game), radius=0)


ROCK_PAPER_SCISSORS = [[0.0, 1.0, -1.0], [-1.0, 0.0, 1.0], [1.0, -1.0, 0.0]]


def test_matrix_gap(x64):
    uniform, rock = np.full(3, 1 / 3), np.array([1.0, 0.0, 0.0])
    gap = dynamics.matrix_duality_gap
    np.testing.assert_allclose(gap(ROCK_PAPER_SCISSORS, uniform, uniform), 0, atol=1e-15)
    np.testing.assert_allclose(gap(ROCK_PAPER_SCISSORS, rock, rock), 2, rtol=1e-15)


def test_schemes_meet_in_the_equilibrium_of_a_matrix_game(x64):
    """Rock-paper-scissors: optimistic play closes the gap, simultaneous play does not."""
    game = games.matrix_game(ROCK_PAPER_SCISSORS, start=((1.0, 0.0, -0.5), (0.0, 0.5, 0.3)))

    def gap_after(scheme):
        state = scheme.init(RNG, None)
        state, _ = jax.lax.scan(lambda s, _: scheme.step(s, None, RNG), state, length=4000)
        mixtures = map(jax.nn.softmax, state.params)
        return float(dynamics.matrix_duality_gap(ROCK_PAPER_SCISSORS, *mixtures))

    tx = Players(optax.sgd(0.5), optax.sgd(0.5))
    assert gap_after(schemes.optimistic(game, tx)) < 1e-3
    assert gap_after(schemes.simultaneous(game, tx)) > 0.3


def test_the_monitor_stops_at_a_nash_point_alone(x64):
    game = games.bilinear()
    monitor = dynamics.nash_monitor(game, SGD, steps=5, threshold=0.01)
    metrics = monitor(at(game, [0.01], [0.0]), None, RNG)
    assert metrics["monitor/stop"] == 1
    np.testing.assert_allclose(metrics["gain/disc"], 5 * 0.1 * 0.01**2, rtol=1e-10)
    assert monitor(at(game, [1.0], [0.0]), None, RNG)["monitor/stop"] == 0
    never = dynamics.nash_monitor(game, SGD, steps=5)
    assert never(at(game, [0.0], [0.0]), None, RNG)["monitor/stop"] == 0


def test_the_monitor_tries_from_where_the_optimisers_are(x64):
    """A rate that rises from 0 would gain nothing from its start."""
    game = games.bilinear(start=(1.0, 1.0))
    tx = Players(*(optax.sgd(optax.linear_schedule(0.0, 1.0, 10)) for _ in range(2)))
    scheme = schemes.simultaneous(game, tx)
    state = scheme.init(RNG, None)
    monitor = dynamics.nash_monitor(game, tx, steps=1, threshold=1e-3)
    assert monitor(state, None, RNG)["monitor/stop"] == 1
    for _ in range(5):
        state, _ = scheme.step(state, None, RNG)
    metrics = monitor(state, None, RNG)
    assert metrics["monitor/stop"] == 0
    np.testing.assert_allclose(metrics["gain/gen"], 0.5 * state.params.disc[0] ** 2)
    # Optimisers that are not the state's own begin anew.
    other = dynamics.nash_monitor(game, Players(optax.adam(0.1), optax.adam(0.1)), steps=1)
    assert other(state, None, RNG)["gain/gen"] > 0


def test_losses_that_overflow_are_left_out():
    game = games.stackelberg()
    tx = Players(optax.sgd(0.5), optax.sgd(0.5))
    gains = dynamics.best_response_gains(game, tx, at(game, [1.0], [1.0]), steps=100)
    assert np.isfinite(gains.gen)
    assert gains.gen > 1e30


def test_the_monitor_of_a_gan_reports_gains_alone():
    game = games.gan(nets.MLPGenerator((2,)), nets.MLPDiscriminator(), z_dim=2)
    batch = {"x": jax.random.normal(RNG, (8, 2))}
    state = schemes.simultaneous(game, SGD).init(RNG, batch)
    metrics = jax.jit(dynamics.nash_monitor(game, SGD))(state, batch, RNG)
    assert metrics.keys() == {"gain/gen", "gain/disc", "monitor/stop"}
    assert float(metrics["gain/disc"]) > 0


def test_the_measure_stops_at_its_threshold():
    monitor = jax.jit(dynamics.measure_monitor(metric="convergence/disc", threshold=0.25))
    for value, stop in ((0.2, 1), (0.25, 1), (0.26, 0), (float("nan"), 0)):
        told = monitor((), None, RNG, {"convergence/disc": jnp.float32(value), "other": 0.0})
        assert told == {"monitor/stop": stop}
    with pytest.raises(ValueError, match=r"no metric 'convergence/disc' .* report loss/gen"):
        monitor((), None, RNG, {"loss/gen": 0.0})
    with pytest.raises(ValueError, match="threshold=nan must be in"):
        dynamics.measure_monitor(metric="loss/gen", threshold=float("nan"))


def test_options_out_of_range_are_refused():
    game = games.bilinear()
    with pytest.raises(ValueError, match="steps=0"):
        dynamics.best_response_gains(game, SGD, at(game), steps=0)
    with pytest.raises(ValueError, match="steps=0"):
        dynamics.nash_monitor(game, SGD, steps=0)
    with pytest.raises(ValueError, match="threshold=-1"):
        dynamics.nash_monitor(game, SGD, threshold=-1.0)
