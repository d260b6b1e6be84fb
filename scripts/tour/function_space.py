"""The convergence proof in the space of functions: a game of tables, in float64."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from ganjax import games
from ganjax.types import Game
from tour.claim import AT_LEAST, Check, Claim
from tour.closed_forms import LOG_4, loss_of, value_of

P = np.array([0.05, 0.2, 0.05, 0.02, 0.03, 0.1, 0.35, 0.2])  # of the data: two modes
PLACES = np.arange(len(P))
RATE, STEPS, HELD = 4.0, 2000, 500
START = -PLACES / 4.0  # logits of the first table


def convergence() -> Claim:
    """Small steps against the best discriminator reach p; without an assumption they do not."""
    game = games.categorical(P)
    spread = np.linalg.eigvalsh(np.diag(P) - np.outer(P, P))  # the first is 0, of constants
    large = 4.1 / spread[-1]  # 4 / spread[-1] is the largest rate that converges

    @jax.jit
    def eigenvalues(rate):
        def step(gen):
            return _moved(game, gen, _best(gen), rate)

        return jnp.linalg.eigvalsh(jax.jacobian(step)(jnp.log(P)))

    cells = {
        "small": _played(game, START, RATE),
        "large": _played(game, START, large),
        "held": _played(game, START, RATE, held=HELD),
        "one_mode": _played(game, (0.0,), 1.0, logits=_one_mode),
        "other_mode": _played(game, (7.0,), 1.0, logits=_one_mode),
    }
    gaps = {name: values[-1] + LOG_4 for name, (values, _) in cells.items()}
    ends = {name: table for name, (_, table) in cells.items()}
    slopes, sag = _at_random_tables(game)
    one_mode = jax.jit(jax.vmap(lambda at: value_of(game, _one_mode(at), _best(_one_mode(at)))))
    lowest = float(one_mode(jnp.linspace(0, len(P) - 1, 1401)[:, None]).min() + LOG_4)
    found = np.asarray(eigenvalues(RATE))
    apart = np.abs(ends["one_mode"] - ends["other_mode"]).sum() / 2
    checks = (
        Check("slope_of_best", 0.0, slopes, 1e-12),
        Check("convex", 0.0, sag, relation=AT_LEAST),
        Check("eigenvalues", 0.0, float(np.abs(found - (1 - RATE * spread[::-1] / 2)).max()), 1e-9),
        Check("distance", 0.0, float(np.abs(ends["small"] - P).max()), 1e-9),
        Check("value", -LOG_4, float(cells["small"][0][-1]), 1e-12),
        Check("radius_large", 1.05, float(np.abs(np.asarray(eigenvalues(large))).max()), 1e-9),
        Check("gap_large", 1e-3, float(gaps["large"]), relation=AT_LEAST),
        Check("share_held", 0.9, float(ends["held"].max()), relation=AT_LEAST),
        Check("gap_one_mode", lowest, float(gaps["one_mode"]), 1e-6, AT_LEAST),
        Check("gap_other_mode", lowest, float(gaps["other_mode"]), 1e-6),
        Check("apart", 0.5, float(apart), relation=AT_LEAST),
    )
    arrays = {"p": P} | {f"table_{name}": table for name, table in ends.items()}
    arrays |= {f"value_{name}": values for name, (values, _) in cells.items()}
    facts = {"outcomes": len(P), "rate": RATE, "steps": STEPS, "held": HELD, "large": float(large)}
    return Claim("convergence", checks, facts, arrays)


def _best(gen: jax.Array) -> jax.Array:
    """Logits of the best discriminator against a table of logits, log p - log q."""
    return jnp.log(P) - jax.nn.log_softmax(gen)


def _one_mode(at: jax.Array) -> jax.Array:
    """Logits of a table with one mode, a normal density of standard deviation 1 around a place."""
    return -((PLACES - at[0]) ** 2) / 2


def _moved(
    game: Game, at: jax.Array, disc: jax.Array, rate: float, logits: Callable = jnp.asarray
) -> jax.Array:
    """The generator after a step of gradient descent against a fixed discriminator."""
    return at - rate * jax.grad(lambda at: value_of(game, logits(at), disc))(at)


def _played(
    game: Game, start: tuple, rate: float, held: int = 1, logits: Callable = jnp.asarray
) -> tuple[np.ndarray, np.ndarray]:
    """V at the best discriminator [STEPS + 1], and the last table.

    The discriminator becomes the best every `held` steps.
    """

    def move(carry, count):
        at, disc = carry
        best = _best(logits(at))
        disc = jnp.where(count % held == 0, best, disc)
        return (_moved(game, at, disc, rate, logits), disc), value_of(game, logits(at), best)

    @jax.jit
    def play(start):
        carry = start, _best(logits(start))
        (at, _), values = jax.lax.scan(move, carry, jnp.arange(STEPS))
        last = value_of(game, logits(at), _best(logits(at)))
        return jnp.append(values, last), jax.nn.softmax(logits(at))

    values, table = play(jnp.asarray(start, float))
    return np.asarray(values), np.asarray(table)


def _at_random_tables(game: Game) -> tuple[float, float]:
    """The steepest slope of a discriminator that is the best, and the smallest sag below chords."""

    def value(q):
        return value_of(game, jnp.log(q), _best(jnp.log(q)))

    @jax.jit
    @jax.vmap
    def of_pair(a, b):
        slope = jax.grad(lambda disc: loss_of(game, "disc", jnp.log(a), disc))(_best(jnp.log(a)))
        return jnp.abs(slope).max(), (value(a) + value(b)) / 2 - value((a + b) / 2)

    pairs = np.random.default_rng(0).dirichlet(np.ones(len(P)), (2, 200))
    slopes, sags = of_pair(*jnp.asarray(pairs))
    return float(slopes.max()), float(sags.min())
