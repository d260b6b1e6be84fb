"""f-divergences: duality, domains, and the divergences of known densities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.stats import norm
from scipy import stats
from scipy.integrate import quad
from scipy.special import lambertw

from ganjax import divergences, losses
from ganjax.divergences import DIVERGENCES

ROWS = pytest.mark.parametrize("name", DIVERGENCES)
RATIOS = np.exp(np.linspace(-3, 3, 241))
LOGITS = np.linspace(-30, 30, 601)
LOG_2 = np.log(2)
# Two Gaussians and an interval of nearly all their mass; both quadratures keep to it.
P, Q = stats.norm(0.3, 1.0), stats.norm(1.0, 1.15)
LOWER, UPPER = -8.0, 9.0


def p(x):
    return norm.pdf(x, 0.3, 1.0)


def q(x):
    return norm.pdf(x, 1.0, 1.15)


@ROWS
def test_fenchel_equality(name, x64):
    """u f'(u) - f(u) = f*(f'(u)), where f' is the row's own optimal critic."""
    row = DIVERGENCES[name]
    u = jnp.asarray(RATIOS)
    t = row.optimal_critic(u)
    np.testing.assert_allclose(u * t - row.f(u), row.conjugate(t), rtol=0, atol=1e-9)


@ROWS
def test_the_optimal_critic_is_the_derivative_of_f(name, x64):
    row = DIVERGENCES[name]
    u = jnp.asarray(RATIOS[RATIOS != 1])  # total variation has a kink at 1
    np.testing.assert_allclose(jax.vmap(jax.grad(row.f))(u), row.optimal_critic(u), rtol=1e-9)
    assert row.threshold == row.optimal_critic(jnp.ones(())) or name in ("gan", "kl")
    np.testing.assert_allclose(row.threshold, row.optimal_critic(jnp.ones(())), atol=1e-15)


@ROWS
def test_the_conjugates_derivative_inverts_that_of_f(name, x64):
    row, u = DIVERGENCES[name], jnp.asarray(RATIOS)
    back = jax.vmap(jax.grad(row.conjugate))(row.optimal_critic(u))
    if name == "total_variation":
        # f' is a step from -1/2 to 1/2, so f* has the slopes between 0 and 1 below 1/2, and any
        # slope from 1 on at its edge 1/2: subgradients, of which autodiff names one.
        inside = jnp.linspace(-0.49, 0.49, 9)
        np.testing.assert_array_equal(jax.vmap(jax.grad(row.conjugate))(inside), 1.0)
        return
    np.testing.assert_allclose(back, u, rtol=1e-9)


@ROWS
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_output_stays_in_the_domain(name, dtype, x64):
    """f*(g_f(v)) is finite for v in [-30, 30], also where g_f rounds to the edge."""
    row = DIVERGENCES[name]
    t = row.output_activation(jnp.asarray(LOGITS, dtype))
    assert t.dtype == dtype
    assert np.isfinite(row.conjugate(t)).all()
    assert row.domain[0] <= t.min()
    assert t.max() <= row.domain[1]
    assert (np.diff(t) >= -np.finfo(dtype).eps).all()
    slopes = jax.vmap(jax.grad(lambda v: row.conjugate(row.output_activation(v))))(LOGITS)
    assert np.isfinite(slopes).all()


@ROWS
def test_conjugate_of_output_in_one_piece(name, x64):
    row = DIVERGENCES[name]
    v = jnp.linspace(-8, 8, 101)  # beyond, the two steps lose digits where g_f meets its edge
    expected = row.conjugate(row.output_activation(v))
    np.testing.assert_allclose(row.conjugate_of_output(v), expected, rtol=1e-9, atol=1e-12)


@ROWS
def test_above_the_domain_the_conjugate_is_infinite(name, x64):
    row = DIVERGENCES[name]
    if np.isfinite(row.domain[1]):
        assert row.conjugate(jnp.asarray(row.domain[1] + 1e-6)) == np.inf
        assert jax.grad(row.conjugate)(jnp.asarray(row.domain[1] + 1.0)) == 0.0


def test_conjugates_are_suprema(x64):
    """f*(t) = max over u of u t - f(u), by brute force."""
    u = np.exp(np.linspace(-12, 12, 400_001))
    for name, row in DIVERGENCES.items():
        values = row.f(jnp.asarray(u))
        for t in row.optimal_critic(jnp.array([0.2, 0.7, 3.0])):
            np.testing.assert_allclose(
                row.conjugate(t), np.max(u * t - values), atol=1e-6, err_msg=name
            )  # 1e-6: the spacing of u


def test_jeffreys_conjugate_is_lambert_w(x64):
    t = np.linspace(-40, 40, 81)
    w = lambertw(np.exp(1 - t)).real
    expected = w + 1 / w + t - 2
    np.testing.assert_allclose(DIVERGENCES["jeffrey"].conjugate(jnp.asarray(t)), expected, 1e-9)


def test_jeffreys_conjugate_has_all_derivatives(x64):
    """Of any order and in any mode: f*' = 1/w, f*'' = 1/(w (1 + w)) with w = W(e^(1 - t))."""
    f, t = DIVERGENCES["jeffrey"].conjugate, 0.3
    w = lambertw(np.exp(1 - t)).real
    np.testing.assert_allclose(jax.grad(f)(t), 1 / w, rtol=1e-12)
    for second in (jax.hessian(f), jax.grad(jax.grad(f)), jax.jacfwd(jax.jacfwd(f))):
        np.testing.assert_allclose(second(t), 1 / (w * (1 + w)), rtol=1e-12)


def known_value(name):
    """D_f(P || Q) by SciPy's adaptive quadrature of its textbook integrand."""
    integrands = {
        "total_variation": lambda p, q: abs(p - q) / 2,
        "kl": lambda p, q: p * np.log(p / q),
        "reverse_kl": lambda p, q: q * np.log(q / p),
        "pearson": lambda p, q: (p - q) ** 2 / q,
        "neyman": lambda p, q: (p - q) ** 2 / p,
        "squared_hellinger": lambda p, q: (np.sqrt(p) - np.sqrt(q)) ** 2,
        "jeffrey": lambda p, q: (p - q) * np.log(p / q),
        "jensen_shannon": lambda p, q: p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q)),
        "gan": lambda p, q: p * np.log(p / (p + q)) + q * np.log(q / (p + q)),
    }

    def integrand(x):
        return integrands[name](P.pdf(x), Q.pdf(x))

    # Total variation has kinks where the densities cross.
    return quad(integrand, LOWER, UPPER, epsabs=1e-11, limit=500)[0]


@ROWS
def test_divergence_of_two_gaussians(name, x64):
    measured = divergences.f_divergence(name, p, q, LOWER, UPPER)
    # 16,000 nodes see a kink of total variation to 1e-7.
    np.testing.assert_allclose(measured, known_value(name), atol=1e-7)


def best_logit(row, u):
    """The logit v with g_f(v) = f'(u), by bisection: no inverse is typed by hand."""
    low, high = jnp.full_like(u, -1e7), jnp.full_like(u, 1e7)
    target = row.optimal_critic(u)
    for _ in range(100):
        middle = (low + high) / 2
        below = row.output_activation(middle) < target
        low, high = jnp.where(below, middle, low), jnp.where(below, high, middle)
    return (low + high) / 2


@ROWS
def test_the_variational_bound_is_tight_at_the_optimal_critic(name, x64):
    """The library's own f-GAN loss, its expectations by quadrature, equals the divergence."""
    row, loss = DIVERGENCES[name], losses.f_gan(divergence=name)

    def value(share, player):
        def integrand(x):
            v = share * best_logit(row, p(x.ravel()) / q(x.ravel()))
            # loss(v, w) = A(v) + B(w): each expectation is taken with the other logit at 0.
            zero = jnp.zeros((1,))
            none = player(zero, zero) / 2
            on_data = jax.vmap(lambda v: player(v[None], zero) - none)(v)
            on_samples = jax.vmap(lambda v: player(zero, v[None]) - none)(v)
            density = p(x.ravel()) * on_data + q(x.ravel()) * on_samples
            return density.reshape(x.shape)

        return divergences.integral(integrand, LOWER, UPPER)

    known = known_value(name)
    np.testing.assert_allclose(-value(1.0, loss.disc), known, atol=1e-6)
    # Any other critic falls short.
    assert -value(0.9, loss.disc) < known - 1e-6 or name == "total_variation"  # where v is +-inf
    assert -value(1e-3, loss.disc) < known - 1e-6
    np.testing.assert_allclose(value(1.0, loss.gen), known, atol=1e-6)
    trick, logits = losses.f_gan(divergence=name, gen="trick"), jnp.linspace(-2, 2, 9)
    assert trick.disc(logits, logits[::-1]) == loss.disc(logits, logits[::-1])


def test_gan_row_is_the_original_value(x64):
    """-log 4 + 2 JSD, and the two conventions of Jensen-Shannon."""
    usual = divergences.jensen_shannon(p, q, LOWER, UPPER)
    gan = divergences.f_divergence("gan", p, q, LOWER, UPPER)
    twice = divergences.f_divergence("jensen_shannon", p, q, LOWER, UPPER)
    np.testing.assert_allclose(gan, -np.log(4) + 2 * usual, rtol=1e-12)
    np.testing.assert_allclose(twice, 2 * usual, rtol=1e-12)


def test_f_gan_with_the_gan_row_is_minimax_and_its_trick_non_saturating(x64):
    v, w = 3 * jax.random.normal(jax.random.key(0), (2, 50))
    plain, trick = losses.f_gan(divergence="gan"), losses.f_gan(divergence="gan", gen="trick")
    np.testing.assert_allclose(plain.disc(v, w), losses.minimax.disc(v, w), rtol=1e-12)
    np.testing.assert_allclose(plain.gen(v, w), losses.minimax.gen(v, w), rtol=1e-12)
    np.testing.assert_allclose(trick.gen(v, w), losses.non_saturating.gen(v, w), rtol=1e-12)


def test_kl_of_two_gaussians_in_closed_form(x64):
    expected = np.log(1.15) + (1 + 0.7**2) / (2 * 1.15**2) - 0.5
    np.testing.assert_allclose(divergences.kl(p, q, -20.0, 20.0), expected, rtol=1e-10)


def test_disjoint_supports(x64):
    """Jensen-Shannon log 2, total variation 1, squared Hellinger 2; Kullback-Leibler infinite."""

    def left(x):
        return jnp.where((x > 0) & (x < 1), 1.0, 0.0)

    def right(x):
        return jnp.where((x > 2) & (x < 3), 1.0, 0.0)

    expected = {"jensen_shannon": 2 * LOG_2, "total_variation": 1, "squared_hellinger": 2, "gan": 0}
    for name in DIVERGENCES:
        value = divergences.f_divergence(name, left, right, -1.0, 4.0)
        np.testing.assert_allclose(value, expected.get(name, np.inf), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(divergences.jensen_shannon(left, right, -1.0, 4.0), LOG_2, 1e-9)
    # Jumps of F and G lie on panel edges here.
    np.testing.assert_allclose(divergences.wasserstein_1d(left, right, -1.0, 4.0), 2.0, rtol=1e-9)


def test_wasserstein_of_gaussians(x64):
    """|difference of means| for equal deviations; of deviations times E|z| for equal means."""

    def shifted(x):
        return norm.pdf(x, -0.9, 1.0)

    def wider(x):
        return norm.pdf(x, 0.3, 1.7)

    measured = divergences.wasserstein_1d(p, shifted, -13.0, 13.0)
    np.testing.assert_allclose(measured, 1.2, rtol=1e-10)
    measured = divergences.wasserstein_1d(p, wider, -20.0, 20.0)
    # 1e-6: |F - G| has a kink where the two cross.
    np.testing.assert_allclose(measured, 0.7 * np.sqrt(2 / np.pi), rtol=1e-6)


def test_quadrature_is_differentiable(x64):
    """d KL(N(0.3, 1) || N(m, 1)) / dm = m - 0.3."""

    def value(m):
        return divergences.kl(p, lambda x: norm.pdf(x, m, 1.0), -12.0, 12.0)

    np.testing.assert_allclose(jax.grad(value)(1.1), 0.8, rtol=1e-9)


@pytest.mark.parametrize("name", ["reverse_kl", "jensen_shannon", "squared_hellinger"])
def test_quadrature_is_differentiable_far_out(name, x64):
    """Where q falls to 1e-300, its square is 0, and so it would be in the derivative of p/q."""

    def value(m):
        return divergences.f_divergence(name, p, lambda x: norm.pdf(x, m, 0.5), -19.0, 16.0)

    difference = (value(-1.5 + 1e-5) - value(-1.5 - 1e-5)) / 2e-5
    np.testing.assert_allclose(jax.grad(value)(-1.5), difference, rtol=1e-7)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"unknown divergence 'revers_kl'. Did you mean 'reverse_"):
        divergences.named("revers_kl")
    with pytest.raises(ValueError, match="must be finite and lower < upper"):
        divergences.kl(p, q, -np.inf, 3.0)
