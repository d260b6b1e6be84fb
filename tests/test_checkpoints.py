"""Checkpoints: bitwise round trips, and what happens to damaged or foreign ones."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ganjax import checkpoints, games, nets, schemes
from ganjax.errors import CheckpointError
from ganjax.types import Players


@pytest.fixture(scope="module")
def state():
    game = games.gan(nets.DCGANGenerator((8, 8, 1), width=4), nets.MLPDiscriminator(), z_dim=3)
    tx = Players(gen=optax.adam(1e-3), disc=optax.sgd(1e-2))
    scheme = schemes.averaged(game, tx, inner=schemes.alternating)
    batch = {"x": jnp.zeros((4, 8, 8, 1))}
    state = jax.jit(scheme.init)(jax.random.key(0), batch)
    return jax.jit(scheme.step)(state, batch, jax.random.key(1))[0]


def equal(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


def test_round_trip_is_bitwise(tmp_path, state):
    checkpoints.save(tmp_path, 7, state, keep=2)
    template = jax.eval_shape(lambda: state)
    step, restored = checkpoints.restore(tmp_path, template)
    assert step == 7
    equal(restored, state)


def test_only_the_newest_are_kept(tmp_path, state):
    for step in (2, 10, 30, 100):
        checkpoints.save(tmp_path, step, state, keep=2)
    assert checkpoints.steps(tmp_path) == [30, 100]
    assert checkpoints.steps(tmp_path / "nowhere") == []


def test_a_damaged_later_checkpoint_does_not_push_out_a_good_one(tmp_path, state):
    checkpoints.save(tmp_path, 10, state, keep=1)
    checkpoints.save(tmp_path, 20, state, keep=2)
    flip_a_byte(tmp_path / "20")
    checkpoints.save(tmp_path, 15, state, keep=1)  # resumed at 10, stopped at 15
    assert checkpoints.restore(tmp_path, state).step == 15
    checkpoints.save(tmp_path, 20, state, keep=1)
    assert checkpoints.steps(tmp_path) == [20]
    assert checkpoints.restore(tmp_path, state).step == 20


def test_the_same_step_can_be_saved_again(tmp_path, state):
    checkpoints.save(tmp_path, 1, state, keep=2)
    later = state._replace(step=state.step + 1)
    checkpoints.save(tmp_path, 1, later, keep=2)
    equal(checkpoints.restore(tmp_path, state).state, later)


def largest_file(folder):
    return max((p for p in folder.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)


def flip_a_byte(folder):
    path = largest_file(folder / "state")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    "damage",
    [
        flip_a_byte,
        lambda folder: largest_file(folder / "state").unlink(),
        lambda folder: (folder / "manifest.json").unlink(),
        lambda folder: (folder / "manifest.json").write_text("{"),
        lambda folder: (folder / "state" / "more").write_text("x"),
    ],
    ids=["flipped_byte", "lost_file", "lost_manifest", "torn_manifest", "foreign_file"],
)
def test_a_damaged_checkpoint_is_passed_over(tmp_path, state, damage, caplog):
    checkpoints.save(tmp_path, 1, state, keep=3)
    checkpoints.save(tmp_path, 2, state._replace(step=state.step + 1), keep=3)
    damage(tmp_path / "2")
    step, restored = checkpoints.restore(tmp_path, state)
    assert step == 1
    equal(restored, state)
    assert "checkpoint of step 2 is damaged" in caplog.text
    damage(tmp_path / "1")
    with pytest.raises(CheckpointError, match="no intact checkpoint"):
        checkpoints.restore(tmp_path, state)


def test_a_draft_is_no_checkpoint(tmp_path, state):
    """What a kill in the middle of saving leaves behind."""
    (tmp_path / ".5.draft" / "state").mkdir(parents=True)
    assert checkpoints.steps(tmp_path) == []
    with pytest.raises(CheckpointError, match="no checkpoint"):
        checkpoints.restore(tmp_path, state)
    checkpoints.save(tmp_path, 5, state, keep=1)
    assert checkpoints.steps(tmp_path) == [5]


def test_leftovers_of_a_kill_are_removed(tmp_path, state):
    """Drafts, and a checkpoint that was being removed, but none that the run could resume from."""
    for step in (2, 4, 6, 8):
        checkpoints.save(tmp_path, step, state, keep=9)
    (tmp_path / "2" / "manifest.json").unlink()
    (tmp_path / ".8.draft" / "state").mkdir(parents=True)
    (tmp_path / ".6.replaced").mkdir()
    checkpoints.tidy(tmp_path, 6, keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["4", "6", "8"]
    checkpoints.tidy(tmp_path / "nowhere", 0, keep=2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s._replace(average=()), "average"),
        (lambda s: s._replace(step=s.step.astype(jnp.float32)), "float32"),
        (lambda s: s._replace(memory=jnp.zeros(3)), "memory"),
        (lambda s: s._replace(step=jnp.zeros((2,), jnp.int32)), "step"),
    ],
    ids=["dropped", "dtype", "added", "shape"],
)
def test_another_structure_is_refused(tmp_path, state, change, message):
    checkpoints.save(tmp_path, 1, state, keep=1)
    with pytest.raises(CheckpointError, match=message):
        checkpoints.restore(tmp_path, change(state))
