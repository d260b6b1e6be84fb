"""Search in the latent space and restoration: known optima, masks together and one by one."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ganjax import latents

SHAPE = (3, 4, 1)


def draw(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape))


@pytest.fixture
def linear(x64):
    """A generator of images (3, 4, 1) from latents of 2, its matrix and offset."""
    matrix, offset = draw(0, 12, 2), draw(1, 12)
    return lambda z: (z @ matrix.T + offset[None]).reshape(-1, *SHAPE), matrix, offset


def adam(steps):
    return optax.adam(optax.cosine_decay_schedule(0.1, steps))


def test_search_finds_least_squares(linear):
    generate, matrix, offset = linear
    x = draw(2, 5, 12)

    def objective(z):
        return jnp.sum((generate(z).reshape(-1, 12) - x) ** 2, axis=1)

    found = jax.jit(
        lambda z0: latents.search(objective, z0, tx=adam(800), steps=800),
    )(draw(3, 3, 5, 2))
    best = np.linalg.lstsq(matrix, (x - offset[None]).T)[0].T
    np.testing.assert_allclose(found.z, best, atol=1e-6)  # Adam's, after 800 steps
    np.testing.assert_allclose(found.value, objective(jnp.asarray(best)), rtol=1e-9)
    assert found.ends.shape == (3, 5, 2)
    assert found.values.shape == (3, 5)


def test_the_best_restart_of_each_example_is_kept(x64):
    """(z^2 - 1)^2 - t z has its deeper minimum on the side of t; one start is not a number."""
    tilt = jnp.array([0.5, -0.5])

    def objective(z):
        return (z[:, 0] ** 2 - 1) ** 2 - tilt * z[:, 0]

    z0 = jnp.array([-1.0, 1.0, jnp.nan])[:, None, None] * jnp.ones((1, 2, 1))
    found = latents.search(objective, z0, tx=optax.sgd(0.05), steps=200)
    assert (found.z[:, 0] * tilt > 0).all()
    np.testing.assert_array_equal(found.value, found.values.min(0))
    assert np.isinf(found.values[2]).all()
    slope = jax.vmap(jax.grad(lambda z, t: (z**2 - 1) ** 2 - t * z))(found.z[:, 0], tilt)
    np.testing.assert_allclose(slope, 0, atol=1e-10)


def test_latents_are_kept_in_their_range(x64):
    def clipped(z):
        return jnp.clip(z, -1, 1)

    z0 = jnp.zeros((1, 3, 2))
    found = latents.search(
        lambda z: jnp.sum((z - 5) ** 2, 1), z0, tx=optax.sgd(0.1), steps=50, keep=clipped
    )
    np.testing.assert_array_equal(found.z, np.ones((3, 2)))
    np.testing.assert_array_equal(found.value, [32.0] * 3)


def test_searches_that_make_no_sense_are_refused():
    tx, z0 = optax.sgd(0.1), jnp.zeros((2, 3, 4))
    with pytest.raises(ValueError, match="the objective has shape"):
        latents.search(jnp.sum, z0, tx=tx, steps=1)
    with pytest.raises(ValueError, match="steps=0"):
        latents.search(lambda z: z[:, 0], z0, tx=tx, steps=0)
    with pytest.raises(ValueError, match="restarts"):
        latents.search(lambda z: z[:, 0], jnp.zeros(3), tx=tx, steps=1)


MASK = np.ones((4, *SHAPE))
MASK[0, 1, 1:3] = MASK[1, :, 2:] = MASK[2, 0] = MASK[3, 2, 3] = 0


def test_restoration_is_the_posterior_mean_of_a_linear_generator(linear):
    """G(z) = A z + b: (A' M A 2 / w + I) z = A' M (x - b) 2 / w, whatever the mask M."""
    generate, matrix, offset = linear
    x, z0, weight = draw(4, 4, *SHAPE), draw(5, 2, 4, 2), 0.5
    hidden = jnp.where(MASK > 0, x, jnp.nan)  # must not be looked at
    restored = jax.jit(
        lambda x, mask, z0: latents.restore(
            generate, x, mask, z0, tx=adam(800), steps=800, weight=weight
        )
    )(hidden, jnp.asarray(MASK), z0)
    for index in range(4):
        seen = matrix * MASK[index].reshape(12, 1) * 2 / weight
        z = np.linalg.solve(seen.T @ matrix + np.eye(2), seen.T @ (x[index].reshape(12) - offset))
        np.testing.assert_allclose(restored.z[index], z, atol=1e-6)  # Adam's, after 800 steps
    expected = np.where(MASK > 0, x, generate(restored.z))
    np.testing.assert_allclose(restored.x, expected, rtol=1e-10)
    # Both starts end in the one minimum, so their average is there too.
    np.testing.assert_allclose(restored.average, expected, atol=1e-5)
    np.testing.assert_allclose(restored.central, expected, atol=1e-5)


@pytest.mark.parametrize("window", [0, 3])
def test_masks_together_are_masks_one_by_one(window, x64):
    """Of a generator that is not linear, with every option on."""
    matrix, x, z0 = draw(6, 12, 2), draw(7, 4, *SHAPE), draw(8, 3, 4, 2)
    prior = latents.discriminator_prior(lambda x: x.sum((1, 2, 3)))

    @jax.jit
    def restore(x, mask, z0):
        def generate(z):
            return jnp.tanh(z @ matrix.T).reshape(-1, *SHAPE)

        options = dict(tx=adam(20), steps=20, power=1, prior=prior, window=window, weight=0.1)
        return latents.restore(generate, x, mask, z0, **options)

    mask = jnp.asarray(MASK)
    together = restore(x, mask, z0)
    for i in range(4):
        alone = restore(x[i : i + 1], mask[i : i + 1], z0[:, i : i + 1])
        for one, all_ in zip(alone, together, strict=True):
            np.testing.assert_allclose(one[0], all_[i], rtol=1e-10)


def test_averages_weigh_restarts_by_their_objective(x64):
    """The search stands still; no prior; images of one hidden and one visible pixel."""
    z0 = jnp.asarray([[[0.1, 3.0]], [[0.4, 7.0]]])  # [restarts, n = 1, (visible, hidden)]
    x, mask = jnp.zeros((1, 1, 2, 1)), jnp.asarray([1.0, 0.0]).reshape(1, 1, 2, 1)
    restored = latents.restore(
        lambda z: z.reshape(-1, 1, 2, 1),
        x,
        mask,
        z0,
        tx=optax.sgd(0.0),
        steps=1,
        weight=0.1,
        prior=None,
    )
    np.testing.assert_array_equal(restored.x.ravel(), [0.0, 3.0])
    share = np.exp([-0.1, -1.6])  # objectives 0.01 / 0.1 and 0.16 / 0.1
    expected = (share / share.sum()) @ [3.0, 7.0]
    np.testing.assert_allclose(restored.average.ravel(), [0.0, expected], rtol=1e-10)


@pytest.mark.parametrize(("rate", "hidden"), [(0.0, 6.0), (0.04, None)])
def test_the_central_image_begins_beside_the_average_and_moves_to_it(rate, hidden, x64):
    """Without a prior the hidden pixel is free: the average itself is an image of the generator."""
    z0 = jnp.asarray([[[0.1, 3.0]], [[0.12, 7.0]], [[0.12, 6.0]]])
    x, mask = jnp.zeros((1, 1, 2, 1)), jnp.asarray([1.0, 0.0]).reshape(1, 1, 2, 1)
    options = dict(tx=optax.sgd(rate), steps=100, weight=0.1, prior=None)
    restored = latents.restore(lambda z: z.reshape(-1, 1, 2, 1), x, mask, z0, **options)
    assert 4 < restored.average[0, 0, 1, 0] < 6  # nearest to the third, which is not the best
    expected = hidden or restored.average[0, 0, 1, 0]
    np.testing.assert_allclose(restored.central.ravel(), [0.0, expected], rtol=1e-6)


def test_a_restart_that_fails_is_no_part_of_the_average():
    x, mask = jnp.zeros((1, 1, 2, 1)), jnp.array([1.0, 0.0]).reshape(1, 1, 2, 1)
    starts = jnp.array([[[0.3, 0.2]], [[1.0, jnp.nan]]])
    restored = latents.restore(
        lambda z: jnp.tanh(z).reshape(-1, 1, 2, 1), x, mask, starts, tx=optax.sgd(0.1), steps=2
    )
    assert jnp.isfinite(restored.average).all()
    np.testing.assert_allclose(restored.average, restored.x, rtol=1e-6)
    assert jnp.isfinite(restored.central).all()


def test_context_weights_are_the_missing_share_of_the_window():
    mask = np.ones((2, 5, 5, 1), np.float32)
    mask[0, 2, 2] = mask[1, 0, 0] = 0
    weights = np.asarray(latents.context_weights(jnp.asarray(mask), 3))[..., 0]
    expected = np.zeros((2, 5, 5))
    expected[0, 1:4, 1:4] = 1 / 9
    expected[0, 2, 2] = 0
    expected[1, 0, 1] = expected[1, 1, 0] = 1 / 6  # the window ends at the border
    expected[1, 1, 1] = 1 / 9
    np.testing.assert_allclose(weights, expected, rtol=1e-6)
    np.testing.assert_array_equal(latents.context_weights(jnp.asarray(mask), 0), mask)
    with pytest.raises(ValueError, match="window=4 must be odd"):
        latents.context_weights(jnp.asarray(mask), 4)


def test_losses_by_hand(x64):
    x = jnp.asarray([1.0, -2.0, 0.5]).reshape(1, 1, 3, 1)
    weights = jnp.asarray([2.0, 1.0, 0.0]).reshape(1, 1, 3, 1)
    zeros = jnp.zeros_like(x)
    np.testing.assert_allclose(latents.context_loss(x, zeros, weights, power=1), [4.0])
    np.testing.assert_allclose(latents.context_loss(x, zeros, weights), [6.0])
    with pytest.raises(ValueError, match="power=3"):
        latents.context_loss(x, zeros, weights, power=3)
    np.testing.assert_allclose(latents.gaussian_prior(jnp.asarray([[3.0, 4.0]]), x), [12.5])
    prior = latents.discriminator_prior(lambda x: x[:, 0, 0, 0])
    np.testing.assert_allclose(prior(None, x), [np.log(1 - 1 / (1 + np.exp(-1)))], rtol=1e-10)


def test_restorations_that_make_no_sense_are_refused():
    x, mask, z0 = jnp.zeros((2, 4, 4, 3)), jnp.ones((2, 4, 4, 1)), jnp.zeros((1, 2, 3))

    def restore(x, mask, **options):
        return latents.restore(lambda z: x, x, mask, z0, tx=optax.sgd(0.1), steps=1, **options)

    with pytest.raises(ValueError, match="weight=0"):
        restore(x, mask, weight=0.0)
    with pytest.raises(ValueError, match="masks of shape"):
        restore(x, x)
