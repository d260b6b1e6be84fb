"""A trained generator as one file that samples without this library.

The file is a safetensors file: the generator's weights under their paths, and beside them, as
bytes under the name `program`, the sampler as `jax.export` serialises it for CPU, CUDA and TPU.
"""

import json
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import export as jax_export
from safetensors.numpy import save

from ganjax import disclosure, run_folder
from ganjax.errors import ConfigError
from ganjax.experiment import SAMPLE_CHUNK, Experiment
from ganjax.files import replaced

PLATFORMS = ("cpu", "cuda", "tpu")
PROGRAM = "program"
USE = """\
import numpy as np
from jax import export
from safetensors.numpy import load_file

weights = load_file({file!r})
program = export.deserialize(bytearray(weights.pop("program")))
x = program.call(weights, np.uint32(0), np.int32(0){labels})  # seed 0, batch 0: {shape}"""


class Exported(NamedTuple):
    """A sampler and its weights.

    Attributes:
      program: `(weights, seed uint32, batch int32) -> x [SAMPLE_CHUNK, ...]`, and of a generator of
        classes `(weights, seed, batch, y int32 [SAMPLE_CHUNK]) -> x`.
      weights: path -> array, those that the program reads.
    """

    program: jax_export.Exported
    weights: dict[str, np.ndarray]


def exported(run: Experiment) -> Exported:
    """The sampler of a run as an exported program.

    Batch number b of a seed holds the rows from b * SAMPLE_CHUNK on of
    `run.sample(run.state, jax.random.key(seed), n, y)`, averaged weights included if the run keeps
    an average. The number of rows is fixed, as statistics of a batch may depend on it.

    Args:
      run: from `experiment.load`.

    Raises:
      ConfigError: the game has no generator.
    """
    if run.sample is None:
        raise ConfigError(f"game {run.config.game.name!r} has no generator; it cannot be exported")
    state = run.asked(run.state)
    leaves, tree = jax.tree_util.tree_flatten_with_path((state.params, state.model_state))
    named = {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in leaves}
    latents, generate = run.game.queries["latents"], run.game.queries["generate"]

    @jax.jit
    def sample(weights, seed, batch, *y):
        arrays = [weights.get(name, leaf) for name, leaf in named.items()]
        params, model_state = jax.tree.unflatten(tree, arrays)
        rng = jax.random.fold_in(jax.random.key(seed), batch)
        z = latents(params, model_state, rng, SAMPLE_CHUNK)
        return generate(params, model_state, z, *y)

    labels = (jnp.zeros(SAMPLE_CHUNK, jnp.int32),) if run.labelled else ()
    make = jax_export.export(sample, platforms=PLATFORMS)
    weights = {name: np.asarray(leaf) for name, leaf in sorted(named.items())}
    # The first export finds the weights that reach the samples, the second has those alone.
    kept = make(weights, jnp.uint32(0), jnp.int32(0), *labels).module_kept_var_idx
    used = {name: array for index, (name, array) in enumerate(weights.items()) if index in kept}
    return Exported(make(used, jnp.uint32(0), jnp.int32(0), *labels), used)


def write(run: Experiment, path: Path, workdir: Path) -> str:
    """Writes the file, and returns the Python code that samples from it.

    Args:
      run: from `experiment.load`.
      path: the file; its folder is made if missing.
      workdir: the run's folder, for the file's metadata.

    Raises:
      ConfigError: the game has no generator.
    """
    program, weights = exported(run)
    shape = [SAMPLE_CHUNK, *run.data.shape]
    labels = f", np.zeros({SAMPLE_CHUNK}, np.int32)" if run.labelled else ""
    code = partial(USE.format, labels=labels, shape=shape)
    metadata = {
        "use": code(file=path.name),
        "classes": json.dumps(run.classes.tolist() if run.labelled else []),
        "step": str(run.step),
        "run": workdir.resolve().name,
        "config": json.dumps(run.config.to_dict()),
        "disclosure": disclosure.of_run(workdir, run.step).text(),
        **run_folder.versions(("ganjax", "jax")),
    }
    packed = np.frombuffer(program.serialize(), np.uint8)
    with replaced(path) as file:
        file.write(save({**weights, PROGRAM: packed}, metadata))
    return code(file=str(path))
