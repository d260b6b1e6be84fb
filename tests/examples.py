"""Small experiments from which tests make their own: configs of a closed form and of GANs."""

import jax.numpy as jnp
import numpy as np

from ganjax import checkpoints, consistency, run_folder
from ganjax.nested import merged

SGD = {"name": "sgd", "learning_rate": 0.1}
ADAM = {"name": "adam", "learning_rate": 1e-3}
MLP = {"name": "mlp", "width": 4, "depth": 1}
BILINEAR = {
    "game": {"name": "bilinear"},
    "scheme": {"name": "alternating"},
    "gen_tx": SGD,
    "disc_tx": SGD,
}
RING = {
    "batch_size": 8,
    "data": {"name": "ring"},
    "game": {"name": "gan", "z_dim": 2},
    "generator": MLP,
    "discriminator": MLP,
    "loss": {"name": "non_saturating"},
    "scheme": {"name": "alternating"},
    "gen_tx": ADAM,
    "disc_tx": ADAM,
}
SCORED = {**RING, "evaluation": {"name": "modes"}, "evaluation_samples": 64}
IMAGES = {
    "steps": 2,
    "batch_size": 4,
    "log_every": 2,
    "data": {"name": "digits"},
    "game": {"name": "gan", "z_dim": 3},
    "generator": {**MLP, "output_activation": "tanh"},
    "discriminator": MLP,
    "scheme": {"name": "simultaneous"},
    "gen_tx": {"name": "sgd", "learning_rate": 0.01},
    "disc_tx": {"name": "sgd", "learning_rate": 0.01},
}


def waves(rng, shape, dtype=jnp.float32):
    """Initial weights that draw nothing: a draw compiles for longer than a layer."""
    del rng
    return jnp.asarray(np.sin(1.0 + np.arange(np.prod(shape))).reshape(shape), dtype)


def untimed(workdir):
    """The rows of metrics of a run, without their times."""
    return [
        {key: value for key, value in row.items() if not key.startswith("time/")}
        for row in run_folder.read_metrics(workdir)
    ]


def changed(workdir, change):
    """Changes the config of a run folder, and forges its checkpoints to vouch for it."""
    config = merged(run_folder.read_config(workdir), change)
    run_folder.write_json(workdir / "config.json", config)
    for path in workdir.glob("checkpoints/*/manifest.json"):
        manifest = run_folder.read_json(path)
        manifest["config"] = consistency.settings_digest(config, manifest["step"])
        del manifest["sha256"]
        seal = checkpoints._digest_of(manifest)
        run_folder.write_json(path, {**manifest, "sha256": seal})
