"""Packs in the games beside `gan` and `conditional`: losses by hand, and who has no packs."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from ganjax import games, losses, nets
from ganjax.games.progressive import FADED

RNG = jax.random.key(0)
PACKING = 2


class Linear(nn.Module):
    """A critic <w, x> of the last axis: a logit for each point, or each patch."""

    @nn.compact
    def __call__(self, x):
        return x @ self.param("w", nn.initializers.normal(1.0), (x.shape[-1],), x.dtype)


class Fading(nn.Module):
    """A critic <w, x> of all of an image, and alpha."""

    @nn.compact
    def __call__(self, x, alpha):
        x = x.reshape(x.shape[0], -1)
        return x @ self.param("w", nn.initializers.normal(1.0), (x.shape[1],), x.dtype) + alpha


class Shifted(nn.Module):
    """A generator of w (z + alpha), as images of 2x2 pixels."""

    @nn.compact
    def __call__(self, z, alpha):
        return self.param("w", nn.initializers.ones, ()) * (z + alpha).reshape(-1, 2, 2, 1)


class Scale(nn.Module):
    """x -> w x."""

    @nn.compact
    def __call__(self, x):
        return self.param("w", nn.initializers.normal(1.0), ()) * x


def autoencoder():
    return nets.AUTOENCODERS["mlp_autoencoder"]((3,), z_dim=2, width=4, depth=0)


def values(key, *shape):
    return jax.random.normal(jax.random.key(key), shape, float)


GAMES = {
    "adversarial_autoencoder": lambda packing: games.adversarial_autoencoder(
        autoencoder(), Linear(), z_dim=2, weight=0.3, packing=packing
    ),
    "cycle": lambda packing, pool_size=0: games.cycle(
        Scale(),
        Linear(),
        loss=losses.non_saturating,
        adversarial_weight=1.0,
        cycle_weight=0.0,
        pool_size=pool_size,
        packing=packing,
    ),
    "paired": lambda packing: games.paired(Scale(), Linear(), l1_weight=0.0, packing=packing),
    "progressive": lambda packing: games.progressive(
        Shifted(),
        Fading(),
        loss=losses.non_saturating,
        z_dim=4,
        penalties=(),
        fade_steps=5,
        packing=packing,
    ),
}


def batch_of(name, n):
    """Points for codes, images of 2x2 pixels, or rows of 5 patches in either domain."""
    if name in ("cycle", "paired"):
        return {"a": values(1, n, 5, 1), "b": values(2, n, 5, 1)}
    return {"x": values(1, n, 3) if name == "adversarial_autoencoder" else values(1, n, 2, 2, 1)}


def played(name):
    """(params, outcome, batch as numpy) of a packed game, in float64."""
    game, batch = GAMES[name](PACKING), batch_of(name, 6)
    params, model_state = jax.tree.map(
        lambda leaf: leaf.astype(float) if leaf.dtype == jnp.float32 else leaf,
        jax.jit(game.init)(RNG, batch),
    )
    if name == "progressive":  # in the middle of the fade
        model_state.gen[FADED] = jnp.int32(2)
    outcome = jax.jit(game.losses)(params, model_state, batch, RNG)
    return params, outcome, {key: np.asarray(x) for key, x in batch.items()}


def joined(x):
    """Packs of two, [n, ..., c] -> [n / 2, ..., 2 c]."""
    return np.concatenate([x[::2], x[1::2]], axis=-1)


def nats(logits):
    """Mean of -log D."""
    return np.logaddexp(0, -logits).mean()


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_packs_of_codes(x64):
    """Draws of the prior in pairs against codes in pairs."""
    params, outcome, batch = played("adversarial_autoencoder")
    encoder, decoder = (params.gen[half]["Dense_0"] for half in ("encoder", "decoder"))
    codes = batch["x"] @ np.asarray(encoder["kernel"]) + np.asarray(encoder["bias"])
    made = codes @ np.asarray(decoder["kernel"]) + np.asarray(decoder["bias"])
    missed = np.mean((made - batch["x"]) ** 2)
    z = np.asarray(jax.random.normal(jax.random.split(RNG, 5)[0], (6, 2)))
    w = np.asarray(params.disc["w"])
    assert w.shape == (4,)
    real, fake = joined(z) @ w, joined(codes) @ w
    close(outcome.disc.value, nats(real) + nats(-fake))
    close(outcome.gen.value, missed + 0.3 * nats(fake))


def test_packs_of_images_that_fade_in(x64):
    """Alpha is 0.4, in the data, the samples and the logits, as without packs."""
    params, outcome, batch = played("progressive")
    alpha, x, w = 0.4, batch["x"], np.asarray(params.disc["w"])
    z = np.asarray(jax.random.normal(jax.random.split(RNG, 6)[0], (6, 4)))
    blended = (1 - alpha) * x.mean((1, 2), keepdims=True) + alpha * x
    real, fake = (
        joined(images).reshape(3, 8) @ w + alpha
        for images in (blended, (z + alpha).reshape(6, 2, 2, 1))
    )
    close(outcome.disc.value, nats(real) + nats(-fake))
    close(outcome.gen.value, nats(fake))


def test_packs_of_translations(x64):
    """The same patch of two samples of one domain."""
    params, outcome, batch = played("cycle")
    gen = disc = 0.0
    for here, there in ("ab", "ba"):
        w = np.asarray(params.disc[there]["w"])
        made = np.asarray(params.gen[here + there]["w"]) * batch[here]
        real, fake = joined(batch[there]) @ w, joined(made) @ w
        assert real.shape == (3, 5)
        gen += nats(fake)
        disc += nats(real) + nats(-fake)
    close(outcome.gen.value, gen)
    close(outcome.disc.value, disc / 2)


def test_pools_hold_samples_one_by_one():
    game, batch = GAMES["cycle"](PACKING, pool_size=7), batch_of("cycle", 6)
    state = jax.eval_shape(game.init, RNG, batch)[1]
    assert state.disc["pools"]["b"].images.shape == (7, 5, 1)
    after = jax.eval_shape(game.losses, *jax.eval_shape(game.init, RNG, batch), batch, RNG)
    assert after.disc.model_state["pools"]["b"].images.shape == (7, 5, 1)


def test_packs_of_pairs(x64):
    """(a1, b1, a2, b2) or (a1, G(a1), a2, G(a2))."""
    params, outcome, batch = played("paired")
    made, w = np.asarray(params.gen["w"]) * batch["a"], np.asarray(params.disc["w"])
    real, fake = (joined(np.concatenate([batch["a"], b], -1)) @ w for b in (batch["b"], made))
    assert real.shape == (3, 5)
    close(outcome.disc.value, (nats(real) + nats(-fake)) / 2)
    close(outcome.gen.value, nats(fake))


@pytest.mark.parametrize("name", GAMES)
def test_what_does_not_pack_is_refused(name):
    with pytest.raises(ValueError, match=r"a batch of 5 .* packs of 2; use a multiple of 2"):
        jax.eval_shape(GAMES[name](PACKING).init, RNG, batch_of(name, 5))
    with pytest.raises(ValueError, match="packing=0 must be a whole number"):
        jax.eval_shape(GAMES[name](0).init, RNG, batch_of(name, 4))


def test_packs_have_no_logits_of_samples():
    assert "logits" in GAMES["progressive"](1).queries
    assert "logits" not in GAMES["progressive"](PACKING).queries


LINES = ((0.0, 1.0), (1.0, 0.0))
UNPACKED = {
    "autoencoder": {"autoencoder": autoencoder()},
    "bilinear": {},
    "boundary_equilibrium": {"generator": Scale(), "discriminator": autoencoder()},
    "categorical": {},
    "dirac": {},
    "energy_based": {"generator": Scale(), "discriminator": autoencoder()},
    "fiez_ratliff": {},
    "finite_sum": {"interaction": (LINES,)},
    "forsaken": {},
    "gaussian_1d": {},
    "lee_kim": {},
    "matrix_game": {"payoff": LINES},
    "parallel_lines": {},
    "polar": {},
    "quadratic": {"gen_matrix": LINES},
    "semi_supervised": {"generator": Scale(), "discriminator": Linear(), "num_classes": 3},
    "stackelberg": {},
    "torus": {},
    "vae": {"autoencoder": autoencoder(), "z_dim": 2},
    "wang": {},
}


def test_every_game_packs_or_says_why_not():
    packing = {
        name
        for name, factory in games.GAMES.items()
        if "packing" in inspect.signature(factory).parameters
    }
    assert packing == {"gan", "conditional", *GAMES}
    assert packing == games.GAMES.keys() - UNPACKED.keys()
    for name, options in UNPACKED.items():
        assert games.GAMES[name](**options).needs.no_packing, name
    for name, factory in GAMES.items():
        assert not factory(1).needs.no_packing, name
