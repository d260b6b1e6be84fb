"""Constraints: a projection after every move, and published counts of steps on the simplex."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ganjax import optimisers, schemes
from ganjax.errors import ConfigError
from ganjax.games.closed_form import closed_form, starting_with
from ganjax.schemes.field import field
from ganjax.types import Players

RNG = jax.random.key(0)
INSIDE = {
    "ball": lambda p, size: np.linalg.norm(p) <= size * (1 + 1e-12),
    "box": lambda p, size: np.abs(p).max() <= size * (1 + 1e-12),
    "simplex": lambda p, size: p.min() >= -1e-12 and abs(p.sum() - size) < 1e-12 * size,
}
PLAY = {
    "simultaneous": schemes.simultaneous,
    "extragradient": schemes.extragradient,
    "optimistic": schemes.optimistic,
    "lookahead": partial(schemes.lookahead, inner=schemes.simultaneous, steps=5, alpha=0.5),
}


@pytest.mark.parametrize(("onto", "size"), [("ball", 0.5), ("box", 0.2), ("simplex", 2.0)])
def test_a_projection_is_the_nearest_point(onto, size, x64):
    """(p - P p) . (q - P p) <= 0 for points q of the set, over the leaves of a tree together."""
    params = {"w": jnp.array([[0.3, -2.0], [1.0, 0.1]]), "b": jnp.array([0.7])}
    tx = optimisers.projected(optax.sgd(1.0), onto, size)
    gradient = jax.tree.map(lambda p: 0.1 * p + 0.2, params)
    updates, _ = tx.update(gradient, tx.init(params), params)
    there = {key: params[key] - gradient[key] for key in params}
    moved = optax.apply_updates(params, updates)
    p, projected = (np.concatenate([tree["w"].ravel(), tree["b"]]) for tree in (there, moved))
    assert INSIDE[onto](projected, size)
    assert not INSIDE[onto](p, size)
    draws = np.random.default_rng(0).standard_normal((200, 5))
    others = {
        "ball": size * draws / np.maximum(1, np.linalg.norm(draws, axis=1, keepdims=True)),
        "box": np.clip(draws, -size, size),
        "simplex": size * np.exp(draws) / np.exp(draws).sum(1, keepdims=True),
    }[onto]
    assert ((others - projected) @ (p - projected)).max() < 1e-12


def on_simplex(eta, start):
    """V = eta |x|^2 / 2 + (1 - eta) <x, y> - eta |y|^2 / 2, and NaN off the simplex."""

    def values(x, y):
        least, sums = jnp.array([x.min(), y.min()]), jnp.array([x.sum(), y.sum()])
        off = (least < -1e-12).any() | (jnp.abs(sums - 1) > 1e-12).any()
        v = eta * (x @ x - y @ y) / 2 + (1 - eta) * x @ y
        v *= jnp.where(off, jnp.nan, 1.0)  # a factor, so that gradients are NaN too
        return v, -v

    return closed_form(starting_with(*start), values)


def distances(scheme, start, steps, eta):
    """|z - z*| / |z*| after each step, z* the uniform distributions, and the last parameters."""
    tx = Players(*[optimisers.projected(optax.sgd(0.3), "simplex")] * 2)
    game = on_simplex(eta, start)
    play = PLAY[scheme](game, tx)
    state = play.init(RNG)
    if scheme == "optimistic":  # the published script's first step is as long as all others
        state = state._replace(memory=field(game, state, None, RNG)(state.params)[0])

    def step(state, _):
        state, _ = play.step(state, None, RNG)
        z = jnp.concatenate(state.params)
        return state, jnp.linalg.norm(z * z.size / 2 - 1) / z.size**0.5

    state, far = jax.lax.scan(step, state, length=steps)
    return far, state.params


@pytest.mark.parametrize("scheme", PLAY)
def test_every_gradient_is_taken_in_the_set(scheme, x64):
    """Half-steps too: the game is NaN elsewhere, and descent alone would leave the simplex."""
    start = np.eye(6)[:2] * 0.9 + 0.1 / 6
    far, params = jax.jit(partial(distances, scheme, start, 20))(0.1)
    assert np.isfinite(far).all()
    assert all(INSIDE["simplex"](np.asarray(p), 1.0) for p in params)


# Yang, Jordan and Chavdarova 2023, Chavdarova/ACVI c581d62: gradients until the distance is 0.02,
# at most 500, for eta from 0.01 to 0.99.
COUNTS = {
    "simultaneous": (1, [500, 66, 23, 14, 10]),
    "extragradient": (2, [150, 64, 44, 36, 30]),
    "optimistic": (1, [63, 32, 23, 17, 14]),
    "lookahead": (5, [95, 60, 45, 40, 35]),
}


@pytest.mark.parametrize("scheme", COUNTS)
def test_published_counts_on_the_simplex(scheme, x64):
    cost, published = COUNTS[scheme]
    draws = np.random.RandomState(0).rand(2, 500)
    start = draws / draws.sum(1, keepdims=True)
    steps = max(published) // cost
    far, _ = jax.jit(jax.vmap(partial(distances, scheme, start, steps)))(np.linspace(0.01, 0.99, 5))
    counts = [(row <= 0.02).argmax() + 1 if row.min() <= 0.02 else steps for row in np.asarray(far)]
    assert [cost * count for count in counts] == published


def test_projections_are_named_in_a_config():
    section = {"name": "projected", "onto": "simplex", "inner": {"name": "sgd"}}
    section["inner"]["learning_rate"] = 0.1
    tx = optimisers.transform("gen_tx", section)
    params = jnp.array([0.5, 0.5])
    updates, _ = tx.update(jnp.array([1.0, 0.0]), tx.init(params), params)
    np.testing.assert_allclose(params + updates, [0.45, 0.55], rtol=1e-6)
    for wrong, message in (
        ({"onto": "cone"}, "onto='cone' must be one of 'ball', 'box', 'simplex'"),
        ({"size": 0.0}, r"size=0.0 must be in \(0, inf\)"),
        ({"inner": {"name": "clip", "max_delta": 1.0}}, "it climbs"),
    ):
        with pytest.raises(ConfigError, match=message):
            optimisers.transform("gen_tx", {**section, **wrong})
