"""Games with noisy gradients: sums over samples, drawn in several orders, and additive noise."""

from functools import reduce
from operator import matmul

import jax
import jax.numpy as jnp
import optax

from ganjax import checks
from ganjax.data.order import epochs
from ganjax.games.closed_form import NO_PACKING, numbers, starting_at
from ganjax.games.toy import Matrix
from ganjax.types import Game, Loss, Needs, Players

ORDERS = ("replacement", "reshuffled", "once")


def finite_sum(
    interaction: Matrix,
    gen_matrix: Matrix | None = None,
    disc_matrix: Matrix | None = None,
    gen_vector: Matrix | None = None,
    disc_vector: Matrix | None = None,
    *,
    order: str = "replacement",
    batch_size: int = 1,
    start: tuple[float, float] = (1.0, 1.0),
) -> Game:
    """V = mean over i of x^T A_i x / 2 + x^T B_i y - y^T C_i y / 2 + a_i^T x - b_i^T y.

    x descends V, y ascends it; a gradient sees a few of the n samples i. Without A and C it is the
    stochastic bilinear game. Played for example by Gorbunov et al. 2022 (arXiv:2111.08611),
    Emmanouilidis et al. 2024 (arXiv:2403.07148) and Chavdarova et al. 2021 (arXiv:2006.14567).

    Without a batch the game draws its samples itself. With replacement they follow from `rng`. In
    the other orders each player's model state counts the samples that it has seen, so that every
    scheme, `lookahead` too, reads one sequence, and all gradients that a step takes with one model
    state, e.g. both of extragradient, see the same samples. A batch {"index": int [k]} names the
    samples; with all of them the losses are V.

    Args:
      interaction: B [n, gen_dim, disc_dim].
      gen_matrix: A [n, gen_dim, gen_dim]; 0 if None, as all that follow.
      disc_matrix: C [n, disc_dim, disc_dim].
      gen_vector: a [n, gen_dim].
      disc_vector: b [n, disc_dim].
      order: "replacement"; "reshuffled", all samples in a new order each epoch; or "once", the
        first epoch's order in all. The order of a run follows from the key of `init`.
      batch_size: samples of a gradient, at least 1.
      start: first value of every coordinate of x and of y.

    Returns:
      Game; params are `Players` of arrays [gen_dim] and [disc_dim].

    Raises:
      ValueError: a shape that does not fit, or an argument out of range.
    """
    checks.one_of(ORDERS, order=order)
    checks.whole(1, batch_size=batch_size)
    interaction = numbers("interaction", interaction, (None, None, None))
    n, *dims = interaction.shape
    forms = [(interaction, 1.0, "xy")]
    for name, array, scale, names in (
        ("gen_matrix", gen_matrix, 0.5, "xx"),
        ("disc_matrix", disc_matrix, -0.5, "yy"),
        ("gen_vector", gen_vector, 1.0, "x"),
        ("disc_vector", disc_vector, -1.0, "y"),
    ):
        if array is not None:
            shape = (n, *(dims["xy".index(letter)] for letter in names))
            forms.append((numbers(name, array, shape), scale, names))
    players, sequence = starting_at(start, *dims), epochs(n, once=order == "once")

    def init(rng, batch=None):
        params, none = players(rng, batch)
        if order == "replacement":
            return params, none
        seen = {"seed": jax.random.bits(rng, dtype=jnp.uint32), "steps": jnp.zeros((), jnp.uint32)}
        return params, Players(gen=seen, disc=jax.tree.map(jnp.copy, seen))

    def value(x, y, index):
        given = {"x": x, "y": y}
        return sum(
            scale * reduce(matmul, [given[name] for name in reversed(names)], mean)
            for array, scale, names in forms
            for mean in [jnp.asarray(array, x.dtype)[index].mean(0)]
        )

    def losses(params, model_state, batch, rng):
        def of_player(own):
            if batch is not None:
                index, following = batch["index"], own
            elif order == "replacement":
                index, following = jax.random.randint(rng, (batch_size,), 0, n), own
            else:
                index = sequence(jax.random.key(own["seed"]), own["steps"], batch_size)
                following = {**own, "steps": own["steps"] + 1}
            return value(params.gen, params.disc, index), following

        (gen, gen_state), (disc, disc_state) = map(of_player, model_state)
        return Players(gen=Loss(gen, gen_state, {}), disc=Loss(-disc, disc_state, {}))

    return Game(init, losses, needs=Needs(no_packing=NO_PACKING))


def noisy(game: Game, variance: float) -> Game:
    """The same game with Gaussian noise of this variance on every entry of both gradients.

    Each player's loss gains <e, its parameters>, e ~ N(0, variance I) drawn from `rng`, so that its
    gradient is exact plus e, in every scheme; the other player's derivative has no noise. Gradients
    of a step that share a draw share e; `fresh_batches` and turns give each its own. The losses'
    values hold the term too. Hsieh et al. 2020 (arXiv:2003.10162) take 0.25.

    Raises:
      ValueError: `variance` is negative or not finite.
    """
    checks.within("[0, inf)", variance=variance)

    def losses(params, model_state, batch, rng):
        rng_game, *keys = jax.random.split(rng, 3)
        exact = game.losses(params, model_state, batch, rng_game)

        def shaken(loss, own, key):
            noise = optax.tree.scale(variance**0.5, optax.tree.random_like(key, own))
            return loss._replace(value=loss.value + optax.tree.vdot(noise, own))

        return Players(*map(shaken, exact, params, keys))

    return game._replace(losses=losses)
