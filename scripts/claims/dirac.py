"""Eigenvalues at the equilibrium of the Dirac-GAN, by method of training.

Data are a point at 0, generated samples one at theta, D(x) = psi x. Numbers are those of the
gradient flow -F at (0, 0), and for consensus (mu - 1) / h of the eigenvalues mu of a step. A real
part below 0 converges locally, one of 0 turns for ever. The published lemmas give them in closed
form.
"""

import numpy as np
import optax

from claims.analysis import slowest
from claims.playing import RNG, both
from claims.result import Number, Panel, Result
from ganjax import dynamics, games, penalties, schemes

TITLE = {
    "en": "Plain GANs do not converge on the Dirac-GAN; R1, instance noise and consensus do",
    "ko": "디랙 GAN에서 보통의 GAN은 수렴하지 않고, R1, 인스턴스 잡음, 합의 최적화는 수렴한다",
}
SOURCE = "Mescheder, Geiger, Nowozin, ICML 2018, arXiv:1801.04406, lemmas 2.3 to 4.1"
ORIGIN, H = (0.0, 0.0), 0.2
TURNING = ("minimax", "non_saturating")  # without anything else
ROWS = {  # instance noise, R1's gamma -> eigenvalue of largest real part as published
    (0.0, 0.3): -0.15 + 0.476970j,
    (0.0, 1.0): -0.5 + 0j,
    (0.0, 2.0): -0.133975 + 0j,
    (0.1, None): -0.0025 + 0.499994j,
    (0.5, None): -0.0625 + 0.496078j,
    (1.0, None): -0.25 + 0.433013j,
}
SCHEMES = {name: getattr(schemes, name) for name in ("simultaneous", "alternating", "consensus")}


def replay() -> Result:
    """Real and imaginary parts, and the radii of a step."""
    cases = {name: (games.dirac(name, start=ORIGIN), 0.5j) for name in TURNING}
    for (noise, gamma), published in ROWS.items():
        name = f"instance noise {noise}" if gamma is None else f"R1, gamma {gamma}"
        penalty = None if gamma is None else penalties.r1(gamma)
        cases[name] = games.dirac("minimax", penalty, noise, start=ORIGIN), published
    found, radii = {}, {}
    for name, (game, published) in cases.items():
        state = schemes.simultaneous(game, both(optax.sgd(H))).init(RNG, None)
        found[name] = published, slowest(-dynamics.game_jacobian_spectrum(game, state))
    for name, make in SCHEMES.items():
        scheme = make(games.dirac(start=ORIGIN), both(optax.sgd(H)))
        radii[name] = dynamics.update_map_spectrum(scheme.step, scheme.init(RNG, None))
    found["consensus, gamma 1"] = -0.25 + 0.5j, slowest((radii["consensus"] - 1) / H)
    numbers = [
        Number(f"{name}: {part}", getattr(published, part), getattr(ours, part), None, 1e-6, SOURCE)
        for name, (published, ours) in found.items()
        for part in ("real", "imag")
    ]
    for name, published in (("simultaneous", 1.004987562), ("alternating", 1.0)):
        radius = float(np.abs(radii[name]).max())
        numbers.append(Number(f"radius of {name}, h {H}", published, radius, None, 1e-9, SOURCE))
    conclusion = {name for name, (_, ours) in found.items() if ours.real > -1e-3} == set(TURNING)
    curves = {name: ([ours.real], [ours.imag]) for name, (_, ours) in found.items()}
    return Result(tuple(numbers), conclusion, Panel(curves, "real part", "imaginary part"))
