"""Writes a run's generator into one file that samples without this library.

ganjax export --workdir runs/digits_mlp --out digits.safetensors

The file has the weights (the average's, if the run keeps one) and the sampler as a `jax.export`
program for CPU, CUDA and TPU. Reading it takes jax, safetensors and flatbuffers; the command prints
the lines of Python that do so. Batch b of seed s has rows 64 b to 64 b + 63 of
`run.sample(run.state, jax.random.key(s), n)` after `run = ganjax.experiment.load(RUN)`.
"""

from pathlib import Path

from ganjax import cli

FLAGS = cli.Flags()
WORKDIR = FLAGS.string("workdir", None, "Run folder.", required=True)
TRUST = FLAGS.trust()
OUT = FLAGS.output(
    "out", (".safetensors",), "File to write; by default generator.safetensors in the run folder."
)
LIVE = FLAGS.bool("live", False, "Export the last weights, not their moving average.")


def main() -> None:
    """Restores the newest checkpoint, writes the file, prints how to sample from it."""
    from ganjax import experiment, export

    workdir = Path(WORKDIR.value)
    run = experiment.load(workdir, data=False, trust=TRUST.value)
    if LIVE.value:
        run = run._replace(state=experiment.live(run.state))
    path = Path(OUT.value or workdir / "generator.safetensors")
    code = export.write(run, path, workdir)
    print(f"{path}: {path.stat().st_size:,} bytes; to sample from it:\n\n{code}")
