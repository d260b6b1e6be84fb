"""Auto-encoders and known optima, one-class detectors of digits, and the bound of the VAE.

python scripts/benchmarks/autoencoders.py --parts all --json figures.json --pictures docs

`linear`: `configs/digits_autoencoder.py` and principal components of the training digits.
`denoising`: `configs/digits_denoising.py`, made affine and as it is, and the Wiener filter, in
expectation over the noise. `one_class`: a detector of each digit by `configs/digits_one_class.py`.
`vae`: the ELBO of `configs/digits_vae.py` from its loss, importance-sampling bounds, and scores.
`adversarial` and `colourisation`: the scores of `configs/digits_adversarial_autoencoder.py` and
`configs/photographs_colourisation.py`.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_collections
import numpy as np
from absl import flags

from ganjax import cli, run_folder
from ganjax.errors import ConfigError

NAMES = ("linear", "denoising", "one_class", "vae", "adversarial", "colourisation")
UNPICTURED = {"linear", "one_class"}
PARTS = flags.DEFINE_multi_enum("parts", ["all"], ["all", *NAMES], "Parts to measure.")
PICTURES = flags.DEFINE_string("pictures", None, "Also draw the pictures into this folder.")
JSON = cli.define_output("json", (".json",), "Also write the figures to this JSON file.")
DRAWS = 5000  # of the VAE's latent, for each test digit
GAME_DRAWS = 1000  # the same, of the game's own ELBO
SHOWN = 36  # images in a panel of a picture
Measured = tuple[dict[str, float], dict[str, np.ndarray]]  # figures, panels of a picture
ROW = "{:44} {:>9} {:>9} {:>9}"


def trained(name: str, **changes: Any) -> tuple[Any, dict[str, float]]:
    """(experiment with its last state, report) of a config with changed sections."""
    from ganjax import experiment, train

    config = ml_collections.ConfigDict(cli.read_config(name))
    config.update(changes)
    with tempfile.TemporaryDirectory() as workdir:
        report = train.train(experiment.build(config), Path(workdir)).report
        return experiment.load(workdir), report


def panels(run: Any, **titles: str) -> dict[str, np.ndarray]:
    """New title -> a panel of the game's, of the first test examples."""
    import jax

    batch = run.data.show(jax.random.key(0), SHOWN)
    shown = run.queries(run.state)["panels"](batch, jax.random.key(0))
    return {new.replace("_", " "): np.asarray(shown[old]) for new, old in titles.items()}


def expected_error(matrix: np.ndarray, bias: np.ndarray, x: np.ndarray, noise: float) -> float:
    """E |(x + noise n) A + b - x|^2 over n ~ N(0, I), a mean over examples and their numbers."""
    missed = np.mean(np.square(x @ matrix + bias - x))
    return float(missed + noise**2 * np.sum(np.square(matrix)) / x.shape[1])


def affine_of(reconstruct: Callable, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """(matrix, bias) of an affine map of images, from its values."""
    size = int(np.prod(shape))
    points = np.concatenate([np.zeros((1, size)), np.eye(size)]).reshape(-1, *shape)
    answers = np.asarray(reconstruct(points.astype(np.float32)), np.float64).reshape(-1, size)
    return answers[1:] - answers[0], answers[0]


def linear() -> Measured:
    """The affine auto-encoder and the principal components."""
    _, report = trained("digits_autoencoder")
    figures = {
        f"{part}_{what}": report[key]
        for part, end in (("train", "_train"), ("test", ""))
        for what, key in (("reached", f"error{end}"), ("optimum", f"error_affine{end}"))
    }
    return figures, {}


def denoising() -> Measured:
    """An affine denoiser as wide as the images, in expectation over the noise, and the config's."""
    from ganjax.metrics import best_affine

    wide = {"z_dim": 64, "depth": 0, "output_activation": "identity"}
    run, _ = trained("digits_denoising", autoencoder=wide)
    noise = run.config.evaluation.noise
    train, test = (
        np.asarray(part["x"], np.float64).reshape(len(part["x"]), -1)
        for part in (run.data.train, run.data.test)
    )
    reached = affine_of(run.queries(run.state)["reconstruct"], run.data.shape)
    wiener = best_affine(train, train, rank=64, noise=noise)
    figures = {}
    for part, x in (("train", train), ("test", test)):
        figures[f"{part}_reached"] = expected_error(*reached, x, noise)
        figures[f"{part}_optimum"] = expected_error(*wiener, x, noise)
    run, report = trained("digits_denoising")
    figures |= {"network_reached": report["error"], "network_optimum": report["error_affine"]}
    return figures, panels(run, noisy="given", denoised="reconstructed")


def one_class() -> Measured:
    """The area under the ROC curve of every digit's detector, and of nearest neighbours."""
    reports = [trained("digits_one_class", data={"classes": (k,)})[1] for k in range(10)]
    figures = {f"auroc_{k}": report["auroc"] for k, report in enumerate(reports)}
    for name in ("auroc", "auroc_nearest"):
        figures[f"{name}_mean"] = float(np.mean([report[name] for report in reports]))
    return figures, {}


def vae() -> Measured:
    """The ELBO of the test digits and the bounds above it, in nats an image, and the scores."""
    import jax

    from ganjax.metrics import likelihood_report

    run, report = trained("digits_vae")
    log_weights = jax.jit(run.queries(run.state)["log_weights"])
    figures = own_elbo(run) | likelihood_report(run.data, draws=DRAWS)(log_weights) | report
    return figures, panels(run, VAE="generated")


def own_elbo(run: Any) -> dict[str, float]:
    """The ELBO of the test examples by the loss of the game, with the averaged network.

    Its divergence is in closed form, where `log_weights` draws: another formula for one number.
    """
    import jax

    state, batch = run.asked(run.state), {"x": run.data.test["x"]}

    def elbo(rng):
        return -run.game.losses(state.params, state.model_state, batch, rng).gen.value

    keys = jax.random.split(jax.random.key(1), GAME_DRAWS)
    drawn = np.asarray(jax.jit(lambda keys: jax.lax.map(elbo, keys))(keys), np.float64)
    error = drawn.std(ddof=1) / np.sqrt(GAME_DRAWS)
    return {"elbo_game": float(drawn.mean()), "elbo_game_error": float(error)}


def adversarial() -> Measured:
    """The scores of the adversarial auto-encoder's samples."""
    run, report = trained("digits_adversarial_autoencoder")
    return report, panels(run, adversarial="generated")


def colourisation() -> Measured:
    """Squared errors of colours: reached, by the best affine map, by grey."""
    run, report = trained("photographs_colourisation")
    return report, panels(run, grey="given", coloured="reconstructed", original="original")


def show(part: str, figures: dict[str, float]) -> None:
    """Prints a part's table."""
    pairs = [name.removesuffix("_reached") for name in figures if name.endswith("_reached")]
    if pairs:
        print(ROW.format(f"{part}: mean squared error", "reached", "optimum", "ratio"))
        for name in pairs:
            reached, optimum = figures[f"{name}_reached"], figures[f"{name}_optimum"]
            cells = (f"{value:.5f}" for value in (reached, optimum, reached / optimum))
            print(ROW.format(f"  {name}", *cells))
        return
    print(f"{part}:")
    for name, value in figures.items():
        print(f"  {name:42} {value:9.4f}")


def main() -> None:
    """Trains the requested parts, prints their figures and draws the pictures."""
    measures = (linear, denoising, one_class, vae, adversarial, colourisation)
    if PICTURES.value and set(PARTS.value) <= UNPICTURED:
        raise ConfigError(
            f"--pictures: there are none of {', '.join(sorted(UNPICTURED))}; add another --parts"
        )
    figures, digits, photographs = {}, {}, {}
    for measure in measures:
        part = measure.__name__
        if part not in PARTS.value and "all" not in PARTS.value:
            continue
        figures[part], drawn = measure()
        (photographs if measure is colourisation else digits).update(drawn)
        show(part, figures[part])
    if JSON.value:
        run_folder.write_json(Path(JSON.value), figures)
    if PICTURES.value:
        from ganjax import pictures
        from ganjax.disclosure import Disclosure

        for name, drawn in (("autoencoders", digits), ("colourisation", photographs)):
            if drawn:
                path = Path(PICTURES.value) / f"{name}.png"
                pictures.save_panels(path, drawn, disclosure=Disclosure())


if __name__ == "__main__":
    sys.exit(cli.run(main))
