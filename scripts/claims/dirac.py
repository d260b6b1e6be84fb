"""Eigenvalues at the equilibrium of the Dirac-GAN, by method of training.

Data are a point at 0, generated samples one at theta, D(x) = psi x. Numbers are those of the
gradient flow -F at (0, 0), and for consensus (mu - 1) / h of the eigenvalues mu of a step. A real
part below 0 converges locally, one of 0 turns for ever. The published lemmas give them in closed
form.
"""

from functools import partial

import numpy as np
import optax

from claims.playing import RNG, both
from claims.result import Number, Panel, Result
from ganjax import dynamics, games, penalties, schemes

TITLE = {
    "en": "Plain GANs do not converge on the Dirac-GAN; R1, instance noise and consensus do",
    "ko": "디랙 GAN에서 보통의 GAN은 수렴하지 않고, R1, 인스턴스 잡음, 합의 최적화는 수렴한다",
}
SOURCE = "Mescheder, Geiger, Nowozin, ICML 2018, arXiv:1801.04406, lemmas 2.3 to 4.1"
ORIGIN, H = (0.0, 0.0), 0.2
R1 = {f"R1, gamma {g}": penalties.r1(gamma=g) for g in (0.3, 1.0, 2.0)}
ROWS = {  # name -> (game, eigenvalue of largest real part as published)
    "minimax": (partial(games.dirac, "minimax"), 0.5j),
    "non-saturating": (partial(games.dirac, "non_saturating"), 0.5j),
    **{
        name: (partial(games.dirac, "minimax", penalty), published)
        for (name, penalty), published in zip(
            R1.items(), (-0.15 + 0.476970j, -0.5 + 0j, -0.133975 + 0j), strict=True
        )
    },
    **{
        f"instance noise {s}": (partial(games.dirac, "minimax", None, s), published)
        for s, published in (
            (0.1, -0.0025 + 0.499994j),
            (0.5, -0.0625 + 0.496078j),
            (1.0, -0.25 + 0.433013j),
        )
    },
}


def slowest(values: np.ndarray) -> complex:
    """The eigenvalue of the largest real part, with the larger imaginary part of a pair."""
    return complex(max(values, key=lambda value: (round(value.real, 9), value.imag)))


def replay() -> Result:
    """Real and imaginary parts, and the radii of a step."""
    found = {}
    for name, (make, published) in ROWS.items():
        game = make(start=ORIGIN)
        state = schemes.simultaneous(game, both(optax.sgd(H))).init(RNG, None)
        found[name] = published, slowest(-dynamics.game_jacobian_spectrum(game, state))
    game = games.dirac(start=ORIGIN)
    radii = {}
    for name, make in (
        ("simultaneous", schemes.simultaneous),
        ("alternating", schemes.alternating),
        ("consensus", schemes.consensus),
    ):
        scheme = make(game, both(optax.sgd(H)))
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
    real = {name: ours.real for name, (_, ours) in found.items()}
    turns = {name for name, value in real.items() if value > -1e-3}
    conclusion = turns == {"minimax", "non-saturating"}
    curves = {name: ([ours.real], [ours.imag]) for name, (_, ours) in found.items()}
    return Result(tuple(numbers), conclusion, Panel(curves, "real part", "imaginary part"))
