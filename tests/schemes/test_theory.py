"""Schemes against theory: spectra on V = sigma x y and on the Dirac-GAN, invariants, costs."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ganjax import data, dynamics, games, nets, penalties, schemes
from ganjax.commands.dynamics import WITHOUT_RADIUS
from ganjax.schemes.field import both_gradients, own_gradient
from ganjax.swept import Swept
from ganjax.types import Game, Loss, Players

RNG = jax.random.key(0)
STEPS = (0.01, 0.1, 0.3, 0.5, 1.0, 1.5, 1.9, 2.5)


def sgd(h, h_disc=None):
    return Players(gen=optax.sgd(h), disc=optax.sgd(h if h_disc is None else h_disc))


def radius(scheme):
    return np.abs(dynamics.update_map_spectrum(scheme.step, scheme.init(RNG, None))).max()


# Schemes, with their options, that have a closed form in `dynamics.RADII`. An option of None stands
# for the step h itself.
RADII = {
    "simultaneous": ("simultaneous", {}),
    "alternating": ("alternating", {}),
    "alternating_gen_first": ("alternating", {"first": "gen"}),
    "alternating_3": ("alternating", {"disc_updates": 3}),
    "alternating_3_gen_first": ("alternating", {"disc_updates": 3, "first": "gen"}),
    "averaged": ("averaged", {"inner": schemes.simultaneous}),
    "alex": ("alex", {}),
    "alex_late": ("alex", {"gamma": 1.0, "delta": 0.0}),
    "alex_alternating": ("alex", {"gamma": 1.0, "delta": 1.0}),
    "alex_far": ("alex", {"gamma": 0.5, "delta": 3.0}),
    "complex_momentum": ("complex_momentum", {}),
    "complex_momentum_negative": ("complex_momentum", {"modulus": 0.3, "phase": np.pi}),
    "extragradient": ("extragradient", {}),
    "extragradient_reach": ("extragradient", {"reach": 0.4}),
    "lead": ("lead", {"alpha": 0.2, "beta": -0.3}),
    "optimistic": ("optimistic", {}),
    "past_extragradient": ("past_extragradient", {}),
    "reflected": ("reflected", {}),
    "consensus": ("consensus", {"gamma": 0.7}),
    "symplectic": ("symplectic", {"strength": 0.7}),
    "symplectic_aligned": ("symplectic", {"strength": 1.0, "align": True}),
    "competitive": ("competitive", {"lr": None}),
    "proximal": ("proximal", {"iterations": 300}),
    "runge_kutta_2": ("runge_kutta", {"order": 2, "lr": None}),
    "runge_kutta_4": ("runge_kutta", {"order": 4, "lr": None}),
    "lola": ("opponent_shaping", {"lookahead_lr": None}),
    "lookahead_of_zhang": ("opponent_shaping", {"lookahead_lr": None, "shaping": False}),
    "unrolled_0": ("unrolled", {"unroll_steps": 0}),
    "unrolled_1": ("unrolled", {"unroll_steps": 1}),
    "unrolled_5": ("unrolled", {"unroll_steps": 5}),
    "unrolled_5_first_order": ("unrolled", {"unroll_steps": 5, "first_order": True}),
    "lookahead_5": ("lookahead", {"inner": schemes.simultaneous, "steps": 5, "alpha": 0.5}),
    "lookahead_3": ("lookahead", {"inner": schemes.simultaneous, "steps": 3, "alpha": 0.8}),
    "negative_momentum": ("negative_momentum", {"beta": -0.5}),
    "negative_momentum_gen_first": ("negative_momentum", {"beta": -0.2, "first": "gen"}),
    "prediction": ("prediction", {}),
    "follow_the_ridge": ("follow_the_ridge", {}),
}
# The options that a radius depends on; those of them that multiply J F, or J times a move.
PLAYS = {"unroll_steps", "first_order", "disc_updates", "gamma", "strength", "order", "shaping"}
PLAYS |= {"steps", "alpha", "beta", "reach", "modulus", "phase", "delta"}
WEIGHTS = {"consensus": "gamma", "symplectic": "strength", "lead": "alpha"}
WEIGHTS |= {"extragradient": "reach"}
FIXED_POINT = (0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)  # iterations settle for h < 1
# Steps at which the largest eigenvalue is a double root, only good to the root of the rounding.
DOUBLE = {"prediction": 1.0, "optimistic": 0.5, "past_extragradient": 0.5, "reflected": 0.5}
STARTS = np.array([(1.0, 0.5), (0.0, 0.0)])


def options_at(case, h):
    """The options of a case at a step h, and those of them that its radius depends on."""
    given = {key: h if value is None else value for key, value in RADII[case][1].items()}
    return given, {key: value for key, value in given.items() if key in PLAYS}


def jacobians(case, steps):
    """Of the update map at each step and start, [step, start, n, n], in one compiled program."""
    name, options = RADII[case]

    def jacobian(h, start):
        params = Players(*start[:, None]), Players((), ())
        game = games.bilinear()._replace(init=lambda rng, batch: params)
        scheme = getattr(schemes, name)(game, sgd(h), **options_at(case, h)[0])
        return dynamics.update_map_jacobian(scheme.step, scheme.init(RNG, None))

    def at(start):
        if None in options.values():  # such a number cannot be swept
            return jnp.stack([jacobian(h, start) for h in steps])
        return jax.vmap(lambda h: jacobian(Swept(h, steps), start))(np.array(steps))

    return jax.jit(jax.vmap(at, out_axes=1))(STARTS)


@pytest.mark.parametrize("case", RADII)
def test_radius(case, x64):
    """The step's own linearisation against the closed form, at eight steps, beside and on 0."""
    name, _ = RADII[case]
    steps = FIXED_POINT if name == "proximal" else (*STEPS, 0.05)
    for h, jacobian in zip(steps, jacobians(case, steps), strict=True):
        measured = np.abs(np.linalg.eigvals(jacobian)).max(-1)
        expected = dynamics.RADII[name](h, **options_at(case, h)[1])
        tolerance = 1e-7 if DOUBLE.get(name) == h else 1e-10
        np.testing.assert_allclose(measured, expected, rtol=tolerance, atol=tolerance)


def test_every_scheme_with_a_closed_form_is_tested():
    assert {name for name, _ in RADII.values()} == set(dynamics.RADII)
    assert set(dynamics.RADII) == set(schemes.SCHEMES) - WITHOUT_RADIUS.keys()


@pytest.mark.parametrize("case", RADII)
def test_radius_at_another_strength(case, x64):
    """sigma = 2 with step h is sigma = 1 with step 2 h; weights of J are step sizes, too."""
    name, (h, sigma) = RADII[case][0], (0.1, 2.0)
    given, played = options_at(case, h)
    played |= {key: sigma * played[key] for key in played if key == WEIGHTS.get(name)}
    scheme = getattr(schemes, name)(games.bilinear(sigma), sgd(h), **given)
    expected = dynamics.RADII[name](h * sigma, **played)
    np.testing.assert_allclose(radius(scheme), expected, rtol=1e-10)


# What the literature prints, typed by hand: (case, h, radius).
PRINTED = [
    ("simultaneous", 0.1, 1.01**0.5),
    ("alternating", 0.1, 1.0),
    ("alternating", 2.5, 4.0),
    ("extragradient", 0.5**0.5, 0.75**0.5),
    ("optimistic", 0.5, 0.5**0.5),
    ("optimistic", 3**-0.5, 1.0),
    ("competitive", 1.0, 0.5**0.5),
    ("proximal", 0.75, 0.8),
    ("unrolled_5", 0.1, 0.91**0.5),
    ("unrolled_5_first_order", 0.1, 0.96**0.5),
    ("lookahead_5", 0.1, abs(0.5 + 0.5 * (1 - 0.1j) ** 5)),
    ("negative_momentum", 1.0, 1.0),
    ("alex", 0.1, 0.99498746899),
    ("alex", 0.5, 0.86687596426),
    ("alex_alternating", 0.1, 1.0),
    ("alex_late", 0.1, 1.01**0.5),
    ("runge_kutta_2", 0.5, (1 + 0.5**4 / 4) ** 0.5),
]


@pytest.mark.parametrize(("case", "h", "expected"), PRINTED)
def test_printed_values(case, h, expected, x64):
    """Independent of `dynamics.RADII`. Double roots are good to the root of the rounding."""
    scheme = getattr(schemes, RADII[case][0])
    measured = radius(scheme(games.bilinear(), sgd(h), **options_at(case, h)[0]))
    loose = case == "optimistic" and h == 0.5
    np.testing.assert_allclose(measured, expected, rtol=1e-7 if loose else 1e-10)


def test_lookahead_of_two_steps_is_heun(x64):
    """With alpha = 1/2 over simultaneous play the two are the same map."""
    game = games.bilinear(start=(1.0, 0.5))
    slow = schemes.lookahead(game, sgd(0.3), inner=schemes.simultaneous, steps=2, alpha=0.5)
    heun = schemes.runge_kutta(game, sgd(0.3), lr=0.3, order=2)
    a, b = (s.step(s.init(RNG, None), None, RNG)[0].params for s in (slow, heun))
    np.testing.assert_allclose(a.gen, b.gen, rtol=1e-15)
    np.testing.assert_allclose(a.disc, b.disc, rtol=1e-15)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (schemes.simultaneous, 1.1),
        (schemes.extragradient, 1.11),
        (schemes.follow_the_ridge, 0.9),
        (partial(schemes.unrolled, unroll_steps=20), 0.903278668615934),
    ],
)
def test_stackelberg_point(make, expected, x64):
    """V = -3x^2 + 4xy - y^2, h = 0.05: gradient play leaves the minimax point, FR finds it."""
    measured = radius(make(games.stackelberg(), sgd(0.05)))
    np.testing.assert_allclose(measured, expected, rtol=1e-10)


def test_follow_the_ridge_does_not_rotate(x64):
    """Real eigenvalues: 1 - h (A - B D^-1 C) and 1 - h D, of a game with A, D in two dimensions."""
    m = np.array(
        [[-1.0, 0.3, 2.0, 0.5], [0.3, 0.5, -1.0, 1.5], [2.0, -1.0, -3, 0.2], [0.5, 1.5, 0.2, -2]]
    )
    h = 0.02
    scheme = schemes.follow_the_ridge(games.quadratic(m, gen_dim=2), sgd(h))
    measured = dynamics.update_map_spectrum(scheme.step, scheme.init(RNG, None))
    a, b, d = m[:2, :2], m[:2, 2:], m[2:, 2:]
    schur = np.linalg.eigvals(a - b @ np.linalg.inv(d) @ b.T)
    expected = 1 - h * np.concatenate([schur, np.linalg.eigvals(-d)])
    np.testing.assert_allclose(np.sort(measured.real), np.sort(expected), rtol=1e-10)
    np.testing.assert_allclose(measured.imag, 0, atol=1e-10)


def test_competitive_in_a_general_game(x64):
    """d = (I + h K)^-1 F, with K the off-diagonal blocks, typed by hand and not zero-sum."""
    m = np.array([[1.0, 0.3, 2.0], [0.3, 0.5, -1.0], [2.0, -1.0, 3.0]])
    n = np.array([[4.0, 0.0, 0.7], [0.0, 5.0, 0.9], [0.7, 0.9, 2.0]])
    game, h = games.quadratic(m, n, gen_dim=2, start=(1.0, -0.5)), 0.2
    scheme = schemes.competitive(game, sgd(h), lr=h, cg_tolerance=1e-14)
    after, _ = scheme.step(scheme.init(RNG, None), None, RNG)
    jacobian = np.concatenate([m[:2], n[2:]])
    k = jacobian.copy()
    k[:2, :2], k[2:, 2:] = 0, 0
    z = np.array([1.0, 1.0, -0.5])
    expected = z - h * np.linalg.solve(np.eye(3) + h * k, jacobian @ z)
    np.testing.assert_allclose(np.concatenate(after.params), expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("make", "direction"),
    [
        (partial(schemes.consensus, gamma=0.7), lambda j, f: f + 0.7 * j.T @ f),
        (partial(schemes.symplectic, strength=0.7), lambda j, f: f + 0.35 * (j.T - j) @ f),
        (
            partial(schemes.symplectic, strength=0.7, align=True),
            lambda j, f: f + 0.35 * alignment(j, f) * (j.T - j) @ f,
        ),
    ],
)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_adjusted_directions_in_a_general_game(make, direction, sign, x64):
    """J^T and J typed by hand, on a game that is neither zero-sum nor a potential game."""
    m = sign * np.array([[3.0, 0.3, 2.0], [0.3, 2.5, -1.0], [2.0, -1.0, 3.0]])
    n = sign * np.array([[4.0, 0.0, 0.7], [0.0, 5.0, 0.9], [0.7, 0.9, 2.0]])
    scheme = make(games.quadratic(m, n, gen_dim=2, start=(1.0, -0.5)), sgd(0.2))
    after, _ = scheme.step(scheme.init(RNG, None), None, RNG)
    jacobian, z = np.concatenate([m[:2], n[2:]]), np.array([1.0, 1.0, -0.5])
    expected = z - 0.2 * direction(jacobian, jacobian @ z)
    np.testing.assert_allclose(np.concatenate(after.params), expected, rtol=1e-10)


def alignment(j, f):
    """Balduzzi et al. 2018, algorithm 1: sign(<F, J^T F> <A^T F, J^T F> / d + 0.1)."""
    a = (j - j.T) / 2
    return np.sign((f @ j.T @ f) * ((a.T @ f) @ (j.T @ f)) / len(f) + 0.1)


@pytest.mark.parametrize(
    ("make", "game", "steps"),
    [
        (
            schemes.follow_the_ridge,
            games.quadratic(((2.0, 0.3), (0.3, -0.01))),
            20_000,
        ),
        (
            partial(schemes.competitive, lr=0.5),
            games.quadratic(((1.0, 0.9), (0.9, 1.0)), ((1.0, 0.9), (0.9, 1.0))),
            2_000,
        ),
    ],
)
def test_solvers_stay_finite_close_to_the_equilibrium(make, game, steps):
    """In float32, where a tiny right-hand side would underflow, and a tolerance out of reach."""
    scheme = make(game, sgd(0.05))
    state, _ = jax.lax.scan(
        lambda s, _: (scheme.step(s, None, RNG)[0], None), scheme.init(RNG, None), length=steps
    )
    assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(state))
    assert float(jnp.abs(state.params.gen[0])) < 1e-2


def test_averaging_twice_is_refused():
    inner = partial(schemes.averaged, inner=schemes.simultaneous)
    with pytest.raises(ValueError, match="average once"):
        schemes.averaged(games.bilinear(), sgd(0.1), inner=inner).init(RNG, None)


def test_anchored_last_iterate(x64):
    """|F(z_k)|^2 falls as 1 / k^2 where extragradient's constant would be geometric: bounded."""
    game = games.bilinear(start=(1.0, 0.5))
    states = trajectory(schemes.anchored(game, sgd(0.5)), 2000)
    square = np.asarray(states.params.gen**2 + states.params.disc**2)[:, 0]
    scaled = square * (np.arange(1, 2001) + 1) ** 2 / (1 + 0.25)
    np.testing.assert_allclose(scaled[-100:], 4.0, rtol=1e-2)  # its limit; finite k


def test_popov_halfway_points_are_optimistic_iterates(x64):
    """w_t = z_t - h F(w_{t-1}) obeys w' = w - 2 h F(w) + h F(w_prev) on any game."""
    game = games.dirac("non_saturating", start=(0.7, -0.4))
    h = 0.3
    popov = trajectory(schemes.past_extragradient(game, sgd(h)), 30)
    optimistic = trajectory(schemes.optimistic(game, sgd(h)), 30)
    half = jax.tree.map(lambda z, f: (z - h * f)[:-1], popov.params, popov.memory)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b[:-1], rtol=1e-12), half, optimistic.params
    )


def test_optimistic_equals_optax(x64):
    """From the second step on: optax takes the first gradient once, the paper twice."""
    game = games.dirac("non_saturating", start=(0.7, -0.4))
    tx = Players(*(optax.optimistic_gradient_descent(0.3) for _ in range(2)))
    theirs = schemes.simultaneous(game, tx)
    ours = schemes.optimistic(game, sgd(0.3))
    state = theirs.step(theirs.init(RNG, None), None, RNG)[0]
    mine = ours.init(RNG, None)._replace(
        params=state.params, memory=Players(*(s[0].previous_gradient for s in state.opt_state))
    )
    for _ in range(20):
        state, mine = theirs.step(state, None, RNG)[0], ours.step(mine, None, RNG)[0]
    np.testing.assert_allclose(mine.params.gen, state.params.gen, rtol=1e-12)


def test_extra_adam_runs_moments_through_both_moves(x64):
    """Algorithm 4 of arXiv:1802.10551, written out in numpy for one player's coordinate pair."""
    game, lr, b1, b2, eps = games.bilinear(start=(1.0, 0.5)), 0.1, 0.5, 0.9, 1e-8
    tx = Players(*(optax.adam(lr, b1=b1, b2=b2, eps=eps) for _ in range(2)))
    scheme = schemes.extragradient(game, tx)
    state = scheme.init(RNG, None)
    z, m, v, count = np.array([1.0, 0.5]), np.zeros(2), np.zeros(2), 0

    def move(z, at, m, v, count):
        g = np.array([at[1], -at[0]])
        m, v, count = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2, count + 1
        step = lr * (m / (1 - b1**count)) / (np.sqrt(v / (1 - b2**count)) + eps)
        return z - step, m, v, count

    for _ in range(5):
        half, m, v, count = move(z, z, m, v, count)
        z, m, v, count = move(z, half, m, v, count)
        state, _ = scheme.step(state, None, RNG)
    np.testing.assert_allclose(np.concatenate(state.params), z, rtol=1e-10)


def test_two_learning_rates(x64):
    """s^2 = h_gen h_disc."""
    scheme = schemes.simultaneous(games.bilinear(), sgd(0.1, 0.4))
    np.testing.assert_allclose(radius(scheme), np.sqrt(1.04), rtol=1e-10)


def test_averaging_leaves_the_dynamics_alone(x64):
    scheme = schemes.averaged(games.bilinear(), sgd(0.1), inner=schemes.simultaneous)
    np.testing.assert_allclose(radius(scheme), np.sqrt(1.01), rtol=1e-10)


def trajectory(scheme, steps):
    def body(state, _):
        state, _ = scheme.step(state, None, RNG)
        return state, state

    return jax.lax.scan(body, scheme.init(RNG, None), length=steps)[1]


@pytest.mark.parametrize(("first", "sign"), [("gen", -1), ("disc", 1)])
def test_alternating_conserves_its_quadratic(first, sign, x64):
    """x' = x - h y, y' = y + h x' conserve x^2 + y^2 - h x y; the other order, + h x y."""
    h, start = 0.1, (1.0, 0.5)
    scheme = schemes.alternating(games.bilinear(start=start), sgd(h), first=first)
    states = trajectory(scheme, 10_000)
    x, y = states.params.gen[:, 0], states.params.disc[:, 0]
    expected = start[0] ** 2 + start[1] ** 2 + sign * h * start[0] * start[1]
    np.testing.assert_allclose(x**2 + y**2 + sign * h * x * y, expected, atol=1e-9)  # 1e4 steps


def test_simultaneous_play_spirals_outward(x64):
    """x^2 + y^2 grows by exactly 1 + h^2 each step."""
    states = trajectory(schemes.simultaneous(games.bilinear(), sgd(0.1)), 100)
    square = (states.params.gen**2 + states.params.disc**2)[:, 0]
    np.testing.assert_allclose(square, 2 * 1.01 ** np.arange(1, 101), rtol=1e-10)


def test_uniform_average_finds_the_equilibrium(x64):
    """The orbit never converges; the mean of its iterates does, as 1/t."""
    game = games.bilinear()
    scheme = schemes.averaged(game, sgd(0.1), inner=schemes.alternating, kind="uniform")
    states = trajectory(scheme, 10_000)
    np.testing.assert_allclose(
        states.average[-1], np.asarray(states.params.gen).mean(0), rtol=1e-9, atol=1e-12
    )
    assert abs(float(states.average[-1, 0])) < 0.01
    assert float(jnp.abs(states.params.gen[-100:]).max()) > 1


def test_uniform_average_over_lookahead(x64):
    """One iterate is several updates of the generator and counts once."""
    inner = partial(schemes.lookahead, inner=schemes.simultaneous, steps=3)
    scheme = schemes.averaged(games.bilinear(), sgd(0.1), inner=inner, kind="uniform")
    states = trajectory(scheme, 20)
    np.testing.assert_allclose(states.average[-1], states.params.gen.mean(0), rtol=1e-12)


def test_ema_is_its_recursion(x64):
    scheme = schemes.averaged(games.bilinear(), sgd(0.1), inner=schemes.alternating, decay=0.9)
    states = trajectory(scheme, 20)
    average = 1.0
    for iterate in np.asarray(states.params.gen)[:, 0]:
        average = 0.9 * average + 0.1 * iterate
    np.testing.assert_allclose(states.average[-1, 0], average, rtol=1e-12)


def test_ema_keeps_the_scale_of_its_iterates():
    """In float32 the weights d and 1 - d, rounded apart, sum to 1 + 1e-8, which 1 / (1 - d) scales.

    A generator jumps to a new random point around 1 every step.
    """

    def losses(params, model_state, batch, rng):
        there = 1 + 0.1 * jax.random.normal(rng, (512,))
        value = jnp.sum((params.gen - there) ** 2) / 2
        return Players(Loss(value, (), {}), Loss(jnp.sum(params.disc), (), {}))

    start = Players(jnp.ones(512), jnp.zeros(1))
    game = Game(lambda rng, batch: (start, Players((), ())), losses)
    scheme = schemes.averaged(game, sgd(1.0), inner=schemes.simultaneous, decay=0.999)

    def step(state, index):
        state = scheme.step(state, None, jax.random.fold_in(RNG, index))[0]
        return state, state.params.gen

    state, iterates = jax.jit(lambda s: jax.lax.scan(step, s, jnp.arange(8000)))(
        scheme.init(RNG, None)
    )
    expected = np.ones(512)
    for iterate in np.asarray(iterates, np.float64):
        expected += 0.001 * (iterate - expected)
    assert abs(np.mean(np.asarray(state.average) / expected) - 1) < 1e-6


# (loss, penalty, instance noise, eigenvalues of -F' at the equilibrium): Mescheder et al. 2018,
# arXiv:1801.04406, section 3 and its appendix, with f'(0) = 1/2, f''(0) = -1/4; f'(0) = 1 for WGAN.
R = np.emath.sqrt
DIRAC = {
    **{
        f"{loss}_{name}": (loss, *case)
        for loss in ("minimax", "non_saturating")
        for name, case in {
            "plain": (None, 0.0, [0.5j, -0.5j]),
            "r1_under": (
                penalties.r1(0.3),
                0.0,
                [-0.15 + R(0.0225 - 0.25), -0.15 - R(0.0225 - 0.25)],
            ),
            "r1_over": (penalties.r1(2.0), 0.0, [-1 + R(0.75), -1 - R(0.75)]),
            "noise_01": (None, 0.1, [-0.0025 + R(0.0025**2 - 0.25), -0.0025 - R(0.0025**2 - 0.25)]),
            "noise_05": (None, 0.5, [-0.0625 + R(0.0625**2 - 0.25), -0.0625 - R(0.0625**2 - 0.25)]),
            "noise_1": (None, 1.0, [-0.25 + R(0.0625 - 0.25), -0.25 - R(0.0625 - 0.25)]),
        }.items()
    },
    "wasserstein": ("wasserstein", None, 0.0, [1j, -1j]),
    "wasserstein_r1": ("wasserstein", penalties.r1(1.0), 0.0, [-0.5 + R(-0.75), -0.5 - R(-0.75)]),
}


@pytest.mark.parametrize("case", DIRAC)
def test_dirac_eigenvalues(case, x64):
    loss, penalty, noise, expected = DIRAC[case]
    game = games.dirac(loss, penalty, noise, start=(0.0, 0.0))
    scheme = schemes.simultaneous(game, sgd(0.2))
    state = scheme.init(RNG, None)
    expected = np.sort_complex(np.array(expected, complex))
    update = (dynamics.update_map_spectrum(scheme.step, state) - 1) / 0.2
    np.testing.assert_allclose(np.sort_complex(update), expected, atol=1e-10)
    field = -dynamics.game_jacobian_spectrum(game, state)
    np.testing.assert_allclose(np.sort_complex(field), expected, atol=1e-10)


def test_dirac_r1_is_critical_at_one(x64):
    """A double root -1/2, only good to the root of the rounding."""
    game = games.dirac("minimax", penalties.r1(1.0), start=(0.0, 0.0))
    state = schemes.simultaneous(game, sgd(0.2)).init(RNG, None)
    np.testing.assert_allclose(-dynamics.game_jacobian_spectrum(game, state), -0.5, atol=1e-7)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("loss", ["minimax", "non_saturating"])
def test_dirac_consensus_eigenvalues(loss, gamma, x64):
    """-gamma f'(0)^2 +- i f'(0): J is f'(0) times a quarter turn, so J^T J = f'(0)^2 I."""
    game = games.dirac(loss, start=(0.0, 0.0))
    scheme = schemes.consensus(game, sgd(0.2), gamma=gamma)
    spectrum = dynamics.update_map_spectrum(scheme.step, scheme.init(RNG, None))
    expected = np.sort_complex(np.array([-gamma / 4 + 0.5j, -gamma / 4 - 0.5j]))
    np.testing.assert_allclose(np.sort_complex((spectrum - 1) / 0.2), expected, atol=1e-10)


def test_dirac_wgan_gp_has_no_eigenvalue_and_does_not_converge(x64):
    """Its field jumps by 4 weight target at psi = 0 and drives psi away (1801.04406, 3.2)."""
    weight, target = 0.35, 1.0
    game = games.dirac("wasserstein", penalties.wgan_gp(weight, target))
    for theta, psi in ((0.3, 1e-9), (0.3, -1e-9), (-0.2, 0.6)):
        state = schemes.simultaneous(
            games.dirac("wasserstein", penalties.wgan_gp(weight, target), start=(theta, psi)),
            sgd(0.1),
        ).init(RNG, None)
        gradients = dynamics.gradient_field(game, state)(state.params)
        expected = theta + 2 * weight * (abs(psi) - target) * np.sign(psi)
        np.testing.assert_allclose(gradients.disc[0], expected, rtol=1e-10)
        np.testing.assert_allclose(gradients.gen[0], -psi, rtol=1e-10)
    tail = {}
    for name, penalty in (
        ("wgan_gp", penalties.wgan_gp(weight, target)),
        ("r1", penalties.r1(1.0)),
    ):
        scheme = schemes.alternating(games.dirac("wasserstein", penalty), sgd(0.05))
        states = trajectory(scheme, 5000)
        tail[name] = float(jnp.hypot(states.params.gen, states.params.disc)[-500:].max())
    assert tail["r1"] < 1e-10
    assert tail["wgan_gp"] > 0.1


@pytest.fixture(scope="module")
def passes():
    """Programs of one pass for both players and of one for each; a point for them."""
    game = games.gan(
        nets.DCGANGenerator((16, 16, 1), width=8), nets.DCGANDiscriminator(width=8), z_dim=16
    )
    batch = {"x": np.random.default_rng(0).uniform(-1, 1, (32, 16, 16, 1)).astype("f")}
    at = (*jax.jit(game.init)(RNG, batch), batch, RNG)
    functions = {"both": partial(both_gradients, game)}
    functions |= {player: partial(own_gradient, game, player) for player in ("gen", "disc")}
    return {name: jax.jit(f).lower(*at).compile() for name, f in functions.items()}, at


def test_one_pass_gives_both_players_gradients(passes):
    programs, at = passes
    both, losses = programs["both"](*at)
    for player in ("gen", "disc"):
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6),  # float32
            (getattr(both, player), getattr(losses, player)),
            programs[player](*at),
        )


def test_losses_of_different_precision(x64):
    """A player's gradient has its own loss's dtype."""

    def losses(params, model_state, batch, rng):
        value = params.gen.astype(jnp.float32) * params.disc
        return Players(gen=Loss(value.astype(jnp.float32), (), {}), disc=Loss(-value, (), {}))

    game = Game(init=None, losses=losses)
    params = Players(gen=jnp.float32(2), disc=jnp.float64(3))
    gradients, _ = both_gradients(game, params, Players(gen=(), disc=()), None, RNG)
    assert (float(gradients.gen), float(gradients.disc)) == (3, -2)


def test_one_pass_is_cheaper_than_two(passes):
    flops = {name: program.cost_analysis()["flops"] for name, program in passes[0].items()}
    assert flops["both"] < 0.9 * (flops["gen"] + flops["disc"])


def test_a_frozen_generator_stays_bitwise_the_same():
    source = data.digits()
    game = games.gan(
        nets.MLPGenerator((8, 8, 1), width=4, depth=1), nets.MLPDiscriminator(width=4, depth=1)
    )
    tx = Players(gen=optax.sgd(0.0), disc=optax.adam(1e-3))
    scheme = schemes.alternating(game, tx, disc_updates=1)
    batch = source.sample(source.train, RNG, 16)
    state = jax.jit(scheme.init)(RNG, batch)
    after, _ = jax.jit(scheme.step)(state, batch, RNG)
    jax.tree.map(np.testing.assert_array_equal, state.params.gen, after.params.gen)
    assert any(
        bool((a != b).any())
        for a, b in zip(*map(jax.tree.leaves, (state.params.disc, after.params.disc)), strict=True)
    )


def mean_game():
    """Each player is drawn to the mean of its batch; nothing else happens."""

    def losses(params, model_state, batch, rng):
        pull = [jnp.mean((p - batch["x"]) ** 2) / 2 for p in params]
        return Players(gen=Loss(pull[0], (), {}), disc=Loss(pull[1], (), {}))

    def init(rng, batch):
        assert batch["x"].ndim == 1
        return Players(gen=jnp.zeros(()), disc=jnp.zeros(())), Players(gen=(), disc=())

    return Game(init=init, losses=losses)


@pytest.mark.parametrize(("first", "gen_sees"), [("disc", 3.0), ("gen", 1.0)])
def test_fresh_batches_go_to_their_updates(first, gen_sees, x64):
    """With step 1 a player lands on the mean of its last sub-batch."""
    batch = {"x": jnp.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])}
    scheme = schemes.alternating(
        mean_game(), sgd(1.0), disc_updates=3, first=first, fresh_batches=True
    )
    state, metrics = scheme.step(scheme.init(RNG, batch), batch, RNG)
    assert state.params.disc == 3
    assert state.params.gen == gen_sees
    assert (int(metrics["evaluations/gen"]), int(metrics["evaluations/disc"])) == (1, 3)
    # The last of three updates starts at 2 and sees 3s.
    np.testing.assert_allclose(metrics["loss/disc"], 0.5, rtol=1e-12)


def test_one_batch_serves_every_update(x64):
    scheme = schemes.alternating(mean_game(), sgd(0.5), disc_updates=3)
    batch = {"x": jnp.array([4.0, 4.0])}
    state, _ = scheme.step(scheme.init(RNG, batch), batch, RNG)
    np.testing.assert_allclose(state.params.disc, 4 * (1 - 0.5**3), rtol=1e-12)


def test_a_batch_without_the_leading_axis_is_refused():
    scheme = schemes.alternating(mean_game(), sgd(1.0), disc_updates=3, fresh_batches=True)
    with pytest.raises(ValueError, match="leading axis of 3 sub-batches"):
        scheme.init(RNG, {"x": jnp.ones((2, 5))})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (partial(schemes.adaptive_extragradient, kind="egplus"), "kind='egplus'"),
        (partial(schemes.adaptive_extragradient, lr=0.0), "lr=0.0"),
        (partial(schemes.adaptive_extragradient, margin=1.0), "margin=1.0"),
        (partial(schemes.adaptive_extragradient, iterations=0), "iterations=0"),
        (partial(schemes.alex, gamma=-1.0), "gamma=-1.0"),
        (partial(schemes.alex, delta=float("nan")), "delta=nan"),
        (partial(schemes.alternating, disc_updates=0), "disc_updates=0"),
        (partial(schemes.anchored, kind="eag"), "kind='eag'"),
        (partial(schemes.anderson, inner=schemes.simultaneous, depth=0), "depth=0"),
        (partial(schemes.anderson, inner=schemes.simultaneous, ridge=-1.0), "ridge=-1.0"),
        (partial(schemes.anchored, rho=-0.1), "rho=-0.1 is of kind='feg'"),
        (partial(schemes.anchored, kind="feg", rho=float("inf")), "rho=inf"),
        (partial(schemes.complex_momentum, modulus=1.0), "modulus=1.0"),
        (partial(schemes.complex_momentum, phase=float("nan")), "phase=nan"),
        (partial(schemes.extragradient, reach=-0.1), "reach=-0.1"),
        (partial(schemes.lead, alpha=-1.0), "alpha=-1.0"),
        (partial(schemes.lead, beta=1.0), "beta=1.0"),
        (partial(schemes.tiada, alpha=1.0), "alpha=1.0"),
        (partial(schemes.tiada, alpha=0.4, beta=0.6), "alpha=0.4 must be greater than beta=0.6"),
        (partial(schemes.tiada, accumulator=0.0), "accumulator=0.0"),
        (partial(schemes.alternating, first="both"), "first='both'"),
        (partial(schemes.averaged, inner=schemes.simultaneous, kind="mean"), "kind='mean'"),
        (partial(schemes.averaged, inner=schemes.simultaneous, decay=1.0), "decay=1.0"),
        (partial(schemes.competitive, lr=-1.0), "lr=-1.0"),
        (partial(schemes.competitive, lr=float("inf")), "lr=inf"),
        (partial(schemes.consensus, gamma=float("inf")), "gamma=inf"),
        (partial(schemes.competitive, lr=0.1, cg_iterations=0), "cg_iterations=0"),
        (partial(schemes.competitive, lr=0.1, cg_tolerance=0.0), "cg_tolerance=0.0"),
        (partial(schemes.consensus, gamma=-1.0), "gamma=-1.0"),
        (partial(schemes.follow_the_ridge, damping=-1.0), "damping=-1.0"),
        (partial(schemes.follow_the_ridge, lr_ratio=-1.0), "lr_ratio=-1.0"),
        (partial(schemes.follow_the_ridge, cg_iterations=0), "cg_iterations=0"),
        (partial(schemes.lookahead, inner=schemes.simultaneous, steps=0), "steps=0"),
        (partial(schemes.lookahead, inner=schemes.simultaneous, alpha=1.5), "alpha=1.5"),
        (partial(schemes.negative_momentum, beta=-1.0), "beta=-1.0"),
        (partial(schemes.opponent_shaping, lookahead_lr=-0.1), "lookahead_lr=-0.1"),
        (partial(schemes.proximal, iterations=0), "iterations=0"),
        (partial(schemes.runge_kutta, lr=0.1, order=3), "order=3"),
        (partial(schemes.runge_kutta, lr=0.0), "lr=0.0"),
        (partial(schemes.symplectic, strength=float("nan")), "strength=nan"),
        (partial(schemes.unrolled, unroll_steps=-1), "unroll_steps=-1"),
        (partial(schemes.unrolled, order="both"), "order='both'"),
    ],
)
def test_options_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make(games.bilinear(), sgd(0.1))
