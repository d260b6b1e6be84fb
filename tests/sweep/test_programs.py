"""Cells that differ in numbers are one program, whose runs are those of the cells alone."""

import examples
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from marks import marked, telling

from ganjax import experiment, sweep, train
from ganjax.config import validate
from ganjax.errors import ConfigError
from ganjax.nested import merged

RING = {
    **examples.SCORED,
    "penalties": {"r1": {"name": "r1", "gamma": 0.1}},
    "gen_tx": {**examples.ADAM, "b1": 0.5},
    "disc_tx": {**examples.ADAM, "b1": 0.5},
}
OVERRIDES = {
    "base": {},
    "slow": {"gen_tx": {"learning_rate": 1e-4}},
    "moment": {"disc_tx": {"b1": 0.9}},
    "gamma": {"penalties": {"r1": {"gamma": 1.5}}},
    "scheme": {"scheme": {"name": "simultaneous"}},
}
CELLS = {name: validate(merged(RING, change)) for name, change in OVERRIDES.items()}


@pytest.fixture(scope="module")
def programs():
    return sweep.programs(CELLS)


def test_numbers_share_a_program_and_names_do_not(programs):
    assert [program.cells for program in programs] == [
        ("base", "slow", "moment", "gamma"),
        ("scheme",),
    ]
    assert programs[0].numbers == {
        "gen_tx.learning_rate": (1e-3, 1e-4, 1e-3, 1e-3),
        "disc_tx.b1": (0.5, 0.5, 0.9, 0.5),
        "penalties.r1.gamma": (0.1, 0.1, 0.1, 1.5),
    }


def test_values_that_cannot_be_traced_are_separate_programs():
    """A scheme that needs a float in Python, here for a check that the values answer apart."""
    scheme = {"name": "lookahead", "inner": "simultaneous", "steps": 2, "alpha": 0.5}
    cells = {
        "half": validate({**RING, "scheme": scheme}),
        "other": validate({**RING, "scheme": {**scheme, "alpha": 0.25}}),
        "bad": validate(merged(RING, {"scheme": {"name": "symplectic", "strength": 0.1}})),
        "worse": validate(merged(RING, {"scheme": {"name": "symplectic", "strength": 0.2}})),
    }
    assert [program.cells for program in sweep.programs(cells)] == [
        ("half", "other"),
        ("bad",),
        ("worse",),
    ]


def test_a_cell_that_cannot_be_built_is_named():
    cells = {"wrong": validate(merged(RING, {"penalties": {"r1": {"gamma": -1.0}}}))}
    with pytest.raises(ConfigError, match="in cell 'wrong': "):
        sweep.programs({**CELLS, **cells})


@pytest.mark.parametrize("how", marked(sweep.MAPPINGS, ["vmap"], telling=["map"]))
def test_runs_are_those_of_each_cell_and_seed_alone(how, programs):
    """But for float32's rounding, which Adam enlarges; the draws are those of `train.chunk`."""
    seeds, program = (0, 3), programs[0]
    made = sweep.runner(program, seeds, how)
    states, told = made.play(made.init(), 0, 2)
    states, told = made.play(states, 2, 3)
    assert (np.asarray(told.bad_step) == -1).all()
    assert (np.asarray(told.metrics["evaluations/gen"]) == 3).all()
    for cell in ("slow", "gamma"):
        built = experiment.build(CELLS[cell])
        play = jax.jit(train.chunk(built, 5))
        for place, seed in enumerate(seeds):
            streams = experiment.streams(seed)
            alone = experiment.initial_state(built, streams.init)
            alone, _ = play(alone, built.train, streams.play, jnp.int32(0))
            run = program.cells.index(cell) * len(seeds) + place
            for one, of in zip(jax.tree.leaves(alone), jax.tree.leaves(states), strict=True):
                np.testing.assert_allclose(of[run], one, rtol=1e-4, atol=1e-6)


@telling
def test_a_diverged_run_reports_its_step_and_spoils_no_other():
    cells = {
        name: validate(merged(RING, {"gen_tx": {"name": "sgd", "learning_rate": rate}}))
        for name, rate in (("calm", 1e-3), ("wild", 1e30))
    }
    (program,) = sweep.programs(cells)
    made = sweep.runner(program, (0, 1), "vmap")
    states, told = made.play(made.init(), 0, 4)
    bad = np.asarray(told.bad_step)[:4]
    assert (bad[:2] == -1).all()
    assert (bad[2:] > 0).all()
    alone = sweep.runner(sweep.programs({"calm": cells["calm"]})[0], (0, 1), "vmap")
    expected, _ = alone.play(alone.init(), 0, 4)
    for of, one in zip(jax.tree.leaves(states), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(of[:2], one[:2], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("how", marked(sweep.MAPPINGS, ["vmap"], telling=["map"]))
def test_eight_seeds_on_four_devices_equal_eight_runs(how):
    """20 steps of SGD, two runs on each device of the axis `seed`: the states and what is told."""
    sgd = {"name": "sgd", "learning_rate": 0.05}
    cells = {"sgd": validate({**RING, "gen_tx": sgd, "disc_tx": sgd})}
    (program,) = sweep.programs(cells)
    four = jax.devices()[:4]
    made = sweep.runner(program, tuple(range(8)), how, among=four)
    assert made.runs == 8
    first = jax.device_get(made.init())
    states, told = made.play(made.init(), 0, 20)
    for leaf in jax.tree.leaves(states):
        assert leaf.sharding.mesh.shape["seed"] == 4
        on = {of.device: (of.index[0].start, of.data.shape[0]) for of in leaf.addressable_shards}
        assert on == {device: (2 * place, 2) for place, device in enumerate(four)}
    alone = jax.jit(train.chunk(program.experiment, 20))
    for seed in range(8):
        streams = experiment.streams(seed)
        start = experiment.initial_state(program.experiment, streams.init)
        for one, of in zip(jax.tree.leaves(start), jax.tree.leaves(first), strict=True):
            np.testing.assert_array_equal(of[seed], one)
        state, outcome = alone(start, program.experiment.train, streams.play, jnp.int32(0))
        expected = state, outcome[:2]  # metrics and bad step
        spread = jax.tree.map(lambda leaf, seed=seed: leaf[seed], (states, tuple(told)))
        for one, of in zip(jax.tree.leaves(expected), jax.tree.leaves(spread), strict=True):
            atol = 1e-6 * max(np.abs(one).max(initial=0), 1)
            np.testing.assert_allclose(of, one, rtol=0, atol=atol)
    weights = np.asarray(jax.tree.leaves(states.params)[-1]).reshape(8, -1)
    assert len({row.tobytes() for row in weights}) == 8  # seeds are runs of their own
