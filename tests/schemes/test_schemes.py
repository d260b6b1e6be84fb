"""The contract of every scheme, on a toy and on a DCGAN with a gradient penalty."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ganjax import data, dynamics, games, nets, penalties, schemes
from ganjax.schemes import SCHEMES
from ganjax.types import Game, Loss, Players

RNG = jax.random.key(0)
ROWS = pytest.mark.parametrize("name", SCHEMES)


def factory(name):
    """A scheme's factory with the options it cannot do without."""
    needs = {"averaged": {"inner": schemes.alternating}}
    return partial(SCHEMES[name], **needs.get(name, {}))


def toy(name, h=0.1, **options):
    tx = Players(gen=optax.sgd(h), disc=optax.sgd(h))
    return factory(name)(games.bilinear(dim=2, start=(1.0, -0.5)), tx, **options)


def dcgan(name, optimiser=None):
    """Batch normalisation in the generator, R1: (scheme, batch, state)."""
    optimiser = optimiser or partial(optax.adam, 1e-2)
    game = games.gan(
        nets.DCGANGenerator((8, 8, 1), width=4),
        nets.DCGANDiscriminator(width=4),
        z_dim=3,
        penalties=(penalties.r1(1.0),),
    )
    scheme = factory(name)(game, Players(gen=optimiser(), disc=optimiser()))
    source = data.digits()
    batch = source.sample(source.train, RNG, 8)
    return scheme, batch, jax.jit(scheme.init)(RNG, batch)


def row(tree, index):
    """One element of every leaf's leading axis."""
    return jax.tree.map(lambda leaf: leaf[index], tree)


def close(a, b, **tolerance):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, **tolerance), a, b)


@ROWS
def test_a_step_moves_both_players_and_counts(name):
    scheme, batch, state = dcgan(name)
    after, metrics = jax.jit(scheme.step)(state, batch, RNG)
    assert after.step == 1
    assert after.step.dtype == jnp.int32
    chex.assert_trees_all_equal_shapes_and_dtypes(state, after)
    chex.assert_tree_all_finite((after, metrics))
    for player in ("gen", "disc"):
        assert {f"loss/{player}", f"grad_norm/{player}", f"evaluations/{player}"} <= metrics.keys()
        assert int(metrics[f"evaluations/{player}"]) >= 1
        for part in ("params", "opt_state"):
            before, now = (getattr(getattr(s, part), player) for s in (state, after))
            assert any(
                bool((a != b).any())
                for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(now), strict=True)
            ), (part, player)
    assert {"disc/accuracy", "penalty/disc"} <= metrics.keys()
    assert all(value.shape == () for value in metrics.values())


@ROWS
def test_the_state_that_came_in_is_unchanged(name):
    """No leaf is replaced inside the containers that came in; a donated state works as well."""
    scheme, batch, state = dcgan(name)
    leaves, before = jax.tree.leaves(state), jax.tree.map(np.array, state)
    after, _ = jax.jit(scheme.step)(state, batch, RNG)
    assert all(a is b for a, b in zip(leaves, jax.tree.leaves(state), strict=True))
    close(state, before, rtol=0)
    donated, _ = jax.jit(scheme.step, donate_argnums=0)(state, batch, RNG)
    close(donated, after, rtol=1e-6)


@ROWS
def test_jit_equals_no_jit(name, x64):
    scheme, batch, state = dcgan(name)
    state = jax.tree.map(lambda a: a.astype(float) if a.dtype == jnp.float32 else a, state)
    batch = {"x": batch["x"].astype(float)}
    # Adam divides a gradient by its own size, which magnifies the rounding of tiny ones.
    with jax.disable_jit():
        plain = scheme.step(state, batch, RNG)
    close(plain, jax.jit(scheme.step)(state, batch, RNG), rtol=1e-7, atol=1e-9)


@ROWS
def test_vmap_over_seeds_equals_runs(name, x64):
    scheme = toy(name)
    keys = jax.random.split(RNG, 4)
    states = jax.vmap(lambda key: scheme.init(key, None))(keys)
    together, _ = jax.vmap(lambda s, k: scheme.step(s, None, k))(states, keys)
    for seed in range(4):
        alone, _ = scheme.step(scheme.init(keys[seed], None), None, keys[seed])
        close(row(together, seed), alone, rtol=1e-12)


@ROWS
def test_vmap_over_seeds_of_a_network(name):
    """SGD: Adam turns float32 noise in near-zero gradients into whole steps."""
    scheme, batch, _ = dcgan(name, partial(optax.sgd, 1e-2))
    keys = jax.random.split(RNG, 3)

    def two_steps(key):
        state = scheme.init(key, batch)
        for step in range(2):
            state, _ = scheme.step(state, batch, jax.random.fold_in(key, step))
        return state

    together = jax.jit(jax.vmap(two_steps))(keys)
    alone = jax.jit(two_steps)(keys[2])
    close(row(together.params, 2), alone.params, rtol=1e-4, atol=1e-6)  # float32


@ROWS
def test_scan_equals_loop(name, x64):
    scheme = toy(name)
    state = scheme.init(RNG, None)
    keys = jax.random.split(RNG, 10)
    scanned, _ = jax.lax.scan(lambda s, k: scheme.step(s, None, k), state, keys)
    for key in keys:
        state, _ = scheme.step(state, None, key)
    close(scanned, state, rtol=1e-12)


@ROWS
def test_jacobian_against_central_differences(name, x64):
    """Wrong if any part of a step were cut off from differentiation; Adam's moments included."""
    game = games.dirac("non_saturating", penalty=penalties.r1(0.5), start=(0.6, -0.4))
    scheme = factory(name)(game, Players(gen=optax.adam(0.1), disc=optax.sgd(0.1, momentum=0.5)))
    state = scheme.init(RNG, None)
    for _ in range(3):
        state, _ = scheme.step(state, None, RNG)
    jacobian = dynamics.update_map_jacobian(scheme.step, state)
    leaves, treedef = jax.tree.flatten(state._replace(average=()))
    floats = [i for i, leaf in enumerate(leaves) if jnp.issubdtype(leaf.dtype, jnp.inexact)]
    assert jacobian.shape == (len(floats), len(floats))

    def moved(index, by):
        shifted = [leaf + by if i == index else leaf for i, leaf in enumerate(leaves)]
        after, _ = scheme.step(
            jax.tree.unflatten(treedef, shifted)._replace(average=state.average), None, RNG
        )
        after = jax.tree.leaves(after._replace(average=()))
        return np.concatenate([np.ravel(after[i]) for i in floats])

    for column, index in enumerate(floats):
        by = 1e-4 * float(leaves[index][0])  # relative: a second moment is tiny
        difference = (moved(index, by) - moved(index, -by)) / (2 * by)
        np.testing.assert_allclose(jacobian[:, column], difference, rtol=1e-6, atol=1e-8)


def regression(batch_loss_weight=1.0):
    """A game whose losses are means over the batch and which draws nothing."""

    def losses(params, model_state, batch, rng):
        del rng
        x = batch["x"]
        value = jnp.mean((x * params.gen - jnp.tanh(x) * params.disc) ** 2) * batch_loss_weight
        seen = model_state.disc + jnp.mean(x)
        return Players(
            gen=Loss(value, model_state.gen, {}),
            disc=Loss(-value + jnp.mean(x**2) * params.disc**2, seen, {"mean": jnp.mean(x)}),
        )

    def init(rng, batch):
        return Players(gen=jnp.array(0.5), disc=jnp.array(-0.3)), Players(
            gen=(), disc=jnp.zeros(())
        )

    return Game(init=init, losses=losses)


@ROWS
def test_pmap_over_eight_devices_equals_one(name, x64):
    """SGD: Adam would hide a gradient scaled by the number of devices."""
    assert jax.device_count() == 8
    tx = Players(gen=optax.sgd(0.1), disc=optax.sgd(0.1))
    x = jax.random.normal(RNG, (32,))
    single = factory(name)(regression(), tx)
    state = single.init(RNG, {"x": x})
    mapped = factory(name)(regression(), tx, axis_name="devices")
    replicas = jax.tree.map(lambda a: jnp.stack([a] * 8), state)
    step = jax.pmap(mapped.step, axis_name="devices")
    for _ in range(3):
        state, metrics = single.step(state, {"x": x}, RNG)
        keys = jax.random.split(RNG, 8)
        replicas, mapped_metrics = step(replicas, {"x": x.reshape(8, 4)}, keys)
    for device in range(8):
        close(
            row((replicas, mapped_metrics), device),
            (state, metrics),
            rtol=1e-12,
        )


@ROWS
def test_sharded_batch_equals_one_device(name, x64):
    mesh = jax.make_mesh((8,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    split = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("data"))
    scheme = factory(name)(regression(), Players(gen=optax.sgd(0.1), disc=optax.sgd(0.1)))
    x = jax.random.normal(RNG, (32,))
    state = scheme.init(RNG, {"x": x})
    one = jax.jit(scheme.step)(state, {"x": x}, RNG)
    eight = jax.jit(scheme.step)(state, {"x": jax.device_put(x, split)}, RNG)
    close(one, eight, rtol=1e-12)
