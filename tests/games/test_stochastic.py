"""Finite sums and additive noise: exact means, orders of samples, independence of draws."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from marks import telling

from ganjax import games, schemes
from ganjax.schemes.field import both_gradients
from ganjax.types import Players

RNG = jax.random.key(0)
N, ROWS, COLUMNS = 5, 3, 2  # samples, and the sizes of x and y
DRAW = np.random.default_rng(0)
B, A, C, a, b = (
    DRAW.standard_normal((N, *shape))
    for shape in ((ROWS, COLUMNS), (ROWS, ROWS), (COLUMNS, COLUMNS), (ROWS,), (COLUMNS,))
)
SUM = partial(games.finite_sum, B, A, C, a, b, start=(0.7, -0.4))
TX = Players(optax.sgd(0.1), optax.sgd(0.1))
# Sample i has the gradient 2^i of x's first entry: the sum of a run's moves tells its samples.
MARKED = partial(
    games.finite_sum, np.zeros((N, 1, 1)), gen_vector=2.0 ** np.arange(N)[:, None], start=(0, 0)
)


def expected(index, x, y):
    """F of the mean of some samples, written out."""
    b_mean = B[index].mean(0)
    along_x = sum(m + m.T for m in A[index]) @ x / 2 / len(index) + b_mean @ y + a[index].mean(0)
    along_y = sum(m + m.T for m in C[index]) @ y / 2 / len(index) - b_mean.T @ x + b[index].mean(0)
    return np.concatenate([along_x, along_y])


def samples(scheme, steps, rng=RNG):
    """The samples that the generator's moves have seen, one a step (`MARKED`, SGD at 1)."""

    def step(state, index):
        following, _ = scheme.step(state, None, jax.random.fold_in(rng, index))
        return following, (state.params.gen - following.params.gen)[0]

    _, moves = jax.lax.scan(step, scheme.init(rng), jnp.arange(steps))
    return jnp.round(jnp.log2(moves)).astype(int)


@pytest.mark.parametrize("index", [[0], [3, 1], range(N)])
def test_losses_of_a_batch_are_means_of_its_samples(index, x64):
    """The gradient written out; the second player's loss is the first's negative."""
    game, index = SUM(), np.array(index)
    params, none = game.init(RNG, None)
    gradients, losses = both_gradients(game, params, none, {"index": index}, RNG)
    np.testing.assert_allclose(
        np.concatenate(gradients), expected(index, *map(np.asarray, params)), rtol=1e-12
    )
    assert losses.gen.value == -losses.disc.value


def test_draws_with_replacement_are_uniform_and_independent(x64):
    drawn = np.asarray(
        samples(schemes.simultaneous(MARKED(), Players(*[optax.sgd(1.0)] * 2)), 4000)
    )
    pairs = np.bincount(N * drawn[:-1] + drawn[1:], minlength=N * N)
    assert abs(pairs / 4000 - 1 / N**2).max() < 5 * (1 / N**2 / 4000) ** 0.5


@pytest.mark.parametrize("order", ["reshuffled", "once"])
def test_orders_visit_every_sample_once_an_epoch(order, x64):
    """For several seeds in one program, each with an order of its own."""
    scheme = schemes.simultaneous(MARKED(order=order), Players(*[optax.sgd(1.0)] * 2))
    keys = jax.random.split(RNG, 6)
    seen = np.asarray(jax.jit(jax.vmap(lambda key: samples(scheme, 8 * N, key)))(keys))
    epochs = seen.reshape(6, 8, N)
    np.testing.assert_array_equal(np.sort(epochs), np.broadcast_to(np.arange(N), epochs.shape))
    assert (epochs == epochs[:, :1]).all() == (order == "once")
    assert len(np.unique(epochs[:, 0], axis=0)) > 1


def test_batches_and_inner_steps_read_one_sequence(x64):
    """Five inner steps of lookahead on 2 of 5 samples each see every sample twice."""
    tx = Players(*[optax.sgd(1.0)] * 2)
    game = MARKED(order="reshuffled", batch_size=2)
    scheme = schemes.lookahead(game, tx, inner=schemes.simultaneous, steps=N, alpha=1.0)
    state, _ = scheme.step(scheme.init(RNG), None, RNG)
    np.testing.assert_allclose(state.params.gen, -(2**N - 1), rtol=1e-12)


def test_both_gradients_of_extragradient_see_one_sample(x64):
    """In the order's turn: z' = z - h F_i(z - h F_i(z)), then another i."""
    scheme = schemes.extragradient(SUM(order="once"), TX)
    step, state, seen = jax.jit(scheme.step), scheme.init(RNG), []
    for _ in range(N):
        z = np.concatenate(state.params)
        state, _ = step(state, None, RNG)
        halves = [z - 0.1 * expected([i], *np.split(z, [ROWS])) for i in range(N)]
        ends = [z - 0.1 * expected([i], *np.split(h, [ROWS])) for i, h in enumerate(halves)]
        gaps = abs(np.array(ends) - np.concatenate(state.params)).max(1)
        assert gaps.min() < 1e-14
        seen.append(gaps.argmin())
    assert sorted(seen) == list(range(N))


def test_noise_is_added_to_each_gradient(x64):
    """Mean F(z), variance 0.25 in every entry, no covariance, over 4,000 draws."""
    exact = SUM()
    game = games.noisy(exact, 0.25)
    params, none = exact.init(RNG, None)
    batch = {"index": jnp.arange(N)}
    at = partial(both_gradients, game, params, none, batch)
    drawn = jax.jit(jax.vmap(lambda key: jnp.concatenate(at(key)[0])))(jax.random.split(RNG, 4000))
    noise = np.asarray(drawn) - expected(range(N), *map(np.asarray, params))
    np.testing.assert_allclose(noise.mean(0), 0, atol=5 * (0.25 / 4000) ** 0.5)
    # the standard error of a variance is 0.25 sqrt(2 / 4000)
    np.testing.assert_allclose(np.cov(noise.T), 0.25 * np.eye(5), atol=5 * 0.25 * 5e-4**0.5)


def test_gradients_of_a_step_share_noise_unless_batches_are_fresh(x64):
    """Where F is 0 a step is the noise of its second gradient."""
    still = games.noisy(games.finite_sum(np.zeros((1, 2, 2)), start=(0, 0)), 1.0)

    def moves(**options):
        scheme = schemes.extragradient(still, Players(*[optax.sgd(1.0)] * 2), **options)
        state, _ = scheme.step(scheme.init(RNG), None, RNG)
        return np.concatenate(state.params)

    draws = [
        np.concatenate(both_gradients(still, *still.init(RNG, None), None, key)[0])
        for key in (RNG, jax.random.fold_in(RNG, 1))
    ]
    np.testing.assert_allclose(moves(), -draws[0], rtol=1e-12)
    np.testing.assert_allclose(moves(fresh_batches=True), -draws[1], rtol=1e-12)


def test_noise_leaves_curvature_alone(x64):
    """Consensus follows F + J^T F: with noise e it moves by (1 + J^T) (F + e)."""
    game, rate = games.bilinear(2.0), 0.1
    noisy = games.noisy(game, 1.0)
    tx = Players(*[optax.sgd(1.0)] * 2)
    scheme = schemes.consensus(noisy, tx, gamma=rate)
    state = scheme.init(RNG)
    at = np.concatenate(both_gradients(noisy, state.params, state.model_state, None, RNG)[0])
    moved, _ = scheme.step(state, None, RNG)
    jacobian = np.array([[0.0, 2.0], [-2.0, 0.0]])
    direction = at + rate * jacobian.T @ at
    np.testing.assert_allclose(np.concatenate(moved.params), 1 - direction, rtol=1e-12)


@telling
@pytest.mark.parametrize("order", ["replacement", "reshuffled"])
def test_devices_draw_alike(order, x64):
    """Mapped over an axis the step is that of one device, noise and samples included."""
    game = games.noisy(SUM(order=order, batch_size=2), 0.25)
    alone, mapped = schemes.simultaneous(game, TX), schemes.simultaneous(game, TX, axis_name="data")
    state = alone.init(RNG)
    one, _ = jax.jit(alone.step)(state, None, RNG)
    step = jax.pmap(lambda _: mapped.step(state, None, RNG)[0], axis_name="data")
    for own, two in zip(jax.tree.leaves(one), jax.tree.leaves(step(jnp.arange(2))), strict=True):
        np.testing.assert_allclose(two, np.stack([own, own]), rtol=1e-14)


def test_mistakes_are_refused():
    for make, message in (
        (lambda: games.finite_sum(B[0]), "interaction=.* must be n x n x n finite numbers"),
        (lambda: games.finite_sum(B, A[:2]), "gen_matrix=.* must be 5 x 3 x 3 finite numbers"),
        (lambda: games.finite_sum(B, disc_vector=a), "disc_vector=.* must be 5 x 2 finite"),
        (lambda: SUM(order="random"), "order='random' must be one of 'replacement', 'reshuffled'"),
        (lambda: SUM(batch_size=0), "batch_size=0"),
        (lambda: games.noisy(SUM(), -1.0), "variance=-1.0"),
    ):
        with pytest.raises(ValueError, match="(?s)" + message):
            make()
