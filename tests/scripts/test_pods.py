"""Predictions of pods: the model against hand numbers, the counts against closed forms."""

import importlib
import json
import math
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.sharding import NamedSharding, PartitionSpec
from marks import telling

from ganjax import devices
from ganjax.nets.minibatch import stddev

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "scripts" / "benchmarks"
MODULES = (
    "collectives",
    "counting",
    *(f"modelled.{name}" for name in ("chips", "fusion", "counted", "scaling")),
)


@pytest.fixture(scope="module")
def bench():
    """The benchmark's modules, imported once: they keep what they have counted."""
    sys.path.insert(0, str(FOLDER))
    found = {name.split(".")[-1]: importlib.import_module(name) for name in MODULES}
    yield SimpleNamespace(**found)
    sys.path.remove(str(FOLDER))
    for name in (*MODULES, "modelled", "works", "works.rings", "works.images", "works.work"):
        sys.modules.pop(name, None)


@pytest.fixture
def chip(bench):
    """Round numbers: 4 chips a group, 100 bytes a second in it and 10 out of it."""
    of = bench.chips.CHIPS["TPU v5e"]
    return of._replace(axes=2, group=4, link=100.0, hop=1.0, outside=10.0, far=7.0)


def test_averaging_by_hand(bench, chip):
    """2 (n - 1) / n of the bytes in a group; a quarter of them between two groups."""
    assert bench.chips.averaging(chip, 1, 400) == 0
    assert bench.chips.averaging(chip, 2, 400) == 2 * 200 / 100
    assert bench.chips.averaging(chip, 4, 400) == 2 * 300 / 100
    assert bench.chips.averaging(chip, 8, 400) == 2 * 300 / 100 + 2 * 0.5 * 100 / 10


def test_gathering_by_hand(bench, chip):
    assert bench.chips.gathering(chip, 4, 50) == 3 * 50 / 100
    assert bench.chips.gathering(chip, 8, 50) == 3 * 2 * 50 / 100 + 50 / 10


def test_latency_by_hand(bench, chip):
    """Half around each axis and back: 2 x 4 x 4 chips are 2 + 4 + 4 hops."""
    wide = chip._replace(group=256)
    hops = [bench.chips.latency(wide, count) for count in (1, 2, 4, 8, 16, 256)]
    assert hops == [0, 2, 4, 6, 8, 32]
    assert bench.chips.latency(wide._replace(axes=3), 32) == 2 + 4 + 4
    assert bench.chips.latency(wide._replace(axes=0), 256) == 2
    assert bench.chips.latency(chip, 32) == 4 + 2 * 3 * 7


def test_a_step_takes_the_longest_part_and_communication(bench, chip):
    load = bench.chips.Load(197e12, 819e9, 6.1e12, 5, averaged=400, rounds=3)
    spent = bench.chips.spent(load, chip, 4, 0.5)
    np.testing.assert_allclose(spent, (2, 1, 1, 5e-6, 6, 3 * 4))
    assert spent.most == spent.chip + 6 + 12
    assert spent.least == 6 + 12  # all bytes are sent during the work; rounds are waited for


X, W = (jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((5, 7), (7, 3)))
READ, MADE = 4 * (5 * 7 + 7 * 3), 4 * 5 * 3


def test_bytes_of_fused_programs(bench):
    def found(function):
        return bench.fusion.moved(bench.counting.traced(function, X, W))

    product = READ + MADE
    assert found(lambda x, w: x @ w) == (product, 1)
    assert found(lambda x, w: (x, w)) == (0, 0)
    assert found(lambda x, w: jnp.tanh(x @ w)) == (product + 2 * MADE, 2)
    # Both sums read the product once, and so do both results.
    sums = found(lambda x, w: ((y := x @ w).sum(), (2 * y).sum(0)))
    assert sums == (product + MADE + 4 * (1 + 3), 2)
    # Elementwise work in front of a product is done on the way.
    assert found(lambda x, w: jnp.tanh(x).T.T @ jax.jit(jnp.exp)(w)) == (product, 1)
    loop = found(lambda x, w: lax.scan(lambda c, _: (jnp.tanh(c) @ w @ w.T, None), x, length=4)[0])
    assert loop == (4 * 2 * product, 8)
    with pytest.raises(ValueError, match="unknown length"):
        found(lambda x, w: lax.while_loop(lambda c: c.sum() < 3, lambda c: c + 1, x))


def test_bytes_and_operations_apart(bench):
    jaxpr = bench.counting.traced(lambda x, w: jnp.tanh(x @ w).T + 1, X, W)
    assert bench.fusion.apart(jaxpr) == READ + MADE + 2 * MADE + 2 * MADE + 4
    assert bench.fusion.operations(jaxpr) == 2 * 5 * 3


def test_products_in_whole_tiles(bench):
    """[5, 7] x [7, 3]: 8 x 8 x 4 if rows of the product are rows of the tile, else 8 x 8 x 8."""
    flops = bench.counting.flops
    assert flops(jnp.matmul, X, W, tile=(8, 4, 4)) == 2 * 8 * 8 * 4
    assert flops(lambda x, w: w.T @ x.T, X, W, tile=(8, 4, 4)) == 2 * 8 * 8 * 4
    many = jax.ShapeDtypeStruct((6, 5, 7), jnp.float32), jax.ShapeDtypeStruct((6, 7, 3), X.dtype)
    assert flops(jnp.matmul, *many, tile=(8, 4, 4)) == 6 * flops(jnp.matmul, X, W, tile=(8, 4, 4))
    image, kernel = (jax.ShapeDtypeStruct(of, X.dtype) for of in ((2, 8, 8, 3), (4, 4, 3, 5)))

    def halved(x, w):
        layout = ("NHWC", "HWIO", "NHWC")
        return lax.conv_general_dilated(x, w, (2, 2), "SAME", dimension_numbers=layout)

    # 2 x 4 x 4 rows, 16 taps of 3 channels, 5 columns.
    assert flops(halved, image, kernel, tile=(32, 32, 8)) == 2 * 32 * 64 * 8
    assert flops(halved, image, kernel) == 2 * 32 * 48 * 5


def test_rows_that_are_gathered_come_back(bench):
    def slope(x):
        return jax.grad(lambda x: jnp.sum(lax.all_gather(x, "data", tiled=True) ** 2))(x)

    jaxpr = bench.counting.traced(slope, X, axis_env=[("data", 8)])
    own = 4 * 5 * 7
    assert bench.counting.parts_of(jaxpr) == {"all_gather": own, "reduce_scatter": own}
    assert bench.counting.rounds_of(jaxpr) == 2


def test_a_mesh_adds_up_minibatch_statistics(bench):
    """Compiled for 8 devices: two sums of a device's rows in float32, and no gathering."""
    mesh = devices.mesh()
    rows = jax.ShapeDtypeStruct((16, 4, 4, 8), jnp.float32)
    spread = NamedSharding(mesh, PartitionSpec("data"))
    with jax.set_mesh(mesh):
        program = jax.jit(stddev, in_shardings=spread, out_shardings=spread).lower(rows).compile()
    own = 4 * math.prod(rows.shape) // 8
    assert bench.collectives.counted(program.as_text()) == {"all-reduce": (2, 2 * own)}


def test_flops_of_dcgan(bench):
    """4 G + 8 D, less the gradients in inputs that nothing asks for, linear in the batch."""
    up = [(8, 1024, 512), (16, 512, 256), (32, 256, 128), (64, 128, 3)]
    down = [(32, 3, 128), (16, 128, 256), (8, 256, 512), (4, 512, 1024)]
    latent = 2 * 100 * 4 * 4 * 1024
    gen = latent + sum(2 * side**2 * 4 * inputs * outputs for side, inputs, outputs in up)
    layers = [2 * side**2 * 16 * inputs * outputs for side, inputs, outputs in down]
    disc = sum(layers) + 2 * 4 * 4 * 1024
    expected = 4 * gen + 8 * disc - latent - 2 * layers[0]
    assert bench.counted.step("DCGAN-64", 1).flops == expected
    assert bench.counted.step("DCGAN-64", 8).flops == 8 * expected


def test_bytes_that_dcgan_sends(bench):
    """All gradients; beside them mean and mean square of the channels behind 17 + 13 layers."""
    sent = bench.counted.sent("DCGAN-64", 128)
    channels = 1024 + 512 + 256 + 128 + 256 + 512 + 1024
    parameters = sum(bench.counted.parameters("DCGAN-64"))
    assert 4 * parameters < sent.averaged < 4 * (parameters + 3 * 2 * 3 * channels)
    # Through both players and back, and the gradient; by either in turn.
    assert sent.rounds == 2 * (4 + 3 + 3 + 1)
    local = bench.counted.sent("DCGAN-64", 128, "device")
    assert local.rounds == 2
    assert 4 * parameters < local.averaged < sent.averaged


def test_parameters_of_progan(bench):
    """23.1 million each (Karras et al. 2018, table 2)."""
    for count in bench.counted.parameters("ProGAN-1024"):
        assert round(count / 1e6, 1) == 23.1


def test_the_optimiser_moves_seven_arrays(bench):
    """Adam reads gradient, parameters and two moments, and writes all but the gradient."""
    count = sum(bench.counted.parameters("DCGAN-64"))
    np.testing.assert_allclose(bench.counted.optimiser("DCGAN-64"), 7 * 4 * count, rtol=1e-6)


@telling
def test_strong_scaling_falls(bench):
    for chip in bench.chips.CHIPS.values():
        of = list(bench.scaling.points(bench.scaling.Setting("DCGAN-64", "strong", 32), chip, 0.4))
        assert [point.batch for point in of] == [32, 4, 2, 1]
        for which in (0, 1):
            efficiencies = [point.efficiency[which] for point in of]
            assert efficiencies == sorted(efficiencies, reverse=True)
        assert all(point.efficiency[0] <= point.efficiency[1] <= 1 for point in of)
        crossing = bench.scaling.crossing(of, 0)
        first = bench.scaling.stop(of)
        assert first.chips / 2 <= crossing <= first.chips or first.chips == 8


def test_seeds_scale_until_they_run_out(bench):
    """(N w + l) / n (N w / n + l): all of it work at first, in the end all of it launches."""
    for chip in bench.chips.CHIPS.values():
        one = bench.chips.spent(bench.scaling.seeds_load(chip, 1), chip, 1, 0.4)
        work, launches = one.chip - one.launches, one.launches
        for point in bench.scaling.seed_points(chip, 0.4, seeds=2**13):
            own = 2**13 // min(point.chips, 2**13)
            expected = (2**13 * work + launches) / point.chips / (own * work + launches)
            np.testing.assert_allclose(point.efficiency, expected, rtol=1e-12)
            assert point.losses["sending"] == point.losses["waiting"] == 0


@pytest.mark.slow
def test_the_results_are_those_of_the_command(tmp_path):
    """Every table of docs/results/pods.json, and the rows of the page in them; a minute."""
    written = tmp_path / "pods.json"
    command = [sys.executable, str(FOLDER / "pods.py"), f"--json={written}"]
    subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(written.read_text())
    stored = json.loads((ROOT / "docs" / "results" / "pods.json").read_text())
    assert found["tables"] == stored["tables"]
    assert len(found["points"]["10,000 seeds of the ring"]["H100"]) == 10


def test_the_page_repeats_the_results():
    """Every number of every row of the page is in the same row of a table of the results."""
    tables = json.loads((ROOT / "docs" / "results" / "pods.json").read_text())["tables"]
    rows = [[str(cell) for cell in row] for table in tables for row in table["rows"]]
    heads = [table["columns"] for table in tables]
    page = (ROOT / "docs" / "pods.md").read_text()
    lines = [line for line in page.splitlines() if re.match(r"\| [^|]*[\w`] +\|.*\d", line)]
    assert len(lines) > 20
    for line in lines:
        cells = {cell.strip() for cell in line.strip("|").split("|")}
        assert any(cells <= set(row) for row in rows + heads), line
