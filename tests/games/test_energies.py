"""EBGAN and BEGAN: losses in closed form, the control of k_t, what the discriminator keeps."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from ganjax import games, losses, nets, schemes
from ganjax.types import Players

RNG = jax.random.key(0)
GAMES = {"boundary_equilibrium": games.boundary_equilibrium, "energy_based": games.energy_based}
EACH = pytest.mark.parametrize("name", sorted(GAMES))
FIXED = Players(optax.sgd(0.0), optax.sgd(0.0))


class Rows(nn.Module):
    """A generator that makes the same samples each time, whatever the latents."""

    rows: tuple

    @nn.compact
    def __call__(self, z):
        shift = self.param("shift", nn.initializers.zeros, ())
        return jnp.asarray(self.rows, float) + shift + 0 * jnp.sum(z)


class Scaled(nn.Module):
    """x -> (share x, x): the energy is (1 - share) times the size of x, the code is x itself."""

    share: float = 0.0

    @nn.compact
    def __call__(self, x):
        return self.param("share", nn.initializers.constant(self.share), (), float) * x, x


def outcome(game, x, **own):
    """Both players' losses from the start, with entries of the discriminator's state changed."""
    params, model_state = jax.jit(game.init)(RNG, {"x": x})
    state = Players(model_state.gen, {**model_state.disc, **own})
    return jax.jit(game.losses)(params, state, {"x": x}, RNG)


# BEGAN's trace made by hand: L(x) = 0.2 and L(G(z)) = 0.05, always.
REAL = np.array([[0.2, -0.2], [-0.3, 0.1]])
TRACE = Rows(((0.05, -0.05), (0.1, 0.0)))


def test_the_balance_over_a_trace_made_by_hand(x64):
    """k_100 = 100 lambda_k (0.5 * 0.2 - 0.05) = 0.005, and M = 0.2 + 0.05."""
    game = games.boundary_equilibrium(TRACE, Scaled())
    batch = {"x": jnp.asarray(REAL)}
    params, model_state = game.init(RNG, batch)
    assert model_state.disc == {"balance": 0}

    def body(state, _):
        disc = game.losses(params, state, batch, RNG).disc
        return state._replace(disc=disc.model_state), disc.metrics

    state, metrics = jax.lax.scan(body, model_state, length=100)
    np.testing.assert_allclose(state.disc["balance"], 0.005, rtol=1e-10)
    np.testing.assert_allclose(metrics["k/disc"], 5e-5 * np.arange(100), rtol=1e-10, atol=1e-15)
    np.testing.assert_allclose(metrics["convergence/disc"], 0.25, rtol=1e-10)
    np.testing.assert_allclose(metrics["energy_real/disc"], 0.2, rtol=1e-10)
    np.testing.assert_allclose(metrics["energy_fake/disc"], 0.05, rtol=1e-10)


def test_losses_of_began(x64):
    """At k = 0.3 the discriminator's is 0.2 - 0.3 * 0.05 = 0.185, the generator's L(G(z))."""
    told = outcome(games.boundary_equilibrium(TRACE, Scaled()), REAL, balance=jnp.asarray(0.3))
    np.testing.assert_allclose(told.disc.value, 0.185, rtol=1e-10)
    np.testing.assert_allclose(told.gen.value, 0.05, rtol=1e-10)
    np.testing.assert_allclose(told.disc.model_state["balance"], 0.30005, rtol=1e-10)
    # Energies are means over the numbers of a sample and over the batch: half as far, half of both.
    half = outcome(games.boundary_equilibrium(TRACE, Scaled(0.5)), REAL, balance=jnp.asarray(0.3))
    np.testing.assert_allclose(half.disc.value, 0.185 / 2, rtol=1e-10)


def test_began_with_a_pull_away_term(x64):
    """The codes (1, -1) and (1, 0) of the samples have the squared cosine 1/2."""
    told = outcome(games.boundary_equilibrium(TRACE, Scaled(), pull_away=0.1), REAL)
    np.testing.assert_allclose(told.gen.value, 0.05 + 0.05, rtol=1e-10)
    np.testing.assert_allclose(told.gen.metrics["penalty/gen"], 0.05, rtol=1e-10)


@pytest.mark.parametrize(
    ("gamma", "k", "after"), [(0.1, 0.0, 0.0), (0.1, 0.02, 0.0), (1.0, 0.95, 1.0)]
)
def test_the_balance_stays_between_0_and_1(gamma, k, after, x64):
    """gamma L(x) - L(G(z)) is -0.03 and 0.15."""
    game = games.boundary_equilibrium(TRACE, Scaled(), gamma=gamma, lambda_k=1.0)
    told = outcome(game, REAL, balance=jnp.asarray(k))
    assert told.disc.model_state["balance"] == after
    np.testing.assert_allclose(
        told.disc.metrics["convergence/disc"], 0.2 + abs(gamma * 0.2 - 0.05), rtol=1e-10
    )


@pytest.mark.parametrize("name", ["alternating", "extragradient", "simultaneous", "unrolled"])
def test_the_balance_moves_when_the_discriminator_does(name):
    """By 5e-5 an update, three of them a step where play alternates so."""
    options = {"alternating": {"disc_updates": 3}, "unrolled": {"unroll_steps": 2}}.get(name, {})
    game = games.boundary_equilibrium(TRACE, Scaled())
    scheme = schemes.SCHEMES[name](game, FIXED, **options)
    batch = {"x": jnp.asarray(REAL, "float32")}
    state, step = scheme.init(RNG, batch), jax.jit(scheme.step)
    for turn in range(1, 3):
        state, _ = step(state, batch, RNG)
        updates = turn * options.get("disc_updates", 1)
        np.testing.assert_allclose(state.model_state.disc["balance"], 5e-5 * updates, rtol=1e-5)


@pytest.mark.parametrize(
    ("rows", "term"),
    [
        (((1, 2, 0), (1, 2, 0), (1, 2, 0)), 1.0),
        (((1, 0, 0), (0, 2, 0), (0, 0, 3)), 0.0),
        (((1, 0, 0), (1, 1, 0), (0, 1, 1)), 0.25),
    ],
)
def test_losses_of_ebgan(rows, term, x64):
    """Energies here are |x|, codes are the samples: the generator's loss is E|G(z)| + 0.1 PT."""
    x = np.array([[3.0, 4.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    game = games.energy_based(Rows(rows), Scaled(), margin=1.5)
    told = outcome(game, x)
    sizes = np.linalg.norm(rows, axis=1)
    np.testing.assert_allclose(told.gen.metrics["penalty/gen"], 0.1 * term, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(told.gen.value, sizes.mean() + 0.1 * term, rtol=1e-10)
    np.testing.assert_allclose(told.disc.value, 2.0 + np.maximum(1.5 - sizes, 0).mean(), rtol=1e-10)
    metrics = told.disc.metrics
    np.testing.assert_allclose(metrics["energy_real/disc"], 2.0, rtol=1e-10)
    np.testing.assert_allclose(metrics["energy_fake/disc"], sizes.mean(), rtol=1e-10)
    np.testing.assert_allclose(metrics["accuracy_real/disc"], 1 / 3)  # of 5, 1, 0 below 0.75
    assert metrics["accuracy_fake/disc"] == 1
    # Without the term, the losses that the shelf has, on the energies that the query gives.
    plain = games.energy_based(Rows(rows), Scaled(), margin=1.5, pull_away=0.0)
    told = outcome(plain, x)
    params, model_state = plain.init(RNG, {"x": x})
    energies = [
        plain.queries["energy"](params, model_state, part) for part in (x, jnp.asarray(rows, float))
    ]
    shelf = losses.energy_margin(margin=1.5)
    np.testing.assert_allclose(told.gen.value, shelf.gen(*energies), rtol=1e-10)
    np.testing.assert_allclose(told.disc.value, shelf.disc(*energies), rtol=1e-10)
    assert told.gen.metrics == {}


def test_where_samples_are_data_any_flat_energy_up_to_the_margin_will_do(x64):
    """The discriminator's loss is the margin (arXiv:1609.03126, theorem 2), and so is flat."""
    rows = ((0.6, 0.8), (1.0, 0.0), (0.0, -1.0))  # of length 1

    def value(share):
        game = games.energy_based(Rows(rows), Scaled(), margin=2.0)
        params, model_state = game.init(RNG, {"x": jnp.asarray(rows)})
        params = params._replace(disc={"share": share})
        return game.losses(params, model_state, {"x": jnp.asarray(rows)}, RNG).disc.value

    at = jax.jit(jax.value_and_grad(value))
    for share in (0.5, 0.0, -0.9):
        height, slope = at(jnp.asarray(share))
        np.testing.assert_allclose(height, 2.0, rtol=1e-10)
        np.testing.assert_allclose(slope, 0.0, atol=1e-12)
    # Beyond the margin it pays for its energy on data.
    np.testing.assert_allclose(at(jnp.asarray(-2.0))[0], 3.0, rtol=1e-10)


@EACH
def test_finite_where_the_reconstruction_is_perfect(name):
    game = GAMES[name](Rows(((1.0, 0.0), (0.0, 1.0))), Scaled(1.0))
    batch = {"x": jnp.ones((2, 2))}
    params, model_state = game.init(RNG, batch)

    def both(params):
        told = game.losses(params, model_state, batch, RNG)
        return told.gen.value + told.disc.value

    derivatives = jax.jit(lambda params: (jax.grad(both)(params), jax.hessian(both)(params)))
    chex.assert_tree_all_finite(derivatives(params))


class Counting(nn.Module):
    """An auto-encoder whose state counts its passes, by two kinds of collection."""

    @nn.compact
    def __call__(self, x, train=True):
        running = self.variable("batch_stats", "passes", jnp.zeros, ())
        iterated = self.variable("spectral", "passes", jnp.zeros, ())
        if train and not self.is_initializing():
            running.value += 1
            iterated.value += 1
        return self.param("w", nn.initializers.ones, ()) * x + (not train), 3 * x


@EACH
def test_state_of_the_networks(name):
    """Statistics see both batches, power iterations run once, and the structure stays."""
    game = GAMES[name](Rows(((1.0, 0.0), (0.0, 1.0))), Counting())
    batch = {"x": jnp.ones((2, 2))}
    params, model_state = game.init(RNG, batch)
    after = game.losses(params, model_state, batch, RNG).disc.model_state
    chex.assert_trees_all_equal_shapes_and_dtypes(model_state.disc, after)
    assert after["batch_stats"]["passes"] == 2
    assert after["spectral"]["passes"] == 1


@EACH
def test_queries(name):
    """In evaluation mode, where this auto-encoder adds 1: an energy of 1 or of sqrt(2)."""
    game = GAMES[name](Rows(((1.0, 0.0), (0.0, 1.0))), Counting(), z_dim=5)
    x = jnp.array([[0.5, -0.5], [1.0, 0.0]])
    players = game.init(RNG, {"x": x})
    asked = {
        key: lambda *a, query=query: query(*players, *a) for key, query in game.queries.items()
    }
    assert sorted(asked) == ["encode", "energy", "generate", "latents", "reconstruct"]
    z = asked["latents"](RNG, 3)
    assert z.shape == (3, 5)
    assert (jnp.abs(z) <= 1).all() == (name == "boundary_equilibrium")  # a uniform prior
    np.testing.assert_array_equal(asked["generate"](z), np.eye(2))
    np.testing.assert_array_equal(asked["reconstruct"](x), x + 1)
    np.testing.assert_array_equal(asked["encode"](x), 3 * x)
    energy = 1.0 if name == "boundary_equilibrium" else np.sqrt(2)
    np.testing.assert_allclose(asked["energy"](x), [energy] * 2, rtol=1e-6)


@EACH
def test_shapes_that_do_not_fit_are_refused(name):
    batch, generator = {"x": jnp.ones((4, 2))}, nets.MLPGenerator((2,), width=4)
    wrong = GAMES[name](nets.MLPGenerator((3,), width=4), Scaled())
    with pytest.raises(ValueError, match=r"samples of shape \(4, 3\); expected \(4, 2\)"):
        wrong.init(RNG, batch)
    for discriminator in (nets.MLPDiscriminator(width=4), nn.Dense(3)):
        with pytest.raises(ValueError, match="take an auto-encoder"):
            GAMES[name](generator, discriminator).init(RNG, batch)
    with pytest.raises(ValueError, match="z_dim=0"):
        GAMES[name](generator, Scaled(), z_dim=0)
    with pytest.raises(ValueError, match="a batch of a, b has no x"):
        GAMES[name](generator, Scaled()).init(RNG, {"a": batch["x"], "b": batch["x"]})


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("boundary_equilibrium", "gamma", 0.0),
        ("boundary_equilibrium", "gamma", 1.5),
        ("boundary_equilibrium", "lambda_k", 0.0),
        ("boundary_equilibrium", "lambda_k", float("inf")),
        ("boundary_equilibrium", "pull_away", -0.1),
        ("energy_based", "margin", 0.0),
        ("energy_based", "pull_away", -0.1),
    ],
)
def test_options_out_of_range_are_refused(name, option, value):
    with pytest.raises(ValueError, match=f"{option}={value} must be"):
        GAMES[name](TRACE, Scaled(), **{option: value})
