"""Slips of published scripts, each beside the truth; docs/errata.md tells them."""

from copy import copy
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.flatten_util import ravel_pytree

from ganjax import dynamics, games, metrics, schemes
from ganjax.types import Players

RNG = jax.random.key(0)


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def both(tx):
    return Players(tx, tx)


def radius(make, game, h):
    scheme = make(game, both(optax.sgd(h)))
    return np.abs(dynamics.update_map_spectrum(scheme.step, scheme.init(RNG, None))).max()


def test_in_one_dimension_the_condition_number_drops_out():
    slip = {float(np.linspace(0.1, top, 1)[0]) for top in (0.1, 0.5, 1.0, 10.0)}
    truth = {tuple(np.linspace(0.1, top, 2)) for top in (0.1, 0.5, 1.0, 10.0)}
    assert (len(slip), len(truth)) == (1, 4)


def test_the_stored_constant_of_forsaken_is_a_local_minimum():
    game = games.forsaken()
    state = schemes.simultaneous(game, both(optax.sgd(0.1))).init(RNG, None)
    field = dynamics.gradient_field(game, state)
    solution = jnp.array([0.0780266687, 0.4119338514])

    def ratio(z):
        f = ravel_pytree(field(Players(z[:1], z[1:])))[0]
        return f @ (z - solution) / (f @ f)

    slip, truth = -0.477761359, ratio(jnp.array([-0.258079, 0.791652]))
    np.testing.assert_allclose(truth, -1.520566, atol=1e-6)
    assert truth < slip < -0.0403144  # -1 / (2 L): the conclusion stands


def test_two_copies_in_a_row_go_nowhere():
    def after(steps, advance):
        z0, z1 = np.ones(2), np.array([0.9, 1.1])
        for _ in range(steps):
            f0, f1 = (np.array([z[1], -z[0]]) for z in (z0, z1))
            z0, z1 = advance(z0, z1, z1 - 0.3 * (2 * f1 - f0))
        return np.linalg.norm(z1)

    def slip(z0, z1, following):
        z0 = copy(z1)
        z1 = copy(z0)
        return z0, z1

    def truth(z0, z1, following):
        return copy(z1), following

    assert after(200, slip) == after(0, slip)
    assert after(200, truth) < 1e-3


def test_range_from_one_makes_a_step_less():
    cost = {
        steps: int(
            schemes.lookahead(
                games.bilinear(), both(optax.sgd(0.1)), inner=schemes.simultaneous, steps=steps
            ).updates
        )
        for steps in (len(range(1, 5)), 5)
    }
    assert cost == {4: 4, 5: 5}


@pytest.mark.parametrize(("points", "modes"), [(5, 4), (8, 7)])
def test_a_circle_that_includes_both_ends_doubles_a_mode(points, modes):
    def distinct(angles):
        return len({(round(float(np.cos(a)), 9), round(float(np.sin(a)), 9)) for a in angles})

    assert distinct(np.linspace(0, 2 * np.pi, points)) == modes
    assert distinct(2 * np.pi * np.arange(points) / points) == points


def test_a_step_of_extragradient_costs_two_gradients():
    costs = []
    for make in (schemes.simultaneous, schemes.extragradient):
        scheme = make(games.bilinear(), both(optax.sgd(0.1)))
        costs.append(int(scheme.step(scheme.init(RNG, None), None, RNG)[1]["evaluations/gen"]))
    assert costs == [1, 2]


def test_a_ratio_of_zero_plays_with_the_generator_a_move_ahead():
    game, tx = games.bilinear(dim=2, start=(1.0, -0.7)), both(optax.sgd(0.1))

    def end(make):
        scheme = make(game, tx)
        state = scheme.init(RNG, None)
        for _ in range(3):
            state, _ = scheme.step(state, None, RNG)
        return np.concatenate(state.params)

    slip, truth = end(partial(schemes.alex, gamma=1.0, delta=0.0)), end(schemes.simultaneous)
    assert np.abs(slip - truth).max() > 1e-3


def test_the_torus_is_played_in_turn():
    game = games.torus()
    radii = {
        name: radius(make, game._replace(init=at_pi(game)), 0.1)
        for name, make in (
            ("published", partial(schemes.alternating, first="gen")),
            ("as derived", schemes.simultaneous),
        )
    }
    assert abs(radii["published"] - radii["as derived"]) > 1e-3


def at_pi(game):
    return lambda rng, batch=None: (Players(*jnp.full((2, 1), jnp.pi)), game.init(rng, batch)[1])


def test_a_stopped_gradient_hides_consensus():
    def slip(z, h=0.1):
        def field(z):
            return jnp.array([z[1], -z[0]])

        pull = jax.grad(lambda z: field(z) @ field(z) / 2)(z)
        return z - h * (field(z) + 5 * jax.lax.stop_gradient(pull))

    stopped = np.abs(np.linalg.eigvals(jax.jacfwd(slip)(jnp.zeros(2)))).max()
    np.testing.assert_allclose(stopped, radius(schemes.simultaneous, games.bilinear(), 0.1))
    assert radius(partial(schemes.consensus, gamma=5.0), games.bilinear(), 0.1) < 1 < stopped


@pytest.mark.parametrize(("half", "expected"), [(0.5, 0.75), (1.0, 0.5)])
def test_a_spurious_half_halves_consensus(half, expected):
    consensus = partial(schemes.consensus, gamma=half * 5.0)
    np.testing.assert_allclose(
        radius(consensus, games.bilinear(), 0.1), np.hypot(expected, 0.1), rtol=1e-12
    )


def test_the_root_of_a_product_of_covariances_is_negative_at_rounding():
    few = np.random.default_rng(0).normal(size=(20, 64))  # fewer than dimensions
    covariance = np.cov(few, rowvar=False)
    roots = np.sqrt(np.linalg.eigvals(covariance @ covariance).astype(complex)).real
    slip = 2 * np.trace(covariance) - 2 * roots.sum()
    truth = metrics.frechet_distance(real=few, generated=few)
    assert abs(truth) < 1e-9 < abs(slip)


def test_a_root_at_zero_has_no_derivative():
    slip, truth = (jax.grad(norm)(jnp.zeros(3)) for norm in (plain_norm, safe_norm))
    assert np.isnan(slip).all()
    assert np.isfinite(truth).all()


def safe_norm(z):
    return optax.safe_norm(z, 0.0)


def plain_norm(z):
    return jnp.sqrt((z**2).sum())
