"""Everything that wants a GPU or a TPU, in at most 8 minutes on one, compilation included.

python scripts/benchmarks/accelerator.py --json accelerator.json [--data cifar10/]
python scripts/benchmarks/accelerator.py --rehearse     # tiny, on CPU
python scripts/benchmarks/accelerator.py --needs        # packages that are missing here

The parts, the most valuable first, each in a process and within a time of its own: equality with
the CPU; DCGAN, DCGAN with R1 + R2, SNGAN and CycleGAN beside PyTorch; many seeds in one program;
the feed; and, with --data, the score of a config trained for the remaining time. A part that fails
or takes too long is a row of the table. The file is written after every part, and a later run does
the parts that are not done. Nothing is installed or downloaded.
"""

import math
import os
import sys
import time
from pathlib import Path
from typing import Any

from accelerator_parts import PARTS, Row, Settings, apart, needs, scoreless

if "--needs" in sys.argv[1:]:
    needs.leave()  # before imports of what may be missing

from absl import flags

from ganjax import cli, config_files, run_folder
from ganjax.errors import ConfigError, MachineError

JSON = cli.define_output("json", (".json",), "Keep the rows in this JSON file.")
PART = flags.DEFINE_multi_enum("part", [], list(PARTS), "Parts to do; all if none is given.")
AGAIN = flags.DEFINE_bool("again", False, "Also do parts that the file has.")
MINUTES = flags.DEFINE_float("minutes", 8.0, "Time of all parts together.", lower_bound=0.0)
DATA = flags.DEFINE_string("data", None, "Data of the config that is trained and scored.")
CONFIG = flags.DEFINE_string("config", "cifar10_r3gan_small", "That config, a shipped one.")
REHEARSE = flags.DEFINE_bool("rehearse", False, "All parts at tiny sizes on CPU.")
flags.DEFINE_bool("needs", False, "Print the packages that are missing here, and end.")

REHEARSED = "digits_mlp"  # the config that a rehearsal trains, if no data are given
KEPT = 0.2  # share of the time that is kept for the part `scored`
HEADS = ("part", "", "value", "unit", "goal", "reached", "note")


def stored(path: Path | None) -> dict[str, Any]:
    """The content of the file, or an empty one.

    Raises:
      ConfigError: it is not of this script; or it is of a rehearsal and this run is not, or the
        other way round.
    """
    if path is None or not path.exists():
        return {"rehearsal": REHEARSE.value, "machine": {}, "parts": {}}
    found = run_folder.read_object(path)
    if not {"rehearsal", "machine", "parts"} <= found.keys():
        raise ConfigError(f"{path} is not of this script; name another file")
    if found["rehearsal"] != REHEARSE.value:
        kind = "a rehearsal" if found["rehearsal"] else "an accelerator"
        raise ConfigError(f"{path} is of {kind}; name another file")
    return found


def check(machine: dict[str, Any], known: dict[str, Any]) -> None:
    """Raises a `GanjaxError` where the parts of this machine do not belong into the file."""
    if machine["platform"] == "cpu" and not REHEARSE.value:
        raise MachineError("JAX sees no accelerator here; --rehearse is for a CPU")
    if known and (known["device"], known["jax"]) != (machine["device"], machine["jax"]):
        raise ConfigError(
            f"the file is of {known['device']} and JAX {known['jax']}, this is "
            f"{machine['device']} and JAX {machine['jax']}; name another file"
        )


def run(worker: apart.Worker, name: str, seconds: float, known: dict[str, Any]) -> dict[str, Any]:
    """Runs a part; its outcome: `state`, `seconds`, `rows`, and `why` it is not done."""
    rows, began = [], time.monotonic()
    state, why = "failed", ""
    config = CONFIG.value if DATA.value or not REHEARSE.value else REHEARSED
    settings = Settings(REHEARSE.value, config, DATA.value, seconds)
    for kind, content in apart.run(worker, settings):
        if kind == "machine":
            check(content, known["machine"])
            known["machine"] = content
        elif kind == "row":
            rows.append(content)
            print(f"  {line(name, content)}", file=sys.stderr, flush=True)
        else:
            state, why = kind, content
    spent = round(time.monotonic() - began, 1)
    return {"state": state, "seconds": spent, "rows": rows, "why": why}


def skipped(why: str) -> dict[str, Any]:
    """The outcome of a part that was not begun."""
    return {"state": "skipped", "seconds": 0.0, "rows": [], "why": why}


def no_score() -> str:
    """Why no config can be trained and scored; "" if one can."""
    if REHEARSE.value and not DATA.value:
        return ""
    if CONFIG.value not in config_files.shipped():
        return f"there is no config {CONFIG.value!r}"
    return scoreless(config_files.read_config(CONFIG.value)) if DATA.value else "no --data"


def prepare() -> None:
    """Sets the environment of the processes."""
    platforms = os.environ.get("JAX_PLATFORMS", "")
    if platforms and "cpu" not in platforms.split(","):  # which the part `equality` needs, too
        os.environ["JAX_PLATFORMS"] = f"{platforms},cpu"
    if REHEARSE.value:
        quick = f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0"
        os.environ |= {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "", "XLA_FLAGS": quick}
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # PyTorch needs memory, too


def line(name: str, row: dict[str, Any]) -> str:
    """A row of the table."""
    value = "" if row["value"] is None else f"{row['value']:.4g}"
    reached = {None: "", True: "yes", False: "no"}[row["reached"]]
    cells = (name, row["what"], value, row["unit"], row["goal"], reached, row["note"])
    return f"| {' | '.join(cells)} |"


def show(found: dict[str, Any]) -> None:
    """Prints the machine and the table."""
    print(", ".join(f"{key} {value}" for key, value in found["machine"].items()))
    print(f"\n| {' | '.join(HEADS)} |\n{'|---' * len(HEADS)}|")
    for name in PARTS:
        if (part := found["parts"].get(name)) is None:
            continue
        end = Row(part["state"], part["seconds"], "s", note=part["why"])
        for row in (*part["rows"], end._asdict()):
            print(line(name, row))


def main() -> None:
    """Does the parts that are missing, and prints the table."""
    path = Path(JSON.value) if JSON.value else None
    found = stored(path)
    prepare()
    until = time.monotonic() + 60 * MINUTES.value
    todo = [
        name
        for name in PART.value or PARTS
        if AGAIN.value or found["parts"].get(name, {}).get("state") != "done"
    ]
    unscored = no_score() if "scored" in todo else ""
    ahead: dict[str, apart.Worker] = {}  # of parts to come, which import while another works
    try:
        for index, name in enumerate(todo):
            # A CPU compiles slowly.
            limit = math.inf if REHEARSE.value else PARTS[name].seconds
            kept = DATA.value and not unscored and "scored" in todo[index + 1 :]
            left = until - time.monotonic() - (60 * KEPT * MINUTES.value if kept else 0.0)
            seconds = min(limit, left)
            why = unscored if name == "scored" else ""
            why = why or ("no time left" if seconds < PARTS[name].least else "")
            if not why:
                worker = ahead.pop(name, None) or apart.started(name)
                for after in todo[index + 1 : index + 2]:
                    ahead[after] = apart.started(after)
                found["parts"][name] = run(worker, name, seconds, found)
            elif found["parts"].get(name, {}).get("state", "skipped") == "skipped":
                found["parts"][name] = skipped(why)
            if path:
                run_folder.write_json(path, found)
    finally:
        for worker in ahead.values():
            worker.end(apart.PATIENCE)
    show(found)


if __name__ == "__main__":
    sys.exit(cli.run(main))
