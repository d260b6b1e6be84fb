"""Streamed training beside resident training: equality, resuming, epochs, speed and memory.

python scripts/benchmarks/streaming.py --mnist mnist.npz --part equal

MNIST (an npz with x_train, y_train, x_test and y_test) is read three ways: as arrays, as a zip of
PNG files, and as a set of TensorFlow Datasets that is converted from the npz. Parts:

equal    streamed and resident training, 200 steps, three sources, four schemes, on one device and,
         by jit and pmap, on four host devices: leaves of the state that differ, which must be 0
together two and four processes over loopback, streamed, beside the same resident and one process
resume   50 steps with a checkpoint each, resumed from every one: runs that end elsewhere
epochs   rows of three epochs as 1, 2 and 4 processes read them
speed    images a second, streamed and resident in turn, and their ratio: an MLP on MNIST and, with
         --cifar10 (a zip of images, folders train and test, classes below), a DCGAN on its 32x32
memory   memory of the process over 2,000 streamed chunks
"""

import io
import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from functools import cache, partial
from pathlib import Path
from typing import Any

os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=4")

import jax
import numpy as np
from absl import flags
from PIL import Image

from ganjax import cli, devices, experiment, feed, run_folder, train

ADAM = {"name": "adam", "learning_rate": 2e-4, "b1": 0.5}
SGD = {"name": "sgd", "learning_rate": 0.01}
MLP = {"name": "mlp", "width": 64, "depth": 2}
SCHEMES = {
    "simultaneous": {"name": "simultaneous"},
    "alternating": {"name": "alternating", "disc_updates": 2, "fresh_batches": True},
    "extragradient": {"name": "extragradient"},
    "unrolled": {"name": "unrolled", "unroll_steps": 3, "fresh_batches": True},
}
DCGAN = {
    "generator": {"name": "dcgan", "width": 16},
    "discriminator": {"name": "dcgan", "width": 16},
    "scheme": {"name": "alternating"},
}
KEPT = ("device", "stream")
FORMS = (None, "jit", "pmap")
PARTS = ("equal", "together", "resume", "epochs", "speed", "memory")

MNIST = flags.DEFINE_string("mnist", None, "The npz file.", required=True)
CIFAR10 = flags.DEFINE_string("cifar10", None, "The zip of CIFAR-10, for `speed`.")
FOLDER = flags.DEFINE_string("folder", "runs/streaming", "Folder of the converted sets.")
PART = flags.DEFINE_multi_enum("part", [], PARTS, "Parts to do; all if none is given.")
STEPS = flags.DEFINE_integer("steps", 200, "Steps of `equal`.", lower_bound=1)
CHUNKS = flags.DEFINE_integer("chunks", 2000, "Chunks of `memory`.", lower_bound=10)
ROUNDS = flags.DEFINE_integer("rounds", 9, "Measurements of `speed`, in turn.", lower_bound=3)
JSON = cli.define_output("json", (".json",), "Also write the figures to this JSON file.")


@cache
def sections() -> dict[str, dict[str, Any]]:
    """The three sections `data`; the zip and the set are made if they are missing."""
    folder = Path(FOLDER.value)
    packed, sets = folder / "mnist.zip", folder / "sets"
    if not packed.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _pack(packed)
    _convert("mnist", MNIST.value, sets)
    keys = {f"{key}{test}": f"{key}_{part}" for key in "xy" for test, part in PARTS_OF_NPZ}
    return {
        "arrays": {"name": "arrays", "path": MNIST.value, **keys},
        "images": {"name": "images", "path": str(packed), "size": 28, "channels": 1},
        "tfds": {"name": "tfds", "set": "mnist", "data_dir": str(sets)},
    }


def of_photographs() -> dict[str, dict[str, Any]]:
    """The sections `data` of CIFAR-10; {} without its zip."""
    if CIFAR10.value is None:
        return {}
    sets = Path(FOLDER.value) / "sets"
    _convert("cifar10_jpeg", CIFAR10.value, sets)
    return {
        "CIFAR-10, zip": {"name": "images", "path": CIFAR10.value, "size": 32},
        "CIFAR-10, tfds": {"name": "tfds", "set": "cifar10_jpeg", "data_dir": str(sets)},
    }


def _convert(name: str, path: str, sets: Path) -> None:
    if not (sets / name).exists():
        command = ["-m", "ganjax", "prepare", f"--set={name}", f"--from={path}"]
        subprocess.run([sys.executable, *command, f"--data_dir={sets}"], check=True)


PARTS_OF_NPZ = (("", "train"), ("_test", "test"))


def _pack(path: Path) -> None:
    """Writes the digits as PNG files, in the order of the arrays."""
    draft = path.with_suffix(".draft")
    arrays = np.load(MNIST.value)
    with zipfile.ZipFile(draft, "w") as packed:
        for _, part in PARTS_OF_NPZ:
            for row, x in enumerate(arrays[f"x_{part}"]):
                content = io.BytesIO()
                Image.fromarray(x[..., 0]).save(content, "png")
                packed.writestr(f"{part}/{row:05}.png", content.getvalue())
    draft.rename(path)


def config(source: str, scheme: str, keep: str, **changes: Any) -> dict[str, Any]:
    """A small GAN of MNIST."""
    data = {**sections()[source], "keep": keep, **changes.pop("data", {})}
    settings = {"steps": STEPS.value, "batch_size": 64, "log_every": 50, **changes}
    return {
        **settings,
        "data": data,
        "game": {"name": "gan", "z_dim": 16},
        "generator": {**MLP, "output_activation": "tanh"},
        "discriminator": MLP,
        "penalties": {"r1": {"name": "r1", "gamma": 1.0}},
        "scheme": SCHEMES[scheme],
        "average": {"name": "ema", "decay": 0.99},
        "gen_tx": ADAM,
        "disc_tx": ADAM,
    }


def trained(config: dict[str, Any], workdir: Path, form: str | None = None) -> Any:
    """The state after training."""
    layout = form and devices.layout(form)
    built = experiment.build(config, layout.axis_name if layout else None)
    train.train(built, workdir, layout or None)
    return experiment.restore(built, workdir).state


def differing(a: Any, b: Any) -> int:
    """Leaves that are not equal bit for bit."""
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return sum(np.asarray(x).tobytes() != np.asarray(y).tobytes() for x, y in pairs)


def equal(folder: Path) -> list[dict[str, Any]]:
    rows, resident = [], {}
    for source, scheme, form in itertools.product(sections(), SCHEMES, FORMS):
        each = folder / source / scheme / str(form)
        kept = trained(config(source, scheme, "device"), each / "device", form)
        streamed = trained(config(source, scheme, "stream"), each / "stream", form)
        first = resident.setdefault((scheme, form), kept)
        rows.append(
            {"source": source, "scheme": scheme, "form": form or "one device"}
            | {"leaves": len(jax.tree.leaves(kept)), "differing": differing(kept, streamed)}
            | {"from the first source": differing(kept, first)}
        )
        print(rows[-1], flush=True)
    return rows


def together(folder: Path) -> list[dict[str, Any]]:
    """Two and four processes, of four devices in all, beside one process; rows in epochs."""
    rows = []
    for form, count in itertools.product(("jit", "pmap"), (2, 4)):
        states = {}
        for keep, processes in (("stream", 1), ("stream", count), ("device", count)):
            asked = config("arrays", "unrolled", keep, data={"order": "epochs"}, steps=100)
            asked |= {"gen_tx": SGD, "disc_tx": SGD}  # Adam would make steps of rounding errors
            workdir = folder / form / f"{keep}_{processes}_of_{count}"
            _train_together(asked, workdir, form, processes)
            built = experiment.build(asked)
            states[keep, processes] = experiment.restore(built, workdir).state
        several = states["stream", count]
        largest = max(
            float(np.abs(np.asarray(a, float) - np.asarray(b, float)).max())
            for a, b in zip(*map(jax.tree.leaves, (states["stream", 1], several)), strict=True)
        )
        rows.append({"form": form, "processes": count})
        rows[-1]["differing from resident"] = differing(several, states["device", count])
        rows[-1]["largest difference from one process"] = largest
        print(rows[-1], flush=True)
    return rows


def _train_together(config: dict[str, Any], workdir: Path, form: str, count: int) -> None:
    workdir.parent.mkdir(parents=True, exist_ok=True)
    path = workdir.with_suffix(".py")
    text = f"return ml_collections.ConfigDict({config!r})"
    run_folder.write_text(path, f"import ml_collections\ndef get_config():\n    {text}\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    devices_each = f"--xla_force_host_platform_device_count={4 // count}"
    command = [sys.executable, "-m", "ganjax", "train", f"--config={path}", f"--workdir={workdir}"]
    command += [f"--form={form}"]
    joined = [f"--coordinator=127.0.0.1:{port}", f"--num_processes={count}"]
    running = [
        subprocess.Popen(
            command + ([*joined, f"--process_id={index}"] if count > 1 else []),
            env=os.environ
            | {"XLA_FLAGS": devices_each, "JAX_COMPILATION_CACHE_DIR": str(_compiled())},
            stdout=sys.stderr,
        )
        for index in range(count)
    ]
    if any([process.wait() for process in running]):
        raise SystemExit("a process failed")


def resume(folder: Path) -> list[dict[str, Any]]:
    every = {"steps": 50, "log_every": 1, "checkpoint_every": 1, "keep_checkpoints": 60}
    asked = config("tfds", "unrolled", "stream", **every)
    built = experiment.build(asked)
    whole, elsewhere = trained(asked, folder / "whole"), 0
    run_folder.read_metrics(folder / "whole")
    for step in range(1, 50):
        part = folder / str(step)
        subprocess.run(["cp", "-r", str(folder / "whole"), str(part)], check=True)
        for later in range(step + 1, 51):
            subprocess.run(["rm", "-r", str(part / "checkpoints" / str(later))], check=True)
        train.train(built, part)
        elsewhere += differing(whole, experiment.restore(built, part).state) > 0
        subprocess.run(["rm", "-r", str(part)], check=True)
    print({"resumed": 49, "end elsewhere": elsewhere}, flush=True)
    return [{"resumed": 49, "end elsewhere": elsewhere}]


def epochs(folder: Path) -> list[dict[str, Any]]:
    """Every process draws the rows of the whole batch; `together` shows that they are alike."""
    built = experiment.build(config("arrays", "simultaneous", "stream", data={"order": "epochs"}))
    draw = feed._drawer(built, experiment.streams(0).play)
    rows = draw(0, 3 * 60_000 // 64 + 1)  # [steps, batch]
    seen = rows.ravel()[: 3 * 60_000].reshape(3, -1)
    once = all(np.array_equal(np.sort(epoch), np.arange(60_000)) for epoch in seen)
    differ = not any(np.array_equal(a, b) for a, b in itertools.combinations(seen, 2))
    result = {"every row once in each of 3 epochs": once, "epochs differ": differ}
    print(result, flush=True)
    return [result]


def speed(folder: Path) -> list[dict[str, Any]]:
    """Chunks of both in turn; the first round is not counted."""
    works = [(name, config(name, "alternating", "auto")) for name in sections()]
    for name, section in of_photographs().items():
        works.append((name, {**works[0][1], **DCGAN, "data": section}))
    return [_in_turn(name, config) for name, config in works]


def _in_turn(name: str, config: dict[str, Any]) -> dict[str, Any]:
    runs = {keep: _chunks({**config, "data": {**config["data"], "keep": keep}}) for keep in KEPT}
    taken = {keep: [] for keep in runs}
    for turn in range(ROUNDS.value + 1):
        for keep, run in list(runs.items())[:: 1 if turn % 2 else -1]:
            began = time.perf_counter()
            images = run()
            taken[keep].append(images / (time.perf_counter() - began))
    ratios = [s / d for s, d in zip(taken["stream"][1:], taken["device"][1:], strict=True)]
    rates = {f"{k}, images/s": round(statistics.median(v[1:])) for k, v in taken.items()}
    row = {"source": name, "network": config["generator"]["name"], **rates}
    row["ratio"] = round(statistics.median(ratios), 3)
    row["ratios"] = [round(ratio, 3) for ratio in sorted(ratios)]
    print(row, flush=True)
    return row


def _chunks(config: dict[str, Any], length: int = 50) -> Any:
    """A function that trains a chunk more and returns the number of images it used."""
    built = experiment.build(config)
    key = experiment.streams(0)
    state = jax.jit(partial(experiment.initial_state, built))(key.init, built.train)
    program = train.compiled_chunk(built, length)
    steps = itertools.count(0, length)
    fed = feed.Feed(
        built, None, key.play, ((first, length) for first in itertools.count(0, length))
    )
    count = length * int(np.prod((*built.scheme.batches, config["batch_size"])))

    def run():
        nonlocal state
        examples = next(fed) if built.streamed else built.train
        state, outcome = program(state, examples, key.play, np.int32(next(steps)))
        jax.block_until_ready(outcome)
        return count

    return run


def memory(folder: Path) -> list[dict[str, Any]]:
    run, sizes = _chunks(config("tfds", "simultaneous", "stream", steps=10**6), 10), []
    for index in range(CHUNKS.value):
        run()
        if index % (CHUNKS.value // 10) == CHUNKS.value // 10 - 1:
            pages = int(Path("/proc/self/statm").read_bytes().split()[1])
            sizes.append(round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1))
    print({"chunks": CHUNKS.value, "MiB": sizes}, flush=True)
    return [{"chunks": CHUNKS.value, "MiB at each tenth": sizes}]


def _compiled() -> Path:
    return Path(FOLDER.value, "compiled").absolute()


def main() -> None:
    """Does the parts, prints their rows, and writes them."""
    # The sources' programs are alike.
    jax.config.update("jax_compilation_cache_dir", str(_compiled()))
    found = {}
    for part in PART.value or PARTS:
        with tempfile.TemporaryDirectory() as folder:
            found[part] = globals()[part](Path(folder))
    if JSON.value:
        run_folder.write_text(Path(JSON.value), json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    cli.run(main)
