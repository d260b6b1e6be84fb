"""Non-monotone games: fields, weak Minty constants, time-scale ratios and published end points."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.flatten_util import ravel_pytree
from scipy.optimize import brentq, minimize

from ganjax import games, schemes
from ganjax.schemes.field import both_gradients
from ganjax.types import Players

RNG = jax.random.key(0)
# Fiez and Ratliff's quadratic game with v = 4: each player has two numbers.
QUADRATIC = games.quadratic(
    np.array([[-4.0, 0, -4, 0], [0, 2, 0, 2], [-4, 0, -2, 0], [0, 2, 0, -4]]), gen_dim=2
)


def field(game):
    """F of a vector z = (x, y)."""
    params, none = game.init(RNG, None)
    _, unravel = ravel_pytree(params)
    return lambda z: ravel_pytree(both_gradients(game, unravel(z), none, None, RNG)[0])[0]


def forsaken(x, y):
    phi = np.polynomial.Polynomial([0, 1 / 2, 0, -2, 0, 1])
    return y - 0.45 + phi(x), -x + phi(y)


def forsaken_global(x, y):
    phi = np.polynomial.Polynomial([0, 2 / 3, 0, -4 / 3, 0, 4 / 7])
    return y + phi(x), -x + phi(y)


def polar(x, y):
    r = x**2 + y**2
    q = (r - 1) * (16 * r - 9) / 16
    return -y + 0.7 * x * q, x + 0.7 * y * q


def torus(x, y):
    return 0.2 * np.sin(x) - np.sin(x - y), 0.3 * np.sin(y) - np.sin(x - y)


def g3(x, y):
    e, u = np.exp(-0.01 * (x**2 + y**2)), y - 3 * x + 0.05 * x**3
    v = 4 * x**2 - u**2 - 0.1 * y**4
    along_x = 8 * x + 2 * u * (3 - 0.15 * x**2) - 0.02 * x * v
    return along_x * e, (2 * u + 0.4 * y**3 + 0.02 * y * v) * e


def fiez_ratliff(x, y):
    e, p, q = np.exp(-0.01 * (x**2 + y**2)), 0.3 * x**2 + y, 0.3 * y**2 + x
    along_x = 0.02 * x * (p**2 + q**2) - 1.2 * x * p - 2 * q
    return along_x * e, (2 * p + 1.2 * y * q - 0.02 * y * (p**2 + q**2)) * e


FIELDS = {
    "forsaken": (games.forsaken(), forsaken),
    "forsaken, global": (games.forsaken("global"), forsaken_global),
    "polar": (games.polar(0.7), polar),
    "lee_kim": (
        games.lee_kim(3.0),
        lambda x, y: (-x + 8**0.5 * y, -(8**0.5) * x - y),
    ),
    "torus": (games.torus(0.2, 0.3), torus),
    "g1": (games.wang("g1"), lambda x, y: (-6 * x + 4 * y, 2 * y - 4 * x)),
    "g2": (games.wang("g2"), lambda x, y: (6 * x + 4 * y, -2 * y - 4 * x)),
    "g3": (games.wang("g3"), g3),
    "fiez_ratliff": (games.fiez_ratliff(), fiez_ratliff),
}


@pytest.mark.parametrize("name", FIELDS)
def test_fields(name, x64):
    game, expected = FIELDS[name]
    for z in np.random.default_rng(0).uniform(-2, 2, (3, 2)):
        np.testing.assert_allclose(field(game)(z), expected(*z), rtol=1e-11)


WEAK_MINTY = {
    "polar 1": (games.polar(1.0), (0.0, 0.0), 1.1, -0.0477422436, 18.54795),
    "polar 3/4": (games.polar(3 / 4), (0.0, 0.0), 1.1, -0.0358425068, 13.93839),
    "polar 1/3": (games.polar(1 / 3), (0.0, 0.0), 1.1, -0.0159464637, 6.306090),
    "forsaken": (
        games.forsaken(),
        (0.0780266687, 0.4119338514),
        1.5,
        -1.520566154,
        1 / (2 * 0.04031422766),
    ),
}


@pytest.mark.parametrize("name", WEAK_MINTY)
def test_weak_minty_constants(name, x64):
    """rho, the least <F, z - z*> / |F|^2 on a box, and L, the largest |JF|, there at a grid point.

    Paper: of Forsaken's rho a local minimum is published, -0.477761359.
    """
    game, star, side, rho, lipschitz = WEAK_MINTY[name]
    axis = np.linspace(-side, side, 201)
    z = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    f = field(game)

    @jax.jit
    def quotient(z):
        return f(z) @ (z - np.array(star)) / jnp.sum(f(z) ** 2)

    values = np.nan_to_num(jax.vmap(quotient)(z), nan=np.inf)
    best = minimize(quotient, z[values.argmin()], bounds=[(-side, side)] * 2, tol=1e-14)
    np.testing.assert_allclose(best.fun, rho, rtol=1e-7)
    norms = np.linalg.norm(jax.vmap(jax.jacfwd(f))(z), 2, axis=(1, 2))
    np.testing.assert_allclose(norms.max(), lipschitz, rtol=1e-6)
    np.testing.assert_allclose(f(np.array(star)), 0, atol=1e-9)  # digits of the published point


def test_lee_kim_is_smooth_and_comonotone(x64):
    """<Fu - Fv, u - v> = rho |Fu - Fv|^2, rho = -1/3, |Fu - Fv| = |u - v|, exactly."""
    jacobian = np.asarray(jax.jacfwd(field(games.lee_kim()))(jnp.zeros(2)))
    np.testing.assert_allclose(jacobian.T @ jacobian, np.eye(2), atol=1e-15)
    np.testing.assert_allclose(jacobian + jacobian.T, -2 / 3 * np.eye(2), atol=1e-15)


def ratio(game, at):
    """The tau at which the slowest mode of dz/dt = -(F_x, tau F_y) turns; 0 if all decay."""
    params, _ = game.init(RNG, None)
    jacobian = np.asarray(jax.jacfwd(field(game))(jnp.array(at)))
    moved = np.arange(len(at)) >= params.gen.size

    def slowest(tau):
        return np.linalg.eigvals(np.where(moved, tau, 1)[:, None] * jacobian).real.min()

    return 0.0 if slowest(0.1) > 0 else brentq(slowest, 0.1, 10, xtol=1e-14)


RATIOS = {
    "quadratic": (QUADRATIC, (0.0,) * 4, 2.0, 1e-12),
    "torus, 0": (games.torus(), (0.0, 0.0), 17 / 23, 1e-12),
    "torus, pi": (games.torus(), (np.pi, np.pi), 23 / 17, 1e-12),
    "far": (games.fiez_ratliff(), (-11.0297, -11.0297), 1.0, 1e-4),
    "near": (games.fiez_ratliff(), (-1.62165, -1.62165), 1.0, 1e-4),
    "asymmetric": (games.fiez_ratliff(), (10.5722, -8.95174), 0.0, 0.0),
}


@pytest.mark.parametrize("name", RATIOS)
def test_time_scale_ratios(name, x64):
    """Beyond tau* the point attracts; exact, or to the digits of the published point."""
    game, at, expected, digits = RATIOS[name]
    np.testing.assert_allclose(ratio(game, at), expected, atol=digits)


def trajectory(scheme, params, steps):
    """(x, y) after every tenth of `steps` steps."""

    def tenth(state, _):
        state, _ = jax.lax.scan(
            lambda state, _: (scheme.step(state, None, RNG)[0], None), state, length=steps // 10
        )
        return state, jnp.concatenate(state.params)

    state = scheme.init(RNG)._replace(params=Players(*map(jnp.array, params)))
    return jax.lax.scan(tenth, state, length=10)[1]


def test_the_quadratic_game_needs_more_than_two(x64):
    """End points of Fiez and Ratliff: at tau = 2 an orbit, at 2.5 on the way to 0."""

    def play(tau):
        scheme = schemes.simultaneous(QUADRATIC, Players(optax.sgd(5e-4), optax.sgd(tau * 5e-4)))
        return trajectory(scheme, ((5.0, 4.0), (3.0, 2.0)), 20_000)[-1]

    np.testing.assert_allclose(
        jax.jit(jax.vmap(play))(jnp.array([2.0, 2.5])),
        [[2.73389560, 2.4489e-17, -12.1646086, 2.4489e-17], [0.0564020185, 0, -0.0268301625, 0]],
        rtol=1e-8,
        atol=1e-14,
    )


def test_the_torus_cycles_at_equal_rates(x64):
    """Numbers printed by the published script, in which y sees the new x: steps in turn."""

    def play(tau):
        tx = Players(optax.sgd(1e-3), optax.sgd(tau * 1e-3))
        return trajectory(
            schemes.alternating(games.torus(), tx, first="gen"), ((2.0,), (-1.0,)), 180_000
        )

    path = jax.jit(jax.vmap(play))(jnp.array([1.0, 2.0]))
    path = (np.asarray(path) + np.pi) % (2 * np.pi) - np.pi
    np.testing.assert_allclose(path[1, 4], [-0.11865766, -0.10463355], atol=1e-8)
    np.testing.assert_allclose(path[1, 9], [-0.00687716, -0.00606348], atol=1e-8)
    np.testing.assert_allclose(path[0, 9], [-2.91715735, -0.33789866], atol=1e-8)


@pytest.mark.parametrize(("a", "radius"), [(1.0, 0.95972), (1 / 3, 0.0)])
def test_polar_has_a_limit_cycle(a, radius, x64):
    """Extragradient at 1/L cycles inside the flow's circle of radius 1, or finds the solution."""
    lipschitz = 18.54795 * a  # to 2%
    tx = Players(*[optax.sgd(1 / lipschitz)] * 2)
    path = jax.jit(
        lambda: trajectory(schemes.extragradient(games.polar(a), tx), ([1.0], [0.5]), 20_000)
    )()
    np.testing.assert_allclose(np.linalg.norm(path[5:], axis=1), radius, atol=1e-5)


def test_mistakes_are_refused():
    for make, message in (
        (lambda: games.forsaken("lost"), "kind='lost' must be one of 'forsaken', 'global'"),
        (lambda: games.wang("g4"), "kind='g4' must be one of 'g1', 'g2', 'g3'"),
        (lambda: games.polar(float("nan")), "a=nan must be a finite number"),
        (lambda: games.torus(1.0), r"a=1.0 must be in \[0, 1\)"),
        (lambda: games.lee_kim(0.0), "smoothness=0.0"),
    ):
        with pytest.raises(ValueError, match=message):
            make()
