"""Every loss with every penalty under every scheme: three finite steps on a tiny net.

One compiled program a scheme: the loss and the penalty are branches that an index chooses.
"""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn
from marks import marked

from ganjax import augmentations, divergences, games, losses, nets, penalties, schemes
from ganjax.schemes import SCHEMES
from ganjax.types import Players

RNG = jax.random.key(0)
PAIRS = {
    **{name: row for name, row in losses.LOSSES.items() if name != "f_gan"},
    "minimax, smooth": losses.minimax(label_smoothing=0.1),
    "non_saturating, smooth": losses.non_saturating(label_smoothing=0.1),
    **{f"f_gan, {name}": losses.f_gan(divergence=name) for name in divergences.DIVERGENCES},
    "f_gan, trick": losses.f_gan(divergence="kl", gen="trick"),
}
# `pull_away` wants codes and is refused below; of those that count updates every step has one.
APART = ("pull_away", "lazy", "scheduled")
PENALTIES = {
    "none": lambda critic, x_real, x_fake, rng: jnp.zeros(()),
    **{n: row() for n, row in penalties.PENALTIES.items() if n not in APART},
    # The tiny critic is flat: targets that it exceeds.
    "lipschitz_penalty": penalties.lipschitz_penalty(target=0.1),
    "wgan_gp, one-sided": penalties.wgan_gp(target=0.1, one_sided=True),
}
# Options that schemes cannot do without.
OPTIONS = {
    "anderson": {"inner": schemes.simultaneous},
    "averaged": {"inner": schemes.alternating},
    "competitive": {"lr": 0.01},
    "follow_the_ridge": {"damping": 1.0},
    "lookahead": {"inner": schemes.simultaneous, "steps": 2},
    "opponent_shaping": {"lookahead_lr": 0.01},
    "runge_kutta": {"lr": 0.01},
    "unrolled": {"unroll_steps": 2},
}
# A program of a scheme takes 8 s and more to compile: by default every loss and penalty under one
# scheme; every scheme has tests of its own.
SHORT = ("simultaneous",)
TELLING = ("alternating", "extragradient", "lookahead", "unrolled")
STEPS = 3


class Generator(nn.Module):
    """Images of 4x4 pixels from one layer."""

    @nn.compact
    def __call__(self, z):
        return nn.tanh(nn.Dense(16)(z)).reshape(-1, 4, 4, 1)


def play(name, loss_index, penalty_index):
    """Three steps of a scheme with the chosen loss and penalty: parameters, losses, first move."""

    def choose(index, branches):
        return lambda *arguments: jax.lax.switch(index, branches, *arguments)

    loss = losses.AdversarialLoss(
        gen=choose(loss_index, [pair.gen for pair in PAIRS.values()]),
        disc=choose(loss_index, [pair.disc for pair in PAIRS.values()]),
    )

    def penalty(critic, x_real, x_fake, rng):
        def value(row):
            if isinstance(row, penalties.WithMemory):  # of memories, only the first
                return row.apply(row.init(x_real), critic, x_real, x_fake, rng)[0]
            return row(critic, x_real, x_fake, rng)

        rows = [lambda row=row: value(row) for row in PENALTIES.values()]
        return jax.lax.switch(penalty_index, rows)

    # Every step has a lazy penalty as well, every other time, and noise that fades.
    lazy = penalties.lazy(penalties.r1(1e-3), every=2)
    noise = augmentations.instance_noise(std=0.1, steps=10)
    discriminator = nets.MLPDiscriminator(width=6, depth=1)
    game = games.gan(
        Generator(), discriminator, loss=loss, z_dim=2, penalties=(penalty, lazy), augment=noise
    )
    tx = Players(gen=optax.sgd(1e-4), disc=optax.sgd(1e-4))
    scheme = SCHEMES[name](game, tx, **OPTIONS.get(name, {}))
    batch = {"x": jax.random.uniform(jax.random.key(1), (4, 4, 4, 1), minval=-1)}

    def body(state, rng):
        state, metrics = scheme.step(state, batch, rng)
        return state, (metrics["loss/gen"], metrics["loss/disc"], metrics["penalty/disc"])

    start = scheme.init(RNG, batch)
    state, told = jax.lax.scan(body, start, jax.random.split(RNG, STEPS))
    moved = jax.tree.map(lambda old, new: jnp.max(jnp.abs(new - old)), start.params, state.params)
    return state.params, told, Players(*(jnp.stack(jax.tree.leaves(own)) for own in moved))


@cache
def outcomes(name):
    """{(loss, penalty): (params, told, moved)} of all pairs, from one program."""
    pairs = [(a, b) for a in range(len(PAIRS)) for b in range(len(PENALTIES))]
    indices = jnp.asarray(pairs, jnp.int32)
    every = jax.jit(lambda indices: jax.lax.map(lambda pair: play(name, *pair), indices))
    results = jax.device_get(every(indices))
    labels = [(loss, penalty) for loss in PAIRS for penalty in PENALTIES]
    return {
        label: jax.tree.map(lambda leaf, i=i: leaf[i], results) for i, label in enumerate(labels)
    }


@pytest.mark.parametrize("name", marked(SCHEMES, SHORT, TELLING))
def test_three_finite_steps(name):
    results = outcomes(name)
    assert len(results) == len(PAIRS) * len(PENALTIES) >= 200
    for label, (params, told, moved) in results.items():
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((params, told))), label
        assert max(map(np.max, map(np.abs, told))) < 1e4, label
        # Every layer of both players has moved, but for what a loss cannot see.
        assert (moved.gen > 0).all(), label
        assert (moved.disc > 0).sum() >= 3, label


def test_losses_and_penalties_differ():
    """The index chooses: no two losses and no two penalties give one outcome."""
    results = outcomes("simultaneous")
    first = {loss: results[loss, "r1"][1] for loss in PAIRS}
    seen = {tuple(np.ravel(np.stack(told[:2])).tolist()) for told in first.values()}
    assert len(seen) == len(PAIRS) - 1  # f-GAN's "gan" is minimax
    added = {float(results["hinge", name][1][2][0]) for name in PENALTIES}
    assert len(added) == len(PENALTIES)
    alone = results["hinge", "none"][1][2]  # the lazy one, at the updates 0 and 2
    assert [value > 0 for value in alone] == [True, False, True]


def test_how_many_combinations_there_are():
    assert len(SCHEMES) * len(PAIRS) * len(PENALTIES) >= 3_800
    assert len(SHORT) * len(PAIRS) * len(PENALTIES) >= 200


@pytest.mark.parametrize("name", ["simultaneous", "alternating"])
def test_impossible_pairs_are_refused(name):
    """With the reason, when the game is first traced."""
    discriminator = nets.MLPDiscriminator(width=6, depth=1)
    tx = Players(gen=optax.sgd(1e-4), disc=optax.sgd(1e-4))
    points = {"x": jnp.ones((4, 2))}
    for penalty, reason in (
        (penalties.pull_away(), "compares codes"),
        (penalties.consistency(), "needs images"),
    ):
        game = games.gan(
            nets.MLPGenerator((2,), width=4, depth=1), discriminator, z_dim=2, penalties=(penalty,)
        )
        scheme = SCHEMES[name](game, tx)
        with pytest.raises(ValueError, match=reason):
            jax.eval_shape(partial(scheme.step, scheme.init(RNG, points), points), RNG)
