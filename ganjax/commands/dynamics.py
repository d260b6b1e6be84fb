"""Measures spectral radii of schemes on a toy game, beside theory, and draws trajectories.

The verdict "converges" or "diverges" is proven by intervals around all eigenvalues.

ganjax dynamics --game bilinear --schemes all --picture paths.png --json radii.json
"""

import math
import time
from pathlib import Path

from ganjax import cli
from ganjax.errors import ConfigError, MachineError

GAMES = ("bilinear", "dirac", "stackelberg")  # one parameter a player, an equilibrium at the origin
# Schemes without a spectral radius at the equilibrium, and why.
WITHOUT_RADIUS = {
    "adaptive_extragradient": "its step has no derivative at the equilibrium",
    "anchored": "its map changes from step to step",
    "anderson": "its map depends on the moves before, and arrives or stagnates",
    "tiada": "its map changes from step to step",
}
BITS = 1024  # of the verdicts: intervals grow over the 300 iterations of `proximal`

FLAGS = cli.Flags()
GAME = FLAGS.enum("game", "bilinear", GAMES, "Game.")
SCHEMES = FLAGS.list("schemes", ["all"], "Names of schemes, your own as module:function, or all.")
STEPS = FLAGS.list("steps", ["0.01", "0.1", "0.2", "0.3", "0.5", "0.7", "1.0"], "Steps h.")
SHOWN = FLAGS.float("shown", 0.2, "Step h of the picture.", lower_bound=1e-6)
LENGTH = FLAGS.integer("length", 200, "Steps of a drawn trajectory.", lower_bound=1)
PICTURE = FLAGS.output("picture", cli.FIGURES, "Draw trajectories into this file.")
JSON = FLAGS.output("json", (".json",), "Also write the radii to this JSON file.")


def options(factory: object, h: float) -> dict:
    """The arguments a scheme requires, its own step sizes at h."""
    import inspect

    from ganjax import schemes

    wanted = {
        "lr": h,
        "lookahead_lr": h,
        "inner": schemes.simultaneous,
        "iterations": 300,  # enough for a fixed point of h < 1
        "cg_tolerance": 1e-12,
    }
    return {k: v for k, v in wanted.items() if k in inspect.signature(factory).parameters}


def check_options(name: str, factory: object) -> None:
    """Refuses a scheme that needs options of which the command knows nothing."""
    import inspect

    known = {"game", "tx", "axis_name", *options(factory, 0.1)}
    parameters = inspect.signature(factory).parameters.values()
    plain = (p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD))
    if missing := [p.name for p in plain if p.default is p.empty and p.name not in known]:
        raise ConfigError(
            f"scheme {name!r} needs {' and '.join(missing)}, which this command cannot pass; give "
            "them defaults, or name a function of yours that sets them"
        )


def scheme_at(name: str, game: object, h: float) -> object:
    """A scheme with gradient steps of h."""
    import optax

    from ganjax import schemes
    from ganjax.names import lookup
    from ganjax.types import Players

    factory = lookup("scheme", name, schemes.SCHEMES)
    return factory(game, Players(optax.sgd(h), optax.sgd(h)), **options(factory, h))


def theory(name: str, h: float) -> float | None:
    """The closed form on V = x y, for the options used here."""
    import inspect

    from ganjax import dynamics, schemes

    if GAME.value != "bilinear" or name not in dynamics.RADII:
        return None
    if name == "proximal" and h >= 1:  # its iterations do not converge
        return None
    radius = dynamics.RADII[name]
    wanted = inspect.signature(radius).parameters
    factory = inspect.signature(schemes.SCHEMES[name]).parameters
    return float(radius(h, **{k: p.default for k, p in factory.items() if k in wanted}))


def trajectory(name: str) -> object:
    """Both players' parameters from (1, 1) on, [steps + 1, 2]."""
    import jax
    import numpy as np

    from ganjax import dynamics, games

    scheme = scheme_at(name, games.GAMES[GAME.value](start=(1.0, 1.0)), SHOWN.value)
    start = scheme.init(jax.random.key(0), None)
    params = dynamics.trajectory(scheme.step, start, steps=LENGTH.value)
    return np.concatenate(params, axis=1)


def at_equilibrium(name: str, game: object, h: float) -> tuple:
    """A step and the state where it is linearised."""
    import jax

    scheme = scheme_at(name, game, h)
    return scheme.step, scheme.init(jax.random.key(0), None)


def radius(name: str, game: object, h: float) -> float:
    """The spectral radius of a step at the equilibrium."""
    import numpy as np

    from ganjax import dynamics

    return float(np.abs(dynamics.update_map_spectrum(*at_equilibrium(name, game, h))).max())


def certified(name: str, game: object, h: float) -> dict:
    """The proven verdict on a step, None without the package for it, and the widest enclosure."""
    from ganjax import dynamics

    began = time.process_time()
    try:
        spectrum = dynamics.certified_spectrum(*at_equilibrium(name, game, h), bits=BITS)
    except MachineError as error:
        return {"verdict": None, "enclosure": None, "reason": str(error), "seconds": 0.0}
    widest = float(spectrum.radii.max())
    return {
        "verdict": spectrum.verdict,
        "enclosure": widest if math.isfinite(widest) else None,
        "reason": spectrum.reason,
        "seconds": time.process_time() - began,
    }


def titled(name: str, game: object) -> str:
    """A scheme's name and its radius at the drawn step, if it has one."""
    if name in WITHOUT_RADIUS:
        return f"{name}\nno radius"
    drawn = f"radius {radius(name, game, SHOWN.value):.4f}"
    return f"{name}\n{drawn}"


def main() -> None:
    """Prints the table, writes the JSON, draws the picture."""
    import jax

    jax.config.update("jax_enable_x64", True)

    from ganjax import dynamics, games, pictures, run_folder, schemes
    from ganjax.disclosure import Disclosure
    from ganjax.names import lookup

    names = sorted(schemes.SCHEMES) if SCHEMES.value == ["all"] else SCHEMES.value
    for name in names:
        check_options(name, lookup("scheme", name, schemes.SCHEMES))
    try:
        steps = [float(step) for step in STEPS.value]
    except ValueError:
        steps = [-1.0]
    if not all(0 < step <= 100 for step in steps):
        raise ConfigError(
            f"--steps={','.join(STEPS.value)} must be numbers above 0 and up to 100, e.g. 0.1,0.5"
        )

    origin, rows = games.GAMES[GAME.value](start=(0.0, 0.0)), []
    print(f"{'scheme':20} {'h':>6} {'measured':>18} {'theory':>18} {'difference':>11}  verdict")
    for name in names:
        for h in [] if name in WITHOUT_RADIUS else steps:
            measured = radius(name, origin, h)
            expected = theory(name, h)
            row = {"scheme": name, "h": h, "measured": measured, "theory": expected}
            rows.append(row | certified(name, origin, h))
            tail = f"{expected:18.14f} {measured - expected:11.1e}" if expected is not None else ""
            verdict = rows[-1]["verdict"] or "-"
            print(f"{name:20} {h:6.3f} {measured:18.14f} {tail:30}  {verdict}", flush=True)
    if rows and rows[0]["verdict"] is None:
        print(f"no verdicts: {rows[0]['reason']}")
    for name in sorted(WITHOUT_RADIUS.keys() & names):
        print(f"{name}: {WITHOUT_RADIUS[name]}, no spectral radius")
    if JSON.value:
        run_folder.write_json(Path(JSON.value), {"game": GAME.value, "radii": rows})
    if PICTURE.value:
        reach = 2.0
        portrait = dynamics.phase_portrait(origin, x_range=(-reach, reach), y_range=(-reach, reach))
        panels = {titled(name, origin): trajectory(name) for name in names}
        pictures.save_portraits(Path(PICTURE.value), portrait, panels, disclosure=Disclosure())
        print(f"trajectories: {PICTURE.value}")
