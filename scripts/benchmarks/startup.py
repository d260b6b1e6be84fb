"""How long a person waits: for the first line of training, and for the answer to a mistake.

python scripts/benchmarks/startup.py

Each command is a fresh process, three times; the slowest is printed beside the bound it must keep.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
REPETITIONS = 3
TRAIN = [sys.executable, "scripts/train.py", "--config"]


def first_line(config: str) -> float:
    """Seconds until `scripts/train.py` prints its first line of training."""
    with tempfile.TemporaryDirectory() as workdir:
        began = time.perf_counter()
        process = subprocess.Popen(
            [*TRAIN, config, "--workdir", workdir], cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
        try:
            for line in process.stderr:
                if line.startswith("step "):
                    return time.perf_counter() - began
        finally:
            process.kill()
            process.communicate()
    raise RuntimeError(f"{config} printed no line of training")


def refusal(override: str) -> float:
    """Seconds until a wrong override is refused with exit code 2."""
    began = time.perf_counter()
    done = subprocess.run(
        [*TRAIN, "configs/digits_mlp.py", "--workdir", "unused", override],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode != 2 or "Traceback" in done.stderr:
        raise RuntimeError(f"{override} left with {done.returncode}:\n{done.stderr}")
    return time.perf_counter() - began


def main() -> None:
    """Prints the table; exits with 1 if a bound is broken."""
    rows = [
        *(
            (f"first line, {config}", 15.0, lambda c=config: first_line(c))
            for config in sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("configs/*.py"))
        ),
        ("refuse --config.bach_size=3", 3.0, lambda: refusal("--config.bach_size=3")),
        ("refuse --config.loss.name=wgn", 3.0, lambda: refusal("--config.loss.name=wgn")),
        ("refuse --config.gen_tx.b3=1", 3.0, lambda: refusal("--config.gen_tx.b3=1")),
        (
            "refuse --config.gen_tx.learning_rate=-1",
            3.0,
            lambda: refusal("--config.gen_tx.learning_rate=-1"),
        ),
    ]
    broken = False
    for name, bound, measure in rows:
        slowest = max(measure() for _ in range(REPETITIONS))
        broken |= slowest > bound
        print(f"{name:55} {slowest:6.2f} s  (at most {bound:.0f} s)", flush=True)
    sys.exit(broken)


if __name__ == "__main__":
    main()
