"""The contract of every scheme: on a toy, on an MLP GAN with batch normalisation, on a DCGAN."""

from functools import cache, partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn
from marks import marked

from ganjax import checkpoints, data, dynamics, games, nets, penalties, schemes
from ganjax.schemes import SCHEMES
from ganjax.types import Game, Loss, Players

RNG = jax.random.key(0)
# Every scheme with the options it cannot do without; variants under names of their own.
CASES = {
    **{name: (name, {}) for name in SCHEMES},
    "anderson": ("anderson", {"inner": schemes.simultaneous, "depth": 1}),
    "averaged": ("averaged", {"inner": schemes.alternating}),
    "competitive": ("competitive", {"lr": 0.1, "cg_tolerance": 1e-12}),
    "follow_the_ridge": ("follow_the_ridge", {"damping": 1.0}),
    "follow_the_ridge_undamped": ("follow_the_ridge", {}),
    "lookahead": ("lookahead", {"inner": schemes.simultaneous, "steps": 2}),
    "opponent_shaping": ("opponent_shaping", {"lookahead_lr": 0.1}),
    "runge_kutta": ("runge_kutta", {"lr": 0.1}),
    "unrolled": ("unrolled", {"unroll_steps": 2}),
    "adaptive_extragradient_curvature": ("adaptive_extragradient", {"kind": "curvature"}),
    "alternating_gen_first": ("alternating", {"first": "gen", "disc_updates": 2}),
    "anchored_eag_v": ("anchored", {"kind": "eag_v"}),
    "anchored_feg": ("anchored", {"kind": "feg", "rho": -0.02}),
    "extragradient_reach": ("extragradient", {"reach": optax.adam(0.05)}),
    "lookahead_unrolled": (
        "lookahead",
        {"inner": partial(schemes.unrolled, unroll_steps=1), "steps": 2},
    ),
    "opponent_shaping_off": ("opponent_shaping", {"lookahead_lr": 0.1, "shaping": False}),
    "runge_kutta_2": ("runge_kutta", {"lr": 0.1, "order": 2}),
    "symplectic_aligned": ("symplectic", {"align": True}),
    "unrolled_disc_first": ("unrolled", {"unroll_steps": 2, "order": "disc_first"}),
    "unrolled_first_order": ("unrolled", {"unroll_steps": 2, "first_order": True}),
    "unrolled_gen_first": (
        "unrolled",
        {"unroll_steps": 2, "order": "gen_first", "inner_tx": optax.sgd(0.1)},
    ),
}
STEPS = {"lookahead": 2, "lookahead_unrolled": 2}  # updates of the generator in one step
# Gradients of the generator, of the discriminator, Jacobian products; (1, 1, 0) if not here.
COSTS = {
    "adaptive_extragradient": (2, 2, 0),
    "adaptive_extragradient_curvature": (2, 2, 40),
    "alternating_gen_first": (1, 2, 0),
    "anchored": (2, 2, 0),
    "anchored_eag_v": (2, 2, 0),
    "anchored_feg": (2, 2, 0),
    "competitive": (1, 1, 86),
    "consensus": (1, 1, 2),
    "extragradient": (2, 2, 0),
    "extragradient_reach": (2, 2, 0),
    "follow_the_ridge": (1, 1, 24),
    "follow_the_ridge_undamped": (1, 1, 24),
    "lead": (1, 1, 2),
    "lookahead": (2, 2, 0),
    "lookahead_unrolled": (2, 4, 2),
    "opponent_shaping": (2, 2, 2),
    "opponent_shaping_off": (2, 2, 0),
    "proximal": (10, 10, 0),
    "runge_kutta": (4, 4, 0),
    "runge_kutta_2": (2, 2, 0),
    "symplectic": (1, 1, 4),
    "symplectic_aligned": (1, 1, 4),
    "unrolled": (1, 3, 2),
    "unrolled_disc_first": (1, 3, 2),
    "unrolled_first_order": (1, 3, 0),
    "unrolled_gen_first": (1, 3, 2),
}
ALL = pytest.mark.parametrize("name", CASES)
ROWS = pytest.mark.parametrize("name", SCHEMES)
# Variants of a scheme share its code but for what their own tests ask.
ROWS_FIRST = pytest.mark.parametrize("name", marked(CASES, SCHEMES))


def factory(name):
    row, options = CASES[name]
    return partial(SCHEMES[row], **options)


def sgd(h=0.1):
    return Players(gen=optax.sgd(h), disc=optax.sgd(h))


def adam(h=1e-2):
    return Players(gen=optax.adam(h), disc=optax.adam(h))


class NormalisedGenerator(nn.Module):
    """A generator of points with batch normalisation."""

    @nn.compact
    def __call__(self, z, train):
        z = nn.BatchNorm(use_running_average=not train, momentum=0.9)(
            nn.Dense(8, use_bias=False)(z)
        )
        return nn.Dense(2)(nn.relu(z))


def mlp_gan():
    return games.gan(NormalisedGenerator(), nets.MLPDiscriminator(width=8, depth=1), z_dim=3)


def initialised(kind):
    """A game of networks whose initial state is ready, with its batch."""
    return _initialised(kind, jax.config.jax_enable_x64)


@cache  # a draw compiles for longer than a layer
def _initialised(kind, x64):
    del x64
    if kind == "mlp":
        game, batch = mlp_gan(), points()
    else:
        game = games.gan(
            nets.DCGANGenerator((8, 8, 1), width=4),
            nets.DCGANDiscriminator(width=4),
            z_dim=3,
            penalties=(penalties.r1(1.0),),
        )
        source = data.digits()
        batch = jax.device_get(source.sample(source.train, RNG, 8))
    ready = jax.device_get(jax.jit(game.init)(RNG, batch))
    return game._replace(init=lambda rng, batch: jax.tree.map(jnp.asarray, ready)), batch


def points(rows=8):
    return {"x": jax.random.normal(jax.random.key(1), (rows, 2))}


@cache
def compiled(name, kind):
    """(jitted step, state, batch) of a case on a game, compiled once."""
    if kind == "toy":
        scheme, batch = factory(name)(games.bilinear(dim=2, start=(1.0, -0.7)), sgd()), None
    else:
        game, batch = initialised(kind)
        scheme = factory(name)(game, adam())
    return jax.jit(scheme.step), jax.jit(scheme.init)(RNG, batch), batch


# By default where a row repeats what others show: the schemes that differ most.
SHORT = ("alternating", "consensus", "extragradient", "lookahead", "simultaneous", "unrolled")
SHORT_FIRST, SHORT_ROWS = (
    pytest.mark.parametrize("name", marked(names, SHORT)) for names in (CASES, SCHEMES)
)
KINDS = marked(
    [(name, kind) for name in CASES for kind in ("toy", "mlp")],
    default=[(name, kind) for name in SCHEMES for kind in ("toy", "mlp")],
)
KINDS += marked(
    [(name, "conv") for name in SCHEMES],
    default=(),
    telling=[(name, "conv") for name in ("alternating", "consensus", "unrolled")],
)


def row(tree, index):
    """One element of every leaf's leading axis."""
    return jax.tree.map(lambda leaf: leaf[index], tree)


def close(a, b, **tolerance):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, **tolerance), a, b)


def differ(a, b):
    return any(
        bool((x != y).any()) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    )


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_a_step_moves_both_players_and_counts(name, kind):
    """What comes out has the shape of what came in; nothing is traced twice."""
    step, state, batch = compiled(name, kind)
    before = jax.tree.map(np.array, state)
    after, metrics = step(state, batch, RNG)
    close(state, before, rtol=0)
    assert after.step == STEPS.get(name, 1)
    assert after.step.dtype == jnp.int32
    chex.assert_trees_all_equal_shapes_and_dtypes(state, after)
    chex.assert_tree_all_finite((after, metrics))
    for player in ("gen", "disc"):
        assert {f"loss/{player}", f"grad_norm/{player}", f"evaluations/{player}"} <= metrics.keys()
        assert differ(getattr(state.params, player), getattr(after.params, player))
        if kind != "toy":
            assert differ(getattr(state.opt_state, player), getattr(after.opt_state, player))
    counts = tuple(int(metrics[f"evaluations/{what}"]) for what in ("gen", "disc", "products"))
    assert counts == COSTS.get(name, (1, 1, 0))
    if kind != "toy":
        assert "accuracy/disc" in metrics
        assert differ(state.model_state.gen, after.model_state.gen)
    if kind == "conv":
        assert "penalty/disc" in metrics
    assert all(value.shape == () for value in metrics.values())
    step(after, batch, jax.random.key(7))
    assert step._cache_size() == 1


@ALL
def test_a_state_can_be_donated(name):
    """No buffer is held twice, not even before the first step."""
    step, state, batch = compiled(name, "toy")
    after, _ = step(state, batch, RNG)
    scheme = factory(name)(games.bilinear(dim=2, start=(1.0, -0.7)), sgd())
    donated, _ = jax.jit(scheme.step, donate_argnums=0)(scheme.init(RNG, batch), batch, RNG)
    close(donated, after, rtol=1e-6)


def dirac():
    return games.dirac("non_saturating", penalty=penalties.r1(0.5), start=(0.6, -0.4))


def boxed(game):
    """The game with each player's parameters in a dict, a container that could be written to."""

    def init(rng, batch):
        params, model_state = game.init(rng, batch)
        return Players(*({"p": own} for own in params)), model_state

    def losses(params, model_state, batch, rng):
        return game.losses(Players(*(own["p"] for own in params)), model_state, batch, rng)

    return Game(init, losses)


PLAIN = marked(
    [(name, "dirac") for name in CASES],
    default=[(name, "dirac") for name in SHORT],
    telling=[(name, "dirac") for name in SCHEMES],
)
PLAIN += marked(
    [(name, "mlp") for name in ("simultaneous", "alternating", "extragradient", "unrolled")],
    default=(),
    telling=[("simultaneous", "mlp"), ("unrolled", "mlp")],
)


@pytest.mark.parametrize(("name", "kind"), PLAIN)
def test_jit_equals_no_jit(name, kind, x64):
    game, batch = (boxed(dirac()), None) if kind == "dirac" else initialised(kind)
    scheme = factory(name)(game, adam())
    state = double(scheme.init(RNG, batch))
    # Adam divides a gradient by its own size, which magnifies the rounding of tiny ones.
    leaves = jax.tree.leaves(state)
    with jax.disable_jit():
        plain = scheme.step(state, batch, RNG)
    # The state that came in is unchanged: a step that wrote into its dicts would show here.
    assert all(a is b for a, b in zip(leaves, jax.tree.leaves(state), strict=True))
    close(plain, jax.jit(scheme.step)(state, batch, RNG), rtol=1e-7, atol=1e-9)


def double(tree):
    return jax.tree.map(lambda a: a.astype(float) if a.dtype == jnp.float32 else a, tree)


@pytest.mark.parametrize("name", marked(SCHEMES, ["unrolled"], telling=["consensus", "lookahead"]))
def test_vmap_over_four_seeds_equals_four_runs(name, x64):
    game, batch = initialised("mlp")

    def moved(key, batch):
        params, model_state = game.init(key, batch)
        by = 0.1 * jax.random.normal(key)  # one draw in place of one for each layer
        return jax.tree.map(lambda p: p + by, params), model_state

    scheme = factory(name)(game._replace(init=moved), sgd())

    def first_step(key):
        return scheme.step(double(scheme.init(key, batch)), batch, key)

    keys = jax.random.split(RNG, 4)
    together = jax.jit(jax.vmap(first_step))(keys)
    alone = jax.jit(first_step)
    for seed in range(4):
        close(row(together, seed), alone(keys[seed]), rtol=1e-7, atol=1e-9)  # a solver's tolerance


@ALL
def test_scan_equals_loop(name, x64):
    scheme = factory(name)(games.bilinear(dim=2, start=(1.0, -0.7)), sgd())
    state = scheme.init(RNG, None)
    keys = jax.random.split(RNG, 10)
    scanned, _ = jax.lax.scan(lambda s, k: scheme.step(s, None, k), state, keys)
    step = jax.jit(scheme.step)
    for key in keys:
        state, _ = step(state, None, key)
    close(scanned, state, rtol=1e-12)


@ROWS_FIRST
def test_resuming_in_the_middle_is_bitwise(name, tmp_path):
    """Through a checkpoint on disk, memory and optimiser states included."""
    step, start, batch = compiled(name, "mlp")
    keys = jax.random.split(RNG, 4)
    state = start
    for index, key in enumerate(keys):
        if index == 2:
            checkpoints.save(tmp_path, 2, state, keep=1)
        state, _ = step(state, batch, key)
    template = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), start)
    at, resumed = checkpoints.restore(tmp_path, template)
    assert at == 2
    resumed = jax.device_get(resumed)  # no committed arrays, which would be compiled for again
    for key in keys[2:]:
        resumed, _ = step(resumed, batch, key)
    close(resumed, state, rtol=0)


@ROWS_FIRST
def test_jacobian_against_central_differences(name, x64):
    """Wrong if any part of a step were cut off from differentiation; Adam's moments included."""
    scheme = factory(name)(dirac(), Players(gen=optax.adam(0.1), disc=optax.sgd(0.1, momentum=0.5)))
    step, state = jax.jit(scheme.step), scheme.init(RNG, None)
    for _ in range(3):
        state, _ = step(state, None, RNG)
    jacobian = jax.jit(partial(dynamics.update_map_jacobian, scheme.step))(state)
    leaves, treedef = jax.tree.flatten(state._replace(average=()))
    floats = [i for i, leaf in enumerate(leaves) if jnp.issubdtype(leaf.dtype, jnp.inexact)]
    numbers = [(i, at) for i in floats for at in np.ndindex(leaves[i].shape)]
    assert jacobian.shape == (len(numbers), len(numbers))

    def moved(index, at, by):
        shifted = [leaf.at[at].add(by) if i == index else leaf for i, leaf in enumerate(leaves)]
        shifted = jax.tree.unflatten(treedef, shifted)._replace(average=state.average)
        after, _ = step(shifted, None, RNG)
        after = jax.tree.leaves(after._replace(average=()))
        return np.concatenate([np.ravel(after[i]) for i in floats])

    share = 1e-6 if name == "anderson" else 1e-4  # of points, whose differences it divides by
    for column, (index, at) in enumerate(numbers):
        by = share * float(leaves[index][at])  # relative: a second moment is tiny
        difference = (moved(index, at, by) - moved(index, at, -by)) / (2 * by)
        np.testing.assert_allclose(jacobian[:, column], difference, rtol=1e-6, atol=1e-8)


def regression():
    """A game whose losses are means over the batch and which draws nothing."""

    def losses(params, model_state, batch, rng):
        del rng
        x = batch["x"]
        value = jnp.mean((x * params.gen - jnp.tanh(x) * params.disc) ** 2)
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


@SHORT_FIRST
def test_pmap_over_eight_devices_equals_one(name, x64):
    """SGD: Adam would hide a gradient scaled by the number of devices."""
    assert jax.device_count() == 8
    x = jax.random.normal(RNG, (32,))
    single = factory(name)(regression(), sgd())
    state = single.init(RNG, {"x": x})
    mapped = factory(name)(regression(), sgd(), axis_name="devices")
    replicas = jax.tree.map(lambda a: jnp.stack([a] * 8), state)
    one, eight = jax.jit(single.step), jax.pmap(mapped.step, axis_name="devices")
    for _ in range(3):
        state, metrics = one(state, {"x": x}, RNG)
        keys = jax.random.split(RNG, 8)
        replicas, mapped_metrics = eight(replicas, {"x": x.reshape(8, 4)}, keys)
    for device in range(8):
        close(row((replicas, mapped_metrics), device), (state, metrics), rtol=1e-11)


@SHORT_ROWS
def test_sharded_batch_equals_one_device(name, x64):
    mesh = jax.make_mesh((8,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    split = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("data"))
    scheme = factory(name)(regression(), sgd())
    x = jax.random.normal(RNG, (32,))
    state = scheme.init(RNG, {"x": x})
    one = jax.jit(scheme.step)(state, {"x": x}, RNG)
    eight = jax.jit(scheme.step)(state, {"x": jax.device_put(x, split)}, RNG)
    close(one, eight, rtol=1e-12)


@ROWS
def test_float32_players_stay_so(name, x64):
    """Beside a memory of float64, as networks have it where x64 is enabled."""
    game = games.bilinear(dim=2, start=(1.0, -0.7))

    def init(rng, batch=None):
        params, model_state = game.init(rng, batch)
        return jax.tree.map(lambda leaf: leaf.astype(jnp.float32), params), model_state

    scheme = factory(name)(game._replace(init=init), adam())
    state = scheme.init(RNG, None)
    after, _ = jax.eval_shape(scheme.step, state, None, RNG)
    chex.assert_trees_all_equal_dtypes(state, after)
