"""Toy games: values, starts, and the Dirac-GAN's closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ganjax import dynamics, games, losses, penalties, schemes
from ganjax.types import Players

RNG = jax.random.key(0)
NONE = Players(gen=(), disc=())


def play(game, gen, disc):
    return game.losses(Players(gen=jnp.asarray(gen), disc=jnp.asarray(disc)), NONE, None, RNG)


def test_bilinear_value(x64):
    outcome = play(games.bilinear(sigma=3.0, dim=2), [1.0, 2.0], [5.0, 7.0])
    assert outcome.gen.value == 3 * (5 + 14)
    assert outcome.disc.value == -outcome.gen.value


def test_bilinear_start():
    params, model_state = games.bilinear(dim=3, start=(0.5, -2.0)).init(RNG, None)
    np.testing.assert_array_equal(params.gen, [0.5] * 3)
    np.testing.assert_array_equal(params.disc, [-2.0] * 3)
    assert model_state == NONE


def log_sigmoid(t):
    return -np.log1p(np.exp(-t))


def test_dirac_value_is_the_papers(x64):
    """L = f(psi theta) + f(0) with f(t) = -log(1 + exp(-t)), psi of the opposite sign."""
    theta, psi = 0.7, -1.3
    outcome = play(games.dirac("minimax"), [theta], [psi])
    value = log_sigmoid(-psi * theta) + log_sigmoid(0.0)
    np.testing.assert_allclose(outcome.gen.value, value, rtol=1e-10)
    np.testing.assert_allclose(outcome.disc.value, -value, rtol=1e-10)
    outcome = play(games.dirac("non_saturating"), [theta], [psi])
    np.testing.assert_allclose(outcome.gen.value, -log_sigmoid(psi * theta), rtol=1e-10)


def test_dirac_r1_is_half_gamma_psi_squared(x64):
    plain, penalised = games.dirac(), games.dirac(penalty=penalties.r1(3.0))
    extra = play(penalised, [0.7], [-1.3]).disc.value - play(plain, [0.7], [-1.3]).disc.value
    np.testing.assert_allclose(extra, 1.5 * 1.3**2, rtol=1e-10)
    assert play(penalised, [0.7], [-1.3]).disc.metrics.keys() == {"penalty/disc"}


def test_dirac_instance_noise_is_an_expectation(x64):
    """Against 400,000 draws, and exactly 0 noise against the plain game."""
    theta, psi, std = 0.7, -1.3, 0.5
    noise = std * np.random.default_rng(0).standard_normal((2, 400_000))
    drawn = np.mean(log_sigmoid(psi * noise[0])) + np.mean(log_sigmoid(-psi * (theta + noise[1])))
    exact = play(games.dirac(instance_noise=std), [theta], [psi]).gen.value
    np.testing.assert_allclose(exact, drawn, rtol=2e-3)  # standard error of the draws
    plain = play(games.dirac(), [theta], [psi]).gen.value
    assert play(games.dirac(instance_noise=0.0), [theta], [psi]).gen.value == plain
    assert exact != plain


def test_dirac_takes_a_loss_of_your_own(x64):
    own = losses.AdversarialLoss(
        gen=lambda real, fake: -fake.mean(), disc=lambda real, fake: fake.mean() - real.mean()
    )
    outcome = play(games.dirac(own), [2.0], [3.0])
    np.testing.assert_allclose(outcome.gen.value, -6.0, rtol=1e-10)
    np.testing.assert_allclose(outcome.disc.value, 6.0, rtol=1e-10)


def test_mistakes_are_refused():
    with pytest.raises(ValueError, match="Did you mean 'minimax'"):
        games.dirac("minmax")
    with pytest.raises(ValueError, match="instance_noise=-1"):
        games.dirac(instance_noise=-1.0)
    with pytest.raises(ValueError, match="instance_noise=nan"):
        games.dirac(instance_noise=float("nan"))
    with pytest.raises(ValueError, match="2 finite numbers"):
        games.dirac(start=(1.0,))
    with pytest.raises(ValueError, match="dim=0"):
        games.bilinear(dim=0)


M = np.array([[3.0, 0.3, 2.0], [0.3, 2.5, -1.0], [2.0, -1.0, 3.0]])
N = np.array([[4.0, 0.0, 0.7], [0.0, 5.0, 0.9], [0.7, 0.9, 2.0]])


def test_quadratic_values(x64):
    z = np.array([1.0, -2.0, 0.5])
    outcome = play(games.quadratic(M, N, gen_dim=2), z[:2], z[2:])
    np.testing.assert_allclose(outcome.gen.value, z @ M @ z / 2, rtol=1e-12)
    np.testing.assert_allclose(outcome.disc.value, z @ N @ z / 2, rtol=1e-12)
    zero_sum = play(games.quadratic(M, gen_dim=2), z[:2], z[2:])
    assert zero_sum.disc.value == -zero_sum.gen.value


def test_stackelberg_value(x64):
    outcome = play(games.stackelberg(), [2.0], [3.0])
    np.testing.assert_allclose(outcome.gen.value, -3 * 4 + 4 * 6 - 9, rtol=1e-12)
    assert outcome.disc.value == -outcome.gen.value


def test_matrix_game_value(x64):
    payoff = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]])
    x, y = np.array([0.3, -0.7]), np.array([1.0, 0.0, -1.0])
    p, q = (np.exp(v) / np.exp(v).sum() for v in (x, y))
    outcome = play(games.matrix_game(payoff), x, y)
    np.testing.assert_allclose(outcome.gen.value, p @ payoff @ q, rtol=1e-12)
    assert outcome.disc.value == -outcome.gen.value
    params, _ = games.matrix_game(payoff).init(RNG, None)
    assert (params.gen.shape, params.disc.shape) == ((2,), (3,))


def best_response(game, params, player, steps=3000, rate=0.5):
    """One player's parameters after many steps of gradient descent on its own loss."""

    def value(own):
        outcome = game.losses(params._replace(**{player: own}), NONE, None, RNG)
        return getattr(outcome, player).value

    own, _ = jax.lax.scan(
        lambda own, _: (own - rate * jax.grad(value)(own), None),
        getattr(params, player),
        length=steps,
    )
    return params._replace(**{player: own})


@pytest.mark.parametrize("theta", [-1.5, 1.0, 3.0])
def test_parallel_lines(theta, x64):
    """Value |theta| and slope +-1 with the Wasserstein loss; 0 and next to 0 with the minimax loss.

    The logistic best response lies at infinity and is approached as slowly as 1 / steps.
    """
    start = Players(jnp.array([theta]), jnp.array([0.1, 0.0]))

    def after(loss):
        game = games.parallel_lines(loss)
        params = best_response(game, start, "disc", steps=20_000)
        value = game.losses(params, NONE, None, RNG).gen.value
        slope = jax.grad(
            lambda gen: game.losses(params._replace(gen=gen), NONE, None, RNG).gen.value
        )(params.gen)
        return float(value), float(slope[0])

    value, slope = after("wasserstein")
    np.testing.assert_allclose(value, abs(theta), rtol=1e-3)
    np.testing.assert_allclose(slope, np.sign(theta), rtol=1e-3)
    value, slope = after("minimax")
    np.testing.assert_allclose(value, 0.0, atol=2e-2)
    assert abs(slope) < 0.05


@pytest.mark.parametrize("theta", [-3.0, -0.5, -1e-3, 1e-6, 0.02, 1.0, 7.0])
def test_parallel_lines_at_the_optimal_discriminator(theta, x64):
    """Wasserstein |theta|; Jensen-Shannon log 2 and total variation 1 however near the lines are.

    The best slope is at infinity: +-1 to rounding at tanh(20), logits of +-40 for the others.
    """

    def value(loss, psi, b):
        params = Players(jnp.array([theta]), jnp.array([psi, b]))
        outcome = games.parallel_lines(loss).losses(params, NONE, None, RNG)
        np.testing.assert_allclose(outcome.gen.value, -outcome.disc.value, rtol=1e-12)
        return outcome.gen.value

    np.testing.assert_allclose(
        value(losses.wasserstein, -20.0 * np.sign(theta), 0.0), abs(theta), rtol=1e-12
    )
    sure = (-80.0 / theta, 40.0)  # logits of 40 on data and -40 on samples
    log_2 = np.log(2)
    np.testing.assert_allclose((value(losses.minimax, *sure) + 2 * log_2) / 2, log_2, rtol=1e-12)
    for name, expected in (("jensen_shannon", 2 * log_2), ("total_variation", 1), ("gan", 0)):
        loss = losses.f_gan(divergence=name)
        np.testing.assert_allclose(value(loss, *sure), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [n for n in losses.LOSSES if n != "relativistic_average"])
def test_dirac_with_noise_is_the_mean_over_draws(name, x64):
    """The library's own loss on a large batch of noisy points, for every loss it takes."""
    theta, psi, std = 0.8, -1.3, 0.5
    params = Players(jnp.array([theta]), jnp.array([psi]))
    outcome = games.dirac(name, instance_noise=std).losses(params, NONE, None, RNG)
    real, fake = std * jax.random.normal(RNG, (2, 400_000))
    row = losses.LOSSES[name]
    for player in ("gen", "disc"):
        drawn = getattr(row, player)(psi * real, psi * (theta + fake))
        # 5 standard errors of 400,000 draws; Gauss-Hermite sums see a kink to 1e-2
        np.testing.assert_allclose(getattr(outcome, player).value, drawn, atol=2e-2)


def log_ratio(x, mean, std, a, b):
    def log_density(x, mean, std):
        return -((x - mean) ** 2) / (2 * std**2) - np.log(abs(std))

    return log_density(x, mean, std) - log_density(x, a, b)


def test_gaussian_1d_optimal_discriminator(x64):
    """The docstring's w is the log-density ratio, and no gradient is left there."""
    mean, std, a, b = 0.5, 1.5, 1.0, 0.8
    w = np.array(
        [
            np.log(b / std) + a**2 / (2 * b**2) - mean**2 / (2 * std**2),
            mean / std**2 - a / b**2,
            1 / b**2 - 1 / std**2,
        ]
    )
    x = np.linspace(-3, 3, 7)
    np.testing.assert_allclose(
        w[0] + w[1] * x + w[2] * x**2 / 2, log_ratio(x, mean, std, a, b), rtol=1e-12
    )
    game = games.gaussian_1d(mean=mean, std=std)

    def loss(w):
        return game.losses(Players(jnp.array([a, b]), w), NONE, None, RNG).disc.value

    np.testing.assert_allclose(jax.grad(loss)(jnp.array(w)), 0, atol=1e-9)  # 128 nodes
    assert np.linalg.eigvalsh(jax.hessian(loss)(jnp.array(w))).min() > 0


def test_gaussian_1d_value_is_the_divergence(x64):
    """2 JSD - log 4 at the optimal discriminator, by an independent integral on a grid."""
    mean, std, a, b = 0.0, 1.0, 1.0, 1.0
    w = np.array([0.5, -1.0, 0.0])
    outcome = play(games.gaussian_1d(), [a, b], w)
    x = np.linspace(-12, 13, 200_001)
    p, q = (np.exp(-((x - m) ** 2) / 2) / np.sqrt(2 * np.pi) for m in (mean, a))
    value = np.trapezoid(p * np.log(p / (p + q)) + q * np.log(q / (p + q)), x)
    np.testing.assert_allclose(outcome.gen.value, value, rtol=1e-9)
    settled = play(games.gaussian_1d(), [mean, std], np.zeros(3))
    np.testing.assert_allclose(settled.gen.value, -np.log(4), rtol=1e-12)


@pytest.mark.parametrize("loss", ["minimax", "non_saturating", "hinge", "relativistic"])
def test_categorical_losses_are_expectations(loss, x64):
    """As of `gan` on a batch in which outcomes are as frequent as in the two tables."""
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6])
    w = np.array([0.4, -1.0, 0.7])
    outcome = play(games.categorical(5 * p, loss), np.log(q) + 3, w)
    named = losses.LOSSES[loss]
    # All pairs of ten real and ten generated outcomes, each as often as it is probable.
    real, fake = (np.repeat(w, np.rint(10 * table).astype(int)) for table in (p, q))
    pairs = jnp.repeat(jnp.asarray(real), 10), jnp.tile(jnp.asarray(fake), 10)
    np.testing.assert_allclose(outcome.gen.value, named.gen(*pairs), rtol=1e-12)
    np.testing.assert_allclose(outcome.disc.value, named.disc(*pairs), rtol=1e-12)


def test_categorical_has_its_best_discriminator_and_equilibrium(x64):
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6])
    game = games.categorical(p)

    def loss(w):
        return game.losses(Players(jnp.log(q), w), NONE, None, RNG).disc.value

    best = jnp.log(p) - jnp.log(q)
    np.testing.assert_allclose(jax.grad(loss)(best), 0, atol=1e-15)
    jsd = (p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))).sum() / 2
    value = play(game, np.log(q), np.asarray(best)).gen.value
    np.testing.assert_allclose(value, 2 * jsd - np.log(4), rtol=1e-12)
    tx = Players(optax.sgd(0.5), optax.sgd(0.5))
    scheme = schemes.alternating(games.categorical(p, start=(0.0, 1.0, 2.0)), tx)
    path = dynamics.trajectory(scheme.step, scheme.init(RNG, None), steps=4000)
    np.testing.assert_allclose(jax.nn.softmax(path.gen[-1]), p, atol=1e-8)


def test_mistakes_in_the_new_games_are_refused():
    for make, message in (
        (lambda: games.quadratic(M[:2]), "square matrices"),
        (lambda: games.quadratic(M, N[:2, :2]), "square matrices"),
        (lambda: games.quadratic(np.triu(M)), "symmetric"),
        (lambda: games.quadratic(M, gen_dim=3), "gen_dim=3"),
        (lambda: games.matrix_game([1.0, 2.0]), "n x n finite numbers"),
        (lambda: games.matrix_game(M, start=((0.0,), (0.0,))), "must be 3 finite numbers"),
        (lambda: games.parallel_lines("wasserstien"), "Did you mean 'wasserstein'"),
        (lambda: games.parallel_lines(start=(1.0,)), "2 finite numbers"),
        (lambda: games.gaussian_1d(std=0.0), "std=0.0"),
        (lambda: games.gaussian_1d("relativistic"), "relativistic losses compare"),
        (
            lambda: games.dirac("relativistic_average", instance_noise=0.5),
            "relativistic losses compare",
        ),
        (lambda: games.categorical((0.5, 0.0)), "probabilities=0.0"),
        (lambda: games.categorical((0.5, 0.5), start=(1.0,)), "2 finite numbers"),
        (lambda: games.categorical(loss="relativistic_average"), "relativistic losses compare"),
        (lambda: games.gaussian_1d(start=(1.0,)), "2 finite numbers"),
        (lambda: games.gaussian_1d(start=(1.0, 0.0)), "b must not be 0"),
        (lambda: games.gaussian_1d(mean=float("inf")), "a finite number"),
        (lambda: games.bilinear(sigma=float("nan")), "sigma=nan"),
        (lambda: games.bilinear(start=("a", "b")), "2 finite numbers"),
        (lambda: games.quadratic([[1.0, float("nan")], [0.0, 1.0]]), "finite numbers"),
        (lambda: games.matrix_game("rps"), "finite numbers"),
        (lambda: games.matrix_game([[1.0], [1.0, 2.0]]), "finite numbers"),
        (lambda: games.matrix_game([[]]), "finite numbers"),
        (lambda: games.matrix_game(M, start=1.0), "a pair"),
    ):
        with pytest.raises(ValueError, match=message):
            make()


def test_zero_sum_is_any_function_of_pytrees(x64):
    """Values, dtypes of the start, and new buffers for every state, which may be donated."""
    start = ({"w": jnp.ones(2, jnp.float32), "b": 3}, [jnp.full(2, 2.0)])
    game = games.zero_sum(lambda x, y: x["w"] @ y[0] * x["b"], start)
    params, model_state = game.init(RNG)
    outcome = game.losses(params, model_state, None, RNG)
    assert (outcome.gen.value, outcome.disc.value) == (12, -12)
    assert params.gen["w"].dtype == jnp.float32
    assert params.gen["b"].dtype == params.disc[0].dtype == jnp.float64
    jax.tree.map(lambda leaf: leaf.delete(), params)
    np.testing.assert_array_equal(game.init(RNG)[0].disc[0], start[1][0])
    with pytest.raises(ValueError, match="must be a pair"):
        games.zero_sum(lambda x, y: x * y, start=1.0)
