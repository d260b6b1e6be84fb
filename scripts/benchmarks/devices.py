"""The cost of spreading a step over the host devices of this machine, and its communication.

python scripts/benchmarks/devices.py --json devices.json

Host devices share the machine's cores, so more of them are not faster: the ideal is the work
divided by the usable cores, at the rate of one device on one core; the rest is overhead. For
comparison the same number of devices runs `apart`, each with its share of the batch and parameters
of its own: the difference is communication and work that every device repeats. Every number of
devices is a process of its own, as JAX fixes it at its start; all are measured in turn. Collectives
are counted in the compiled step, see `collectives.py`.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import timing
from absl import flags
from collectives import counted

from ganjax import cli, run_folder
from ganjax.errors import ConfigError

ADAM = {"name": "adam", "learning_rate": 1e-3, "b1": 0.5}
GAN = {
    "loss": {"name": "non_saturating"},
    "scheme": {"name": "alternating"},
    "gen_tx": ADAM,
    "disc_tx": ADAM,
}
MLP = {"name": "mlp", "width": 128, "depth": 2}
DCGAN = {"name": "dcgan", "width": 16}
# Name: (config, batch of one device in weak scaling, steps of one measurement).
WORKS = {
    "ring": (
        {
            **GAN,
            "data": {"name": "ring"},
            "game": {"name": "gan", "z_dim": 2},
            "generator": MLP,
            "discriminator": MLP,
        },
        256,
        32,
    ),
    "dcgan": (
        {
            **GAN,
            "data": {"name": "digits", "size": 16},
            "game": {"name": "gan", "z_dim": 32},
            "generator": DCGAN,
            "discriminator": {**DCGAN, "norm": "batch"},
        },
        32,
        16,
    ),
}

WORK = flags.DEFINE_multi_enum("work", [], list(WORKS), "Works to do; all if none is given.")
COUNTS = flags.DEFINE_list("counts", ["1", "2", "4", "8"], "Numbers of devices, the first 1.")
ROUNDS = flags.DEFINE_integer("rounds", 7, "Measurements of each call, in turn.", lower_bound=3)
JSON = cli.define_output("json", (".json",), "Also write the figures to this JSON file.")
SERVE = flags.DEFINE_list("serve", [], "Of the processes that measure: its calls.")


class Call(NamedTuple):
    """A program on some devices; `batch` is that of all of them together.

    Written `scaling:form:count:batch`, e.g. `weak:jit:8:2048`.
    """

    scaling: str
    form: str
    count: int
    batch: int

    @property
    def label(self) -> str:
        """The text of the call."""
        return ":".join(map(str, self))


def read(label: str) -> Call:
    """A call from its text."""
    scaling, form, count, batch = label.split(":")
    return Call(scaling, form, int(count), int(batch))


def calls(batch: int, counts: Sequence[int]) -> list[Call]:
    """The measured calls of a work whose weak scaling has `batch` on every device."""
    made = [Call("weak", "one", 1, batch), Call("strong", "one", 1, batch * max(counts))]
    for count in counts[1:]:
        for scaling, whole in (("weak", batch * count), ("strong", batch * max(counts))):
            made += [Call(scaling, form, count, whole) for form in ("apart", "jit", "pmap")]
    return made


def program(work: str, call: Call, steps: int) -> tuple[Callable[[], Any], str]:
    """A compiled call that runs some more steps, and the text of its program."""
    import jax
    import jax.numpy as jnp

    from ganjax import devices, experiment, train

    config = {**WORKS[work][0], "steps": steps, "batch_size": call.batch}
    layout = None
    if call.form == "apart":
        config["batch_size"] //= call.count
    elif call.form != "one":
        layout = devices.layout(call.form)
    built = experiment.build(config, layout.axis_name if layout else None)
    streams = experiment.streams(0)
    state = jax.jit(partial(experiment.initial_state, built))(streams.init)
    given = built.train, streams.play, jnp.int32(0)
    known = {of.fingerprint for of in jax.devices()[0].client.live_executables()}
    if call.form == "one":
        run = train.compiled_chunk(built, steps)
    elif call.form == "apart":  # no axis, so that nothing is averaged: runs of their own
        run = jax.pmap(train.chunk(built, steps), in_axes=(0, None, None, None), donate_argnums=0)
        layout = devices.layout("pmap")
    else:
        run = train.compiled_chunk(built, steps, layout)
    if layout:
        state, given = devices.put(layout, state), devices.share(layout, given)

    def play():
        nonlocal state
        state, outcome = run(state, *given)
        return jax.block_until_ready((state, outcome))

    play()
    texts = [
        of.hlo_modules()[0].to_string()
        for of in jax.devices()[0].client.live_executables()
        if of.fingerprint not in known
    ]
    return play, max(texts, key=len)  # the others are slices that pass results on


def serve(work: str, labels: Sequence[str]) -> None:
    """In its own process: prints the collectives of its calls, then runs the requested ones."""
    steps, plays = WORKS[work][2], {}
    made = {}  # strong and weak scaling to the most devices are the same program
    for label in labels:
        call = read(label)
        made[call[1:]] = made.get(call[1:]) or program(work, call, steps)
        plays[label], text = made[call[1:]]
        outcome = {name: (of.count / steps, of.bytes / steps) for name, of in counted(text).items()}
        print(json.dumps({label: outcome}), flush=True)
    for line in sys.stdin:
        began, spent = time.perf_counter(), time.process_time()
        plays[line.strip()]()
        outcome = time.perf_counter() - began, time.process_time() - spent
        print(json.dumps(outcome), flush=True)


class Server:
    """A process with so many devices, on one core if it is the reference of the others."""

    def __init__(self, work: str, count: int, of: Sequence[Call]):
        labels = ",".join(call.label for call in of)
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--work", work, "--serve", labels],
            env=os.environ | {"XLA_FLAGS": f"--xla_force_host_platform_device_count={count}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            preexec_fn=_on_one_core if count == 1 else None,
        )
        self.spent = {call.label: [] for call in of}
        self.collectives = {}
        for _ in of:
            self.collectives |= self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"a measuring process left with {self.process.wait()}")
        return json.loads(line)

    def play(self, label: str) -> None:
        """Runs a call and keeps its CPU time."""
        print(label, file=self.process.stdin, flush=True)
        self.spent[label].append(self._answer()[1])

    def close(self) -> None:
        """Ends the process."""
        self.process.stdin.close()
        self.process.wait()


def _on_one_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def measure(work: str, counts: Sequence[int]) -> list[dict]:
    """Rows of a work: see the module, and `row`."""
    _, batch, steps = WORKS[work]
    of = calls(batch, counts)
    servers = {}
    try:
        for count in counts:
            servers[count] = Server(work, count, [call for call in of if call.count == count])
            print(f"{work}: {count} devices compiled", file=sys.stderr, flush=True)
        chosen = {call.label: partial(servers[call.count].play, call.label) for call in of}
        times = timing.in_turn(chosen, ROUNDS.value)
    finally:
        for server in servers.values():
            server.close()
    return [row(call, times, servers[call.count], steps) | {"work": work} for call in of]


def row(call: Call, times: dict[str, list[float]], server: Server, steps: int) -> dict:
    """Milliseconds of a step, its overheads, and its collectives."""
    taken = times[call.label]
    one = next(of for of in map(read, times) if of[:2] == (call.scaling, "one"))
    apart = call._replace(form="apart").label
    ideal = call.batch / one.batch / min(call.count, cli.cores())
    return {
        "scaling": call.scaling,
        "form": call.form,
        "devices": call.count,
        "batch": call.batch,
        "ms": 1e3 * statistics.median(taken) / steps,
        "cpu_ms": 1e3 * statistics.median(server.spent[call.label][1:]) / steps,
        "over_ideal": timing.ratio(taken, times[one.label]) / ideal,
        "over_apart": timing.ratio(taken, times[apart]) if apart in times else None,
        "collectives": server.collectives[call.label],
    }


def show(rows: Sequence[dict]) -> None:
    """Prints the table as Markdown."""
    names = ("work", "scaling", "devices", "form", "batch", "ms", "CPU ms")
    names += ("over ideal", "over apart", "messages", "KB")
    print("| " + " | ".join(names) + " |\n" + "|---" * len(names) + "|")
    for of in rows:
        outcome = [f"{count:.2f} {name}" for name, (count, _) in of["collectives"].items()]
        size = sum(size for _, size in of["collectives"].values()) / 1e3
        apart = f"{of['over_apart']:.2f}" if of["over_apart"] else "-"
        cells = [of["work"], of["scaling"], of["devices"], of["form"], of["batch"]]
        cells += [f"{of['ms']:.2f}", f"{of['cpu_ms']:.2f}", f"{of['over_ideal']:.2f}", apart]
        cells += [", ".join(outcome) or "-", f"{size:.1f}"]
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def main() -> None:
    """Measures the requested works, or serves a process that does."""
    if SERVE.value:
        return serve(WORK.value[0], SERVE.value)
    try:
        counts = sorted({int(count) for count in COUNTS.value})
    except ValueError:
        counts = []
    if not counts or counts[0] != 1:
        raise ConfigError(f"--counts={','.join(COUNTS.value)} must be numbers, the least of them 1")
    rows = [row for work in WORK.value or WORKS for row in measure(work, counts)]
    show(rows)
    if JSON.value:
        outcome = {"cores": cli.cores(), "rounds": ROUNDS.value, "rows": rows}
        run_folder.write_json(Path(JSON.value), outcome)


if __name__ == "__main__":
    sys.exit(cli.run(main))
