"""Schemes that contain others, and numbers of their papers: FEG's bound, TiAda, PolarGame."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ganjax import dynamics, games, schemes
from ganjax.types import Game, Loss, Players

RNG = jax.random.key(0)
DIRAC = games.dirac("non_saturating", start=(0.7, -0.4))


def pair(make, *steps):
    return Players(*(make(h) for h in steps)) if len(steps) == 2 else Players(*[make(*steps)] * 2)


def sgd(*steps):
    return pair(optax.sgd, *steps)


def points(scheme, steps):
    """z_0 ... z_steps of a game, [steps + 1, coordinates], and the metrics of each step."""

    def body(state, _):
        after, metrics = scheme.step(state, None, RNG)
        return after, (jnp.concatenate(state.params), metrics)

    run = jax.jit(lambda state: jax.lax.scan(body, state, length=steps + 1)[1])
    path, metrics = run(scheme.init(RNG, None))
    return np.asarray(path), metrics


def agree(one, other, steps=20, rtol=1e-12):
    a, b = (points(scheme, steps)[0] for scheme in (one, other))
    np.testing.assert_allclose(a, b, rtol=rtol)


def adam(h):
    return optax.adam(h, b1=0.5)


@pytest.mark.parametrize("make", [optax.sgd, adam])
def test_alex_contains_alternating_and_prediction(make, x64):
    alex, tx = partial(schemes.alex, DIRAC, pair(make, 0.1, 0.3)), pair(make, 0.1, 0.3)
    agree(alex(gamma=1.0, delta=1.0), schemes.alternating(DIRAC, tx, first="gen"))
    agree(alex(gamma=2.0, delta=1.0), schemes.prediction(DIRAC, tx))


def test_alex_contains_simultaneous_play_one_move_late(x64):
    """From (x_1, y_0) on."""
    late = points(schemes.alex(DIRAC, sgd(0.3), gamma=1.0, delta=0.0), 20)[0]
    start = late[1, 0], late[0, 1]
    game = games.dirac("non_saturating", start=start)
    plain = points(schemes.simultaneous(game, sgd(0.3)), 19)[0]
    np.testing.assert_allclose(np.stack([late[1:, 0], late[:-1, 1]], 1), plain, rtol=1e-12)


FORMS = {
    "number": 0.2,
    "schedule": lambda step: 0.2 + 0.0 * step,
    "transform": optax.sgd(0.2),
    "players": Players(optax.sgd(0.2), 0.2),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_reach_of_the_step_is_extragradient(form, x64):
    reached = schemes.extragradient(DIRAC, sgd(0.2), reach=FORMS[form])
    agree(reached, schemes.extragradient(DIRAC, sgd(0.2)))


def test_no_reach_is_simultaneous_play(x64):
    still = schemes.extragradient(DIRAC, pair(adam, 0.1, 0.3), reach=0.0)
    agree(still, schemes.simultaneous(DIRAC, pair(adam, 0.1, 0.3)))


def test_a_reach_may_differ_between_players_and_steps(x64):
    """V = x y: x' = x - h (y + g_y x), y' = y + h (x - g_x y), g_y = 1 / (2 + k), g_x = 0.5."""
    reach = Players(gen=0.5, disc=lambda step: 1 / (2 + step.astype(float)))
    scheme = schemes.extragradient(games.bilinear(start=(1.0, 0.5)), sgd(0.2), reach=reach)
    z = np.array([1.0, 0.5])
    for k, found in enumerate(points(scheme, 5)[0]):
        np.testing.assert_allclose(found, z, rtol=1e-12)
        z = z + 0.2 * np.array([-z[1] - z[0] / (2 + k), z[0] - 0.5 * z[1]])


def test_a_reach_keeps_its_own_optimiser(x64):
    """Momentum of the first move alone: its states and those of the second do not mix."""
    heavy, plain = Players(*[optax.sgd(0.1, momentum=0.5)] * 2), sgd(0.1)
    scheme = schemes.extragradient(games.bilinear(start=(1.0, 0.5)), plain, reach=heavy)
    z, trace = np.array([1.0, 0.5]), np.zeros(2)
    for found in points(scheme, 5)[0]:
        np.testing.assert_allclose(found, z, rtol=1e-12)
        trace = 0.5 * trace + [z[1], -z[0]]
        half = z - 0.1 * trace
        z = z - 0.1 * np.array([half[1], -half[0]])


def lee_kim():
    """f = -x^2/6 + (2 sqrt(2)/3) x y + y^2/6: L = 1, comonotonicity -1/3; and its Jacobian."""
    c = 2 * np.sqrt(2) / 3
    game = games.quadratic(((-1 / 3, c), (c, 1 / 3)), start=(10.0, 10.0))
    return game, np.array([[-1 / 3, c], [-c, -1 / 3]])


@pytest.mark.parametrize(
    ("reach", "h", "expected"),
    [(None, 1.0, 5 / 3), (None, 0.5, 1.15770), (1.0, 0.5, 1.10554), (1.0, 0.25, 0.97183)],
)
def test_of_extragradients_only_a_short_step_converges(reach, h, expected, x64):
    """EG at 1 / L and 1 / (2 L), EG+ with both of its halves: radii on a comonotone game."""
    scheme = schemes.extragradient(lee_kim()[0], sgd(h), reach=reach)
    measured = abs(dynamics.update_map_spectrum(scheme.step, scheme.init(RNG, None))).max()
    np.testing.assert_allclose(measured, expected, atol=1e-5)


def test_feg_reaches_its_bound(x64):
    """k^2 |F(z_k)|^2 / |z_0 - z*|^2 <= 4 / (1 / L + 2 rho)^2 = 36, tight (Lee and Kim 2021)."""
    game, jacobian = lee_kim()
    path, _ = points(schemes.anchored(game, sgd(1.0), kind="feg", rho=-1 / 3), 10_000)
    square = ((path @ jacobian.T) ** 2).sum(1)
    scaled = np.arange(len(path)) ** 2 * square / (path[0] ** 2).sum()
    assert scaled.max() <= 36
    np.testing.assert_allclose(scaled.max(), 35.99999994, atol=1e-7)


def test_feg_starts_with_the_first_half_of_eag(x64):
    """z_1 = z_0 - h F(z_0), which is z_half of EAG-C's first step, at any rho."""
    game, jacobian = lee_kim()
    for rho in (0.0, -0.3):
        path, _ = points(schemes.anchored(game, sgd(0.5), kind="feg", rho=rho), 1)
        half = path[0] - 0.5 * jacobian @ path[0]
        np.testing.assert_allclose(path[1], half, rtol=1e-14)
    eag, metrics = points(schemes.anchored(game, sgd(0.5)), 1)
    seen = np.hypot(metrics["grad_norm/gen"][0], metrics["grad_norm/disc"][0])
    np.testing.assert_allclose(seen, np.linalg.norm(jacobian @ half), rtol=1e-12)
    np.testing.assert_allclose(eag[1], path[0] - 0.5 * jacobian @ half, rtol=1e-12)


def test_eag_v_falls_within_its_bound(x64):
    """V = x y: |F(z_k)|^2 <= 27 |z_0|^2 / ((k + 1) (k + 2)), steps to 0.437 / L (theorem 2)."""
    game = games.bilinear(start=(1.0, 0.5))
    scheme = schemes.anchored(game, sgd(0.618), kind="eag_v")
    path, _ = points(scheme, 1000)
    k, square = np.arange(len(path)), (path**2).sum(1)
    assert (square * (k + 1) * (k + 2) / square[0]).max() < 27
    assert square[-1] * k[-1] ** 2 > 1  # no faster than its order
    h, z0, z = 0.618, np.array([1.0, 0.5]), np.array([1.0, 0.5])
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    for k, found in enumerate(path):
        np.testing.assert_allclose(found, z, rtol=1e-9, atol=1e-12)  # a thousand steps
        pulled = z + (z0 - z) / (k + 2)
        z = pulled - h * turn @ (pulled - h * turn @ z)
        h = h / (1 - h**2) * (1 - (k + 2) ** 2 * h**2 / ((k + 1) * (k + 3)))
    assert abs(h - 0.437) < 1e-3


def test_lead_is_optimistic_on_a_bilinear_game(x64):
    """With beta = 0 and alpha = h, but for the first step, at which OGDA's is twice as long."""
    game, tx = games.bilinear(sigma=2.0, start=(1.0, 0.5)), sgd(0.1)
    ours, theirs = schemes.lead(game, tx, alpha=0.1), schemes.optimistic(game, tx)
    state, mine = theirs.init(RNG, None), ours.init(RNG, None)
    gradients = Players(gen=2 * state.params.disc, disc=-2 * state.params.gen)
    state = state._replace(memory=gradients)  # F(z_prev) = F(z), as z_prev = z
    for _ in range(20):
        state, mine = theirs.step(state, None, RNG)[0], ours.step(mine, None, RNG)[0]
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-12), mine.params, state.params)


def test_lead_in_a_general_game(x64):
    """The mixed derivatives of each player's own loss, typed by hand; momentum on both."""
    m = np.array([[1.0, 0.3, 2.0], [0.3, 0.5, -1.0], [2.0, -1.0, 3.0]])
    n = np.array([[4.0, 0.0, 0.7], [0.0, 5.0, 0.9], [0.7, 0.9, 2.0]])
    game = games.quadratic(m, n, gen_dim=2, start=(1.0, -0.5))
    jacobian = np.concatenate([m[:2], n[2:]])
    mixed = jacobian.copy()
    mixed[:2, :2] = mixed[2:, 2:] = 0
    z = past = np.array([1.0, 1.0, -0.5])
    for found in points(schemes.lead(game, sgd(0.1), alpha=0.2, beta=-0.3), 5)[0]:
        np.testing.assert_allclose(found, z, rtol=1e-10)
        moved = z - past
        z, past = z - 0.1 * jacobian @ z - 0.3 * moved - 0.2 * mixed @ moved, z


@pytest.mark.parametrize("ratio", [1, 2, 4, 8])
def test_tiada_converges_at_any_ratio_of_steps(ratio, x64):
    """f = -y^2/2 + 2 x y - 2 x^2; AdaGrad by itself diverges or stalls at 1 and 2 (figure 1)."""
    game = games.quadratic(((-4.0, 2.0), (2.0, -1.0)), start=(1.0, 0.01))
    tiada = schemes.tiada(game, sgd(0.2 / ratio, 0.2))
    adagrad = pair(partial(optax.adagrad, initial_accumulator_value=0.0, eps=0.0), 0.2 / ratio, 0.2)
    ends = [points(s, 8000)[0][-1] for s in (tiada, schemes.simultaneous(game, adagrad))]
    slopes = [abs(2 * y - 4 * x) for x, y in ends]
    assert slopes[0] <= 1.3e-13
    expected = {1: 101.577413, 2: 3.98, 4: 0.0, 8: 0.0}[ratio]
    np.testing.assert_allclose(slopes[1], expected, rtol=1e-8, atol=1e-13)


def test_tiada_couples_the_accumulators_of_both(x64):
    """Two coordinates a player, whose sums are of squared norms; powers of max(v_x, v_y), v_y."""
    game = games.bilinear(dim=2, start=(1.0, 3.0))
    scheme = schemes.tiada(game, sgd(0.3, 0.2), alpha=0.7, beta=0.2, accumulator=0.5)
    x, y, v, w = np.ones(2), np.full(2, 3.0), 0.5, 0.5
    for found in points(scheme, 5)[0]:
        np.testing.assert_allclose(found, np.concatenate([x, y]), rtol=1e-10)
        v, w = v + y @ y, w + x @ x
        x, y = x - 0.3 * y / max(v, w) ** 0.7, y + 0.2 * x / w**0.2


def test_complex_momentum_converges_only_between_the_real_ones(x64):
    """Lorraine et al. 2022, figure 3: in simultaneous play no real momentum does."""
    best, modulus, h = 21 / 64 * np.pi, 0.68, 0.4545
    scheme = schemes.complex_momentum(games.bilinear(), sgd(h), modulus=modulus, phase=best)
    measured = abs(dynamics.update_map_spectrum(scheme.step, scheme.init(RNG, None))).max()
    np.testing.assert_allclose(measured, 0.8950, atol=1e-5)
    grid = [(h, m) for h in np.linspace(0.01, 1.5, 30) for m in np.linspace(0, 0.98, 50)]
    for phase in (0.0, np.pi):
        assert min(dynamics.RADII["complex_momentum"](h, m, phase) for h, m in grid) > 1


def polar_game(a):
    """F = (-y + a x q, x + a y q), q = (r - 1)(16 r - 9) / 16, r = x^2 + y^2 (Pethick et al. 2022).

    Its losses are -x y + a Q(x, y) and x y + a Q(y, x), Q the integral of x q over x.
    """

    def integral(u, v):
        r = u**2 + v**2
        return (16 * r**3 / 3 - 25 * r**2 / 2 + 9 * r) / 32

    def losses(params, model_state, batch, rng):
        x, y = params
        gen, disc = jnp.sum(-x * y + a * integral(x, y)), jnp.sum(x * y + a * integral(y, x))
        return Players(Loss(gen, (), {}), Loss(disc, (), {}))

    start = Players(jnp.array([1.0]), jnp.array([0.5]))
    return Game(lambda rng, batch: (start, Players((), ())), losses)


def boxed(params):
    return jax.tree.map(lambda leaf: jnp.clip(leaf, -1.1, 1.1), params)


@pytest.mark.parametrize(
    ("a", "lipschitz", "adaptive", "curvature"),
    [(1.0, 18.54795, None, 16), (0.75, 13.93839, 806, 15), (1 / 3, 6.306090, 340, 16)],
)
def test_polar_game(a, lipschitz, adaptive, curvature, x64):
    """Steps to |F| < 1e-3 from (1, 1/2) in the box |z| <= 1.1; None: a cycle, for 5,000 steps."""
    for kind, expected in (("adaptive", adaptive), ("curvature", curvature)):
        scheme = schemes.adaptive_extragradient(
            polar_game(a), sgd(1 / lipschitz), lr=1 / lipschitz, kind=kind, project=boxed
        )
        path, metrics = points(scheme, 5000 if expected is None else expected)
        x, y = path.T
        r = x**2 + y**2
        q = (r - 1) * (16 * r - 9) / 16
        small = np.flatnonzero(np.hypot(-y + a * x * q, x + a * y * q) < 1e-3)
        assert list(small) == ([] if expected is None else [expected])
        if kind == "curvature":
            counts = np.asarray(metrics["evaluations/gen"])
            assert counts.min() == 2
            assert (counts.max() > 2) == (a > 0.5)  # where the field turns fast, halvings


@pytest.mark.parametrize("sigma", [1.0, 2.0])
def test_adaptive_extragradient_on_a_bilinear_game(sigma, x64):
    """|z| shrinks by one factor every step, that of the docstring."""
    h, margin = 0.3, 0.9
    scheme = schemes.adaptive_extragradient(
        games.bilinear(sigma, start=(1.0, 0.5)), sgd(h), lr=h, margin=margin
    )
    size = np.linalg.norm(points(scheme, 10)[0], axis=1)
    s = h * sigma
    weight = 1 / (1 + s**2) - margin / 2
    factor = np.hypot(1 - weight * s**2, weight * s)
    np.testing.assert_allclose(size[1:] / size[:-1], factor, rtol=1e-10)


def test_curvature_is_the_norm_of_the_jacobian(x64):
    """On a linear field the step is margin / |J|, of no lr but that of the weight."""
    m = np.array([[1.0, 0.3, 2.0], [0.3, 0.5, -1.0], [2.0, -1.0, 3.0]])
    game = games.quadratic(m, gen_dim=2, start=(1.0, -0.5))
    jacobian, z, lr = np.concatenate([m[:2], -m[2:]]), np.array([1.0, 1.0, -0.5]), 0.05
    scheme = schemes.adaptive_extragradient(game, sgd(lr), lr=lr, kind="curvature", iterations=60)
    size = 0.99 / np.linalg.norm(jacobian, 2)
    gap = -size * jacobian @ z
    d = gap - size * jacobian @ gap
    weight = gap @ d / (d @ d) - 0.99 * lr / (2 * size)
    np.testing.assert_allclose(points(scheme, 1)[0][1], z + weight * d, rtol=1e-8)  # iterations


def test_adaptive_extragradient_within_a_box(x64):
    """One step by hand, of a z that has left the box: z_bar is projected."""
    m, lr = np.array([[1.0, 0.3, 2.0], [0.3, 0.5, -1.0], [2.0, -1.0, 3.0]]), 0.2
    game = games.quadratic(m, gen_dim=2, start=(1.05, -1.2))
    jacobian, z = np.concatenate([m[:2], -m[2:]]), np.array([1.05, 1.05, -1.2])
    scheme = schemes.adaptive_extragradient(game, sgd(lr), lr=lr, project=boxed)
    gap = np.clip(z - lr * jacobian @ z, -1.1, 1.1) - z
    d = gap - lr * jacobian @ gap
    expected = z + (gap @ d / (d @ d) - 0.99 / 2) * d
    assert np.abs(z - lr * jacobian @ z).max() > 1.1
    np.testing.assert_allclose(points(scheme, 1)[0][1], expected, rtol=1e-10)


def affine(n, seed=0):
    """A game of x'Ax/2 + x'By - y'Cy/2 + a'x - b'y with n numbers a player, and its solution."""
    draws = np.random.default_rng(seed)
    a, c = (m @ m.T / n + np.eye(n) for m in draws.normal(size=(2, n, n)))
    b, (at, bt) = draws.normal(size=(n, n)), draws.normal(size=(2, n))

    def value(x, y):
        return x @ a @ x / 2 + x @ b @ y - y @ c @ y / 2 + at @ x - bt @ y

    jacobian, shift = np.block([[a, b], [-b.T, c]]), np.r_[at, bt]
    return games.zero_sum(value, (np.ones(n), np.ones(n))), jacobian, shift


@pytest.mark.parametrize("inner", [schemes.simultaneous, schemes.alternating])
def test_anderson_mixing_arrives_in_a_step_more_than_there_are_numbers(inner, x64):
    game, jacobian, shift = affine(3)
    scheme = schemes.anderson(game, sgd(0.1), inner=inner, depth=6, ridge=0.0)
    path, _ = points(scheme, 7)
    solution = -np.linalg.solve(jacobian, shift)
    # Normal equations: to the root of the rounding, times the condition.
    np.testing.assert_allclose(path[-1], solution, atol=1e-5)
    assert np.linalg.norm(path[-2] - path[-1]) > 1e-3


def test_anderson_mixing_is_gradient_play_after_gmres(x64):
    """z_{k+1} = g(z_k of GMRES on F(z) = 0), Walker and Ni's theorem 2.2."""
    game, jacobian, shift = affine(3, seed=1)
    scheme = schemes.anderson(game, sgd(0.1), inner=schemes.simultaneous, depth=6, ridge=0.0)
    path, _ = points(scheme, 5)
    start = np.ones(6)
    residual = jacobian @ start + shift
    for k in range(1, 5):
        powers = np.stack([np.linalg.matrix_power(jacobian, i) @ residual for i in range(k)], 1)
        best = np.linalg.lstsq(jacobian @ powers, -residual, rcond=None)[0]
        z = start + powers @ best
        expected = z - 0.1 * (jacobian @ z + shift)
        np.testing.assert_allclose(path[k + 1], expected, rtol=1e-6)


def test_anderson_mixing_stagnates_where_gmres_does_and_needs_an_inner_scheme_without_memory(x64):
    game = games.bilinear(start=(1.0, 0.5))
    in_turn = schemes.anderson(game, sgd(0.3), inner=schemes.alternating, depth=2, ridge=1e-14)
    assert np.abs(points(in_turn, 3)[0][-1]).max() < 1e-10
    turning = schemes.anderson(game, sgd(0.3), inner=schemes.simultaneous, depth=2)
    path, _ = points(turning, 3)
    np.testing.assert_allclose(path[1:], np.tile(path[1], (3, 1)))
    with pytest.raises(ValueError, match="has memory"):
        schemes.anderson(game, sgd(0.3), inner=schemes.optimistic).init(RNG)
