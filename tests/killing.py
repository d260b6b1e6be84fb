"""Runs of many schemes and all kinds of data for `test_kills`, and all that they leave."""

import examples
import jax
import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from ganjax import checkpoints, run_folder
from ganjax.data.sets import writer
from ganjax.experiment import template

BASE = {
    **examples.RING,
    "gen_tx": examples.ADAM,
    "disc_tx": examples.ADAM,
    "steps": 24,
    "log_every": 2,
    "checkpoint_every": 4,
    "sample_every": 4,
    "evaluate_every": 8,
    "keep_checkpoints": 2,
    "sample_count": 4,
    "evaluation_samples": 50,
}
POINTS = {**BASE, "evaluation": {"name": "modes"}, "best": {"name": "modes"}}
IMAGES = {
    **BASE,
    "generator": examples.IMAGES["generator"],
    "evaluation_samples": 20,
    "evaluation": {"name": "images", "features": "pixels"},
}
GROWING = {"name": "progressive", "fmap_base": 8, "fmap_max": 2}


def cells(folder):
    """Configs by name; writes the files of their data to the folder."""
    pixels, y = load_digits(return_X_y=True)
    x = (pixels[:60].reshape(-1, 8, 8, 1) * 15.9).astype(np.uint8)
    np.savez(folder / "x.npz", x=x, y=y[:60].astype(np.uint8))
    for index, image in enumerate(x):
        path = folder / "images" / str(y[index]) / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0]).save(path)
    writer.convert(str(folder / "x.npz"), "mine", str(folder / "sets"), split="train", shards=2)
    stream = {"keep": "stream", "held_out": 20}
    files = {"name": "images", "path": str(folder / "images"), "size": 8, "channels": 1, **stream}
    arrays = {"name": "arrays", "path": str(folder / "x.npz"), **stream}
    prepared = {"name": "tfds", "set": "mine", "data_dir": str(folder / "sets"), **stream}
    fresh = {"disc_updates": 2, "fresh_batches": True}
    changes = {
        "new points": (POINTS, None, {"name": "consensus", "gamma": 0.1}),
        "digits": (IMAGES, {"name": "digits"}, {"name": "extragradient"}),
        "a folder of images": (IMAGES, {**files, "order": "epochs"}, {"name": "alternating"}),
        "growth": (IMAGES, {"name": "digits"}, {"name": "alternating"}),
        "a prepared set": (IMAGES, prepared, {"name": "simultaneous"}),
        "two domains": (BASE, {"name": "affine_domains"}, {"name": "alternating"}),
        "arrays": (IMAGES, arrays, {"name": "optimistic"}),
        "photographs": (
            *(IMAGES, {"name": "photographs", "size": 8}),
            {"name": "lookahead", "inner": {"name": "alternating"}},
        ),
        "points of a mixture": (
            *(BASE, {"name": "gaussian_mixture", "means": (-1.0, 1.0)}),
            {"name": "unrolled", "unroll_steps": 2},
        ),
        "images decoded when read": (
            *(IMAGES, {**files, "cache": False, "flip": True}),
            {"name": "alternating", **fresh},
        ),
        "a source of one's own": (IMAGES, {"name": "sources:pixels"}, {"name": "symplectic"}),
        "pairs": (BASE, {"name": "paired_images", "size": 8}, {"name": "alternating"}),
    }
    found = {
        name: {**config, "data": data or config["data"], "scheme": scheme}
        for name, (config, data, scheme) in changes.items()
    }
    found["digits"]["average"] = {"name": "ema", "decay": 0.9}
    found["pairs"]["game"] = {"name": "paired"}
    found["two domains"] |= {
        "game": {"name": "cycle"},
        "evaluation": {"name": "affine_translation"},
        "generator": {"name": "residual_mlp", "width": 4, "depth": 1},
    }
    found["growth"] |= {
        "game": {"name": "progressive", "z_dim": 2},
        "loss": {"name": "wasserstein"},
        "generator": GROWING,
        "discriminator": GROWING,
        "stages": {
            "small": {"until": 10},
            "large": {"until": 24, "data": {"size": 16}, "game": {"fade_steps": 6}},
        },
    }
    del found["growth"]["steps"]
    return found


def left(built, workdir):
    """All that a run has left but times: rows, files made once, states by folder and step."""
    paths = [workdir / "curves.png", *workdir.glob("samples/*"), *workdir.glob("eval/*")]
    made = {str(path.relative_to(workdir)): path.read_bytes() for path in paths}
    states = {}
    for folder in (workdir / "checkpoints", workdir / "best"):
        for step in checkpoints.steps(folder):
            manifest = checkpoints.verified(folder / str(step))
            state = checkpoints.read(folder, manifest, template(built.stage(step)))
            states[f"{folder.name}/{step}"] = jax.device_get(state)
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
