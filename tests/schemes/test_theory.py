"""Schemes against theory: spectra on V = sigma x y and on the Dirac-GAN, invariants, costs."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ganjax import data, dynamics, games, nets, penalties, schemes
from ganjax.schemes.field import both_gradients, own_gradient
from ganjax.types import Game, Loss, Players

RNG = jax.random.key(0)
STEPS = (0.01, 0.1, 0.3, 0.5, 1.0, 1.5, 1.9, 2.5)


def sgd(h, h_disc=None):
    return Players(gen=optax.sgd(h), disc=optax.sgd(h if h_disc is None else h_disc))


def radius(scheme):
    return np.abs(dynamics.update_map_spectrum(scheme.step, scheme.init(RNG, None))).max()


@pytest.mark.parametrize("h", STEPS)
@pytest.mark.parametrize("sigma", [1.0, 2.0])
def test_simultaneous_radius(h, sigma, x64):
    """sqrt(1 + s^2), s = h sigma: divergence at any step (arXiv:1807.04740)."""
    scheme = schemes.simultaneous(games.bilinear(sigma), sgd(h))
    np.testing.assert_allclose(radius(scheme), np.sqrt(1 + (h * sigma) ** 2), rtol=1e-10)


def alternating_radius(s_squared):
    """1 on an orbit; beyond s = 2 the larger root of l^2 + (s^2 - 2) l + 1."""
    if s_squared < 4:
        return 1.0
    return (s_squared - 2 + np.sqrt(s_squared * (s_squared - 4))) / 2


@pytest.mark.parametrize("h", STEPS)
@pytest.mark.parametrize("first", ["disc", "gen"])
@pytest.mark.parametrize("disc_updates", [1, 3])
def test_alternating_radius(h, first, disc_updates, x64):
    """n discriminator updates: s^2 becomes n s^2."""
    scheme = schemes.alternating(games.bilinear(), sgd(h), disc_updates=disc_updates, first=first)
    expected = alternating_radius(disc_updates * h**2)
    np.testing.assert_allclose(radius(scheme), expected, rtol=1e-10)


def test_the_issue_of_step_one_tenth(x64):
    """What textbooks state: sqrt(1.01) and 1, to 1e-10, from the jacfwd of the real step."""
    assert abs(radius(schemes.simultaneous(games.bilinear(), sgd(0.1))) - np.sqrt(1.01)) < 1e-10
    assert abs(radius(schemes.alternating(games.bilinear(), sgd(0.1))) - 1) < 1e-10


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


def test_ema_is_its_recursion(x64):
    scheme = schemes.averaged(games.bilinear(), sgd(0.1), inner=schemes.alternating, decay=0.9)
    states = trajectory(scheme, 20)
    average = 1.0
    for iterate in np.asarray(states.params.gen)[:, 0]:
        average = 0.9 * average + 0.1 * iterate
    np.testing.assert_allclose(states.average[-1, 0], average, rtol=1e-12)


# (penalty, instance noise, eigenvalues of the gradient field at the equilibrium), with f'(0) = 1/2
# and f''(0) = -1/4 (arXiv:1801.04406, section 3 and appendix).
DIRAC = {
    "plain": (None, 0.0, [0.5j, -0.5j]),
    "r1_under": (penalties.r1(0.3), 0.0, [-0.15 + 0.4769696j, -0.15 - 0.4769696j]),
    "r1_critical": (penalties.r1(1.0), 0.0, [-0.5, -0.5]),
    "r1_over": (penalties.r1(2.0), 0.0, [-1 + np.sqrt(0.75), -1 - np.sqrt(0.75)]),
    "noise": (None, 0.5, [-0.0625 + 0.4960784j, -0.0625 - 0.4960784j]),
}


@pytest.mark.parametrize("loss", ["minimax", "non_saturating"])
@pytest.mark.parametrize("case", DIRAC)
def test_dirac_eigenvalues(case, loss, x64):
    penalty, noise, expected = DIRAC[case]
    game = games.dirac(loss, penalty, noise, start=(0.0, 0.0))
    h = 0.2
    scheme = schemes.simultaneous(game, sgd(h))
    spectrum = dynamics.update_map_spectrum(scheme.step, scheme.init(RNG, None))
    field = np.sort_complex((spectrum - 1) / h)
    # Decimals given above; a double root is only good to the root of the rounding.
    np.testing.assert_allclose(field, np.sort_complex(np.array(expected, complex)), atol=1e-6)


def network(batch_size=32):
    game = games.gan(
        nets.DCGANGenerator((16, 16, 1), width=8), nets.DCGANDiscriminator(width=8), z_dim=16
    )
    batch = {"x": jax.random.uniform(RNG, (batch_size, 16, 16, 1), minval=-1)}
    return game, batch, *jax.jit(game.init)(RNG, batch)


def test_one_pass_gives_both_players_gradients():
    game, batch, params, model_state = network()
    at = (params, model_state, batch, RNG)
    both, losses = jax.jit(partial(both_gradients, game))(*at)
    for player in ("gen", "disc"):
        own, loss = jax.jit(partial(own_gradient, game, player))(*at)
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6),  # float32
            (getattr(both, player), getattr(losses, player)),
            (own, loss),
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


def flops(function, *arguments):
    return jax.jit(function).lower(*arguments).compile().cost_analysis()["flops"]


def test_one_pass_is_cheaper_than_two():
    game, batch, params, model_state = network()
    at = (params, model_state, batch, RNG)
    together = flops(lambda *at: both_gradients(game, *at)[0], *at)
    apart = sum(
        flops(partial(lambda player, *at: own_gradient(game, player, *at)[0], player), *at)
        for player in ("gen", "disc")
    )
    assert together < 0.9 * apart


def test_a_frozen_generator_stays_bitwise_the_same():
    source = data.digits()
    game = games.gan(nets.MLPGenerator((8, 8, 1)), nets.MLPDiscriminator())
    tx = Players(gen=optax.sgd(0.0), disc=optax.adam(1e-3))
    scheme = schemes.alternating(game, tx, disc_updates=1)
    batch = source.sample(source.train, RNG, 16)
    state = scheme.init(RNG, batch)
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
        (partial(schemes.alternating, disc_updates=0), "disc_updates=0"),
        (partial(schemes.alternating, first="both"), "first='both'"),
        (partial(schemes.averaged, inner=schemes.simultaneous, kind="mean"), "kind='mean'"),
        (partial(schemes.averaged, inner=schemes.simultaneous, decay=1.0), "decay=1.0"),
    ],
)
def test_options_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make(games.bilinear(), sgd(0.1))
