"""Penalties against closed forms and finite differences."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn
from marks import marked

from ganjax import penalties
from ganjax.augmentations import flip
from ganjax.penalties import PENALTIES

RNG = jax.random.key(0)
OTHERS = ("lecam", "pull_away", "scheduled")  # with memory, on codes, of a schedule
# Every row that takes logits, and variants; images alone for `consistency`.
VARIANTS = {
    **{name: factory() for name, factory in PENALTIES.items() if name not in OTHERS},
    "consistency_both": penalties.consistency(weight=2.0, fake_weight=3.0),
    "dragan_one_sided": penalties.dragan(target=0.5, one_sided=True),
    "lipschitz_penalty": penalties.lipschitz_penalty(target=0.01),  # below the slopes met here
    "scheduled": penalties.scheduled(lambda updates: 2.0),
    "lazy_wgan_gp": penalties.lazy(penalties.wgan_gp(), every=4),
    "wgan_gp_one_sided": penalties.wgan_gp(one_sided=True),
    "wgan_gp_target_0": penalties.wgan_gp(target=0.0),
}
CONVOLVED = ("consistency", "dragan", "lipschitz_penalty", "r1", "wgan_gp")  # one of each kind
ROWS = pytest.mark.parametrize("name", VARIANTS)
W = np.array([0.9, -1.2, 0.4, 1.1])
NORM = float(np.sqrt(0.9**2 + 1.2**2 + 0.4**2 + 1.1**2))


class MLPCritic(nn.Module):
    """Smooth, so that central differences are exact to h^2."""

    @nn.compact
    def __call__(self, x):
        x = nn.tanh(nn.Dense(8, param_dtype=float)(x.reshape(x.shape[0], -1)))
        return nn.Dense(1, param_dtype=float)(nn.tanh(nn.Dense(8, param_dtype=float)(x)))[:, 0]


class ConvCritic(nn.Module):
    """Two convolutions, one of stride 2."""

    @nn.compact
    def __call__(self, x):
        x = nn.tanh(nn.Conv(3, (3, 3), param_dtype=float)(x))
        x = nn.tanh(nn.Conv(4, (4, 4), (2, 2), param_dtype=float)(x))
        return nn.Dense(1, param_dtype=float)(x.reshape(x.shape[0], -1))[:, 0]


def linear(w):
    """D(x) = <w, x> for points or images of as many numbers."""
    return lambda x: x.reshape(x.shape[0], -1) @ w


def on_linear(w, name):
    """The closed form of a row at D(x) = <w, x>, with pairs of `closed_form_data`."""
    x, y = (np.asarray(a).reshape(6, -1) for a in closed_form_data())
    squares, norms = jnp.sum(w**2), jnp.sqrt(jnp.sum(w**2))
    mirrored = x.reshape(6, 2, 2, 1)[:, :, ::-1].reshape(6, -1)
    draws = jax.random.normal(RNG, (6, 2, 2, 1)).reshape(6, -1)
    quotient = jnp.abs((x - y) @ w) / np.linalg.norm(x - y, axis=1)
    return {
        "r1": 3.5 * squares,
        "r2": 3.5 * squares,
        "zero_centred_gp": 7.0 * squares,
        "wgan_gp": 7.0 * (norms - 0.5) ** 2,
        "wgan_gp_inside": 7.0 * (norms - 3.0) ** 2,
        "wgan_gp_one_sided": 7.0 * (norms - 0.5) ** 2,
        "wgan_gp_one_sided_inside": 0.0 * squares,
        "dragan": 7.0 * (norms - 0.5) ** 2,
        "dragan_one_sided_inside": 0.0 * squares,
        "lipschitz_penalty": 7.0 * jnp.mean(jnp.maximum(quotient - 0.5, 0) ** 2),
        "approximate_r1": 7.0 * jnp.mean((0.1 * draws @ w) ** 2),
        "drift": 7.0 * jnp.mean((x @ w) ** 2),
        "lazy": 3.5 * squares,  # without a count
        "scheduled": 3.5 * squares,
        # `always` mirrors every image.
        "consistency": 7.0 * jnp.mean(((x - mirrored) @ w) ** 2),
        "consistency_fake": 2.0
        * jnp.mean(((y - y.reshape(6, 2, 2, 1)[:, :, ::-1].reshape(6, -1)) @ w) ** 2),
    }[name]


def always(x, rng, updates=0):
    return x[:, :, ::-1]


CLOSED = {
    "r1": penalties.r1(7.0),
    "r2": penalties.r2(7.0),
    "zero_centred_gp": penalties.zero_centred_gp(7.0),
    "wgan_gp": penalties.wgan_gp(7.0, 0.5),
    "wgan_gp_inside": penalties.wgan_gp(7.0, 3.0),
    "wgan_gp_one_sided": penalties.wgan_gp(7.0, 0.5, one_sided=True),
    "wgan_gp_one_sided_inside": penalties.wgan_gp(7.0, 3.0, one_sided=True),
    "dragan": penalties.dragan(7.0, 0.5),
    "dragan_one_sided_inside": penalties.dragan(7.0, 3.0, one_sided=True),
    "lipschitz_penalty": penalties.lipschitz_penalty(7.0, 0.5),
    "approximate_r1": penalties.approximate_r1(7.0, 0.1),
    "drift": penalties.drift(7.0),
    "lazy": penalties.lazy(penalties.r1(7.0), every=4),
    "scheduled": penalties.scheduled(lambda updates: 7.0 - updates),
    "consistency": penalties.consistency(7.0, augment=always),
    "consistency_fake": penalties.consistency(0.0, 2.0, augment=always),
}


def closed_form_data():
    return jax.random.normal(jax.random.key(1), (2, 6, 2, 2, 1))


@pytest.mark.parametrize("name", CLOSED)
def test_linear_critic_in_closed_form(name, x64):
    """Value and gradient in w of every penalty at D(x) = <w, x>."""
    assert {row.split("_")[0] for row in PENALTIES} - {"lecam", "pull"} <= {
        n.split("_")[0] for n in CLOSED
    }
    x_real, x_fake = closed_form_data()
    value, slope = jax.value_and_grad(lambda w: CLOSED[name](linear(w), x_real, x_fake, RNG))(
        jnp.asarray(W)
    )
    expected, expected_slope = jax.value_and_grad(lambda w: on_linear(w, name))(jnp.asarray(W))
    np.testing.assert_allclose(value, expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(slope, expected_slope, rtol=1e-10, atol=1e-12)


CRITICS = {"mlp": MLPCritic(), "conv": ConvCritic()}


@pytest.mark.parametrize(
    ("name", "critic"),
    marked(
        [(name, critic) for critic in CRITICS for name in VARIANTS],
        default=[(name, "mlp") for name in VARIANTS] + [(name, "conv") for name in CONVOLVED],
        telling=[(name, "conv") for name in VARIANTS],
    ),
)
def test_double_backward_against_central_differences(name, critic, x64):
    critic = CRITICS[critic]
    x_real, x_fake = jax.random.normal(jax.random.key(2), (2, 6, 8, 8, 1))
    params = critic.init(RNG, x_real)
    params = jax.tree.map(lambda p: 1.5 * np.asarray(p), params)  # slopes beyond some targets
    draws = np.random.default_rng(0)
    direction = jax.tree.map(lambda p: draws.standard_normal(p.shape), params)

    def value(params):
        return VARIANTS[name](lambda x: critic.apply(params, x), x_real, x_fake, RNG)

    @jax.jit
    def slopes(params, ts):
        def at(t):
            return value(jax.tree.map(lambda p, d: p + t * d, params, direction))

        forward = jax.jvp(value, (params,), (direction,))[1]
        backward = jax.tree.map(jnp.vdot, jax.grad(value)(params), direction)
        return forward, jax.tree.reduce(jnp.add, backward), jax.lax.map(at, ts)

    h = 1e-5
    slope, backward, at = slopes(params, h * np.array([1.0, -1.0, 2.0, -2.0]))
    # Richardson's extrapolation leaves an error of h^4.
    expected = (8 * (at[0] - at[1]) - (at[2] - at[3])) / (12 * h)
    assert abs(expected) > 1e-6
    np.testing.assert_allclose(slope, expected, rtol=1e-6)
    np.testing.assert_allclose(backward, expected, rtol=1e-6)


@ROWS
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_finite_where_the_critic_is_flat(name, dtype):
    x = jnp.zeros((4, 2, 2, 1), dtype)
    for x_fake in (x, x + 1):
        value, slope = jax.value_and_grad(
            lambda w, x_fake=x_fake: VARIANTS[name](linear(w), x, x_fake, RNG)
        )(jnp.zeros(4, dtype))
        chex.assert_rank(value, 0)
        chex.assert_tree_all_finite((value, slope))


@pytest.mark.parametrize("name", ["r1", "r2", "zero_centred_gp", "wgan_gp", "dragan", "lazy"])
def test_slopes_of_bfloat16_are_judged_in_full(name):
    """Exact slopes, whose squares bfloat16 would round."""
    x_real, x_fake = jax.random.normal(jax.random.key(3), (2, 6, 2, 2, 1), "bfloat16")
    w = jnp.array([0.5, -1.0078125, 0.25, 2.0], "bfloat16")
    narrow = PENALTIES[name]()(linear(w), x_real, x_fake, RNG)
    wide = [a.astype("float32") for a in (w, x_real, x_fake)]
    assert narrow.dtype == jnp.float32
    expected = PENALTIES[name]()(linear(wide[0]), *wide[1:], RNG)
    np.testing.assert_allclose(narrow, expected, rtol=1e-6)


@ROWS
@pytest.mark.parametrize(("far", "dtype"), [(1e4, "float32"), (1e2, "bfloat16")])
def test_finite_at_large_logits(name, far, dtype):
    x_real, x_fake = jax.random.normal(jax.random.key(3), (2, 6, 2, 2, 1), dtype)
    w = jnp.asarray(far * W, dtype)
    value, slope = jax.value_and_grad(lambda w: VARIANTS[name](linear(w), x_real, x_fake, RNG))(w)
    chex.assert_tree_all_finite((value, slope))
    assert slope.dtype == dtype


def test_data_and_samples_are_not_mixed_up(x64):
    """D(x) = x^2/2 has slope x: each penalty sees the points it is for."""
    real, fake = jnp.array([[1.0], [3.0]]), jnp.full((2, 1), 10.0)

    def critic(x):
        return x[:, 0] ** 2 / 2

    np.testing.assert_allclose(penalties.r1(2.0)(critic, real, fake, RNG), (1 + 9) / 2)
    np.testing.assert_allclose(penalties.r2(2.0)(critic, real, fake, RNG), 100.0)
    np.testing.assert_allclose(penalties.drift(1.0)(critic, real, fake, RNG), (0.25 + 20.25) / 2)


@pytest.mark.parametrize(
    ("penalty", "expected"),
    [
        (penalties.wgan_gp(1.0), 1 / 3),  # E (x - 1)^2
        (penalties.wgan_gp(1.0, one_sided=True), 1 / 6),  # E ((x - 1)+)^2
        (penalties.zero_centred_gp(1.0), 4 / 3),  # E x^2
    ],
)
def test_looking_between_data_and_samples(penalty, expected, x64):
    """f(x) = x^2/2 has the norm |x|; points are uniform between 0 and 2."""
    zeros, twos = jnp.zeros((100_000, 1)), jnp.full((100_000, 1), 2.0)
    value = penalty(lambda x: x[:, 0] ** 2 / 2, zeros, twos, RNG)
    np.testing.assert_allclose(value, expected, rtol=2e-2)  # standard error of the draws


def test_one_draw_per_sample_between(x64):
    """An image keeps to one line: all its pixels are mixed in the same share."""
    seen = []

    def critic(x):
        seen.append(jax.lax.stop_gradient(x))
        return jnp.sum(x, axis=(1, 2, 3))

    zeros, ones = jnp.zeros((5, 4, 4, 1)), jnp.ones((5, 4, 4, 1))
    penalties.zero_centred_gp()(critic, ones, zeros, RNG)
    shares = np.asarray(seen[0].primal if hasattr(seen[0], "primal") else seen[0]).reshape(5, -1)
    assert np.ptp(shares, axis=1).max() == 0
    assert np.ptp(shares[:, 0]) > 0.1


def test_dragan_looks_around_the_data(x64):
    """D(x) = x^2/2 at x + d: E d and E d^2 of d = a c s u, a and u uniform, s = 2, c = 0.5."""
    real = jnp.tile(jnp.array([[10.0], [14.0]]), (50_000, 1))  # mean 12, deviation 2
    value = penalties.dragan(1.0, target=0.0)(lambda x: x[:, 0] ** 2 / 2, real, real + 100, RNG)
    # E (x + d)^2 = E x^2 + 2 E x E d + E d^2, with E d = 1/4 and E d^2 = 1/9.
    np.testing.assert_allclose(value, 148 + 2 * 12 / 4 + 1 / 9, rtol=1e-3)  # of the draws


def test_lipschitz_penalty_skips_equal_points(x64):
    real = jnp.array([[0.0], [1.0]])
    fake = jnp.array([[0.0], [3.0]])
    value = penalties.lipschitz_penalty(1.0)(lambda x: 3 * x[:, 0], real, fake, RNG)
    np.testing.assert_allclose(value, (0 + 4) / 2)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (np.ones((4, 3)), 1.0),
        (np.eye(4), 0.0),
        ([(1, 0, 0), (1, 1, 0), (0, 1, 1)], 0.25),
        ([(2, 0, 0), (-3, -3, 0), (0, 5, 5)], 0.25),  # lengths and signs do not matter
        ([(0, 0), (1, 0), (1, 0)], 1 / 3),  # a code of no length is orthogonal
    ],
)
def test_pull_away_of_known_codes(codes, expected, x64):
    codes = jnp.asarray(codes, float)
    value, slope = jax.value_and_grad(
        lambda codes: penalties.pull_away(1.0)(lambda x: codes[: len(x)], codes, codes, RNG)
    )(codes)
    np.testing.assert_allclose(value, expected, atol=1e-12)
    chex.assert_tree_all_finite(slope)


def test_pull_away_of_tiny_codes():
    """In float32 the square of a length of 1e-12 is finite, the product of two squares is 0."""
    codes = 1e-12 * jnp.array([(1.0, 0, 0), (1, 1, 0), (0, 1, 1)])
    np.testing.assert_allclose(
        penalties.pull_away(1.0)(lambda x: x, codes, codes, RNG), 0.25, rtol=1e-5
    )


def test_pull_away_refuses_logits_and_single_samples():
    x = jnp.ones((3, 2))
    with pytest.raises(ValueError, match=r"compares codes \[batch, features\], got logits"):
        penalties.pull_away()(lambda x: x[:, 0], x, x, RNG)
    with pytest.raises(ValueError, match="batch_size must be 2 or more"):
        penalties.pull_away()(lambda x: x, x[:1], x[:1], RNG)


def test_lazy_averages_to_the_penalty(x64):
    """n times the penalty at every n-th update and 0 between, jitted with a traced count."""
    x_real, x_fake = closed_form_data()
    lazily = jax.jit(
        lambda updates: penalties.lazy(penalties.r1(7.0), every=4)(
            linear(W), x_real, x_fake, RNG, updates
        )
    )
    values = [float(lazily(jnp.int32(updates))) for updates in range(8)]
    assert [value > 0 for value in values] == [True, False, False, False] * 2
    np.testing.assert_allclose(np.mean(values), 3.5 * NORM**2, rtol=1e-10)
    # Without a count it is the penalty itself: a game that keeps none is not penalised fourfold.
    alone = penalties.lazy(penalties.r1(7.0), every=4)(linear(W), x_real, x_fake, RNG)
    np.testing.assert_allclose(alone, 3.5 * NORM**2, rtol=1e-10)


def test_approximate_r1_is_r1_of_a_linear_critic(x64):
    """lambda sigma^2 |w|^2 in the mean over its noise: R1 of gamma 2 lambda sigma^2."""
    x = jnp.zeros((200_000, 4))
    near = penalties.approximate_r1(50.0, 0.2)(linear(W), x, x, RNG)
    exact = penalties.r1(2 * 50.0 * 0.2**2)(linear(W), x, x, RNG)
    np.testing.assert_allclose(exact, 50.0 * 0.2**2 * NORM**2)
    np.testing.assert_allclose(near, exact, rtol=5 * np.sqrt(2 / 200_000))


def test_lecam_keeps_averages_of_the_critic(x64):
    """Distances from the other side's average, which no gradient passes through."""
    part = penalties.lecam(2.0, decay=0.75)
    real, fake = jnp.array([[1.0], [3.0]]), jnp.array([[-1.0], [0.0]])

    def value(scale, memory):
        return part.apply(memory, lambda x: scale * x[:, 0], real, fake, RNG)

    first, memory = value(1.0, part.init(real))
    np.testing.assert_allclose(first, 2.0 * (5.0 + 0.5))
    np.testing.assert_allclose((memory["real"], memory["fake"]), (0.5, -0.125))
    second, memory = value(1.0, memory)
    expected = np.mean([1.125**2, 3.125**2]) + np.mean([1.5**2, 0.5**2])
    np.testing.assert_allclose(second, 2.0 * expected)
    np.testing.assert_allclose((memory["real"], memory["fake"]), (0.875, -0.21875))
    slope = jax.grad(lambda scale: value(scale, part.init(real))[0])(1.0)
    np.testing.assert_allclose(slope, 2 * first)


def test_a_scheduled_weight_follows_the_updates(x64):
    """Cosine from 7 to 0.7 over 4 updates; a lazy penalty inside sees the count too."""
    x_real, x_fake = closed_form_data()
    cosine = optax.cosine_decay_schedule(7.0, 4, alpha=0.1)
    for inner, factor in (
        (penalties.r1(1.0), lambda n: 1),
        (penalties.lazy(every=2), lambda n: 20 * (n % 2 == 0)),
    ):
        weighted = penalties.scheduled(cosine, inner)
        value = jax.jit(partial(weighted, linear(W), x_real, x_fake, RNG))
        for n in range(6):
            weight = 7.0 * (0.9 * (1 + np.cos(np.pi * min(n, 4) / 4)) / 2 + 0.1)
            expected = weight * factor(n) * 0.5 * NORM**2
            np.testing.assert_allclose(value(jnp.int32(n)), expected, rtol=1e-6)


def test_lazy_skips_the_work():
    """The program holds the penalty in a branch that is not taken."""
    x = jnp.ones((4, 4))
    lazily = penalties.lazy(every=4)
    jaxpr = jax.make_jaxpr(lambda updates: lazily(linear(W), x, x, RNG, updates))(jnp.int32(1))
    (cond,) = [eqn for eqn in jaxpr.eqns if eqn.primitive.name == "cond"]
    assert not any(eqn.primitive.name == "dot_general" for eqn in jaxpr.eqns)
    branches = [{e.primitive.name for e in b.jaxpr.eqns} for b in cond.params["branches"]]
    assert "dot_general" not in branches[0]
    assert "dot_general" in branches[1]


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_weights_out_of_range_are_refused(name, value):
    if name == "lazy":
        for every in (0, 1.5, value, True):
            with pytest.raises(ValueError, match=f"every={every} must be a whole number"):
                penalties.lazy(every=every)
        with pytest.raises(ValueError, match=r"already lazy \(every 4 updates\); pass a plain one"):
            penalties.lazy(penalties.lazy(every=4))
        return
    if name == "scheduled":
        with pytest.raises(ValueError, match="schedule already; multiply the two"):
            penalties.scheduled(abs, penalties.scheduled(abs))
        with pytest.raises(ValueError, match="schedule the lazy one instead"):
            penalties.lazy(penalties.scheduled(abs))
        with pytest.raises(ValueError, match=r"has memory; pass scheduled\(\) a plain one"):
            penalties.scheduled(abs, penalties.lecam())
        return
    option = "gamma" if name in ("r1", "r2", "zero_centred_gp") else "weight"
    with pytest.raises(ValueError, match=rf"={value} must be in \[0, inf\)"):
        PENALTIES[name](**{option: value})


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("wgan_gp", "target"),
        ("dragan", "target"),
        ("dragan", "spread"),
        ("lipschitz_penalty", "target"),
        ("consistency", "fake_weight"),
        ("approximate_r1", "std"),
        ("lecam", "decay"),
    ],
)
def test_other_options_out_of_range_are_refused(name, option):
    with pytest.raises(ValueError, match=f"{option}=-1.0"):
        PENALTIES[name](**{option: -1.0})


@pytest.mark.parametrize("name", ["wgan_gp", "zero_centred_gp", "lipschitz_penalty"])
def test_batches_that_do_not_pair_are_refused(name):
    with pytest.raises(ValueError, match=r"one by one, got batches \(3, 2\) and \(1, 2\)"):
        PENALTIES[name]()(lambda x: x[:, 0], jnp.ones((3, 2)), jnp.ones((1, 2)), RNG)


def test_consistency_of_points_is_refused():
    x = jnp.ones((3, 2))
    with pytest.raises(ValueError, match="needs images"):
        penalties.consistency(augment=flip())(lambda x: x[:, 0], x, x, RNG)
