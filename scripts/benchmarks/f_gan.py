"""The Gaussian that an f-GAN learns, compared with the optimum by quadrature, for each divergence.

python scripts/benchmarks/f_gan.py --config configs/mixture_f_gan.py --picture docs/f_gan.png

The univariate example of Nowozin et al. 2016 (arXiv:1606.00709): (mean, std) of the averaged
generator of every seed, the Gaussian that minimises the divergence, and every trained generator
under every divergence. The seeds of a divergence train in one program.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from absl import flags

from ganjax import cli
from ganjax.errors import ConfigError, unknown

REACH = 10.0  # bounds of the integrals that are minimised, where densities squared are above 0
FAR = 20.0  # of those that are only evaluated; a ratio p/q may have its weight far out
SMALLEST, LARGEST = 0.5, 3.0  # std of the Gaussians searched
FOUR = ("kl", "reverse_kl", "jensen_shannon", "pearson")

CONFIG = cli.define_config()
NAMES = flags.DEFINE_list("divergences", list(FOUR), "Names of divergences, or all.")
SEEDS = flags.DEFINE_integer("seeds", 4, "Number of seeds, from the config's on.", lower_bound=1)
JSON = cli.define_output("json", (".json",), "Also write the numbers to this JSON file.")
PICTURE = cli.define_output("picture", cli.FIGURES, "Draw the densities into this file.")


def gaussian(mean: float, std: float) -> Callable:
    """The density of N(mean, std^2)."""
    from jax.scipy.stats import norm

    return lambda x: norm.pdf(x, mean, std)


def best(divergence: str, p: Callable) -> list[float]:
    """(mean, std) of the Gaussian Q that minimises D(P || Q), by quadrature in float64."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from scipy import optimize

    from ganjax import divergences

    @jax.value_and_grad
    def value(at):
        q = gaussian(at[0], jnp.exp(at[1]))
        return divergences.f_divergence(divergence, p, q, -REACH, REACH)

    with jax.enable_x64(True):
        compiled = jax.jit(value)
        found = optimize.minimize(
            lambda at: [np.asarray(part, float) for part in compiled(jnp.asarray(at))],
            np.zeros(2),
            jac=True,
            bounds=[(-REACH / 2, REACH / 2), (np.log(SMALLEST), np.log(LARGEST))],
            options={"ftol": 1e-15, "gtol": 1e-9},
        )
    return [float(found.x[0]), float(np.exp(found.x[1]))]


def evaluated(divergence: str, p: Callable, mean: float, std: float) -> float:
    """D(P || N(mean, std^2)), by quadrature in float64; infinite if its tail outweighs the rest."""
    import math

    import jax

    from ganjax import divergences

    with jax.enable_x64(True):
        near, far = (
            float(divergences.f_divergence(divergence, p, gaussian(mean, std), -reach, reach))
            for reach in (0.75 * FAR, FAR)
        )
    return far if far <= 2 * abs(near) else math.inf


def trained(config: dict[str, Any], seeds: int) -> list[list[float]]:
    """(mean, std) of the generator [seeds][2] after the config's steps, its average if it has one.

    All seeds train in one compiled program.
    """
    from functools import partial

    import jax
    import jax.numpy as jnp

    from ganjax import experiment, train

    built = experiment.build(config)
    keys = [experiment.streams(config["seed"] + index) for index in range(seeds)]
    inits, plays = (jnp.stack([getattr(k, name) for k in keys]) for name in ("init", "play"))
    states = jax.jit(jax.vmap(partial(experiment.initial_state, built)))(inits)
    play = jax.vmap(train.chunk(built, config["steps"]), in_axes=(0, None, 0, None))
    states, _ = jax.jit(play, donate_argnums=0)(states, built.train, plays, jnp.int32(0))
    params = states.params.gen if states.average == () else states.average
    return jnp.stack([params["mean"], jnp.exp(params["log_std"])], axis=1).tolist()


def studied(config: dict[str, Any], names: list[str], p: Callable, seeds: int) -> dict[str, dict]:
    """The results of each divergence, by name.

    `optimum` (mean, std) and its value `least`; `reached` (mean, std) of every seed, the largest
    `error` of any of them, `seconds` with compilation, and `under`: divergence -> value a seed.
    """
    import numpy as np

    results = {}
    for name in names:
        began = time.perf_counter()
        reached = trained({**config, "loss": {**config["loss"], "divergence": name}}, seeds)
        seconds = time.perf_counter() - began
        optimum = best(name, p)
        results[name] = {
            "optimum": optimum,
            "least": evaluated(name, p, *optimum),
            "reached": reached,
            "error": float(np.abs(np.array(reached) - optimum).max()),
            "seconds": round(seconds, 1),
            "under": {other: [evaluated(other, p, *at) for at in reached] for other in names},
        }
        print(f"{name}, {seconds:.0f} s: {reached}", file=sys.stderr, flush=True)
    return results


def report(results: dict[str, dict]) -> None:
    """Prints the two tables."""
    import numpy as np

    print(f"{'':18} {'best mean':>9} {'std':>6}   {'mean':>15} {'std':>15} {'error':>7} seconds")
    for name, result in results.items():
        reached = np.array(result["reached"])
        lows, highs = reached.min(0), reached.max(0)
        ranges = [f"{low:z6.3f} to {high:z6.3f}" for low, high in zip(lows, highs, strict=True)]
        print(
            f"{name:18} {result['optimum'][0]:z9.3f} {result['optimum'][1]:6.3f}   "
            f"{ranges[0]:>15} {ranges[1]:>15} {result['error']:7.3f} {result['seconds']:7.0f}"
        )
    width = max(map(len, results)) + 2
    print("\ntrained on the row, evaluated under the column: mean over seeds; last row the least")
    print(" " * 18 + "".join(f"{name:>{width}}" for name in results))
    for name, result in results.items():
        values = (np.mean(result["under"][other]) for other in results)
        print(f"{name:18}" + "".join(f"{value:{width}.4f}" for value in values))
    print(f"{'best Gaussian':18}" + "".join(f"{r['least']:{width}.4f}" for r in results.values()))


def draw(results: dict[str, dict], p: Callable, path: Path) -> None:
    """One panel for each divergence: the data, the best Gaussian, the learned ones."""
    import drawing
    import numpy as np

    x = np.linspace(-4, 5, 400)
    panels = {
        "{}\nbest: mean {:z.2f}, std {:z.2f}".format(name, *result["optimum"]): (
            np.asarray(gaussian(*result["optimum"])(x)),
            [np.asarray(gaussian(*at)(x)) for at in result["reached"]],
        )
        for name, result in results.items()
    }
    drawing.densities(path, x, np.asarray(p(x)), panels)


def main() -> None:
    """Trains, compares, prints the tables, draws the picture."""
    config = cli.resolved(CONFIG.value)

    from ganjax import divergences, experiment, run_folder

    names = list(divergences.DIVERGENCES) if NAMES.value == ["all"] else NAMES.value
    for name in names:
        if name not in divergences.DIVERGENCES:
            raise ConfigError(unknown("divergence", name, divergences.DIVERGENCES))
    p = experiment.build(config).data.density
    if p is None or config["generator"]["name"] != "gaussian" or config["loss"]["name"] != "f_gan":
        raise ConfigError(
            "the study needs data with a density, the generator 'gaussian' and the loss 'f_gan', "
            "as in configs/mixture_f_gan.py"
        )
    results = studied(config, names, p, SEEDS.value)
    report(results)
    if JSON.value:
        run_folder.write_json(Path(JSON.value), results)
    if PICTURE.value:
        draw(results, p, Path(PICTURE.value))
        print(f"densities: {PICTURE.value}")


if __name__ == "__main__":
    sys.exit(cli.run(main))
