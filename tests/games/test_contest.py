"""Packs, by hand."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from ganjax import games, losses, nets, penalties
from ganjax.games.batches import packs

RNG = jax.random.key(0)


class Linear(nn.Module):
    """A critic <w, x> of all there is in an example."""

    @nn.compact
    def __call__(self, x):
        x = x.reshape(x.shape[0], -1)
        return x @ self.param("w", nn.initializers.normal(1.0), (x.shape[1],), x.dtype)


def packed_gan(packing=3, **options):
    generator = nets.MLPGenerator((2, 2, 2), depth=0)
    return games.gan(generator, Linear(), z_dim=3, packing=packing, **options)


def images(n):
    return jax.random.normal(RNG, (n, 2, 2, 2), float)


def test_packs_join_channels_of_successive_samples():
    x = np.arange(6 * 4 * 5 * 2).reshape(6, 4, 5, 2)
    packed = packs(jnp.asarray(x), 3)
    assert packed.shape == (2, 4, 5, 6)
    for pack in range(2):
        for place in range(3):
            own = packed[pack, :, :, 2 * place : 2 * place + 2]
            np.testing.assert_array_equal(own, x[3 * pack + place])
    points = packs(jnp.asarray(x[:, :, 0, 0]), 2)
    np.testing.assert_array_equal(points[1], np.concatenate([x[2, :, 0, 0], x[3, :, 0, 0]]))
    np.testing.assert_array_equal(packs(jnp.arange(6), 3), [[0, 1, 2], [3, 4, 5]])
    assert packs(None, 3) is None
    assert packs(points, 1) is points


def test_a_packed_game_by_hand(x64):
    """By numpy, on packs of two; R1 is gamma/2 |w|^2, w of a whole pack."""
    gamma = 0.5
    game = packed_gan(2, loss=losses.non_saturating, penalties=(penalties.r1(gamma),))
    batch, rng = {"x": images(4)}, jax.random.key(7)
    params, model_state = jax.tree.map(
        lambda leaf: leaf.astype(float), jax.jit(game.init)(RNG, batch)
    )
    outcome = jax.jit(game.losses)(params, model_state, batch, rng)

    z = np.asarray(jax.random.normal(jax.random.split(rng, 6)[0], (4, 3)))
    layer, w = params.gen["Dense_0"], np.asarray(params.disc["w"])
    fake = (z @ np.asarray(layer["kernel"]) + np.asarray(layer["bias"])).reshape(4, 2, 2, 2)
    assert w.shape == (2 * 2 * 4,)

    def judge(x):
        pairs = [np.concatenate([x[i], x[i + 1]], axis=-1) for i in (0, 2)]
        return np.array([pair.ravel() @ w for pair in pairs])

    real, fake = judge(np.asarray(batch["x"])), judge(fake)
    value = np.mean(np.log1p(np.exp(-real))) + np.mean(np.log1p(np.exp(fake)))
    penalty = gamma / 2 * np.sum(w**2)
    np.testing.assert_allclose(outcome.disc.value, value + penalty, rtol=1e-10)
    np.testing.assert_allclose(outcome.disc.metrics["penalty/disc"], penalty, rtol=1e-10)
    np.testing.assert_allclose(outcome.gen.value, np.mean(np.log1p(np.exp(-fake))), rtol=1e-10)


def test_every_sample_of_a_pack_is_augmented_on_its_own():
    """A draw for each sample, before they are joined."""

    def noisy(x, rng, updates):
        del updates
        return 0 * x + jax.random.normal(rng, (x.shape[0], 1, 1, 1))

    seen = []

    def penalty(critic, x_real, x_fake, rng):
        seen.extend([x_real, x_fake])
        return jnp.zeros(())

    game = packed_gan(3, penalties=(penalty,), augment=noisy)
    batch = {"x": images(6)}
    game.losses(*jax.jit(game.init)(RNG, batch), batch, RNG)
    assert [x.shape for x in seen] == [(2, 2, 2, 6)] * 2
    assert len(jnp.unique(jnp.concatenate(seen))) == 12


def test_what_does_not_pack_is_refused():
    with pytest.raises(ValueError, match=r"a batch of 4 .* packs of 3; .* multiple of 3, e.g. 3"):
        packed_gan().init(RNG, {"x": images(4)})
    with pytest.raises(ValueError, match="packing=0 must be a whole number"):
        packed_gan(packing=0)

    class PerPixel(nn.Module):
        @nn.compact
        def __call__(self, x):
            return nn.Dense(1)(x)[..., 0]

    wrong = games.gan(nets.MLPGenerator((2, 2, 2), depth=0), PerPixel(), z_dim=3, packing=3)
    with pytest.raises(ValueError, match=r"2 packs of 3 .* expected \(2,\) \(one logit per pack"):
        wrong.init(RNG, {"x": images(6)})


def test_outputs_that_gan_has_no_use_for_are_refused():
    head = partial(nets.HEADS["auxiliary"], num_classes=3)
    game = games.gan(
        nets.MLPGenerator((2, 2, 2), depth=0), nets.MLPDiscriminator(depth=0, head=head), z_dim=3
    )
    with pytest.raises(ValueError, match="2 outputs, expected logits alone"):
        game.init(RNG, {"x": images(4)})
