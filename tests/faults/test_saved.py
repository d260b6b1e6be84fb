"""Checkpoints of arbitrary states come back bit for bit; arbitrary damage never comes back."""

import tempfile
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marks import marked

from ganjax import checkpoints
from ganjax.types import Players

SOME = settings(deadline=None, derandomize=True)
DTYPES = ("float32", "bfloat16", "float16", "int32", "uint32", "uint8", "int8", "bool")
SHAPES = st.lists(st.integers(0, 3), max_size=3).map(tuple)
KEYS = st.sampled_from(["kernel", "Dense_0", "a.b", "a/b", "0", "schön", "x y"])


@st.composite
def arrays(draw):
    """Arrays of any bits: NaNs with payloads, infinities and denormal numbers among them."""
    shape, dtype = draw(SHAPES), jnp.dtype(draw(st.sampled_from(DTYPES)))
    size = int(np.prod(shape)) * dtype.itemsize
    bits = np.frombuffer(draw(st.binary(min_size=size, max_size=size)), np.uint8)
    bits = bits % 2 if dtype.kind == "b" else bits
    return jnp.asarray(bits.view(dtype).reshape(shape))


KEYS_OF_DRAWS = st.integers(0, 2**32 - 1).map(jax.random.key)
TREES = st.recursive(
    arrays() | KEYS_OF_DRAWS,
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(KEYS, inner, max_size=3)
        | st.tuples(inner, inner).map(lambda pair: Players(*pair))
    ),
    max_leaves=4,
)
STEP = jnp.zeros((), jnp.int32)  # every state has one
STATES = TREES.map(lambda tree: (STEP, tree))


def bits(leaf):
    typed = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return np.asarray(jax.random.key_data(leaf) if typed else leaf).tobytes()


def same(a, b):
    """Whether two states have the same structure, shapes, dtypes and bits."""
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        assert (x.shape, x.dtype) == (y.shape, y.dtype)
        assert bits(x) == bits(y)


@pytest.mark.parametrize("count", marked([5, 200], default=[5]))
def test_any_state_comes_back(count):
    @settings(SOME, max_examples=count)
    @given(state=STATES, step=st.integers(0, 2**31 - 1))
    def check(state, step):
        with tempfile.TemporaryDirectory() as folder:
            checkpoints.save(Path(folder), step, state, keep=1)
            found = checkpoints.restore(Path(folder), jax.eval_shape(lambda: state))
        assert found.step == step
        same(found.state, state)

    check()


def state_of(step):
    players = Players(jnp.arange(6.0).reshape(2, 3) + step, {"b": jnp.ones(2, jnp.bfloat16)})
    return {"step": jnp.asarray(step), "params": players, "key": jax.random.key(step)}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with two checkpoints, and the files of the second."""
    folder = tmp_path_factory.mktemp("saved")
    for step in (1, 2):
        checkpoints.save(folder, step, state_of(step), keep=2)
    return folder, sorted(path for path in (folder / "2").rglob("*") if path.is_file())


@pytest.mark.parametrize("count", marked([10, 500], default=[10]))
def test_any_damage_falls_back(count, saved, tmp_path):
    """Bytes replaced, cut out, put in or appended, anywhere in any file of the second."""
    folder, files = saved
    template = jax.eval_shape(lambda: state_of(1))

    @settings(SOME, max_examples=count)
    @given(
        path=st.sampled_from(files),
        place=st.floats(0, 1),
        new=st.binary(max_size=8),
        old=st.integers(0, 8) | st.just(10**6),
    )
    def check(path, place, new, old):
        content = path.read_bytes()
        at = int(place * len(content))
        damaged = content[:at] + new + content[at + old :]
        path.write_bytes(damaged)
        try:
            found = checkpoints.restore(folder, template)
        finally:
            path.write_bytes(content)
        if damaged == content:
            assert found.step == 2
        assert found.step == 1 or path.name == "manifest.json" or damaged == content
        same(found.state, state_of(found.step))

    check()
