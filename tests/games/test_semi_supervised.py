"""The semi-supervised game against a (K+1)-way softmax, its control, its average."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from ganjax import augmentations, games, losses, nets, penalties, schemes
from ganjax.games.semi_supervised import (
    feature_matching,
    labelled_loss,
    pseudo_labelled_loss,
    real_logit,
)
from ganjax.types import Players

RNG = jax.random.key(0)
CLASSES, ROWS, DIM, Z_DIM = 3, 5, 2, 2


def networks(**options):
    head = partial(nets.HEADS["classifier"], num_classes=CLASSES)
    disc = nets.MLPDiscriminator(width=4, depth=1, activation=jnp.tanh, head=head, **options)
    return nets.MLPGenerator((DIM,), width=4, depth=1, activation=jnp.tanh), disc


def semi_supervised(options=(), **changes):
    return games.semi_supervised(
        *networks(**dict(options)), num_classes=CLASSES, z_dim=Z_DIM, **changes
    )


def batch_of(seed=1):
    rngs = jax.random.split(jax.random.key(seed))
    x, x_labelled = (jax.random.normal(rng, (ROWS, DIM)) for rng in rngs)
    return {"x": x, "x_labelled": x_labelled, "y": jnp.arange(ROWS) % CLASSES}


def started(game, batch=None):
    return jax.jit(game.init)(RNG, batch or batch_of())


def own_gradients(game, params, model_state, batch):
    """Both players' gradients of their own values, and their losses."""

    def value(own, player):
        outcome = game.losses(params._replace(**{player: own}), model_state, batch, RNG)
        return getattr(outcome, player).value, outcome

    gradient = jax.jit(jax.value_and_grad(value, has_aux=True), static_argnums=1)
    (_, outcome), gen = gradient(params.gen, "gen")
    return Players(gen, gradient(params.disc, "disc")[1]), outcome


def test_the_probability_of_being_real():
    """l = (1, 2, 3): D = Z / (Z + 1) = 0.9679413967, -log D = 0.0325837341."""
    with jax.enable_x64(True):
        logit = real_logit(jnp.array([[1.0, 2.0, 3.0]]))
        np.testing.assert_allclose(jax.nn.sigmoid(logit), 0.9679413967, rtol=1e-10)
        value = losses.non_saturating.gen(logit, logit)
        np.testing.assert_allclose(value, 0.0325837341, atol=1e-10)  # ten decimals are given
        z = np.exp([1.0, 2.0, 3.0]).sum()
        np.testing.assert_allclose(jax.nn.sigmoid(logit), z / (z + 1), rtol=1e-14)


@pytest.mark.parametrize("gen", ["adversarial", "feature_matching"])
def test_losses_are_those_of_a_softmax_of_one_class_more(gen, x64):
    """Values and gradients of both players; the last logit is a fixed 0."""
    z = jax.random.normal(jax.random.key(2), (ROWS, Z_DIM))
    game = semi_supervised(prior=lambda rng, shape: z, gen=gen, unlabelled_weight=0.7)
    batch = batch_of()
    params, model_state = started(game)
    params = jax.tree.map(lambda p: p.astype(float), params)
    generator, discriminator = networks()

    def softmax(params):
        def judged(x):
            logits, features = discriminator.apply({"params": params.disc}, x)
            return jnp.pad(logits, ((0, 0), (0, 1))), features

        (labelled, _), (real, features_real), (fake, features_fake) = map(
            judged,
            (batch["x_labelled"], batch["x"], generator.apply({"params": params.gen}, z)),
        )
        # Of the real classes alone, -log p(y | x, y < K + 1); the others of all K + 1.
        classes = -jax.nn.log_softmax(labelled[:, :CLASSES])[jnp.arange(ROWS), batch["y"]]
        p_fake_of_real, p_fake_of_fake = jax.nn.softmax(real)[:, -1], jax.nn.softmax(fake)[:, -1]
        disc = jnp.mean(classes) + 0.35 * jnp.mean(
            -jnp.log(1 - p_fake_of_real) - jnp.log(p_fake_of_fake)
        )
        moments = features_real.mean(0) - features_fake.mean(0)
        matched = jnp.sum(moments**2)
        return Players(
            -jnp.mean(jnp.log(1 - p_fake_of_fake)) if gen != "feature_matching" else matched, disc
        )

    gradients, outcome = own_gradients(game, params, model_state, batch)
    for player in ("gen", "disc"):

        def value(own, player=player):
            return getattr(softmax(params._replace(**{player: own})), player)

        expected, gradient = jax.jit(jax.value_and_grad(value))(getattr(params, player))
        np.testing.assert_allclose(getattr(outcome, player).value, expected, rtol=1e-10)
        jax.tree.map(
            partial(np.testing.assert_allclose, rtol=1e-10, atol=1e-14),
            getattr(gradients, player),
            gradient,
        )


@pytest.mark.parametrize("size", [1e4, -1e4])
def test_large_logits_are_finite(size):
    """In float32, values and derivatives."""
    logits = size * jnp.array([[1.0, 0.5, 0.2], [0.9, 1.0, 0.3]])
    y = jnp.array([1, 0])

    def value(logits):
        real = real_logit(logits)
        return labelled_loss(logits, y) + losses.non_saturating.disc(real, real)

    found, gradient = jax.value_and_grad(value)(logits)
    largest = np.max(np.asarray(logits), 1)
    asked = np.asarray(logits)[np.arange(2), y]
    np.testing.assert_allclose(found, np.mean(largest - asked + np.abs(largest)), rtol=1e-5)
    assert bool(jnp.isfinite(gradient).all())
    assert bool((gradient != 0).any())


def test_feature_matching_by_hand(x64):
    """Means (1, 2) and (3, -1): 4 + 9."""
    real, fake = jnp.array([[0.0, 4.0], [2.0, 0.0]]), jnp.array([[3.0, -1.0]] * 3)
    np.testing.assert_allclose(feature_matching(real, fake), 13, rtol=1e-14)


@pytest.mark.parametrize(("confidence", "rows"), [(0.7, [0]), (0.5, [0, 1]), (0.8, [])])
def test_pseudo_labels_by_hand(x64, confidence, rows):
    """(0.9, 0.1) and (0.6, 0.4), over their means (0.75, 0.25): (0.75, 0.25) and (1/3, 2/3)."""
    average = jnp.log(jnp.array([[0.9, 0.1], [0.6, 0.4]])) + 5
    own = jnp.log(jnp.array([[0.8, 0.2], [0.3, 0.7]])) - 2
    value, slope = jax.value_and_grad(pseudo_labelled_loss, argnums=1)(own, average, confidence)
    np.testing.assert_allclose(value, -np.log([0.8, 0.7])[rows].sum() / 2, rtol=1e-12)
    assert not slope.any()


def test_pseudo_labels_are_of_the_average_on_unlabelled_data():
    """The loss has weight times their term more; a class that nothing is gives no nan."""
    plain, game = semi_supervised(), semi_supervised(pseudo_label_weight=0.5, confidence=0.0)
    params, model_state = started(game)
    average = jax.tree.map(lambda p: -p, params.disc)
    state = model_state._replace(disc={"average": average})
    batch, (_, discriminator) = batch_of(), networks()
    without, outcome = (
        jax.jit(played.losses)(params, state, batch, RNG).disc for played in (plain, game)
    )
    own, others = (
        discriminator.apply({"params": p}, batch["x"])[0] for p in (params.disc, average)
    )
    expected = pseudo_labelled_loss(own, others, 0.0)
    assert expected > 0.1
    found = outcome.metrics["loss_pseudo_labelled/disc"]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(outcome.value, without.value + 0.5 * expected, rtol=1e-5)
    never = jnp.array([[0.0, 0.0, -1e4]] * ROWS)
    assert np.isfinite(jax.jit(pseudo_labelled_loss)(own, never, 0.9))


def test_the_control_sees_labelled_examples_alone():
    """Its gradient is that of the labelled term; nothing else, penalties included, moves it."""
    control = semi_supervised(
        supervised_only=True, pseudo_label_weight=1.0, penalties=(penalties.r1(1.0),)
    )
    params, model_state = started(control)
    batch, (_, discriminator) = batch_of(), networks()

    @jax.jit
    def gradients_and_losses(params, batch):
        def values(params):
            outcome = control.losses(params, model_state, batch, RNG)
            return outcome.gen.value + outcome.disc.value, outcome

        return jax.grad(values, has_aux=True)(params)

    gradients, outcome = gradients_and_losses(params, batch)
    other = {**batch, "x": 100 * batch_of(2)["x"]}
    moved = params._replace(gen=jax.tree.map(lambda p: p + 1, params.gen))
    chex.assert_trees_all_equal(gradients_and_losses(moved, other)[0], gradients)
    assert outcome.gen.value == 0
    assert not any(leaf.any() for leaf in jax.tree.leaves(gradients.gen))
    assert set(outcome.disc.metrics) == {"class_accuracy/disc", "loss_labelled/disc"}
    assert outcome.disc.value == outcome.disc.metrics["loss_labelled/disc"]

    @jax.jit
    @jax.grad
    def labelled(disc):
        logits = discriminator.apply({"params": disc}, batch["x_labelled"])[0]
        picked = optax.losses.softmax_cross_entropy_with_integer_labels(logits, batch["y"])
        return jnp.mean(picked)

    chex.assert_trees_all_close(gradients.disc, labelled(params.disc), rtol=1e-5, atol=1e-7)


def test_control_and_game_start_from_the_same_players():
    chex.assert_trees_all_equal(
        started(semi_supervised()), started(semi_supervised(supervised_only=True))
    )


def test_the_average_follows_its_recursion_and_is_what_classifies():
    """a' = d a + (1 - d) p with p the parameters before their move, a at first p."""
    game = semi_supervised({"noise": 0.5}, decay=0.8)
    scheme = schemes.alternating(game, Players(optax.sgd(0.1), optax.sgd(0.5)))
    state = jax.jit(scheme.init)(RNG, batch_of())
    step, expected = jax.jit(scheme.step), state.params.disc
    chex.assert_trees_all_equal(state.model_state.disc["average"], expected)
    for seed in range(4):
        expected = jax.tree.map(lambda a, p: 0.8 * a + 0.2 * p, expected, state.params.disc)
        state, _ = step(state, batch_of(seed), jax.random.key(seed))
    chex.assert_trees_all_close(state.model_state.disc["average"], expected, rtol=1e-6)

    asked = game.queries["classify"](state.params, state.model_state, batch_of()["x"])
    variables, (_, discriminator) = {"params": expected}, networks(noise=0.5)
    logits, _ = discriminator.apply(variables, batch_of()["x"], train=False)
    np.testing.assert_allclose(asked, logits, rtol=1e-5, atol=1e-6)
    live, _ = discriminator.apply({"params": state.params.disc}, batch_of()["x"], train=False)
    assert float(jnp.abs(asked - live).max()) > 1e-2


def test_all_options_together():
    """They trace, and the state keeps its structure and its types; test_contract.py plays."""
    game = semi_supervised(
        {"noise": 0.5, "weights": nets.WEIGHTS["spectral"], "norm": nets.NORMS["batch"]},
        penalties=(penalties.lazy(penalties.r1(1.0)),),
        augment=augmentations.instance_noise(0.1),
    )
    scheme = schemes.unrolled(game, Players(optax.sgd(0.1), optax.sgd(0.1)), unroll_steps=1)

    def play(rng):
        state = scheme.init(rng, batch_of())
        return state, scheme.step(state, batch_of(), rng)

    before, (after, metrics) = jax.eval_shape(play, RNG)
    chex.assert_trees_all_equal_shapes_and_dtypes(before, after)
    assert {"class_accuracy/disc", "loss_unlabelled/disc", "penalty/disc"} <= set(metrics)


class Recorder(nn.Module):
    """A classifier whose state counts its passes by two kinds of collection."""

    @nn.compact
    def __call__(self, x):
        running = self.variable("batch_stats", "passes", jnp.zeros, ())
        iterated = self.variable("spectral", "passes", jnp.zeros, ())
        if not self.is_initializing():
            running.value += 1
            iterated.value += 1
        w = self.param("w", nn.initializers.ones, ())
        return w * jnp.tile(x[:, :1], (1, CLASSES)), x


@pytest.mark.parametrize(("supervised_only", "passes"), [(False, 3), (True, 1)])
def test_batch_statistics_run_on_and_power_iterations_do_not(supervised_only, passes):
    game = games.semi_supervised(
        networks()[0], Recorder(), CLASSES, z_dim=Z_DIM, supervised_only=supervised_only
    )
    params, model_state = game.init(RNG, batch_of())
    after = game.losses(params, model_state, batch_of(), RNG).disc.model_state
    assert after["batch_stats"]["passes"] == passes
    assert after["spectral"]["passes"] == 1


def test_all_batches_are_augmented_each_with_its_own_draw():
    seen = []

    def told(x, rng, updates):
        seen.append((x, jax.random.key_data(rng), int(updates)))
        return jnp.zeros_like(x)

    def penalty(critic, x_real, x_fake, rng):
        assert not x_real.any()
        assert not x_fake.any()
        np.testing.assert_allclose(critic(x_real), real_logit(jnp.zeros((ROWS, CLASSES))))
        return jnp.float32(0.25)

    game = games.semi_supervised(
        networks()[0], Recorder(), CLASSES, z_dim=Z_DIM, augment=told, penalties=(penalty,)
    )
    batch = batch_of()
    params, model_state = game.init(RNG, batch)
    bare = games.semi_supervised(networks()[0], Recorder(), CLASSES, z_dim=Z_DIM, augment=told)
    own = game.losses(params, model_state, batch, RNG)
    np.testing.assert_array_equal(seen[0][0], batch["x_labelled"])
    np.testing.assert_array_equal(seen[1][0], batch["x"])
    assert len({tuple(key.tolist()) for _, key, _ in seen}) == 3
    assert [count for _, _, count in seen] == [0, 0, 0]
    assert own.disc.model_state["discriminator_updates"] == 1
    assert own.disc.metrics["penalty/disc"] == 0.25
    without = bare.losses(params, model_state, batch, RNG)
    np.testing.assert_allclose(own.disc.value, without.disc.value + 0.25, rtol=1e-6)
    # All logits are 0: log K a label, D = K / (K + 1).
    expected = np.log(CLASSES) + 0.5 * (np.log(CLASSES + 1) - np.log(CLASSES) + np.log(CLASSES + 1))
    np.testing.assert_allclose(without.disc.value, expected, rtol=1e-6)


class Known(nn.Module):
    """Calls every point by its first coordinate, of class 0, 1, 2 or none."""

    @nn.compact
    def __call__(self, x):
        w = self.param("w", nn.initializers.ones, ())
        there = jnp.round(x[:, :1]) == jnp.arange(CLASSES)[None]
        return w * jnp.where(there, 9.0, -9.0), x


class Far(nn.Module):
    """Generates points of no class."""

    @nn.compact
    def __call__(self, z):
        return self.param("w", nn.initializers.ones, ()) * jnp.full((z.shape[0], DIM), 7.0)


def test_accuracies_of_a_known_classifier():
    game = games.semi_supervised(Far(), Known(), CLASSES, z_dim=Z_DIM)
    y = jnp.arange(ROWS) % CLASSES
    x = jnp.stack([y, y], axis=1).astype(float)
    batch = {"x": x.at[0].set(7.0), "x_labelled": x, "y": y.at[:2].set(2)}
    params, model_state = game.init(RNG, batch)
    metrics = game.losses(params, model_state, batch, RNG).disc.metrics
    np.testing.assert_allclose(metrics["class_accuracy/disc"], 3 / 5)
    np.testing.assert_allclose(metrics["accuracy_real/disc"], 4 / 5)
    np.testing.assert_allclose(metrics["accuracy_fake/disc"], 1)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"num_classes": 0}, "num_classes=0"),
        ({"z_dim": 0}, "z_dim=0"),
        ({"gen": "feature_match"}, "feature_matching"),
        ({"unlabelled_weight": -1.0}, "unlabelled_weight=-1.0"),
        ({"pseudo_label_weight": -1.0}, "pseudo_label_weight=-1.0"),
        ({"confidence": 1.0}, "confidence=1.0"),
        ({"decay": 1.0}, r"decay=1.0"),
        ({"decay": -0.1}, r"decay=-0.1"),
    ],
)
def test_arguments_out_of_range_are_refused(changes, told):
    with pytest.raises(ValueError, match=told):
        games.semi_supervised(*networks(), **{"num_classes": CLASSES, **changes})


def test_what_does_not_fit_is_refused():
    game, batch = semi_supervised(), batch_of()
    with pytest.raises(ValueError, match="has no x_labelled and y"):
        game.init(RNG, {"x": batch["x"]})
    for change, told in (
        (
            {"x_labelled": jnp.zeros((5, 3))},
            r"x_labelled are examples of shape \(3,\), x of \(2,\)",
        ),
        ({"y": jnp.zeros(4, int)}, r"labels y must be int \[5\], got int32 \[4\]"),
        ({"y": jnp.zeros(5)}, r"labels y must be int \[5\], got float32"),
    ):
        with pytest.raises(ValueError, match=told):
            game.init(RNG, {**batch, **change})
    generator, discriminator = networks()
    other = games.semi_supervised(generator, discriminator, CLASSES + 1, z_dim=Z_DIM)
    with pytest.raises(ValueError, match=r"class logits of shape \(5, 3\); expected \(5, 4\)"):
        other.init(RNG, batch)
    plain = games.semi_supervised(generator, nets.MLPDiscriminator(width=4), CLASSES, z_dim=Z_DIM)
    with pytest.raises(ValueError, match="the head 'classifier'"):
        plain.init(RNG, batch)
    wide = games.semi_supervised(nets.MLPGenerator((4,)), discriminator, CLASSES, z_dim=Z_DIM)
    with pytest.raises(ValueError, match=r"samples of shape \(5, 4\); expected \(5, 2\)"):
        wide.init(RNG, batch)
