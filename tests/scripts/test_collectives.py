"""Collectives as the benchmark of devices counts them, from texts and from compiled programs."""

import importlib.util
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

FOLDER = Path(__file__).parent.parent.parent / "scripts" / "benchmarks"
SPEC = importlib.util.spec_from_file_location("collectives", FOLDER / "collectives.py")
collectives = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(collectives)

TEXT = """
%sum (a: f32[], b: f32[]) -> f32[] {
  ROOT %add = f32[] add(%a, %b)
}

%body (state: (s32[], f32[8,2])) -> (s32[], f32[8,2]) {
  %both = (f32[8,2]{1,0}, /*index=1*/bf16[3]{0}) all-reduce(%x, %y), to_apply=%sum
  %part = f32[4]{0} get-tuple-element(%all-reduce.1), index=0
}

%inner (state: (s32[])) -> (s32[]) {
  %moved = u32[6]{0} collective-permute(%z), channel_id=1
}

%outer (state: (s32[])) -> (s32[]) {
  %loop = (s32[]) while(%c), condition=%c, body=%inner, backend_config={"known_trip_count":{"n":"3"}}
}

ENTRY %main (x: f32[8]) -> f32[8] {
  %first = (s32[], f32[8,2]) while(%a), condition=%c, body=%body, backend_config={"known_trip_count":{"n":"5"}}
  %second = (s32[]) while(%b), condition=%c, body=%outer, backend_config={"known_trip_count":{"n":"2"}}
  %start = (f32[1]{0}, f32[8]{0}) all-gather-start(%v), dimensions={0}
  ROOT %done = f32[8]{0} all-gather-done(%start)
}
"""  # noqa: E501


def test_a_loops_body_counts_once_for_every_pass():
    assert collectives.counted(TEXT) == {
        "all-reduce": (5, 5 * (8 * 2 * 4 + 3 * 2)),
        "all-gather": (1, 8 * 4),
        "collective-permute": (2 * 3, 2 * 3 * 6 * 4),
    }


def test_a_loop_of_unknown_length_is_refused_only_with_collectives():
    unknown = TEXT.replace(', backend_config={"known_trip_count":{"n":"5"}}', "")
    with pytest.raises(ValueError, match="how often it runs"):
        collectives.counted(unknown)
    silent = unknown.replace("all-reduce(", "add(")
    assert set(collectives.counted(silent)) == {"all-gather", "collective-permute"}


def test_compiled_programs_are_read():
    """A mean of 3 x 5 floats in each of 7 steps, and rows of all devices gathered once."""

    @partial(jax.pmap, axis_name="data")
    def run(x):
        def body(x, _):
            return x + jax.lax.pmean(jnp.sin(x), "data"), None

        x, _ = jax.lax.scan(body, x, length=7)
        return jax.lax.all_gather(x, "data")

    told = collectives.counted(run.lower(jnp.ones((8, 3, 5))).compile().as_text())
    assert told["all-reduce"] == (7, 7 * 3 * 5 * 4)
    assert told["all-gather"] == (1, 8 * 3 * 5 * 4)
