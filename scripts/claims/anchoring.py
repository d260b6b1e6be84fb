"""Anchored extragradient: |F|^2 falls as 1/k^2, on a negatively comonotone game too.

f = -x^2/6 + (2 sqrt 2 / 3) x y + y^2/6 has L = 1 and comonotonicity rho = -1/3. FEG plays it from
(10, 10); its bound is k^2 |F(z_k)|^2 <= 4 / (1/L + 2 rho)^2 |z_0 - z*|^2. EAG-C plays x y. A radius
is the spectral radius of one step.
"""

import jax
import numpy as np
import optax

from claims.playing import RNG, both, path, squared
from claims.result import Number, Panel, Result
from ganjax import dynamics, games, schemes

TITLE = {
    "en": "Anchoring gives |F|^2 of order 1/k^2, and the constant is reached",
    "ko": "앵커링은 |F|^2을 1/k^2 차수로 줄이며, 그 상수에 실제로 도달한다",
}
SOURCE = "Lee, Kim, NeurIPS 2021, arXiv:2106.02326; Yoon, Ryu, ICML 2021, arXiv:2102.07922"
REPLAY = "independent replay of the published set-up"
STEPS = 10_000
RADII = {  # (reach, step) of extragradient -> its radius, replayed independently
    (1.0, 1.0): 1.66667,
    (0.5, 0.5): 1.15770,
    (1.0, 0.5): 1.10554,
    (1.0, 0.25): 0.97183,
}


def scaled(game, scheme, ahead: int) -> np.ndarray:
    """(k + ahead)^2 |F(z_k)|^2 / |z_0|^2 for k = 0, ..., 10,000."""
    state = scheme.init(RNG, None)
    field = dynamics.gradient_field(game, state)
    watched = jax.jit(lambda: path(scheme, STEPS, lambda state: squared(field(state.params))))()
    watched = np.asarray(watched)
    return (np.arange(STEPS + 1) + ahead) ** 2 * watched / float(squared(state.params))


def replay() -> Result:
    """The constants, and extragradient's radii on the same game."""
    game, xy = games.lee_kim(start=(10.0, 10.0)), games.bilinear()
    feg = schemes.anchored(game, both(optax.sgd(1.0)), kind="feg", rho=-1 / 3)
    curves = {"FEG": scaled(game, feg, 0)}
    numbers = [Number("FEG, largest", 36.0, curves["FEG"].max(), None, 1e-7, f"[memory] {SOURCE}")]
    for step, printed in ((1 / 8, 211.01), (1 / 2, 7.55)):
        eag = schemes.anchored(xy, both(optax.sgd(step)))
        curves[f"EAG-C, step {step}"] = scaled(xy, eag, 1)
        name, largest = f"EAG-C on xy, step {step}", curves[f"EAG-C, step {step}"].max()
        numbers.append(Number(f"{name}, largest", printed, largest, None, 0.005, REPLAY))
    for (reach, step), printed in RADII.items():
        scheme = schemes.extragradient(game, both(optax.sgd(step)), reach=reach)
        spectrum = dynamics.update_map_spectrum(scheme.step, scheme.init(RNG, None))
        name = f"radius of extragradient, reach {reach}, step {step}"
        numbers.append(Number(name, printed, np.abs(spectrum).max(), None, 5e-6, REPLAY))
    steps = np.arange(STEPS + 1)
    panel = {name: (steps[1:], y[1:]) for name, y in curves.items()}
    conclusion = curves["FEG"].max() <= 36 and curves["EAG-C, step 0.125"].max() <= 260
    return Result(tuple(numbers), conclusion, Panel(panel, "k", "k^2 |F|^2 / |z_0 - z*|^2", "xy"))
