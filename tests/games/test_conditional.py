"""The conditional game by hand, and the four ways that labels enter the networks."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from scipy.special import expit, log_softmax

from ganjax import games, nets, penalties
from ganjax.types import Players

RNG = jax.random.key(0)
CLASSES = 3
one_hot = partial(nets.LABELS["one_hot"], num_classes=CLASSES)
embedding = partial(nets.LABELS["embedding"], num_classes=CLASSES, dim=2)
projection = partial(nets.HEADS["projection"], num_classes=CLASSES)
auxiliary = partial(nets.HEADS["auxiliary"], num_classes=CLASSES)
conditional_batch = partial(nets.NORMS["conditional_batch"], num_classes=CLASSES)
generator = partial(nets.MLPGenerator, (2,), width=4)
critic = partial(nets.MLPDiscriminator, width=4)
BATCH = {"x": np.random.RandomState(0).normal(size=(6, 2)), "y": np.array([0, 1, 2, 2, 1, 0])}


def play(gen, disc, **options):
    return games.conditional(gen, disc, num_classes=CLASSES, z_dim=3, **options)


def batch():
    return {"x": jnp.asarray(BATCH["x"], float), "y": jnp.asarray(BATCH["y"], jnp.int32)}


def started(game, rng=RNG):
    """In the precision of the day, biases drawn too so that they count."""
    params, model_state = jax.jit(game.init)(rng, batch())
    leaves, treedef = jax.tree.flatten(params)
    keys = jax.random.split(rng, len(leaves))
    drawn = [
        jax.random.normal(key, leaf.shape, float) for key, leaf in zip(keys, leaves, strict=True)
    ]
    wide = partial(jax.tree.map, lambda leaf: leaf.astype(float))
    return jax.tree.unflatten(treedef, drawn), wide(model_state)


def affine(x, layer):
    return x @ np.asarray(layer["kernel"]) + np.asarray(layer["bias"])


def nats(logits):
    """-log sigmoid."""
    return -np.log(expit(logits))


def latents(rng):
    return np.asarray(jax.random.normal(jax.random.split(rng, 6)[0], (6, 3)))


def test_concatenation_by_hand(x64):
    """One layer each: samples of the data's labels, labels beside z and beside x."""
    game = play(generator(depth=0, labels=one_hot), critic(depth=0, labels=one_hot))
    params, model_state = started(game)
    rng = jax.random.key(7)
    outcome = jax.jit(game.losses)(params, model_state, batch(), rng)
    told = np.eye(CLASSES)[BATCH["y"]]
    fake = affine(np.concatenate([latents(rng), told], 1), params.gen["Dense_0"])
    real, fake = (
        affine(np.concatenate([x, told], 1), params.disc["Dense_0"])[:, 0]
        for x in (BATCH["x"], fake)
    )
    np.testing.assert_allclose(
        outcome.disc.value, nats(real).mean() + nats(-fake).mean(), rtol=1e-10
    )
    np.testing.assert_allclose(outcome.gen.value, nats(fake).mean(), rtol=1e-10)


@pytest.mark.parametrize("weights", [(1.0, 1.0), (0.1, 2.0)])
def test_auxiliary_classifier_by_hand(weights, x64):
    """Both players add cross-entropies: the discriminator on both batches, the generator on its."""
    options = dict(zip(("gen_class_weight", "disc_class_weight"), weights, strict=True))
    game = play(generator(depth=0, labels=one_hot), critic(depth=0, head=auxiliary), **options)
    params, model_state = started(game)
    rng, y = jax.random.key(9), BATCH["y"]
    outcome = jax.jit(game.losses)(params, model_state, batch(), rng)
    fake = affine(np.concatenate([latents(rng), np.eye(CLASSES)[y]], 1), params.gen["Dense_0"])
    judged, entropy, right = {}, {}, {}
    for name, x in (("real", BATCH["x"]), ("fake", fake)):
        judged[name] = affine(x, params.disc["Dense_0"])[:, 0]
        classes = affine(x, params.disc["Dense_1"])
        entropy[name] = -log_softmax(classes, axis=1)[np.arange(6), y].mean()
        right[name] = np.mean(classes.argmax(1) == y)
    disc = nats(judged["real"]).mean() + nats(-judged["fake"]).mean()
    disc += weights[1] * (entropy["real"] + entropy["fake"])
    gen = nats(judged["fake"]).mean() + weights[0] * entropy["fake"]
    np.testing.assert_allclose(outcome.disc.value, disc, rtol=1e-10)
    np.testing.assert_allclose(outcome.gen.value, gen, rtol=1e-10)
    for name, share in right.items():
        np.testing.assert_allclose(
            outcome.disc.metrics[f"class_accuracy_{name}/disc"], share, rtol=1e-6
        )
    assert right["real"] != right["fake"]


def test_labels_without_weight_leave_the_game_of_gan(x64):
    """Where the rows of the labels are 0, both games are one, draws included."""
    lazy = penalties.lazy(penalties.r1(1.0), every=2)
    told = play(
        generator(depth=0, labels=one_hot), critic(depth=0, labels=one_hot), penalties=(lazy,)
    )
    bare = games.gan(generator(depth=0), critic(depth=0), z_dim=3, penalties=(lazy,))
    params, model_state = started(told)
    cut = {"gen": 3, "disc": 2}  # inputs without the labels
    silent, own = (
        params._replace(
            **{
                player: {
                    **getattr(params, player),
                    "Dense_0": {
                        **getattr(params, player)["Dense_0"],
                        "kernel": change(getattr(params, player)["Dense_0"]["kernel"], rows),
                    },
                }
                for player, rows in cut.items()
            }
        )
        for change in (lambda k, rows: k.at[rows:].set(0), lambda k, rows: k[:rows])
    )
    ours = jax.jit(told.losses)(silent, model_state, batch(), RNG)
    theirs = jax.jit(bare.losses)(own, model_state, batch(), RNG)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-12), ours, theirs)
    assert ours.disc.metrics["penalty/disc"] > 0


# The four ways, two of them in one game where players differ: generator's and discriminator's.
WAYS = {
    "input": ({"labels": embedding}, {"labels": one_hot}),
    "norm_and_projection": ({"norm": conditional_batch}, {"head": projection}),
    "auxiliary": ({"labels": one_hot}, {"head": auxiliary}),
    "virtual": (
        {"labels": one_hot, "norm": nets.NORMS["virtual"]},
        {"labels": one_hot, "norm": nets.NORMS["virtual"]},
    ),
}


@cache
def way(name):
    gen, disc = WAYS[name]
    game = play(generator(depth=1, activation=jnp.tanh, **gen), critic(depth=1, **disc))
    return game, *started(game)


@pytest.mark.parametrize("name", WAYS)
def test_both_players_learn_from_the_label(name):
    """Every parameter has a gradient; other labels are other samples and other logits."""
    game, params, model_state = way(name)

    @jax.jit
    def outcome(y):
        def values(params):
            return [own.value for own in game.losses(params, model_state, {**batch(), "y": y}, RNG)]

        gen, disc = jax.jacrev(values)(params)
        return values(params), Players(gen.gen, disc.disc)

    y = batch()["y"]
    (before, gradients), (after, _) = outcome(y), outcome((y + 1) % CLASSES)
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradients):
        assert float(jnp.abs(leaf).max()) > 1e-6, jax.tree_util.keystr(path)
    assert all(a != b for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("name", WAYS)
def test_a_class_is_asked_for(name):
    game, params, model_state = way(name)
    z = game.queries["latents"](params, model_state, RNG, 4)
    assert z.shape == (4, 3)
    generate = jax.jit(partial(game.queries["generate"], params, model_state))
    samples = [generate(z, jnp.full(4, label)) for label in (0, 1, 0)]
    assert samples[0].shape == (4, 2)
    np.testing.assert_array_equal(samples[0], samples[2])
    assert (np.abs(samples[0] - samples[1]).max(axis=1) > 1e-3).all()


def test_the_reference_batch_of_a_virtual_norm_has_its_own_labels():
    _, _, model_state = way("virtual")
    reference = model_state.disc["reference"]["inputs"]
    np.testing.assert_allclose(reference[:, :2], BATCH["x"], rtol=1e-6)
    np.testing.assert_array_equal(reference[:, 2:], np.eye(CLASSES)[BATCH["y"]])


def test_penalties_hold_the_labels():
    """What a penalty's critic says of the data is what the discriminator says of them."""
    seen = []

    def penalty(of, x_real, x_fake, rng):
        seen.append(of(x_real))
        return jnp.zeros(())

    disc = critic(depth=1, labels=one_hot)
    game = play(generator(depth=0, labels=one_hot), disc, penalties=(penalty,))
    params, model_state = started(game)
    game.losses(params, model_state, batch(), RNG)
    np.testing.assert_array_equal(
        seen[0], disc.apply({"params": params.disc}, batch()["x"], batch()["y"])
    )


def test_labels_of_packs_join_the_input(x64):
    """D(x1, x2, y1, y2): the two of a pack, and their labels after them."""
    game = play(generator(depth=0, labels=one_hot), critic(depth=0, labels=one_hot), packing=2)
    params, model_state = started(game)
    outcome = jax.jit(game.losses)(params, model_state, batch(), RNG)
    told = np.eye(CLASSES)[BATCH["y"]]
    fake = affine(np.concatenate([latents(RNG), told], 1), params.gen["Dense_0"])
    real, fake = (
        affine(np.concatenate([x[::2], x[1::2], told[::2], told[1::2]], 1), params.disc["Dense_0"])
        for x in (BATCH["x"], fake)
    )
    np.testing.assert_allclose(
        outcome.disc.value, nats(real).mean() + nats(-fake).mean(), rtol=1e-10
    )


class Flat(nn.Module):
    """A generator that was not made for labels."""

    @nn.compact
    def __call__(self, z, train=True):
        return nn.Dense(2)(z)


class Deaf(nn.Module):
    """A network that is told the labels and does not listen."""

    features: int

    @nn.compact
    def __call__(self, x, y):
        x = nn.Dense(self.features)(x)
        return x if self.features > 1 else x[:, 0]


LABELLED = generator(depth=0, labels=one_hot)


@pytest.mark.parametrize(
    ("gen", "disc", "options", "message"),
    [
        (Flat(), critic(), {}, r"Flat is not called with labels; expected a module of \(z, y\)"),
        (Deaf(2), critic(labels=one_hot), {}, "generator makes no use of the labels"),
        (LABELLED, Deaf(1), {}, "discriminator makes no use of the labels"),
        (LABELLED, critic(), {}, "or the head 'projection' or 'auxiliary'"),
        (LABELLED, critic(labels=one_hot, head=auxiliary), {}, "classify samples whose labels"),
        (
            LABELLED,
            critic(head=partial(nets.HEADS["auxiliary"], num_classes=2)),
            {},
            r"class logits of shape \(6, 2\); expected \(6, 3\)",
        ),
        (LABELLED, critic(head=auxiliary), {"packing": 2}, "classifies judges samples one by one"),
        (LABELLED, critic(head=projection), {"packing": 2}, "one label per example"),
        (
            LABELLED,
            critic(norm=conditional_batch),
            {"packing": 2},
            "'conditional_batch' takes one label per example",
        ),
        (LABELLED, critic(head=auxiliary), {"gen_class_weight": -1.0}, "gen_class_weight=-1.0"),
        (LABELLED, critic(labels=one_hot), {"disc_class_weight": 0.5}, "=0.5 has no effect"),
        (LABELLED, critic(), {"z_dim": 0}, "z_dim=0"),
    ],
)
def test_what_is_no_conditional_game_is_refused(gen, disc, options, message):
    options = {"num_classes": CLASSES, "z_dim": 3, **options}
    with pytest.raises(ValueError, match=message):
        games.conditional(gen, disc, **options).init(RNG, batch())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": None}, "a batch of x has no y; take data with labels"),
        ({"y": jnp.zeros(6)}, r"labels y must be int \[6\], got float"),
        ({"y": jnp.zeros(5, int)}, r"must be int \[6\], got int32 \[5\]"),
        ({"y": jnp.array([0, 1, 2, 3, 0, 0])}, "must be from 0 to 2"),
        ({"y": jnp.array([0, 1, 2, -1, 0, 0])}, "must be from 0 to 2"),
        ({"x_labelled": jnp.zeros((6, 2))}, "only x_labelled has labels in this batch"),
    ],
)
def test_what_are_no_labels_is_refused(change, message):
    given = {key: value for key, value in {**batch(), **change}.items() if value is not None}
    with pytest.raises(ValueError, match=message):
        play(LABELLED, critic(labels=one_hot)).init(RNG, given)


def test_data_without_classes_are_refused():
    with pytest.raises(ValueError, match=r"num_classes=0 .* needs data with labels"):
        games.conditional(LABELLED, critic(labels=one_hot), num_classes=0)
