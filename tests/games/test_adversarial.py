"""The adversarial game: who owns what, and the classical claims about its optimum."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn
from scipy import stats
from scipy.integrate import quad

from ganjax import games, losses, nets, penalties, schemes
from ganjax.types import Players

RNG = jax.random.key(0)
SHAPE = (8, 8, 1)


def dcgan(**options):
    return games.gan(
        nets.DCGANGenerator(SHAPE, width=4),
        nets.DCGANDiscriminator(width=4),
        z_dim=3,
        **options,
    )


@pytest.fixture
def batch():
    return {"x": jax.random.uniform(RNG, (6, 16, 16, 1), minval=-1)}


def with_norm():
    """16 pixels: a batch normalisation in both players."""
    return games.gan(
        nets.DCGANGenerator((16, 16, 1), width=4), nets.DCGANDiscriminator(width=4), z_dim=3
    )


def test_losses_and_metrics(batch):
    game = with_norm()
    params, model_state = jax.jit(game.init)(RNG, batch)
    outcome = jax.jit(game.losses)(params, model_state, batch, RNG)
    assert outcome.gen.value.shape == outcome.disc.value.shape == ()
    metrics = outcome.disc.metrics
    assert metrics.keys() == {"disc/accuracy", "disc/accuracy_real", "disc/accuracy_fake"}
    mean = (metrics["disc/accuracy_real"] + metrics["disc/accuracy_fake"]) / 2
    assert metrics["disc/accuracy"] == mean


def test_model_state_has_the_structure_it_started_with(batch):
    game = with_norm()
    params, model_state = jax.jit(game.init)(RNG, batch)
    outcome = jax.jit(game.losses)(params, model_state, batch, RNG)
    for player in ("gen", "disc"):
        before, after = getattr(model_state, player), getattr(outcome, player).model_state
        assert jax.tree.structure(before) == jax.tree.structure(after)
        moved = jax.tree.map(lambda a, b: bool((a != b).any()), before, after)
        assert all(jax.tree.leaves(moved))


def test_no_parameter_has_a_gradient_of_zero(batch):
    """Adam would turn its rounding noise into steps, and devices would drift apart."""
    game = with_norm()
    params, model_state = jax.jit(game.init)(RNG, batch)

    def value(own, player):
        moved = params._replace(**{player: own})
        return getattr(game.losses(moved, model_state, batch, RNG), player).value

    for player in ("gen", "disc"):
        gradient = jax.jit(jax.grad(value), static_argnums=1)(getattr(params, player), player)
        for path, leaf in jax.tree_util.tree_leaves_with_path(gradient):
            # A gradient that vanishes in theory is rounding noise of 1e-9 here.
            assert float(jnp.abs(leaf).max()) > 1e-6, (player, jax.tree_util.keystr(path))


def test_penalties_add_up(batch):
    batch = {"x": batch["x"][:, :8, :8]}
    plain, double = dcgan(), dcgan(penalties=(penalties.r1(1.0), penalties.r1(2.0)))
    params, model_state = plain.init(RNG, batch)
    without = plain.losses(params, model_state, batch, RNG)
    outcome = double.losses(params, model_state, batch, RNG)
    single = dcgan(penalties=(penalties.r1(3.0),)).losses(params, model_state, batch, RNG)
    extra = outcome.disc.metrics["penalty/disc"]
    assert float(extra) > 0
    np.testing.assert_allclose(extra, single.disc.metrics["penalty/disc"], rtol=1e-5)
    np.testing.assert_allclose(outcome.disc.value, without.disc.value + extra, rtol=1e-6)
    np.testing.assert_allclose(outcome.gen.value, without.gen.value, rtol=1e-6)


class Conventional(nn.Module):
    """A user's own module: no mode, dropout inside."""

    @nn.compact
    def __call__(self, x):
        x = nn.Dropout(0.5, deterministic=False)(nn.Dense(8)(x.reshape(x.shape[0], -1)))
        return nn.Dense(1)(x)[:, 0]


def test_dropout_draws_from_the_step(batch):
    game = games.gan(nets.MLPGenerator((16, 16, 1), width=4), Conventional(), z_dim=3)
    params, model_state = game.init(RNG, batch)
    value = [
        game.losses(params, model_state, batch, jax.random.key(s)).disc.value for s in (1, 1, 2)
    ]
    assert value[0] == value[1]
    assert value[0] != value[2]


def test_shapes_that_do_not_fit_are_refused(batch):
    wrong = games.gan(nets.MLPGenerator((2,)), nets.MLPDiscriminator())
    with pytest.raises(ValueError, match=r"samples of shape \(2,\), the data are \(16, 16, 1\)"):
        wrong.init(RNG, batch)
    wrong = games.gan(nets.MLPGenerator((16, 16, 1)), nn.Dense(1))
    with pytest.raises(ValueError, match="one logit per sample"):
        wrong.init(RNG, batch)
    with pytest.raises(ValueError, match="z_dim=0"):
        games.gan(nn.Dense(1), nn.Dense(1), z_dim=0)


def test_accuracy_of_an_undecided_discriminator_is_a_half():
    class Undecided(nn.Module):
        @nn.compact
        def __call__(self, x):
            return 0 * nn.Dense(1)(x)[:, 0]

    game = games.gan(nets.MLPGenerator((2,), width=4), Undecided(), z_dim=3)
    batch = {"x": jnp.ones((5, 2))}
    params, model_state = game.init(RNG, batch)
    assert game.losses(params, model_state, batch, RNG).disc.metrics["disc/accuracy"] == 0.5


# Two known Gaussians, and a discriminator that is a table of logits over bins of the line.
DATA, GENERATED = stats.norm(0.0, 1.0), stats.norm(1.0, 1.5)
EDGES = np.linspace(-2.5, 3, 39)  # inner edges; the outermost bins reach to infinity
DRAWS = 40_000


def quantiles(distribution):
    """Points that stand for a distribution: its quantiles at (i + 1/2) / DRAWS."""
    return distribution.ppf((np.arange(DRAWS) + 0.5) / DRAWS)


class KnownGaussian(nn.Module):
    """A generator that has nothing to learn: the same points of N(1, 1.5^2) each time."""

    @nn.compact
    def __call__(self, z):
        shift = self.param("shift", nn.initializers.zeros, ())
        return shift + jnp.asarray(quantiles(GENERATED))[: z.shape[0], None]


class Table(nn.Module):
    """One logit per bin."""

    @nn.compact
    def __call__(self, x):
        logits = self.param("logits", nn.initializers.zeros, (len(EDGES) + 1,), float)
        return logits[jnp.searchsorted(jnp.asarray(EDGES), x[:, 0])]


def test_the_discriminator_reaches_its_optimum(x64):
    """D* = p_data / (p_data + p_gen), and V(D*) = -log 4 + 2 JSD (arXiv:1406.2661, section 4)."""
    game = games.gan(KnownGaussian(), Table(), losses.minimax, z_dim=1)
    scheme = schemes.alternating(game, Players(gen=optax.sgd(0.0), disc=optax.adam(0.1)))
    batch = {"x": jnp.asarray(quantiles(DATA))[:, None]}
    state = scheme.init(RNG, batch)
    step = jax.jit(scheme.step)
    for _ in range(400):
        state, metrics = step(state, batch, RNG)

    bins = np.concatenate([[-np.inf], EDGES, [np.inf]])
    p_data, p_gen = np.diff(DATA.cdf(bins)), np.diff(GENERATED.cdf(bins))
    reached = jax.nn.sigmoid(state.params.disc["logits"])
    # Quantiles know a bin's mass to 1/DRAWS, up to 1% of a small bin.
    np.testing.assert_allclose(reached, p_data / (p_data + p_gen), atol=2e-3)

    def jsd_of(p, q):
        m = (p + q) / 2
        return (np.sum(p * np.log(p / m)) + np.sum(q * np.log(q / m))) / 2

    value = game.losses(state.params, state.model_state, batch, RNG).gen.value
    np.testing.assert_allclose(value, -np.log(4) + 2 * jsd_of(p_data, p_gen), atol=1e-4)

    def density(x):
        p, q = DATA.pdf(x), GENERATED.pdf(x)
        return (p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))) / 2

    jsd = quad(density, -12, 14, epsabs=1e-10)[0]
    # A table of 40 bins sees a little less than the whole divergence (data processing).
    assert 0 < jsd - jsd_of(p_data, p_gen) < 1e-3
    np.testing.assert_allclose(value, -np.log(4) + 2 * jsd, atol=2e-3)
    np.testing.assert_allclose(metrics["loss/disc"], -value, atol=1e-4)
