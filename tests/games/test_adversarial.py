"""The adversarial game: who owns what, and the classical claims about its optimum."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn
from marks import marked, telling
from scipy import stats
from scipy.integrate import quad

from ganjax import augmentations, games, losses, nets, penalties, schemes
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
    assert metrics.keys() == {"accuracy/disc", "accuracy_real/disc", "accuracy_fake/disc"}
    mean = (metrics["accuracy_real/disc"] + metrics["accuracy_fake/disc"]) / 2
    assert metrics["accuracy/disc"] == mean


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
    made = [
        dcgan(penalties=tuple(map(penalties.r1, gammas))) for gammas in ((), (1.0, 2.0), (3.0,))
    ]

    @jax.jit
    def outcomes(rng, batch):
        at = made[0].init(rng, batch)
        return [game.losses(*at, batch, rng) for game in made]

    without, outcome, single = outcomes(RNG, batch)
    extra = outcome.disc.metrics["penalty/disc"]
    assert float(extra) > 0
    np.testing.assert_allclose(extra, single.disc.metrics["penalty/disc"], rtol=1e-5)
    np.testing.assert_allclose(outcome.disc.value, without.disc.value + extra, rtol=1e-6)
    np.testing.assert_allclose(outcome.gen.value, without.gen.value, rtol=1e-6)


class Recorder(nn.Module):
    """A critic whose state counts its passes and sums what it saw, by two kinds of collection."""

    @nn.compact
    def __call__(self, x):
        running = self.variable("batch_stats", "passes", jnp.zeros, ())
        iterated = self.variable("spectral", "passes", jnp.zeros, ())
        if not self.is_initializing():
            running.value += 1
            iterated.value += 1
        w = self.param("w", nn.initializers.ones, ())
        return w * jnp.mean(x.reshape(x.shape[0], -1), axis=1) + 0 * iterated.value


def test_batch_statistics_run_on_and_power_iterations_do_not(batch):
    """Both batches are judged from one state, so that one step makes one power iteration."""
    game = games.gan(nets.MLPGenerator((16, 16, 1), width=4, depth=1), Recorder(), z_dim=3)
    params, model_state = game.init(RNG, batch)
    after = game.losses(params, model_state, batch, RNG).disc.model_state
    assert after["batch_stats"]["passes"] == 2
    assert after["spectral"]["passes"] == 1


def half(x, rng, updates):
    """An augmentation that tells on itself: half of a sample, plus the count."""
    del rng
    return x / 2 + updates


@pytest.mark.parametrize("disc_updates", [1, 3])
def test_the_count_is_of_the_discriminators_updates(disc_updates, batch):
    game = games.gan(
        nets.MLPGenerator((16, 16, 1), width=4, depth=1), Recorder(), z_dim=3, augment=half
    )
    scheme = schemes.alternating(
        game, Players(optax.sgd(0.0), optax.sgd(0.0)), disc_updates=disc_updates
    )
    state, move = jax.jit(scheme.init)(RNG, batch), jax.jit(scheme.step)
    for step in range(2):
        count = int(state.model_state.disc["discriminator_updates"])
        assert count == step * disc_updates
        state, _ = move(state, batch, RNG)


def test_augmentation_sees_both_batches(batch):
    """This critic is a mean, so halves of both batches have half the Wasserstein loss."""

    def build(**options):
        return games.gan(
            nets.MLPGenerator((16, 16, 1), width=4, depth=1),
            Recorder(),
            loss=losses.wasserstein,
            z_dim=3,
            **options,
        )

    params, bare_state = build().init(RNG, batch)
    _, state = build(augment=half).init(RNG, batch)
    bare = build().losses(params, bare_state, batch, RNG)
    for count in (0, 5):
        counted = {**state.disc, "discriminator_updates": jnp.int32(count)}
        seen = build(augment=half).losses(params, Players(state.gen, counted), batch, RNG)
        np.testing.assert_allclose(seen.disc.value, bare.disc.value / 2, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(seen.gen.value, bare.gen.value / 2, rtol=1e-5, atol=1e-6)


def test_penalties_see_what_the_discriminator_sees(batch):
    """Augmented batches, each with its own draw, and the critic of the step: one iteration on."""
    seen = []

    def penalty(critic, x_real, x_fake, rng):
        seen.extend([x_real, x_fake, critic(x_real)])
        return jnp.zeros(())

    def noisy(x, rng, updates):
        del updates
        return 0 * x + jax.random.normal(rng, ())

    class Iterated(nn.Module):
        """A critic that says how often its power iteration has run."""

        @nn.compact
        def __call__(self, x):
            times = self.variable("spectral", "times", jnp.zeros, ())
            if not self.is_initializing():
                times.value += 1
            return self.param("w", nn.initializers.ones, ()) * times.value * jnp.ones(len(x))

    game = games.gan(
        nets.MLPGenerator((16, 16, 1), width=4, depth=1),
        Iterated(),
        z_dim=3,
        penalties=(penalty,),
        augment=noisy,
    )
    params, model_state = game.init(RNG, batch)
    game.losses(params, model_state, batch, RNG)
    x_real, x_fake, logits = seen
    assert len(jnp.unique(x_real)) == len(jnp.unique(x_fake)) == 1
    assert x_real[0, 0, 0, 0] != x_fake[0, 0, 0, 0]
    np.testing.assert_array_equal(logits, 1.0)


@pytest.mark.parametrize(
    ("loss", "real", "fake"),
    [
        (losses.energy_margin, 0.0, 1e4),
        (losses.f_gan(divergence="kl"), 1.1, 0.9),
        (losses.least_squares(a=0.0, b=1.0, c=1.0), 0.6, 0.4),
        (losses.minimax, 0.1, -0.1),
    ],
)
def test_accuracy_knows_where_the_loss_is_undecided(loss, real, fake, batch):
    class Perfect(nn.Module):
        @nn.compact
        def __call__(self, x):
            w = self.param("w", nn.initializers.ones, ())
            ours = jnp.all(x == 7, axis=(1, 2, 3))
            return w * jnp.where(ours, real, fake)

    game = games.gan(
        nets.MLPGenerator((16, 16, 1), width=4, depth=1), Perfect(), loss=loss, z_dim=3
    )
    batch = {"x": jnp.full((6, 16, 16, 1), 7.0)}
    params, model_state = game.init(RNG, batch)
    metrics = game.losses(params, model_state, batch, RNG).disc.metrics
    assert metrics["accuracy_real/disc"] == metrics["accuracy_fake/disc"] == 1.0


@telling
def test_generators_learn_through_the_augmentation(batch):
    game = games.gan(
        nets.MLPGenerator((16, 16, 1), width=4, depth=1),
        nets.MLPDiscriminator(width=4, depth=1),
        z_dim=3,
        augment=augmentations.diff_augment(),
    )
    params, model_state = jax.jit(game.init)(RNG, batch)

    def value(gen):
        return game.losses(params._replace(gen=gen), model_state, batch, RNG).gen.value

    slopes = jax.jit(jax.grad(value))(params.gen)
    assert all(bool((leaf != 0).any()) for leaf in jax.tree.leaves(slopes))


LAZY = ("alternating", "simultaneous", "extragradient", "unrolled")


@pytest.mark.parametrize("name", marked(LAZY, default=LAZY[:3], telling=LAZY[3:]))
def test_lazy_penalties_follow_the_discriminators_updates(name, batch):
    """Every second update of the discriminator, also where it moves several times a step."""
    options = {"alternating": {"disc_updates": 3}, "unrolled": {"unroll_steps": 1}}.get(name, {})
    game = games.gan(
        nets.MLPGenerator((16, 16, 1), width=4, depth=1),
        nets.MLPDiscriminator(width=4, depth=1),
        z_dim=3,
        penalties=(penalties.lazy(penalties.drift(1.0), every=2),),
    )
    scheme = schemes.SCHEMES[name](game, Players(optax.sgd(0.0), optax.sgd(0.0)), **options)
    state = jax.jit(scheme.init)(RNG, batch)
    moves, step = options.get("disc_updates", 1), jax.jit(scheme.step)
    for turn in range(1, 5):
        state, metrics = step(state, batch, RNG)
        assert state.model_state.disc["discriminator_updates"] == turn * moves
        last = turn * moves - 1  # the count that the reported update saw
        assert bool(metrics["penalty/disc"] > 0) == (last % 2 == 0)


def test_a_scheduled_penalty_reads_the_games_count(batch):
    """Its weight is that of the last of three updates a step."""
    game = games.gan(
        nets.MLPGenerator((16, 16, 1), width=4, depth=1),
        nets.MLPDiscriminator(width=4, depth=1),
        z_dim=3,
        penalties=(penalties.scheduled(lambda updates: updates, penalties.drift(1.0)),),
    )
    tx = Players(optax.sgd(0.0), optax.sgd(0.0))
    scheme = schemes.alternating(game, tx, disc_updates=3)
    state, found = scheme.init(RNG, batch), []
    for _ in range(3):
        state, metrics = jax.jit(scheme.step)(state, batch, RNG)
        found.append(float(metrics["penalty/disc"]))
    np.testing.assert_allclose(np.array(found) / found[0], np.array([2, 5, 8]) / 2, rtol=1e-5)


def test_states_without_augmentation_hold_no_count(batch):
    game = games.gan(
        nets.MLPGenerator((16, 16, 1), width=4, depth=1), nets.MLPDiscriminator(width=4, depth=1)
    )
    _, model_state = game.init(RNG, batch)
    assert model_state == Players({}, {})


class Conventional(nn.Module):
    """A user's own module: no mode, dropout inside."""

    @nn.compact
    def __call__(self, x):
        x = nn.Dropout(0.5, deterministic=False)(nn.Dense(8)(x.reshape(x.shape[0], -1)))
        return nn.Dense(1)(x)[:, 0]


def test_dropout_draws_from_the_step(batch):
    game = games.gan(nets.MLPGenerator((16, 16, 1), width=4, depth=1), Conventional(), z_dim=3)
    params, model_state = game.init(RNG, batch)
    value = [
        game.losses(params, model_state, batch, jax.random.key(s)).disc.value for s in (1, 1, 2)
    ]
    assert value[0] == value[1]
    assert value[0] != value[2]


def test_shapes_that_do_not_fit_are_refused(batch):
    wrong = games.gan(nets.MLPGenerator((2,)), nets.MLPDiscriminator())
    with pytest.raises(ValueError, match=r"samples of shape \(\d+, 2\); expected .*16, 16, 1\)"):
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
    assert game.losses(params, model_state, batch, RNG).disc.metrics["accuracy/disc"] == 0.5


# Two known Gaussians, and a discriminator that is a table of logits over bins of the line.
DATA, GENERATED = stats.norm(0.0, 1.0), stats.norm(1.0, 1.5)
EDGES = np.linspace(-2.5, 3, 39)  # inner edges; the outermost bins reach to infinity
DRAWS = 20_000


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
    for _ in range(250):
        state, metrics = step(state, batch, RNG)

    bins = np.concatenate([[-np.inf], EDGES, [np.inf]])
    p_data, p_gen = np.diff(DATA.cdf(bins)), np.diff(GENERATED.cdf(bins))
    reached = jax.nn.sigmoid(state.params.disc["logits"])
    # Quantiles know a bin's mass to 1/DRAWS, up to 2% of a small bin.
    np.testing.assert_allclose(reached, p_data / (p_data + p_gen), atol=4e-3)

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


def test_logits_are_the_discriminators_without_its_count(batch):
    discriminator = nets.MLPDiscriminator(width=4, depth=1)
    game = games.gan(
        nets.MLPGenerator((16, 16, 1), width=4, depth=1),
        discriminator,
        augment=augmentations.flip(),
    )
    params, model_state = game.init(RNG, batch)
    logits = game.queries["logits"](params, model_state, batch["x"])
    expected = discriminator.apply({"params": params.disc}, batch["x"])
    np.testing.assert_array_equal(logits, expected)
    assert np.ptp(logits) > 0
