"""Games of two numbers x and y in which published schemes cycle, stall or converge.

Their fields are not monotone, and all but `polar` are zero-sum: x descends V, y ascends it. The
ratio tau of two-timescale analyses is the ratio of the players' learning rates.
"""

from collections.abc import Callable

import jax.numpy as jnp

from ganjax import checks
from ganjax.games.closed_form import closed_form, numbers, starting_at, zero_sum
from ganjax.games.toy import quadratic
from ganjax.types import Game

Start = tuple[float, float]


def _zero_sum(start: Start, value: Callable) -> Game:
    """x descends value(x, y), y ascends it; params are `Players` of arrays [1]."""
    at = numbers("start", start, (2,))[:, None]
    return zero_sum(lambda x, y: value(x[0], y[0]), (at[0], at[1]))


def forsaken(kind: str = "forsaken", start: Start = (1.2, 1.2)) -> Game:
    """Forsaken: limit cycles that attract, around an equilibrium (Hsieh et al. 2021).

    "forsaken": V = x (y - 0.45) + phi(x) - phi(y), phi(z) = z^2/4 - z^4/2 + z^6/6, stationary at
    (0.0780266687, 0.4119338514), on the box |x|, |y| <= 3/2 (arXiv:2006.09065).
    "global": V = x y + phi(x) - phi(y), phi(z) = z^2/3 - z^4/3 + 2 z^6/21, a weak Minty solution at
    the origin (Pethick et al. 2022, arXiv:2302.09831, appendix C.4).

    Args:
      kind: "forsaken" or "global".
      start: (x, y).

    Raises:
      ValueError: an unknown kind, or a start that is not two finite numbers.
    """
    checks.one_of(("forsaken", "global"), kind=kind)
    two, four, six, shift = (
        (1 / 4, 1 / 2, 1 / 6, 0.45) if kind == "forsaken" else (1 / 3, 1 / 3, 2 / 21, 0.0)
    )

    def phi(z):
        return two * z**2 - four * z**4 + six * z**6

    return _zero_sum(start, lambda x, y: x * (y - shift) + phi(x) - phi(y))


def polar(a: float = 1 / 3, start: Start = (1.0, 0.5)) -> Game:
    """PolarGame: the field F = (-y + a x q, x + a y q), q = (r - 1)(16 r - 9)/16, r = x^2 + y^2.

    Circles of radius 1 and 3/4 around the solution at the origin are limit cycles of the flow -F;
    the larger attracts, the smaller repels (Pethick et al. 2022, arXiv:2302.09831, appendix C.2).
    On the box |x|, |y| <= 1.1, with rho the least <F, z> / |F|^2 and L the Lipschitz constant:

      a = 1:    rho -0.0477422, L 18.54795;
      a = 3/4:  rho -0.0358425, L 13.93839;
      a = 1/3:  rho -0.0159465, L 6.306090.

    No function has this field, but two have its parts: L_gen = -x y + a Q(r)/2 and L_disc =
    x y + a Q(r)/2 with Q' = q.

    Args:
      a: strength of the radial part.
      start: (x, y).

    Raises:
      ValueError: a number is not finite.
    """
    numbers("a", a, ())

    def values(x, y):
        x, y = x[0], y[0]
        r = x**2 + y**2
        radial = a * (16 / 3 * r**3 - 25 / 2 * r**2 + 9 * r) / 32
        return radial - x * y, radial + x * y

    return closed_form(starting_at(start, 1, 1), values)


def lee_kim(smoothness: float = 1.0, start: Start = (10.0, 10.0)) -> Game:
    """V = L (-x^2/6 + 2 sqrt(2)/3 x y + y^2/6), the worst case of anchored extragradient.

    L-smooth and -1/(3 L)-comonotone (Lee and Kim 2021, arXiv:2106.02326): extragradient diverges,
    FEG converges. With L = 3 it is the lower bound's game of Pethick et al. (arXiv:2302.09831).

    Args:
      smoothness: L, greater than 0.
      start: (x, y).
    """
    checks.within("(0, inf)", smoothness=smoothness)
    own, cross = smoothness / 3, smoothness * 8**0.5 / 3
    return quadratic(((-own, cross), (cross, own)), start=start)


def torus(a: float = 0.15, b: float = 0.15, start: Start = (2.0, -1.0)) -> Game:
    """V = -a cos x + cos(x - y) + b cos y on a torus (Fiez and Ratliff 2021, arXiv:2009.14820).

    With tau the ratio of y's rate to x's, the stationary points (0, 0) and (pi, pi) attract for
    tau > (1 - a)/(1 + b) and tau > (1 + a)/(1 - b): 17/23 and 23/17 at the defaults.

    Args:
      a: weight of cos x, from 0 to 1 (excluded).
      b: weight of cos y, the same.
      start: (x, y).
    """
    checks.within("[0, 1)", a=a, b=b)
    return _zero_sum(start, lambda x, y: -a * jnp.cos(x) + jnp.cos(x - y) + b * jnp.cos(y))


_WANG = {
    "g1": lambda x, y: -3 * x**2 - y**2 + 4 * x * y,
    "g2": lambda x, y: 3 * x**2 + y**2 + 4 * x * y,
    "g3": lambda x, y: (
        (4 * x**2 - (y - 3 * x + 0.05 * x**3) ** 2 - 0.1 * y**4) * jnp.exp(-0.01 * (x**2 + y**2))
    ),
}


def wang(kind: str = "g3", start: Start = (5.5, 5.5)) -> Game:
    """The three functions on which follow-the-ridge was compared (Wang et al. 2020).

    g1 = -3 x^2 - y^2 + 4 x y, the game `stackelberg`; g2 = 3 x^2 + y^2 + 4 x y, whose stationary
    point is not local minimax and yet attracts simultaneous play; g3 = (4 x^2 - (y - 3 x +
    0.05 x^3)^2 - 0.1 y^4) exp(-0.01 (x^2 + y^2)). Step 0.05 (arXiv:1910.07512).

    Args:
      kind: "g1", "g2" or "g3".
      start: (x, y).
    """
    checks.one_of(_WANG, kind=kind)
    return _zero_sum(start, _WANG[kind])


def fiez_ratliff(start: Start = (-9.0, -9.0)) -> Game:
    """V = -exp(-0.01 (x^2 + y^2)) ((0.3 x^2 + y)^2 + (0.3 y^2 + x)^2), many stationary points.

    Local minimax points, with the ratio tau of y's rate to x's beyond which they attract: 1 at
    (-11.0297, -11.0297) and (-1.62165, -1.62165), 0 at (10.5722, -8.95174). Step 1e-4 for x (Fiez
    and Ratliff 2021, arXiv:2009.14820). `start` is (x, y).
    """

    def value(x, y):
        growth = (0.3 * x**2 + y) ** 2 + (0.3 * y**2 + x) ** 2
        return -growth * jnp.exp(-0.01 * (x**2 + y**2))

    return _zero_sum(start, value)
