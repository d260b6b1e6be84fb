"""Runs of all schemes and kinds of data for `test_kills`, and all that they leave in a folder."""

import examples
import jax
import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from ganjax import checkpoints, run_folder
from ganjax.data.sets import writer
from ganjax.experiment import template

EVERY = {"checkpoint_every": 4, "sample_every": 4, "evaluate_every": 8, "keep_checkpoints": 2}
BASE = {**examples.RING, **EVERY, "steps": 24, "log_every": 2, "sample_count": 4}
BASE |= {"evaluation_samples": 20, "gen_tx": examples.ADAM, "disc_tx": examples.ADAM}
IMAGES = {
    **BASE,
    "generator": examples.IMAGES["generator"],
    "evaluation": {"name": "images", "features": "pixels"},
}
POINTS = {**BASE, "evaluation": {"name": "modes"}, "evaluation_samples": 50}
GROWING = {"name": "progressive", "fmap_base": 8, "fmap_max": 2}


def cells(folder):
    """Configs by name; their files are written to the folder."""
    pixels, labels = load_digits(return_X_y=True)
    x, y = (pixels[:60].reshape(-1, 8, 8, 1) * 15.9).astype(np.uint8), labels[:60].astype(np.uint8)
    np.savez(folder / "x.npz", x=x, y=y)
    for index, image in enumerate(x):
        path = folder / "images" / str(y[index]) / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0]).save(path)
    writer.convert(str(folder / "x.npz"), "mine", str(folder / "sets"), split="train", shards=2)
    stream = {"keep": "stream", "held_out": 20}
    images = {"name": "images", "path": str(folder / "images"), "size": 8, "channels": 1, **stream}
    arrays = {"name": "arrays", "path": str(folder / "x.npz"), **stream}
    best = {"name": "modes"}
    domains = {"name": "residual_mlp", "width": 4, "depth": 1}
    return {
        "new points": {**POINTS, "scheme": {"name": "consensus", "gamma": 0.1}, "best": best},
        "points of a mixture": {
            **{**POINTS, "data": {"name": "gaussian_mixture", "means": (-1.0, 1.0)}},
            **{"scheme": {"name": "unrolled", "unroll_steps": 2}, "evaluation": {"name": "none"}},
        },
        "digits": {
            **{**IMAGES, "data": {"name": "digits"}, "scheme": {"name": "extragradient"}},
            "average": {"name": "ema", "decay": 0.9},
        },
        "photographs": {
            **{**IMAGES, "data": {"name": "photographs", "size": 8}},
            "scheme": {"name": "lookahead", "inner": {"name": "alternating"}},
        },
        "a folder of images": {**IMAGES, "data": {**images, "order": "epochs"}},
        "images decoded when read": {
            **{**IMAGES, "data": {**images, "cache": False, "flip": True}},
            "scheme": {"name": "alternating", "disc_updates": 2, "fresh_batches": True},
        },
        "arrays": {**IMAGES, "data": arrays, "scheme": {"name": "optimistic"}},
        "a prepared set": {
            **{**IMAGES, "scheme": {"name": "simultaneous"}},
            "data": {"name": "tfds", "set": "mine", "data_dir": str(folder / "sets"), **stream},
        },
        "a source of one's own": {
            **{**IMAGES, "data": {"name": "sources:pixels"}, "scheme": {"name": "symplectic"}},
        },
        "two domains": {
            **{**BASE, "data": {"name": "affine_domains"}, "game": {"name": "cycle"}},
            **{"generator": domains, "evaluation": {"name": "affine_translation"}},
        },
        "pairs": {
            **{**BASE, "data": {"name": "paired_images", "size": 8}, "game": {"name": "paired"}},
        },
        "growth": {
            **{key: value for key, value in IMAGES.items() if key != "steps"},
            **{"data": {"name": "digits"}, "game": {"name": "progressive", "z_dim": 2}},
            **{"generator": GROWING, "discriminator": GROWING, "loss": {"name": "wasserstein"}},
            "stages": {
                "small": {"until": 10},
                "large": {"until": 24, "data": {"size": 16}, "game": {"fade_steps": 6}},
            },
        },
    }


def left(built, workdir):
    """All that a run has left but times: rows, files made once, states by folder and step."""
    paths = [workdir / "curves.png", *workdir.glob("samples/*"), *workdir.glob("eval/*")]
    made = {str(path.relative_to(workdir)): path.read_bytes() for path in paths}
    states = {}
    for folder in (workdir / "checkpoints", workdir / "best"):
        for step in checkpoints.steps(folder):
            manifest = checkpoints.verified(folder / str(step))
            state = checkpoints.read(folder, manifest, template(built.stage(step)))
            states[folder.name, step] = jax.device_get(state)
    assert run_folder.read_json(workdir / "status.json")["status"] == "done"
    assert not [*workdir.rglob(".*")]
    return examples.untimed(workdir), made, states


def equal(a, b):
    """Whether two runs have left the same bits, nothing twice and nothing missing."""
    (rows, made, states), (other_rows, other_made, other_states) = a, b
    assert rows == other_rows
    assert made.keys() == other_made.keys()
    assert [name for name in made if made[name] != other_made[name]] == []
    assert states.keys() == other_states.keys()
    jax.tree.map(np.testing.assert_array_equal, states, other_states)
    return True
