"""Growing keeps what was trained and starts all else anew."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ganjax import games, schemes
from ganjax.schemes.growth import carried, kept
from ganjax.types import Game, Loss, Players

RNG = jax.random.key(0)


def bowls(gen, disc, count=0):
    """A game of two bowls, its parameters and states as given."""

    def losses(params, model_state, batch, rng):
        def own(player):
            value = sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(getattr(params, player)))
            return Loss(value, getattr(model_state, player), {})

        return Players(own("gen"), own("disc"))

    def init(rng, batch):
        state = {"mean": jnp.full(2, 9.0), "count": jnp.int32(count), "u": jnp.zeros(len(gen))}
        return Players(gen, disc), Players(state, {})

    return Game(init, losses)


SMALL = bowls({"a": jnp.ones(2)}, {"a": {"b": jnp.full(3, 2.0)}})
LARGE = bowls(
    {"a": jnp.zeros(2), "c": jnp.full(4, 5.0)}, {"a": {"b": jnp.zeros(3), "d": jnp.full(1, 6.0)}}
)
TX = Players(*[optax.sgd(0.25, momentum=0.5)] * 2)


def played():
    """A state of the small game whose every part has moved."""
    scheme = schemes.simultaneous(SMALL, TX)
    state, _ = scheme.step(scheme.init(RNG), None, RNG)
    gen = {"mean": jnp.full(2, 3.0), "count": jnp.int32(7), "u": jnp.full(1, 4.0)}
    return state._replace(model_state=Players(gen, {}))


@pytest.mark.parametrize("name", ["simultaneous", "reflected", "anchored", "optimistic"])
def test_what_goes_on_and_what_starts_anew(name):
    """Parameters and statistics go on; optimisers, counts and the scheme's memory start."""
    old = played()
    assert float(old.params.gen["a"][0]) == 0.5
    state = schemes.SCHEMES[name](carried(LARGE, old), TX).init(RNG)
    expected = Players(
        {"a": np.full(2, 0.5), "c": np.full(4, 5.0)},
        {"a": {"b": np.full(3, 1.0), "d": np.full(1, 6.0)}},
    )
    jax.tree.map(np.testing.assert_array_equal, state.params, expected)
    fresh = TX.gen.init(state.params.gen), TX.disc.init(state.params.disc)
    jax.tree.map(np.testing.assert_array_equal, state.opt_state, Players(*fresh))
    gen = {"mean": np.full(2, 3.0), "count": np.int32(0), "u": np.zeros(2)}
    jax.tree.map(np.testing.assert_array_equal, state.model_state, Players(gen, {}))
    # What these remember are the players themselves, and how long ago they did.
    remembered = {"reflected": state.memory, "anchored": getattr(state.memory, "params", None)}
    if name in remembered:
        jax.tree.map(np.testing.assert_array_equal, remembered[name], expected)


def test_the_pull_to_the_anchor_starts_anew(x64):
    """V = x y, h = 1/2, grown at (x, y) after steps: the next ones are those of a start there."""
    game, tx = games.bilinear(dim=1), Players(*[optax.sgd(0.5)] * 2)
    scheme = schemes.anchored(game, tx)
    old = scheme.init(RNG)
    for _ in range(3):
        old, _ = scheme.step(old, None, RNG)
    grown = schemes.anchored(carried(game, old), tx).init(RNG)._replace(step=old.step)
    state, _ = scheme.step(grown, None, RNG)
    state, _ = scheme.step(state, None, RNG)
    assert int(state.step) == 5
    z0 = z = old.params.gen[0] + 1j * old.params.disc[0]  # F(z) = -i z of x, and of -y
    for k in range(2):
        pulled = z + (z0 - z) / (k + 2)
        z = pulled + 0.5j * (pulled + 0.5j * z)
    np.testing.assert_allclose(state.params.gen[0] + 1j * state.params.disc[0], z, rtol=1e-10)


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ({"b": jnp.ones(2)}, r"\['a'\] of shape \(2,\) would be lost: it is absent"),
        ({"a": jnp.ones(3)}, r"would be lost: it is of shape \(3,\) in the next network"),
    ],
)
def test_trained_leaves_are_not_lost(new, message):
    with pytest.raises(ValueError, match=message):
        kept({"a": jnp.ones(2)}, new)
