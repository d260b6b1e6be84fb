"""Networks in bfloat16: what is rounded, what stays in float32, which products are left in it."""

import importlib.util
from pathlib import Path

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from marks import marked, telling

from ganjax import devices, experiment, games, losses, nets, schemes, train
from ganjax.errors import ConfigError
from ganjax.types import Players


def of_file(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


products = of_file(Path(__file__).parents[2] / "scripts" / "benchmarks" / "products.py").products
SYSTEMS = of_file(Path(__file__).with_name("test_contract.py")).SYSTEMS
CASES = of_file(Path(__file__).parents[1] / "schemes" / "test_schemes.py").CASES
# Where products of float32 are left, by the scope they are written in: of one vector with a kernel
# each, and of codes with each other.
NAMED = {
    "SpectralWeights": "a step of the power iteration, the norm, its gradient: one example each",
    "pull_away": "cosines of codes, a penalty",
}
ADAM = {"name": "adam", "learning_rate": 1e-3}
DIGITS = {
    "steps": 4,
    "batch_size": 8,
    "log_every": 2,
    "compute": "bfloat16",
    "data": {"name": "digits"},
    "game": {"name": "gan", "z_dim": 4},
    "generator": {"name": "dcgan", "width": 4},
    "discriminator": {"name": "dcgan", "width": 4},
    "loss": {"name": "non_saturating"},
    "scheme": {"name": "alternating"},
    "gen_tx": ADAM,
    "disc_tx": ADAM,
}
MLP = {"name": "mlp", "width": 8, "depth": 1}
# What a config has of its own, and the products of bfloat16 and of float32 in a step where
# convolutions are XLA's own. With two layers in either player: 2 + 2 + 2 forward and 3 + 3 back for
# the discriminator, 2 + 2 forward and 2 + 3 back for the generator.
STEPS = {
    "mlp": ({"generator": MLP, "discriminator": MLP}, 21, 0),
    "dcgan": ({}, 21, 0),
    "spectral": (
        {"discriminator": {"name": "dcgan", "width": 4, "norm": "none", "weights": "spectral"}},
        21,
        32,
    ),
    "wgan_gp": (
        {
            "discriminator": {"name": "dcgan", "width": 4, "norm": "layer"},
            "loss": {"name": "wasserstein"},
            "penalties": {"gp": {"name": "wgan_gp"}},
        },
        29,
        0,
    ),
    "pull_away": (
        {
            "game": {"name": "energy_based", "z_dim": 4},
            "generator": MLP,
            "discriminator": {"name": "mlp_autoencoder", "width": 8, "z_dim": 4},
            "loss": None,
        },
        53,
        3,
    ),
}


def config(own):
    return {key: value for key, value in {**DIGITS, **own}.items() if value is not None}


def lowered(step, *arguments):
    return products(jax.jit(step).lower(*arguments).as_text(debug_info=True))


def floats(tree):
    leaves = [leaf.dtype for leaf in jax.tree.leaves(tree)]
    return {dtype for dtype in leaves if jnp.issubdtype(dtype, jnp.inexact)}


def rounded(tree):
    """To bfloat16 and back."""
    return jax.tree.map(
        lambda x: x.astype(jnp.bfloat16).astype(x.dtype) if floats(x) else x,
        tree,
    )


@pytest.mark.parametrize(
    ("name", "backend"),
    marked(
        [(name, backend) for name in STEPS for backend in ("cpu", "gpu")],
        default=[("dcgan", "cpu"), ("mlp", "gpu")],
        telling=[(name, "gpu") for name in STEPS],
    ),
)
def test_no_product_of_float32_is_left_but_those_named(name, backend, monkeypatch):
    """Also where convolutions are XLA's own."""
    own, narrow, wide = STEPS[name]
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    built = experiment.build(config(own))
    state = experiment.template(built)
    batch = jax.eval_shape(built.batch, built.train, jax.random.key(0))
    found = lowered(built.scheme.step, state, batch, jax.random.key(1))
    left = [product for product in found if product.dtypes != ("bf16", "bf16")]
    assert all(product.dtypes == ("f32", "f32") for product in left)
    assert [p for p in left if not any(scope in p.scope for scope in NAMED)] == []
    if backend == "cpu":  # where a convolution is several products
        assert len(found) - len(left) >= narrow
        assert bool(left) == bool(wide)
    else:
        assert (len(found) - len(left), len(left)) == (narrow, wide)
    plain = experiment.build(config({**own, "compute": "float32"}))
    found = lowered(plain.scheme.step, state, batch, jax.random.key(1))
    assert {product.dtypes for product in found} == {("f32", "f32")}


@pytest.mark.parametrize("name", STEPS)
def test_all_that_is_kept_and_told_is_float32(name):
    built = experiment.build(config(STEPS[name][0]))
    state = experiment.template(built)
    batch = jax.eval_shape(built.batch, built.train, jax.random.key(0))
    after, metrics = jax.eval_shape(built.scheme.step, state, batch, jax.random.key(1))
    assert floats((state, after, metrics)) == {jnp.dtype("float32")}
    chex.assert_trees_all_equal_shapes_and_dtypes(state, after)

    def outcome(params, model_state, batch):
        told = built.game.losses(params, model_state, batch, jax.random.key(1))
        return told.gen.value + told.disc.value, told

    one = jax.eval_shape(built.one_batch, built.train, jax.random.key(0))
    given = state.params, state.model_state, one
    assert floats(jax.eval_shape(jax.grad(outcome, has_aux=True), *given)) == {jnp.dtype("float32")}


@pytest.mark.parametrize(
    "system",  # the one left out is traced long, and has a test of its own below
    [pytest.param(s, marks=pytest.mark.slow if s == "progressive" else ()) for s in SYSTEMS],
)
def test_every_system_asks_and_answers_in_float32(system):
    """Traced only: a loss and each query, of parameters and data in float32."""
    game, batch = SYSTEMS[system]()
    game = games.in_bfloat16(game)
    params, model_state = jax.eval_shape(game.init, jax.random.key(0), batch)
    found = lowered(
        lambda *given: jax.grad(lambda p: game.losses(p, *given[1:]).gen.value)(given[0]),
        params,
        model_state,
        batch,
        jax.random.key(1),
    )
    assert found
    left = [p for p in found if p.dtypes != ("bf16", "bf16")]
    assert [p for p in left if not any(scope in p.scope for scope in NAMED)] == []
    losses = jax.eval_shape(game.losses, params, model_state, batch, jax.random.key(1))
    assert floats(losses) == {jnp.dtype("float32")}
    chex.assert_trees_all_equal_shapes_and_dtypes(
        model_state, Players(losses.gen.model_state, losses.disc.model_state)
    )
    given = {
        "latents": (jax.random.key(0), 8),
        "panels": (batch, jax.random.key(0)),
        "log_weights": (batch.get("x"), jax.random.key(0)),
        "translate_ab": (batch.get("a"),),
        "translate_ba": (batch.get("b"),),
    }
    for name, query in game.queries.items():
        if name in ("generate", "decode"):
            z = jnp.zeros((8, 2 if "autoencoder" in system or system == "vae" else 3))
            arguments = (z, *((batch["y"],) if system == "conditional" else ()))
        else:
            arguments = given.get(name, (batch.get("x"),))
        answer = jax.eval_shape(
            lambda *given, query=query, more=arguments: query(*given, *more), params, model_state
        )
        assert floats(answer) == {jnp.dtype("float32")}, name


DIFFERENTIATED = ("alternating", "competitive", "consensus", "extragradient", "follow_the_ridge")
DIFFERENTIATED += ("lookahead", "opponent_shaping", "symplectic", "unrolled")


@pytest.mark.parametrize("name", marked(CASES, DIFFERENTIATED))
def test_every_scheme_differentiates_through_the_casts(name):
    """Traced: derivatives of both kinds, and one of the other, go through."""
    factory, options = CASES[name]
    game, batch = SYSTEMS["gan"]()
    game = games.in_bfloat16(game)
    scheme = schemes.SCHEMES[factory](
        game, Players(gen=optax.adam(1e-3, eps_root=1e-16), disc=optax.sgd(0.1)), **options
    )
    state = jax.eval_shape(scheme.init, jax.random.key(0), batch)
    after, metrics = jax.eval_shape(scheme.step, state, batch, jax.random.key(1))
    chex.assert_trees_all_equal_shapes_and_dtypes(state, after)
    assert floats((after, metrics)) == {jnp.dtype("float32")}


def affine(shape=(1,)):
    return nets.MLPGenerator(shape, depth=0), nets.MLPDiscriminator(depth=0)


def test_numbers_of_few_bits_give_the_very_losses():
    """Affine players of small whole numbers: nothing is rounded, so both precisions agree."""
    game = games.gan(*affine((3,)), z_dim=2, loss=losses.least_squares, prior=whole)
    batch = {"x": jnp.arange(12.0).reshape(4, 3) - 6}
    params, model_state = game.init(jax.random.key(0), batch)
    params = jax.tree.map(lambda x: jnp.round(3 * x), params)
    both = [jax.jit(g.losses) for g in (game, games.in_bfloat16(game))]
    for rng in jax.random.split(jax.random.key(1), 3):
        told = [of(params, model_state, batch, rng) for of in both]
        chex.assert_trees_all_equal(*told)


def whole(rng, shape):
    return jax.random.randint(rng, shape, -3, 4).astype(jnp.float32)


def test_parameters_are_rounded_to_eight_bits():
    """1 + 2^-9 is 1 in bfloat16, 1 + 2^-7 is a number of its own."""
    game = games.in_bfloat16(games.gan(*affine(), z_dim=1))
    batch = {"x": jnp.ones((4, 1))}
    params, model_state = game.init(jax.random.key(0), batch)

    def value(weight):
        disc = jax.tree.map(lambda x: jnp.full_like(x, weight), params.disc)
        given = params._replace(disc=disc), model_state, batch, jax.random.key(1)
        return game.losses(*given).disc.value

    assert value(1 + 2**-9) == value(1.0)
    assert value(1 + 2**-7) != value(1.0)


@pytest.mark.parametrize("name", ["mlp", "dcgan"])
def test_losses_are_those_of_rounded_parameters(name):
    """Within the rounding of activations: 2^-9 of each, some of them, relative."""
    built = experiment.build(config({**STEPS[name][0], "compute": "float32"}))
    state = jax.jit(lambda rng: experiment.initial_state(built, rng))(jax.random.key(0))
    batch = built.batch(built.train, jax.random.key(1))
    given = state.model_state, batch, jax.random.key(2)
    exact = jax.jit(built.game.losses)(rounded(state.params), *given)
    narrow = jax.jit(games.in_bfloat16(built.game).losses)(state.params, *given)
    for one, other in zip(exact, narrow, strict=True):
        np.testing.assert_allclose(other.value, one.value, rtol=2**-6)
        assert other.value != one.value
        tree = (one.model_state, other.model_state)
        chex.assert_trees_all_close(*tree, rtol=2**-6, atol=2**-6)


@telling
def test_other_games_stay_what_they_are():
    """Nothing of it is left after tracing, nor after an error in it."""
    game, batch = SYSTEMS["gan"]()
    params, model_state = game.init(jax.random.key(0), batch)
    given = params, model_state, batch, jax.random.key(1)
    before = game.losses(*given)
    narrow = games.in_bfloat16(game)
    assert narrow.losses(*given).disc.value != before.disc.value
    with pytest.raises(KeyError):
        narrow.losses(params, model_state, {}, jax.random.key(1))
    chex.assert_trees_all_equal(game.losses(*given), before)


def test_a_toy_in_float64_stays_in_float64(x64):
    """The mathematics has no network; nor does the setting's default touch a game that has."""
    game = games.bilinear()
    params, model_state = game.init(jax.random.key(0), None)
    told = games.in_bfloat16(game).losses(params, model_state, None, jax.random.key(0))
    assert floats(told) == {jnp.dtype("float64")}
    built = experiment.build(config({"compute": "float32"}))
    state = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, "float64") if floats(x) else x,
        experiment.template(built),
    )
    batch = {"x": jax.ShapeDtypeStruct((8, *built.data.shape), "float64")}
    found = lowered(built.scheme.step, state, batch, jax.random.key(1))
    assert {product.dtypes for product in found} == {("f64", "f64")}


FORMS = marked(["seeds", "parts", "replicas", "mesh"], (), telling=["parts", "replicas"])


@pytest.mark.parametrize("form", FORMS)
def test_it_goes_with_other_forms(form):
    """Two seeds at once, parts of a batch, devices: what one run, batch or device gives, rounded.

    Sums over a batch are rounded in each part by itself, hence 1%.
    """
    own = {"generator": MLP, "discriminator": MLP, "gen_tx": SGD, "disc_tx": SGD}
    one = experiment.build(config(own))
    run = train.chunk(one, 4)

    @jax.jit
    def state(seed):
        return experiment.initial_state(one, jax.random.key(seed))

    given = one.train, jax.random.key(5), jnp.int32(0)
    start = state(0)
    expected, _ = jax.jit(run)(start, *given)
    before = jax.device_get(start.params)
    if form == "seeds":
        states = jax.tree.map(lambda *leaves: jnp.stack(leaves), start, state(1))
        told, _ = jax.jit(jax.vmap(run, in_axes=(0, None, None, None)))(states, *given)
        told = jax.tree.map(lambda leaf: leaf[0], told)
    elif form == "parts":
        parts = experiment.build(config({**own, "accumulate": 4}))
        told, _ = jax.jit(train.chunk(parts, 4))(start, *given)
    else:
        layout = devices.layout("pmap" if form == "replicas" else "jit")
        many = train.chunk(experiment.build(config(own), layout.axis_name), 4)
        many = devices.compiled(layout, many, start, *given)
        told = devices.take(layout, many(devices.put(layout, start), *given)[0])
    moved, apart = (
        optax.tree.norm(optax.tree.sub(expected.params, other))
        for other in (before, jax.device_get(told.params))
    )
    assert apart < 0.01 * moved


SGD = {"name": "sgd", "learning_rate": 0.05}


@telling
def test_a_growing_game_fades_in_bfloat16():
    """The share of a fade is counted in float32, and does not widen what it blends."""
    game, batch = SYSTEMS["progressive"]()
    game = games.in_bfloat16(game)
    state = jax.eval_shape(game.init, jax.random.key(0), batch)
    found = lowered(
        lambda params, state: game.losses(params, state, batch, jax.random.key(1)), *state
    )
    assert {product.dtypes for product in found} == {("bf16", "bf16")}


@pytest.mark.slow
@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("play", ["alternating", "consensus", "unrolled"])
def test_every_system_plays(system, play):
    """Two steps of it: finite, and each player with something to learn moves."""
    game, batch = SYSTEMS[system]()
    factory, options = CASES[play]
    tx = Players(gen=optax.sgd(0.01), disc=optax.sgd(0.01))
    scheme = schemes.SCHEMES[factory](games.in_bfloat16(game), tx, **options)
    state = start = jax.jit(scheme.init)(jax.random.key(0), batch)
    step = jax.jit(scheme.step)
    for seed in (1, 2):
        state, metrics = step(state, batch, jax.random.key(seed))
    chex.assert_tree_all_finite((state, metrics))
    chex.assert_trees_all_equal_shapes_and_dtypes(start, state)
    for before, after in zip(start.params, state.params, strict=True):
        moved = [
            bool((a != b).any())
            for a, b in zip(*map(jax.tree.leaves, (before, after)), strict=True)
        ]
        assert any(moved) or not moved


def test_the_setting():
    toy = {
        "game": {"name": "bilinear"},
        "scheme": {"name": "simultaneous"},
        "gen_tx": SGD,
        "disc_tx": SGD,
    }
    with pytest.raises(ConfigError, match="compute='bfloat16' is for games of networks"):
        experiment.build({**toy, "compute": "bfloat16"})
    with pytest.raises(ConfigError, match="compute='float16' must be"):
        experiment.build({**toy, "compute": "float16"})


@telling
def test_a_run_samples_and_resumes_as_it_was_trained(tmp_path):
    built = experiment.build(config({"evaluation": {"name": "digits"}, "evaluation_samples": 64}))
    train.train(built, tmp_path)
    loaded = experiment.load(tmp_path)
    assert loaded.config.compute == "bfloat16"
    wide = experiment.build(config({"compute": "float32"}))
    x, exact = (one.sample(loaded.state, jax.random.key(0), 4) for one in (loaded, wide))
    assert x.dtype == exact.dtype == jnp.float32
    assert (x != exact).any()
    np.testing.assert_allclose(x, exact, rtol=0, atol=2**-6 * np.abs(exact).max())
