"""Many seeds in one program beside a loop of PyTorch runs: the small ring, steps of a run a second.

python scripts/benchmarks/sweep.py --cells 12 --seeds 16 --json sweep.json

Needs PyTorch (`pip install torch==2.13.0`, in an environment of its own that has ganjax too). The
game of both: 8 Gaussians, z 2, MLPs 2x32, batch 128, Adam, alternating play; it is first shown that
both make the same step. PyTorch runs one seed after another, at its best number of threads.
"""

import contextlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from absl import flags

from ganjax import cli
from ganjax.errors import MachineError

CELLS = flags.DEFINE_integer("cells", 12, "Learning rates.", lower_bound=1)
SEEDS = flags.DEFINE_integer("seeds", 16, "Seeds of each.", lower_bound=1)
STEPS = flags.DEFINE_integer("steps", 200, "Steps of a measurement.", lower_bound=1)
PROCESS_STEPS = flags.DEFINE_integer(
    "process_steps", 4_000, "Steps of a run in a process of its own.", lower_bound=1
)
PROCESSES = flags.DEFINE_integer("processes", 3, "Such processes.", lower_bound=1)
ROUNDS = flags.DEFINE_integer("rounds", 5, "Measurements of each, in turn.", lower_bound=1)
JSON = flags.DEFINE_string("json", None, "Also write the figures to this JSON file.")

RATE, B1, BATCH, WIDTH, Z = 1e-3, 0.5, 128, 32, 2
ROOT = Path(__file__).parents[2]
# What torch.compile is given, and what the row is called.
COMPILED = {
    "nothing": "torch eager",
    "losses": "torch.compile, losses",
    "step": "torch.compile, whole step",
}
CONFIG = {
    "batch_size": BATCH,
    "data": {"name": "ring", "modes": 8, "radius": 2.0, "std": 0.02},
    "game": {"name": "gan", "z_dim": Z},
    "generator": {"name": "mlp", "width": WIDTH, "depth": 2, "activation": "relu"},
    "discriminator": {"name": "mlp", "width": WIDTH, "depth": 2, "activation": "leaky_relu"},
    "loss": {"name": "non_saturating"},
    "scheme": {"name": "alternating"},
    "gen_tx": {"name": "adam", "learning_rate": RATE, "b1": B1},
    "disc_tx": {"name": "adam", "learning_rate": RATE, "b1": B1},
}


def torch_run(torch, compiled: str, params: dict | None = None) -> Callable:
    """`(steps) -> None` of a fresh PyTorch run, or `(x, z_disc, z_gen) -> layers` with params.

    Args:
      torch: the module.
      compiled: what torch.compile is given: "nothing", the "losses" (backward and Adam's foreach
        kernels stay as they are) or the whole "step", gradients by torch.func and Adam by hand.
      params: {player: [(kernel, bias)]} to start from, as of Flax.

    Returns:
      The function; layers are {player: [(weight, bias)]}.
    """
    from torch import nn
    from torch.nn.functional import leaky_relu, linear, relu, softplus

    def layers(inputs, outputs):
        sizes = [(inputs, WIDTH), (WIDTH, WIDTH), (WIDTH, outputs)]
        return [[p.data for p in nn.Linear(*size).parameters()] for size in sizes]

    def mlp(layers, x, activation):
        *hidden, last = layers
        for weight, bias in hidden:
            x = activation(linear(x, weight, bias))
        return linear(x, *last)

    own = {"gen": layers(Z, 2), "disc": layers(2, 1)}
    for player, given in (params or {}).items():
        own[player] = [[torch.tensor(kernel.T), torch.tensor(bias)] for kernel, bias in given]
    angles = torch.arange(8) * (2 * torch.pi / 8)
    centres = 2 * torch.stack([angles.cos(), angles.sin()], 1)

    def judge(disc, x):
        return mlp(disc, x, lambda h: leaky_relu(h, 0.2))

    def disc_loss(disc, gen, x, z):
        fake = mlp(gen, z, relu)
        return softplus(-judge(disc, x)).mean() + softplus(judge(disc, fake)).mean()

    def gen_loss(gen, disc, z):
        return softplus(-judge(disc, mlp(gen, z, relu))).mean()

    def draw():
        x = centres[torch.randint(8, (BATCH,))] + 0.02 * torch.randn(BATCH, 2)
        return x, torch.randn(BATCH, Z), torch.randn(BATCH, Z)

    make = _functional_step if compiled == "step" else _stock_step
    step = make(torch, own, disc_loss, gen_loss, compiled != "nothing")
    if params is not None:
        return step

    def run(steps):
        for _ in range(steps):
            step(*draw())

    return run


def _stock_step(torch, own: dict, disc_loss: Callable, gen_loss: Callable, compiled: bool):
    """`backward` and `torch.optim.Adam`, the losses compiled or not."""
    flat = {player: [p.requires_grad_() for row in own[player] for p in row] for player in own}
    txs = {p: torch.optim.Adam(flat[p], lr=RATE, betas=(B1, 0.999), foreach=True) for p in own}
    if compiled:
        disc_loss, gen_loss = torch.compile(disc_loss), torch.compile(gen_loss)

    def step(x, z_disc, z_gen):
        txs["disc"].zero_grad()
        disc_loss(own["disc"], own["gen"], x, z_disc).backward(inputs=flat["disc"])
        txs["disc"].step()
        txs["gen"].zero_grad()
        gen_loss(own["gen"], own["disc"], z_gen).backward(inputs=flat["gen"])
        txs["gen"].step()
        return own

    return step


def _functional_step(torch, own: dict, disc_loss: Callable, gen_loss: Callable, compiled: bool):
    """Losses, gradients and Adam in one compiled function that changes its tensors in place."""

    def adam(layers, grads, moments, correction):
        for row, grad_row, moment_row in zip(layers, grads, moments, strict=True):
            for p, g, (m, v) in zip(row, grad_row, moment_row, strict=True):
                m.mul_(B1).add_(g, alpha=1 - B1)
                v.mul_(0.999).addcmul_(g, g, value=1 - 0.999)
                p.sub_(RATE * (m / correction[0]) / ((v / correction[1]).sqrt() + 1e-8))

    @partial(torch.compile, fullgraph=True, disable=not compiled)
    def whole(own, moments, correction, x, z_disc, z_gen):
        grads = torch.func.grad(disc_loss)(own["disc"], own["gen"], x, z_disc)
        adam(own["disc"], grads, moments["disc"], correction)
        grads = torch.func.grad(gen_loss)(own["gen"], own["disc"], z_gen)
        adam(own["gen"], grads, moments["gen"], correction)

    def zeros(p):
        return torch.zeros_like(p), torch.zeros_like(p)

    moments = {player: [[zeros(p) for p in row] for row in own[player]] for player in own}
    count = itertools.count(1)

    def step(x, z_disc, z_gen):
        t = next(count)
        correction = torch.tensor([1 - B1**t, 1 - 0.999**t])
        with torch.no_grad():
            whole(own, moments, correction, x, z_disc, z_gen)
        return own

    return step


def separate_process(steps: int) -> float:
    """Seconds of `scripts/train.py` on the same game for so many steps."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ring.py"
        config = {**CONFIG, "steps": steps, "log_every": steps, "sample_every": 0}
        path.write_text(
            "import ml_collections\n\n\n"
            f"def get_config():\n    return ml_collections.ConfigDict({config!r})\n"
        )
        command = [sys.executable, str(ROOT / "scripts" / "train.py"), f"--config={path}"]
        began = time.perf_counter()
        subprocess.run([*command, f"--workdir={folder}/run"], check=True, capture_output=True)
        return time.perf_counter() - began


def difference(torch) -> float:
    """The largest difference of a parameter after one step of either library from one start."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax

    from ganjax import experiment
    from ganjax.types import Players

    built = experiment.build(CONFIG)
    state = experiment.initial_state(built, jax.random.key(0))
    draws = iter(np.random.default_rng(0).standard_normal((3, BATCH, 2)).astype(np.float32))
    x, z_disc, z_gen = draws

    def layers(params):
        flat = jax.tree.map(np.array, params)
        flat = next(iter(flat.values())) if len(flat) == 1 else flat
        return [(flat[name]["kernel"], flat[name]["bias"]) for name in sorted(flat)]

    def mlp(params, x, activation):
        *hidden, (kernel, bias) = params
        for inner, shift in hidden:
            x = activation(x @ inner + shift)
        return x @ kernel + bias

    gen, disc = layers(state.params.gen), layers(state.params.disc)

    def judge(disc, x):
        return mlp(disc, x, lambda h: jax.nn.leaky_relu(h, 0.2))[:, 0]

    def disc_loss(disc):
        fake = mlp(gen, z_disc, jax.nn.relu)
        return jnp.mean(jax.nn.softplus(-judge(disc, x))) + jnp.mean(
            jax.nn.softplus(judge(disc, fake))
        )

    # The game's own networks are these very functions, which is shown before they are used.
    logits = built.queries(state)["logits"](x)
    np.testing.assert_allclose(logits, judge(disc, x), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        built.queries(state)["generate"](z_gen), mlp(gen, z_gen, jax.nn.relu), rtol=1e-5, atol=1e-6
    )
    tx = optax.adam(RATE, b1=B1)
    moved = Players(gen, disc)
    updates, _ = tx.update(jax.grad(disc_loss)(disc), tx.init(disc))
    moved = moved._replace(disc=optax.apply_updates(disc, updates))

    def gen_loss(gen):
        return jnp.mean(jax.nn.softplus(-judge(moved.disc, mlp(gen, z_gen, jax.nn.relu))))

    updates, _ = tx.update(jax.grad(gen_loss)(gen), tx.init(gen))
    moved = moved._replace(gen=optax.apply_updates(gen, updates))
    found = []
    for compiled in COMPILED:
        torch_step = torch_run(torch, compiled, {"gen": gen, "disc": disc})
        told = torch_step(*(torch.tensor(part) for part in (x, z_disc, z_gen)))
        found += [
            abs(weight.detach().numpy().T - kernel).max()
            for player, ours in moved._asdict().items()
            for (weight, _), (kernel, _) in zip(told[player], ours, strict=True)
        ]
    return float(max(found))


def main() -> None:
    """Measures in turn and prints the table."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cli.use_all_cores()
    try:
        import torch
    except ImportError:
        raise MachineError(
            "this benchmark compares with PyTorch, which is not installed: pip install torch"
        ) from None
    import jax
    import numpy as np

    from ganjax import sweep
    from ganjax.config import merged, validate

    apart = difference(torch)
    print(f"largest difference of a parameter after one step: {apart:.1e}", file=sys.stderr)
    if apart > 1e-5:
        raise AssertionError(f"the two libraries do not make the same step: {apart}")
    rates = np.geomspace(1e-4, 1e-2, CELLS.value).tolist()
    cells = {
        f"rate_{index}": validate(merged(CONFIG, {"gen_tx": {"learning_rate": rate}}))
        for index, rate in enumerate(rates)
    }
    (program,) = sweep.programs(cells)
    seeds = tuple(range(SEEDS.value))
    calls, units = {}, {}
    for how in sweep.MAPPINGS:
        began = time.perf_counter()
        made = sweep.runner(program, seeds, how)
        states = made.init()
        jax.block_until_ready(made.play(states, 0, 1))
        print(f"{how}: compiled in {time.perf_counter() - began:.1f} s", file=sys.stderr)

        def play(made=made):
            jax.block_until_ready(made.play(made.init(), 0, STEPS.value))

        calls[f"ganjax, {how}"] = play
        units[f"ganjax, {how}"] = made.runs * STEPS.value
    for compiled, label in COMPILED.items():
        for threads in sorted({1, count}):
            name = f"{label}, {threads} threads"
            run = torch_run(torch, compiled)

            def loop(run=run, threads=threads):
                torch.set_num_threads(threads)
                run(STEPS.value)

            with contextlib.suppress(StopIteration):
                began = time.perf_counter()
                loop()
                print(f"{name}: first {time.perf_counter() - began:.1f} s", file=sys.stderr)
            calls[name], units[name] = loop, STEPS.value
    wall, cpu = {name: [] for name in calls}, {name: [] for name in calls}
    for _ in range(ROUNDS.value):
        for name, call in calls.items():
            began, spent = time.perf_counter(), time.process_time()
            call()
            wall[name].append((time.perf_counter() - began) / units[name])
            cpu[name].append((time.process_time() - spent) / units[name])
    figures = {
        name: {
            "us": 1e6 * statistics.median(wall[name]),
            "cpu_us": 1e6 * statistics.median(cpu[name]),
        }
        for name in calls
    }
    best = {
        kind: min((name for name in calls if name.startswith(kind)), key=lambda n: figures[n]["us"])
        for kind in ("ganjax", "torch eager", "torch.compile")
    }
    print(f"{CELLS.value} cells x {SEEDS.value} seeds; microseconds a step of a run")
    for name, of in figures.items():
        print(f"{name:28} {of['us']:9.1f} wall {of['cpu_us']:9.1f} CPU")
    ratios = {}
    for kind in ("torch eager", "torch.compile"):
        pairs = zip(wall[best[kind]], wall[best["ganjax"]], strict=True)
        ratios[kind] = statistics.median(theirs / ours for theirs, ours in pairs)
        print(f"{best['ganjax']} over {best[kind]}: {ratios[kind]:.1f} times the throughput")
    steps = PROCESS_STEPS.value
    process = statistics.median(separate_process(steps) for _ in range(PROCESSES.value))
    seed = 1e-6 * figures[best["ganjax"]]["us"] * steps
    print(
        f"a run of {steps} steps: {seed:.3f} s as a seed more of the sweep, {process:.2f} s as a "
        f"process of its own, {process / seed:.0f} times as long"
    )
    if JSON.value:
        told = {"figures": figures, "ratios": ratios, "difference": apart}
        told |= {"seed_seconds": seed, "process_seconds": process, "process_steps": steps}
        Path(JSON.value).write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(cli.run(main))
