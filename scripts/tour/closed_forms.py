"""Claims about games of a few parameters: seconds each, in float64."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.scipy.stats import norm
from scipy import optimize, stats

from ganjax import divergences, dynamics, games, losses, schemes
from ganjax.types import Game, Players
from tour.claim import Check, Claim

LOG_4 = math.log(4)
RNG = jax.random.key(0)  # of games without randomness
REACH = 16.0  # bounds of integrals: the densities here have their mass well within


def play() -> Claim:
    """Simultaneous, alternating and extragradient play on V = x y."""
    step, steps = 0.2, 100
    tx = Players(optax.sgd(step), optax.sgd(step))
    checks, arrays, radii = [], {}, {}
    for name in ("simultaneous", "alternating", "extragradient"):
        scheme = schemes.SCHEMES[name](games.bilinear(start=(1.0, 1.0)), tx)
        state, move = scheme.init(RNG, None), jax.jit(scheme.step)
        eigenvalues = dynamics.update_map_spectrum(move, state)
        radii[name] = float(dynamics.RADII[name](step))
        checks.append(Check(f"radius_{name}", radii[name], float(np.abs(eigenvalues).max()), 1e-10))
        path = np.concatenate(dynamics.trajectory(move, state, steps=steps), axis=1)
        arrays |= {f"path_{name}": path, f"eigenvalues_{name}": eigenvalues}
    for name in ("simultaneous", "extragradient"):
        # Both maps are a rotation times a number, so that every step scales the distance.
        distance = float(np.linalg.norm(arrays[f"path_{name}"][-1]))
        predicted = math.sqrt(2) * radii[name] ** steps
        checks.append(Check(f"distance_{name}", predicted, distance, 1e-9))
    x, y = arrays["path_alternating"].T
    conserved = x**2 + y**2 + step * x * y  # the orbit is an ellipse
    drift = float(np.abs(conserved - conserved[0]).max())
    checks.append(Check("drift_alternating", 0.0, drift, 1e-10))
    portrait = dynamics.phase_portrait(
        games.bilinear(), x_range=(-3.0, 3.0), y_range=(-3.0, 3.0), points=13
    )
    arrays |= {f"arrows_{part}": value for part, value in portrait._asdict().items()}
    return Claim("play", tuple(checks), {"step": step, "steps": steps}, arrays)


def optimum() -> Claim:
    """D* = p / (p + q), its value 2 JSD - log 4, and -log 4 where both distributions agree."""
    mean, std = 1.0, 2.0
    game = games.gaussian_1d("minimax")
    best = _best_responses(game, 3)

    of_both = jax.jit(lambda gen, disc: value_of(game, gen, disc))

    def value(*gen):
        gen = jnp.array(gen)
        return float(of_both(gen, best(gen)))

    w = best(jnp.array([mean, std]))
    x = np.linspace(-6.0, 6.0, 241)
    p, q = _gaussian(0.0, 1.0), _gaussian(mean, std)
    found = np.asarray(jax.nn.sigmoid(w[0] + w[1] * x + w[2] * x**2 / 2))
    ideal = np.asarray(p(x) / (p(x) + q(x)))
    means = np.linspace(-4.0, 4.0, 17)
    values = np.array([value(a, 1.0) for a in means])
    apart = jax.jit(lambda a: divergences.jensen_shannon(p, _gaussian(a, 1.0), -REACH, REACH))
    jsd = [apart(a) for a in means]
    predicted = 2 * float(divergences.jensen_shannon(p, q, -REACH, REACH)) - LOG_4
    checks = (
        Check("error_of_discriminator", 0.0, float(np.abs(found - ideal).max()), 1e-8),
        Check("value_apart", predicted, value(mean, std), 1e-9),
        Check("value_agreeing", -LOG_4, value(0.0, 1.0), 1e-9),
        Check("lowest_value", -LOG_4, float(values.min()), 1e-9),
    )
    arrays = {
        "x": x,
        "p": np.asarray(p(x)),
        "q": np.asarray(q(x)),
        "found": found,
        "ideal": ideal,
        "means": means,
        "values": values,
        "theory": 2 * np.asarray(jsd) - LOG_4,
    }
    return Claim("optimum", checks, {"mean": mean, "std": std}, arrays)


def saturation() -> Claim:
    """The generator's slope at the optimal discriminator, under both of its losses."""
    probability, far = 0.001, 5.0
    logit = jnp.log(probability / (1 - probability))[None]
    slopes = {
        name: -float(jax.grad(loss.gen, argnums=1)(jnp.zeros(1), logit)[0])
        for name, loss in (
            ("minimax", losses.minimax),
            ("non_saturating", losses.non_saturating),
        )
    }
    checks = [
        Check("logit_minimax", probability, slopes["minimax"], 1e-12),
        Check("logit_non_saturating", 1 - probability, slopes["non_saturating"], 1e-12),
    ]

    @jax.jit
    @jax.grad
    def slope_of_twice_jsd(a):
        p, q = _gaussian(0.0, 1.0), _gaussian(a, 1.0)
        return 2 * divergences.jensen_shannon(p, q, -REACH, REACH)

    distances = np.linspace(0.5, far, 10)
    # By the envelope theorem the slope of V at D* is that of 2 JSD - log 4; that of the other loss
    # is the slope of KL(q || p) - 2 JSD (Arjovsky & Bottou 2017, theorem 2.5), and KL is a^2 / 2.
    minimax = np.array([float(slope_of_twice_jsd(a)) for a in distances])
    theory = {"minimax": minimax, "non_saturating": distances - minimax}
    arrays = {"distances": distances}
    # Both have the same discriminator loss, and so the same best discriminator.
    best = _best_responses(games.gaussian_1d("minimax"), 3)
    gens = [jnp.array([a, 1.0]) for a in distances]
    discs = [best(gen) for gen in gens]
    for name, predicted in theory.items():
        game = games.gaussian_1d(name)
        slope = jax.jit(jax.grad(lambda g, d, of=game: loss_of(of, "gen", g, d)))
        measured = np.array([float(slope(*both)[0]) for both in zip(gens, discs, strict=True)])
        arrays |= {name: measured, f"{name}_theory": predicted}
        checks.append(Check(f"slope_{name}", float(predicted[-1]), float(measured[-1]), 1e-6))
    predicted, ratio = (
        float(arrays[f"non_saturating{of}"][-1] / arrays[f"minimax{of}"][-1])
        for of in ("_theory", "")
    )
    checks.append(Check("ratio", predicted, ratio, 0.01))
    return Claim("saturation", tuple(checks), {"probability": probability, "far": far}, arrays)


def lines() -> Claim:
    """Two parallel lines: the Wasserstein distance has a slope, the divergence is flat."""
    thetas = np.linspace(-1.0, 1.0, 11)
    checks, arrays = [], {"thetas": thetas}
    for name in ("wasserstein", "minimax"):
        game = games.parallel_lines(name)
        best = _best_responses(game, 2)
        compiled = jax.jit(jax.value_and_grad(lambda g, d, of=game: value_of(of, g, d)))
        values, slopes = [], []
        for theta in thetas:
            gen = jnp.array([theta])
            value, slope = compiled(gen, best(gen))
            values.append(float(value))
            slopes.append(float(slope[0]))
        arrays |= {name: np.array(values), f"{name}_slope": np.array(slopes)}
    apart = thetas != 0
    distance_error = np.abs(arrays["wasserstein"] - np.abs(thetas)).max()
    slope_error = np.abs(arrays["wasserstein_slope"] - np.sign(thetas))[apart].max()
    arrays["jsd"] = (arrays["minimax"] + LOG_4) / 2
    checks = (
        # The best critic has slope 1, which tanh only approaches.
        Check("distance", 0.0, float(distance_error), 1e-6),
        Check("slope_wasserstein", 0.0, float(slope_error), 1e-6),
        Check("jsd_nearest", math.log(2), float(arrays["jsd"][apart].min()), 1e-6),
        Check("jsd_agreeing", 0.0, float(arrays["jsd"][~apart][0]), 1e-6),
        Check("slope_minimax", 0.0, float(np.abs(arrays["minimax_slope"][apart]).max()), 1e-4),
    )
    return Claim("lines", checks, {"nearest": float(np.abs(thetas[apart]).min())}, arrays)


def over_generalisation() -> Claim:
    """One Gaussian for two: KL covers the gap between them, the reverse KL takes one of them."""
    centre, std, half = 2.0, 0.5, 1.0
    one, other = _gaussian(-centre, std), _gaussian(centre, std)

    def p(x):
        return (one(x) + other(x)) / 2

    x = np.linspace(-5.0, 5.0, 401)
    fits, arrays, gaps = {}, {"x": x, "data": np.asarray(p(x))}, {}
    for name in ("kl", "reverse_kl"):
        fits[name] = best_gaussian(name, p, start=(1.0, 1.0))
        density = _gaussian(*fits[name])
        arrays[name] = np.asarray(density(x))
        gaps[name] = float(divergences.integral(density, -half, half))
    moments = math.hypot(centre, std)
    own = float(divergences.integral(p, -half, half))
    covered = stats.norm.cdf(half / moments) - stats.norm.cdf(-half / moments)
    checks = (
        Check("mean_kl", 0.0, fits["kl"][0], 1e-5),
        Check("std_kl", moments, fits["kl"][1], 1e-5),
        Check("gap_kl", float(covered), gaps["kl"], 1e-5),
        Check("excess_kl", float(covered) / own, gaps["kl"] / own, 1e-3),
        Check("mean_reverse_kl", centre, fits["reverse_kl"][0], 0.01),
        Check("std_reverse_kl", std, fits["reverse_kl"][1], 0.01),
        Check("excess_reverse_kl", 1.0, gaps["reverse_kl"] / own, 0.02),
    )
    facts = {"centre": centre, "std": std, "half": half, "gap": own}
    return Claim("over_generalisation", checks, facts, arrays)


def nash() -> Claim:
    """Training from afar ends where D = 1/2, and neither player can gain by itself."""
    steps, rate, tries = 1000, 0.2, 100
    game = games.gaussian_1d("minimax", start=(1.0, 2.0))
    tx = Players(optax.sgd(rate), optax.sgd(rate))
    scheme = schemes.extragradient(game, tx)
    first = scheme.init(RNG, None)
    path = jax.jit(lambda state: dynamics.trajectory(scheme.step, state, steps=steps))(first)
    last = first._replace(params=jax.tree.map(lambda leaf: leaf[-1], path))
    w = np.asarray(path.disc)
    x = np.linspace(-3.0, 3.0, 121)
    powers = np.stack([np.ones_like(x), x, x**2 / 2])  # [3, points]
    found = np.asarray(jax.nn.sigmoid(w @ powers))  # [steps + 1, points]
    gains = jax.jit(lambda at: dynamics.best_response_gains(game, tx, at, steps=tries))(last)
    values = jax.jit(jax.vmap(lambda gen, disc: value_of(game, gen, disc)))(path.gen, path.disc)
    checks = (
        Check("mean", 0.0, float(last.params.gen[0]), 1e-6),
        Check("std", 1.0, float(last.params.gen[1]), 1e-6),
        Check("lowest", 0.5, float(found[-1].min()), 1e-6),
        Check("highest", 0.5, float(found[-1].max()), 1e-6),
        Check("value", -LOG_4, float(values[-1]), 1e-9),
        Check("gain_gen", 0.0, float(gains.gen), 1e-9),
        Check("gain_disc", 0.0, float(gains.disc), 1e-9),
    )
    shown = np.unique(np.geomspace(1, steps, 200).astype(int))
    arrays = {
        "steps": shown,
        "gen": np.asarray(path.gen)[shown],
        "lowest": found.min(1)[shown],
        "highest": found.max(1)[shown],
        "value": np.asarray(values)[shown],
    }
    return Claim("nash", checks, {"steps": steps, "rate": rate, "tries": tries}, arrays)


def best_gaussian(
    divergence: str, p: Callable, *, start: tuple[float, float], reach: float = REACH
) -> tuple[float, float]:
    """(mean, std) of the Gaussian Q nearest to the start that minimises D(P || Q), by quadrature.

    Args:
      divergence: name in `divergences.DIVERGENCES`.
      p: density of the data.
      start: (mean, std) to descend from.
      reach: bounds of the integral.
    """

    @jax.jit
    @jax.value_and_grad
    def value(at):
        q = _gaussian(at[0], jnp.exp(at[1]))
        return divergences.f_divergence(divergence, p, q, -reach, reach)

    found = optimize.minimize(
        lambda at: [np.asarray(part, float) for part in value(jnp.asarray(at))],
        [start[0], math.log(start[1])],
        jac=True,
        bounds=[(-5.0, 5.0), (math.log(0.4), math.log(3.0))],
        options={"ftol": 1e-15, "gtol": 1e-9},
    )
    return float(found.x[0]), float(np.exp(found.x[1]))


def _gaussian(mean, std) -> Callable:
    return lambda x: norm.pdf(x, mean, std)


def loss_of(game: Game, player: str, gen: jax.Array, disc: jax.Array) -> jax.Array:
    outcome = game.losses(Players(gen, disc), Players((), ()), None, RNG)
    return getattr(outcome, player).value


def value_of(game: Game, gen: jax.Array, disc: jax.Array) -> jax.Array:
    """V(G, D), which the generator of a zero-sum game descends."""
    return loss_of(game, "gen", gen, disc)


def _best_responses(game: Game, dim: int) -> Callable[[jax.Array], jax.Array]:
    """Generator -> the best discriminator [dim] against it, by trust-region Newton.

    If the supremum is not attained, a discriminator of nearly that value.
    """

    def own(disc, gen):
        return loss_of(game, "disc", gen, disc)

    loss, slope, hessian = (jax.jit(f) for f in (own, jax.grad(own), jax.hessian(own)))

    def best(gen):
        found = optimize.minimize(
            lambda w: float(loss(jnp.asarray(w), gen)),
            np.full(dim, 0.1),
            jac=lambda w: np.asarray(slope(jnp.asarray(w), gen)),
            hess=lambda w: np.asarray(hessian(jnp.asarray(w), gen)),
            method="trust-exact",
            options={"gtol": 1e-13, "maxiter": 200, "max_trust_radius": 20.0},
        )
        return jnp.asarray(found.x)

    return best
