"""The rate of every move in step s is schedule(s), whatever the scheme makes of a step."""

import json
import sys
import textwrap

import chex
import examples
import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
import optax
import pytest
from marks import marked

from ganjax import checkpoints, devices, dynamics, experiment, optimisers, schemes, train
from ganjax.config import validate
from ganjax.errors import ConfigError
from ganjax.nested import merged
from ganjax.optimisers import Scheduled
from ganjax.summary import describe
from ganjax.sweep.programs import programs
from ganjax.swept import Swept
from ganjax.types import Players

STEPS = 10
FALL = {"name": "cosine_decay_schedule", "init_value": 0.2, "decay_steps": STEPS}
RISE = {"name": "linear_schedule", "init_value": 0.0, "end_value": 0.3, "transition_steps": STEPS}
AT = Players(gen=optax.cosine_decay_schedule(0.2, STEPS), disc=optax.linear_schedule(0, 0.3, STEPS))
CONFIG = {
    "steps": STEPS,
    "log_every": 5,
    "game": {"name": "bilinear", "start": (1.0, 0.5)},
    "scheme": {"name": "simultaneous"},
    "gen_tx": {"name": "sgd", "learning_rate": FALL},
    "disc_tx": {"name": "sgd", "learning_rate": RISE},
}
# What schemes cannot do without, and all that makes a step several moves.
OPTIONS = {
    "anderson": {"inner": "alternating"},
    "averaged": {"inner": "extragradient"},
    "competitive": {"lr": 0.1},
    "lookahead": {"inner": "alternating", "steps": 3},
    "opponent_shaping": {"lookahead_lr": 0.1},
    "runge_kutta": {"lr": 0.1},
    "unrolled": {"unroll_steps": 3},
}
INNER = {"name": "unrolled", "unroll_steps": 2, "order": "disc_first"}
NESTED = {"name": "lookahead", "steps": 2, "inner": {**INNER, "name": "unrolled"}}
CASES = {name: {"name": name, **OPTIONS.get(name, {})} for name in schemes.SCHEMES} | {
    "disc_updates": {"name": "alternating", "disc_updates": 5},
    "gen_first": {"name": "negative_momentum", "disc_updates": 3, "first": "gen"},
    "first_order": {"name": "unrolled", "unroll_steps": 2, "first_order": True},
    "inner_tx": {**INNER, "inner_tx": {"name": "sgd", "learning_rate": FALL}},
    "nested": {"name": "lookahead", "steps": 3, "inner": NESTED},
    "reach": {"name": "extragradient", "reach": FALL},
    "reach_of_sgd": {"name": "extragradient", "reach": {"name": "sgd", "learning_rate": FALL}},
    "nested_inner_tx": {
        **NESTED,
        "inner": {**INNER, "inner_tx": {"name": "sgd", "learning_rate": FALL}},
    },
}


def rates_in(state):
    """The learning rates that stand in the players' optimisers."""
    found = jax.tree.leaves(state.opt_state, is_leaf=lambda part: isinstance(part, Scheduled))
    return [float(part.learning_rate) for part in found if isinstance(part, Scheduled)]


def constant(section, rate):
    """A section with a number in the place of its schedule."""
    if isinstance(section, dict):
        return {
            key: rate if value is FALL else constant(value, rate) for key, value in section.items()
        }
    return section


def paths(section, prefix="scheme"):
    for key, value in section.items():
        if value is FALL:
            yield f"{prefix}.{key}"
        elif isinstance(value, dict):
            yield from paths(value, f"{prefix}.{key}")


@pytest.mark.parametrize("name", marked(CASES, [*schemes.SCHEMES, "disc_updates", "nested"]))
def test_every_move_of_step_s_is_made_at_the_rate_of_s(name):
    """Beside it a run of the same scheme at a rate that is a number, another in every step."""
    config = {**CONFIG, "scheme": CASES[name]}
    built = experiment.build(config)
    numbers = {"gen_tx.learning_rate": 0, "disc_tx.learning_rate": 1}
    numbers |= dict.fromkeys(paths(CASES[name]), 0)
    plain = experiment.build(
        {**constant(config, 0.1), "disc_tx": {"name": "sgd", "learning_rate": 0.1}}
    )

    @jax.jit
    def both(state, other, given, rng):
        swept = {path: Swept(given[index], (0.1, 0.2)) for path, index in numbers.items()}
        scheme = experiment.reschemed(plain, swept)
        return built.scheme.step(state, None, rng)[0], scheme.step(other, None, rng)[0]

    state = experiment.initial_state(built, jax.random.key(0))
    other = experiment.initial_state(plain, jax.random.key(0))
    for step in range(STEPS):
        expected = [float(AT.gen(step)), float(AT.disc(step))]
        state, other = both(state, other, jnp.array(expected), jax.random.key(step))
        np.testing.assert_allclose(rates_in(state), expected, atol=1e-7)  # float32
        for a, b in zip(state.params, other.params, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)  # float32, and roots of 0


def test_a_schedule_goes_on_through_stages():
    """Whatever scheme each has, and however often its generator has moved before."""
    ends = ((4, CASES["lookahead"]), (7, CASES["disc_updates"]), (STEPS, CASES["nested"]))
    stages = {f"s{end}": {"until": end, "scheme": scheme} for end, scheme in ends}
    built = experiment.build({**CONFIG, "stages": stages})
    state = experiment.initial_state(built.stages[0], jax.random.key(0))
    grow = [
        jax.jit(lambda state, rng, to=to: experiment.grow(to, state, rng)) for to in built.stages
    ]
    steps = [jax.jit(stage.scheme.step) for stage in built.stages]
    for step in range(STEPS):
        place = built.stages.index(built.stage(step + 1))
        if step in (4, 7):
            state = grow[place](state, jax.random.key(0))
            assert rates_in(state) == [0, 0]
        state, _ = steps[place](state, None, jax.random.key(step))
        expected = [float(AT.gen(step)), float(AT.disc(step))]
        np.testing.assert_allclose(rates_in(state), expected, atol=1e-7)  # float32
    text = describe(built, train.compiled_chunk(built, 1))
    assert "learning rates at steps 5, 6, 7:" in text
    assert f"gen_tx.learning_rate: {AT.gen(4):g}, {AT.gen(5):g}, {AT.gen(6):g}" in text


def counting(section):
    return {**section, "learning_rate": {**section["learning_rate"], "counts": "updates"}}


def test_a_rate_may_count_the_players_own_updates():
    """As optax's own schedules do, bitwise: `disc_updates` of them a step."""
    config = {**CONFIG, "scheme": CASES["disc_updates"], "disc_tx": counting(CONFIG["disc_tx"])}
    built = experiment.build(config)
    tx = Players(gen=optax.sgd(AT.gen), disc=optax.sgd(AT.disc))
    theirs = schemes.alternating(built.game, tx, disc_updates=5)
    state = experiment.initial_state(built, jax.random.key(0))
    other = theirs.init(jax.random.key(0))
    for step in range(3):
        state, _ = jax.jit(built.scheme.step)(state, None, jax.random.key(step))
        other, _ = jax.jit(theirs.step)(other, None, jax.random.key(step))
        for a, b in zip(state.params, other.params, strict=True):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(rates_in(state)[1], AT.disc(5 * step + 4), rtol=1e-6)
    text = describe(built, train.compiled_chunk(built, 1))
    assert f"disc_tx.learning_rate: 0, {AT.disc(20):g}, 0.3, by its own updates, 5 a step" in text
    with pytest.raises(ConfigError, match="counts='moves' must be 'steps'"):
        experiment.build(
            {**config, "disc_tx": {"name": "sgd", "learning_rate": {**FALL, "counts": "moves"}}}
        )


def test_one_move_a_step_is_that_of_optax(x64):
    """Bitwise, also of Adam: a schedule within the optimiser, at the same count."""
    section = {"name": "adam", "b1": 0.5, "learning_rate": FALL}
    tx, theirs = optimisers.transform("gen_tx", section), optax.adam(AT.gen, b1=0.5)
    params = {"w": jnp.arange(3.0), "b": jnp.ones(2, jnp.float32)}
    state, other = tx.init(params), theirs.init(params)
    for step in range(4):
        slope = jax.tree.map(lambda p, at=step: jnp.cos(p + at), params)
        ours, state = tx.update(slope, state, params, step=jnp.int32(step))
        optaxs, other = theirs.update(slope, other, params)
        for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(optaxs), strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
    number = optimisers.transform("gen_tx", {**section, "learning_rate": 0.1})
    assert jax.tree.structure(number.init(params)) == jax.tree.structure(
        optax.adam(0.1).init(params)
    )


BETA = {"name": "linear_schedule", "init_value": 0.5, "end_value": 0.9, "transition_steps": 4}


@pytest.mark.parametrize("rate", [0.1, FALL])
def test_b2_may_have_a_schedule(rate):
    """Adam written out, its bias correction with the b2 of the moment; float32 stays so."""
    section = {"name": "adam", "b1": 0.0, "b2": BETA, "eps": 1e-8, "learning_rate": rate}
    tx = optimisers.transform("disc_tx", section)
    params = {"w": jnp.arange(3.0), "b": jnp.ones(2, jnp.float32)}
    state, v = tx.init(params), jax.tree.map(np.zeros_like, params)
    for step in range(6):
        slope = jax.tree.map(lambda p, at=step: jnp.cos(p + at), params)
        found, after = jax.jit(tx.update)(slope, state, params, step=jnp.int32(step))
        chex.assert_trees_all_equal_shapes_and_dtypes((found, after), (params, state))
        state, b2 = after, 0.5 + 0.1 * min(step, 4)
        v = jax.tree.map(
            lambda v, g, b2=b2: b2 * v + (1 - b2) * np.asarray(g, float) ** 2, v, slope
        )
        now = rate if rate == 0.1 else float(AT.gen(step))
        for name, g in slope.items():
            expected = -now * g / (np.sqrt(v[name] / (1 - b2 ** (step + 1))) + 1e-8)
            np.testing.assert_allclose(found[name], expected, rtol=1e-5)


def test_a_b2_of_1_is_refused():
    section = {"name": "adam", "learning_rate": 0.1, "b2": {**BETA, "end_value": 1.0}}
    with pytest.raises(ConfigError, match=r"disc_tx.b2 gives the rate 1.0 .* and below 1"):
        optimisers.transform("disc_tx", section)


def test_resuming_is_bitwise(tmp_path):
    """From a checkpoint in the middle of a schedule and of a step's count of updates."""
    config = {**CONFIG, "scheme": CASES["nested"], "checkpoint_every": 5, "keep_checkpoints": 9}
    built = experiment.build(config)
    train.train(built, tmp_path)
    folder = tmp_path / "checkpoints"
    whole = checkpoints.restore(folder, lambda step: experiment.template(built)).state
    first = folder / "10"
    for path in sorted(first.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    first.rmdir()
    train.train(built, tmp_path)
    again = checkpoints.restore(folder, lambda step: experiment.template(built)).state
    jax.tree.map(np.testing.assert_array_equal, whole, again)


FORMS = marked([("jit", True), ("pmap", False)], default=[], telling=[("pmap", False)])


@pytest.mark.parametrize(("form", "sharded"), FORMS)
def test_devices_agree(form, sharded):
    config = {
        **examples.RING,
        **{key: CONFIG[key] for key in ("steps", "log_every", "disc_tx")},
        "scheme": {"name": "lookahead", "inner": CASES["disc_updates"], "steps": 2},
        "gen_tx": {**CONFIG["gen_tx"], "momentum": 0.5},
    }
    layout = devices.layout(form, sharded, among=jax.devices()[:2])
    states = []
    for spread in (None, layout):
        built = experiment.build(config, spread.axis_name if spread else None)
        state = experiment.initial_state(built, jax.random.key(0))
        run = train.compiled_chunk(built, 4, spread)
        given = built.train, jax.random.key(1), jnp.int32(0)
        state, _ = run(devices.put(spread, state) if spread else state, *given)
        states.append(jax.device_get(devices.take(spread, state) if spread else state))
    assert rates_in(states[1]) == rates_in(states[0])
    for a, b in zip(*(jax.tree.leaves(state.params) for state in states), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_seeds_side_by_side_and_the_spectrum_of_a_step():
    """Under vmap each run has its own step; the rate adds an eigenvalue of 0."""
    built = experiment.build({**CONFIG, "scheme": CASES["extragradient"]})
    keys = jax.random.split(jax.random.key(0), 2)
    states = jax.vmap(lambda rng: experiment.initial_state(built, rng))(keys)
    states = states._replace(step=jnp.array([2, 6], jnp.int32))
    moved, _ = jax.vmap(lambda state, rng: built.scheme.step(state, None, rng))(states, keys)
    np.testing.assert_allclose(moved.opt_state.gen.learning_rate, [AT.gen(2), AT.gen(6)], rtol=1e-6)
    state = experiment.initial_state(built, keys[0])._replace(step=jnp.int32(4))
    spectrum = dynamics.update_map_spectrum(built.scheme.step, state)
    product = float(AT.gen(4)) * float(AT.disc(4))
    np.testing.assert_allclose(abs(spectrum)[:2] ** 2, 1 - product + product**2, rtol=1e-5)
    np.testing.assert_array_equal(spectrum[2:], 0)


def test_a_monitor_tries_at_the_rate_of_the_step():
    config = {**CONFIG, "monitor": {"name": "nash", "steps": 1}, "game": {"name": "bilinear"}}
    built = experiment.build(config)
    state = experiment.initial_state(built, jax.random.key(0))._replace(step=jnp.int32(3))
    told = built.monitor(state, None, jax.random.key(0), {})
    slope = float(state.params.disc[0])
    np.testing.assert_allclose(told["gain/gen"], AT.gen(3) * slope**2, rtol=1e-5)


OWN = """
import optax
from ganjax.schemes.field import both_gradients, finish, move_both, start
from ganjax.types import Players, Scheme


def scheme(game, tx, *, told=True, count=1, steps=1, axis_name=None):
    def init(rng, batch=None):
        return start(game, tx, rng, batch)

    def step(state, batch, rng):
        gradients, losses = both_gradients(game, state.params, state.model_state, batch, rng)
        extra = {"step": state.step} if told else {}
        opt_state, metrics = [], finish(tx, state, gradients, gradients, losses, evaluations=1)[1]
        for player in Players._fields:
            of = getattr(tx, player)
            own = getattr(gradients, player), getattr(state.opt_state, player)
            opt_state.append(of.update(*own, getattr(state.params, player), **extra)[1])
        return state._replace(step=state.step + count, opt_state=Players(*opt_state)), metrics

    return Scheme(init, step, updates=steps)


def deaf(inner):
    def update(updates, state, params=None):
        return inner.update(updates, state, params)

    return optax.GradientTransformation(inner.init, update)
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own_rates.py").write_text(textwrap.dedent(OWN))
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("own_rates", None)


def test_a_scheme_of_ones_own_tells_the_step(own):
    """Or is refused when it is built, not trained at the rate of step 0."""
    config = {**CONFIG, "scheme": {"name": "own_rates:scheme"}}
    experiment.build(config)
    silent = {**config, "scheme": {"name": "own_rates:scheme", "told": False}}
    with pytest.raises(ConfigError, match=r"field\.move, or pass step=state\.step"):
        experiment.build(silent)
    plain = {"name": "sgd", "learning_rate": 0.1}
    experiment.build({**silent, "gen_tx": plain, "disc_tx": plain})
    experiment.build({**config, "gen_tx": plain, "disc_tx": plain})
    updates = {key: counting(CONFIG[key]) for key in ("gen_tx", "disc_tx")}
    experiment.build({**silent, **updates})


@pytest.mark.parametrize("options", [{"count": 2}, {"count": 0}, {"count": 1, "steps": 3}])
def test_a_scheme_of_ones_own_counts_the_generators_updates(own, options):
    config = {**CONFIG, "scheme": {"name": "own_rates:scheme", **options}}
    with pytest.raises(ConfigError, match=f"adds {options['count']} to state.step"):
        experiment.build(config)
    experiment.build(
        {**config, **{k: {"name": "sgd", "learning_rate": 0.1} for k in ("gen_tx", "disc_tx")}}
    )
    experiment.build({**config, "scheme": {"name": "own_rates:scheme", "count": 3, "steps": 3}})


def test_a_transform_of_ones_own_hands_the_step_on(own):
    wrapped = {"name": "own_rates:deaf", "inner": CONFIG["gen_tx"]}
    with pytest.raises(ConfigError, match=r"hand \*\*extra_args on"):
        experiment.build({**CONFIG, "gen_tx": wrapped})


def joined(*parts, **own):
    return {"name": "join_schedules", "schedules": list(parts), "boundaries": (4,), **own}


@pytest.mark.parametrize(
    ("section", "theirs"),
    [
        (
            {"name": "piecewise_constant_schedule", "init_value": 0.1},
            optax.constant_schedule(0.1),
        ),
        (
            {
                "name": "piecewise_constant_schedule",
                "init_value": 0.1,
                "boundaries_and_scales": {3: 0.5, 10: 0.1},
            },
            optax.piecewise_constant_schedule(0.1, {3: 0.5, 10: 0.1}),
        ),
        (
            {
                "name": "piecewise_interpolate_schedule",
                "interpolate_type": "linear",
                "init_value": 0.1,
                "boundaries_and_scales": {3: 0.5},
            },
            optax.piecewise_interpolate_schedule("linear", 0.1, {3: 0.5}),
        ),
        (joined(RISE, FALL), optax.join_schedules([AT.disc, AT.gen], [4])),
    ],
)
def test_schedules_of_tables_and_lists(section, theirs):
    """From a config file and from the JSON of a run folder."""
    config = ml_collections.ConfigDict({**CONFIG, "gen_tx": {"name": "sgd"}})
    config.gen_tx.learning_rate = section
    resolved = experiment.build(config.lock()).config.to_dict()
    assert experiment.build(json.loads(json.dumps(resolved))).config.to_dict() == resolved
    rate = resolved["gen_tx"]["learning_rate"]
    made = optimisers.schedule("learning_rate", rate)
    for step in range(15):
        np.testing.assert_array_equal(made.at(step), theirs(step))


def test_the_factors_of_a_table_are_overridden_by_step():
    """A cell's override goes into the table; cells that differ in it are two programs."""
    table = {"name": "piecewise_constant_schedule", "boundaries_and_scales": {3: 0.5}}
    config = {**CONFIG, "gen_tx": {"name": "sgd", "learning_rate": {**table, "init_value": 0.1}}}
    override = {"gen_tx": {"learning_rate": {"boundaries_and_scales": {3: 0.25}}}}
    cells = {"half": validate(config), "quarter": validate(merged(config, override))}
    rates = [cell["gen_tx"]["learning_rate"]["boundaries_and_scales"] for cell in cells.values()]
    assert rates == [{"3": 0.5}, {"3": 0.25}]
    assert {program.cells for program in programs(cells)} == {("half",), ("quarter",)}


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (joined(RISE, counting({"learning_rate": FALL})["learning_rate"]), "argument 'counts'"),
        (joined(RISE), r"boundaries=\(4,\) must be 0 rising steps"),
        (joined(RISE, FALL, RISE, boundaries=(5, 3)), r"must be 2 rising steps"),
        (joined(RISE, {"name": "cosine_decay"}), "Did you mean 'cosine_decay_schedule'"),
        ({**joined(), "schedules": RISE}, "must be a list of sections, each a schedule"),
        (
            {
                "name": "piecewise_constant_schedule",
                "init_value": 0.1,
                "boundaries_and_scales": {"name": "x"},
            },
            "must be a dict {step: factor}",
        ),
        ({**FALL, "alpha": FALL}, "alpha is a section, and .* takes a plain value there$"),
        ({"name": "sgdr_schedule", "cosine_kwargs": 1}, "unknown gen_tx.learning_rate"),
    ],
)
def test_mistakes_in_a_schedule(section, message):
    with pytest.raises(ConfigError, match=message):
        experiment.build({**CONFIG, "gen_tx": {"name": "sgd", "learning_rate": section}})


@pytest.mark.parametrize(
    "wrapper",
    [
        {"name": "clip_weights", "limit": 0.5},
        {"name": "apply_if_finite", "max_consecutive_errors": 2},
        {"name": "flatten"},
        {"name": "chain", "transforms": [{"name": "clip", "max_delta": 1.0}, "inner"]},
        {"name": "multi_transform", "patterns": ("",), "transforms": ["inner"]},
    ],
    ids=lambda wrapper: wrapper["name"],
)
def test_whatever_stands_around_an_optimiser_hands_the_step_on(wrapper):
    inner = CONFIG["gen_tx"]
    if "transforms" in wrapper:
        parts = [inner if part == "inner" else part for part in wrapper["transforms"]]
        section = {**wrapper, "transforms": parts}
    else:
        section = {**wrapper, "inner": inner}
    tx = optimisers.transform("gen_tx", section)
    params = {"w": jnp.zeros(3)}
    updates, _ = tx.update({"w": jnp.ones(3)}, tx.init(params), params, step=jnp.int32(4))
    np.testing.assert_allclose(updates["w"], -AT.gen(4), rtol=1e-6)
