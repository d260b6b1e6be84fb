"""Adversarial losses: closed forms, gradients, and the contract of every row."""

import copy

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.scipy.stats import norm

from ganjax import divergences, losses
from ganjax.losses import LOSSES

# Every row, and the variants of those that have options.
VARIANTS = {
    **LOSSES,
    "least_squares_011": losses.least_squares(a=0.0, b=1.0, c=1.0),
    "minimax_smooth": losses.minimax(label_smoothing=0.1),
    "non_saturating_smooth": losses.non_saturating(label_smoothing=0.1),
    **{
        f"f_gan_{name}_{gen}": losses.f_gan(divergence=name, gen=gen)
        for name in divergences.DIVERGENCES
        for gen in ("minimise", "trick")
    },
}
ROWS = pytest.mark.parametrize("name", VARIANTS)


@pytest.fixture
def logits(x64):
    real, fake = jax.random.normal(jax.random.key(0), (2, 50)) * 3
    return real, fake


def test_disc_loss_is_its_definition(logits):
    real, fake = logits
    d_real, d_fake = 1 / (1 + np.exp(-np.asarray(real))), 1 / (1 + np.exp(-np.asarray(fake)))
    value = np.mean(np.log(d_real)) + np.mean(np.log(1 - d_fake))
    np.testing.assert_allclose(losses.minimax.disc(real, fake), -value, rtol=1e-10)
    np.testing.assert_allclose(losses.minimax.gen(real, fake), value, rtol=1e-10)
    np.testing.assert_allclose(losses.non_saturating.disc(real, fake), -value, rtol=1e-10)


def test_non_saturating_gen_loss_is_its_definition(logits):
    real, fake = logits
    expected = -np.mean(np.log(1 / (1 + np.exp(-np.asarray(fake)))))
    np.testing.assert_allclose(losses.non_saturating.gen(real, fake), expected, rtol=1e-10)


def test_undecided_discriminator_is_worth_log_4(x64):
    zeros = jnp.zeros(7)
    np.testing.assert_allclose(losses.minimax.disc(zeros, zeros), np.log(4), rtol=1e-15)
    np.testing.assert_allclose(losses.minimax.gen(zeros, zeros), -np.log(4), rtol=1e-15)
    np.testing.assert_allclose(losses.non_saturating.gen(zeros, zeros), np.log(2), rtol=1e-15)


def test_minimax_is_zero_sum(logits):
    assert losses.minimax.gen(*logits) == -losses.minimax.disc(*logits)


def test_only_the_minimax_generator_saturates(x64):
    """Where D rejects with confidence, d/dl is -sigmoid(l) for one and sigmoid(l) - 1 for other."""
    fake = jnp.array([-20.0])
    names = ("minimax", "non_saturating")
    slope = {name: jax.grad(LOSSES[name].gen, argnums=1)(fake, fake)[0] for name in names}
    np.testing.assert_allclose(slope["minimax"], -1 / (1 + np.exp(20.0)), rtol=1e-10)
    np.testing.assert_allclose(slope["non_saturating"], -1.0, rtol=1e-8)  # 1 - 2e-9


@ROWS
@pytest.mark.parametrize(("far", "dtype"), [(1e4, jnp.float32), (1e2, jnp.bfloat16)])
def test_finite_far_out(name, far, dtype):
    """Values and slopes; computed and returned in float32 whatever the network's precision."""
    extreme = jnp.array([-far, -1.0, 0.0, 1.0, far], dtype)
    for real, fake in ((extreme, extreme), (extreme, -extreme), (-extreme, extreme)):
        for function in VARIANTS[name]:
            value, slopes = jax.value_and_grad(function, argnums=(0, 1))(real, fake)
            chex.assert_rank(value, 0)
            chex.assert_type(value, jnp.float32)
            chex.assert_type(slopes, dtype)
            chex.assert_tree_all_finite((value, slopes))


@ROWS
def test_accurate_far_out(name, x64):
    """Float32 at +-1e4 is float64 to 6 digits: nothing cancels."""
    narrow = jnp.array([-1e4, -3.0, 0.5, 1e4], jnp.float32)
    for function in VARIANTS[name]:
        value = function(narrow, narrow[::-1])
        np.testing.assert_allclose(value, function(*jnp.float64([narrow, narrow[::-1]])), rtol=2e-6)


@ROWS
def test_bfloat16_is_judged_in_full(name):
    """The only error is that of the logits themselves."""
    real, fake = (100 * jax.random.uniform(jax.random.key(1), (2, 20), minval=-1)).astype(
        "bfloat16"
    )
    for function in VARIANTS[name]:
        assert function(real, fake) == function(real.astype("float32"), fake.astype("float32"))


@ROWS
def test_gradient_signs(name):
    """The discriminator wants real up and fake down; the generator wants its samples up.

    Energies are low on data; least squares wants distances to its targets small.
    """
    loss = VARIANTS[name]
    real, fake = jax.random.uniform(jax.random.key(0), (2, 20), minval=-0.9, maxval=0.9)
    if name.startswith("least_squares"):  # where the generator is on its way up, below c
        fake = -jnp.abs(fake)
    by_real, by_fake = jax.grad(loss.disc, argnums=(0, 1))(real, fake)
    sign = -1 if name == "energy_margin" else 1
    if name == "least_squares_011":  # its target for samples is 0, and they are below
        fake = -fake
        by_fake = jax.grad(loss.disc, argnums=1)(real, fake)
    assert (sign * by_real < 0).all()
    assert (sign * by_fake > 0).all()
    assert (sign * jax.grad(loss.gen, argnums=1)(real, fake) < 0).all()


@pytest.mark.parametrize("name", LOSSES)
@settings(deadline=None, max_examples=20)
@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=8))
def test_order_of_the_batch_is_irrelevant(name, values):
    logits = jnp.asarray(values, jnp.float32)
    for function in VARIANTS[name]:
        forth, back = function(logits, logits), function(logits[::-1], logits[::-1])
        # float32 sums in another order, of terms up to the largest
        scale = float(jnp.abs(forth)) + 1e3
        np.testing.assert_allclose(forth, back, rtol=1e-5, atol=1e-6 * scale)


@ROWS
def test_every_loss_is_differentiable_twice_in_any_mode(name, x64):
    """A jvp of a gradient, as consensus and the spectra take it, against central differences."""
    rngs = jax.random.split(jax.random.key(5), 2)
    logits, along = jax.random.normal(rngs[0], (2, 6)), jax.random.normal(rngs[1], (2, 6))
    for function in VARIANTS[name]:
        slope = jax.grad(lambda pair, function=function: function(*pair))
        measured = jax.jvp(slope, (logits,), (along,))[1]
        h = 1e-5
        expected = (slope(logits + h * along) - slope(logits - h * along)) / (2 * h)
        np.testing.assert_allclose(measured, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", LOSSES)
def test_rows_are_pairs_of_functions(name):
    """`LOSSES[name].gen` works with the defaults; a row with options is called for others."""
    row = LOSSES[name]
    assert isinstance(row, losses.AdversarialLoss)
    assert copy.copy(row) == row
    assert isinstance(copy.deepcopy(row), losses.AdversarialLoss)
    gen, disc = row
    assert (gen, disc) == (row.gen, row.disc)
    x = jnp.array([0.3, -2.0])
    np.testing.assert_array_equal(copy.copy(row).realness(x), row.realness(x))
    if not isinstance(row, losses.LossWithOptions):
        return
    again = row()
    assert again.disc(x, -x) == row.disc(x, -x)
    assert again.gen(x, -x) == row.gen(x, -x)
    assert "Raises:" in row.variant.__doc__
    with pytest.raises(TypeError, match="unexpected keyword argument 'option'"):
        row(option=1)


@pytest.mark.parametrize("name", LOSSES)
def test_a_replaced_loss_keeps_its_realness(name):
    """Its options are gone: called for other ones, it would forget what was replaced."""
    row, x = VARIANTS[name], jnp.linspace(-30.0, 30.0, 7)
    other = row._replace(gen=losses.hinge_gen_loss)
    assert (other.gen, other.disc) == (losses.hinge_gen_loss, row.disc)
    np.testing.assert_array_equal(other.realness(x), row.realness(x))
    assert not isinstance(other, losses.LossWithOptions)
    flipped = row._replace(realness=jnp.negative)
    np.testing.assert_array_equal(flipped.realness(x), -x)
    with pytest.raises(TypeError, match="unexpected keyword argument 'margin'"):
        row._replace(margin=1.0)


@ROWS
def test_realness_changes_sign_where_the_discriminator_is_undecided(name):
    """There a sample called both real and generated gives the discriminator no slope.

    Losses of differences have no such point of their own; there it is 0, by convention.
    """
    loss = VARIANTS[name]
    logits = jnp.linspace(-30, 30, 6001)
    (edge,) = np.flatnonzero(np.diff(np.sign(loss.realness(logits) + 1e-9)))
    undecided = (logits[edge] + logits[edge + 1]) / 2
    relative = ("wasserstein", "relativistic", "relativistic_average", "hinge", "energy_margin")
    if name in relative or "smooth" in name or name == "f_gan_total_variation_minimise":
        expected = {"energy_margin": 5.0}.get(name, 0.0)
        np.testing.assert_allclose(undecided, expected, atol=0.02)
    else:

        def both(v):
            return loss.disc(v[None], v[None])

        np.testing.assert_allclose(jax.grad(both)(jnp.float32(undecided)), 0.0, atol=0.02)
    # Beyond it, on the side of data, the discriminator likes data better.
    above = jnp.array([jnp.sign(loss.realness(logits[-1])) * 3 + undecided])
    below = 2 * undecided - above
    assert loss.realness(above)[0] > 0 > loss.realness(below)[0]
    assert loss.disc(above, below) < loss.disc(below, above)


@ROWS
def test_adam_survives_a_large_logit(name):
    """Slopes that float32 can square: Adam's second moment stays finite, and it moves on."""
    for far in (1e4, -1e4):
        tx, logit = optax.adam(0.1), jnp.float32([far])
        state = tx.init(logit)
        for function in VARIANTS[name]:
            slopes = jax.grad(lambda v, function=function: function(v, -v))(logit)
            updates, after = tx.update(slopes, state)
            chex.assert_tree_all_finite((updates, after))


def test_options_by_position():
    """`f_gan(divergence)` of a name or a row."""
    x = jnp.array([0.3, -2.0])
    named, row = losses.f_gan("kl"), losses.f_gan(divergences.DIVERGENCES["kl"], "trick")
    assert named.disc(x, -x) == row.disc(x, -x)
    assert named.gen(x, -x) != row.gen(x, -x)
    assert losses.least_squares(0.0, 1.0, 1.0).gen(x, x) == jnp.mean((x - 1) ** 2) / 2


def test_one_sided_label_smoothing_is_its_definition(logits):
    """Target 0.9 on data, 0 on samples; the minimax game stays zero-sum."""
    real, fake = logits
    d_real, d_fake = 1 / (1 + np.exp(-np.asarray(real))), 1 / (1 + np.exp(-np.asarray(fake)))
    expected = -np.mean(0.9 * np.log(d_real) + 0.1 * np.log(1 - d_real)) - np.mean(
        np.log(1 - d_fake)
    )
    for row in (losses.minimax, losses.non_saturating):
        smooth = row(label_smoothing=0.1)
        np.testing.assert_allclose(smooth.disc(real, fake), expected, rtol=1e-10)
    assert losses.minimax(label_smoothing=0.1).gen(real, fake) == -losses.minimax(
        label_smoothing=0.1
    ).disc(real, fake)
    smooth = losses.non_saturating(label_smoothing=0.1)
    assert smooth.gen(real, fake) == losses.non_saturating.gen(real, fake)


def test_smoothing_caps_the_optimal_discriminator(x64):
    """D* = 0.9 p / (p + q): the loss of a single logit is flat there."""
    p, q = 0.7, 0.2
    best = 0.9 * p / (p + q)
    logit = jnp.log(best / (1 - best))[None]

    def loss(logit):
        both = losses.minimax(label_smoothing=0.1).disc
        undecided = jnp.zeros(1)
        return p * both(logit, undecided) + q * both(undecided, logit)

    np.testing.assert_allclose(jax.grad(loss)(logit), 0.0, atol=1e-12)


def test_least_squares_is_its_definition(logits):
    real, fake = map(np.asarray, logits)
    loss = losses.least_squares(a=-0.5, b=1.5, c=0.25)
    expected = np.mean((real - 1.5) ** 2) / 2 + np.mean((fake + 0.5) ** 2) / 2
    np.testing.assert_allclose(loss.disc(*logits), expected, rtol=1e-10)
    np.testing.assert_allclose(loss.gen(*logits), np.mean((fake - 0.25) ** 2) / 2, rtol=1e-10)


@pytest.mark.parametrize(("shift", "value"), [(0.5, 0.1178920), (1.0, 0.4081085), (2.0, 1.1008010)])
def test_lsgan_at_its_optimum_is_half_the_pearson_divergence(shift, value, x64):
    """2 C = chi^2(p + q || 2 q) for (a, b, c) = (-1, 1, 0) (arXiv:1611.04076).

    C is the generator's loss on samples and on data, at D* = (b p + a q) / (p + q).
    """
    loss = losses.least_squares

    def p(x):
        return norm.pdf(x)

    def q(x):
        return norm.pdf(x, shift)

    def best(x):
        return (p(x) - q(x)) / (p(x) + q(x))

    def each(function, x):
        return jax.vmap(function)(x.ravel()).reshape(x.shape)

    def integrand(x):
        logits = best(x)
        return (p(x) + q(x)) * each(lambda v: loss.gen(v[None], v[None]), logits)

    c = divergences.integral(integrand, -12.0, 14.0)
    # chi^2(p + q || 2 q) = integral (p + q - 2 q)^2 / (p + q), of two measures of mass 2
    chi = divergences.integral(lambda x: (p(x) - q(x)) ** 2 / (p(x) + q(x)), -12.0, 14.0)
    np.testing.assert_allclose(2 * c, chi, rtol=1e-9)
    np.testing.assert_allclose(2 * c, value, atol=1e-6)

    # D* is the discriminator's optimum: its loss there is flat, and higher beside it.
    def disc(step):
        def integrand(x):
            logits, zero = best(x) + step * jnp.sin(x), jnp.zeros(1)
            none = loss.disc(zero, zero) / 2
            on_data = each(lambda v: loss.disc(v[None], zero) - none, logits)
            on_samples = each(lambda v: loss.disc(zero, v[None]) - none, logits)
            return p(x) * on_data + q(x) * on_samples

        return divergences.integral(integrand, -12.0, 14.0)

    np.testing.assert_allclose(jax.grad(disc)(0.0), 0.0, atol=1e-10)
    assert disc(0.1) > disc(0.0)


def test_hinge_is_its_definition(logits):
    real, fake = map(np.asarray, logits)
    expected = np.mean(np.maximum(0, 1 - real)) + np.mean(np.maximum(0, 1 + fake))
    np.testing.assert_allclose(losses.hinge.disc(*logits), expected, rtol=1e-10)
    np.testing.assert_allclose(losses.hinge.gen(*logits), -np.mean(fake), rtol=1e-10)
    # Nothing to learn beyond the margins.
    sure = jnp.array([1.5, 3.0])
    for slope in jax.grad(losses.hinge.disc, argnums=(0, 1))(sure, -sure):
        np.testing.assert_array_equal(slope, 0.0)


def test_energy_margin_is_its_definition(logits):
    real, fake = map(np.abs, map(np.asarray, logits))
    loss = losses.energy_margin(margin=2.0)
    expected = np.mean(real) + np.mean(np.maximum(0, 2.0 - fake))
    np.testing.assert_allclose(loss.disc(real, fake), expected, rtol=1e-10)
    np.testing.assert_allclose(loss.gen(real, fake), np.mean(fake), rtol=1e-10)


def test_energies_at_the_nash_point_are_worth_the_margin(x64):
    """Where p_gen = p_data and D is any constant up to m, V = m (arXiv:1609.03126, theorem 2)."""
    for energy in (0.0, 1.3, 2.0):
        energies = jnp.full(5, energy)
        np.testing.assert_allclose(losses.energy_margin(margin=2.0).disc(energies, energies), 2.0)


def test_relativistic_losses_are_their_definition(logits):
    def log_sigmoid(x):
        return -np.log1p(np.exp(-x))

    real, fake = map(np.asarray, logits)
    paired, average = losses.relativistic, losses.relativistic_average
    np.testing.assert_allclose(paired.disc(*logits), -np.mean(log_sigmoid(real - fake)), rtol=1e-10)
    np.testing.assert_allclose(paired.gen(*logits), -np.mean(log_sigmoid(fake - real)), rtol=1e-10)

    def ra(ours, theirs):
        up = -np.mean(log_sigmoid(ours - theirs.mean()))
        return up - np.mean(np.log(1 - 1 / (1 + np.exp(-(theirs - ours.mean())))))

    np.testing.assert_allclose(average.disc(*logits), ra(real, fake), rtol=1e-10)
    np.testing.assert_allclose(average.gen(*logits), ra(fake, real), rtol=1e-10)


@pytest.mark.parametrize("name", ["relativistic", "relativistic_average", "wasserstein"])
def test_relative_losses_do_not_see_a_constant(name, logits):
    real, fake = logits
    for function in LOSSES[name]:
        np.testing.assert_allclose(
            function(real + 7.0, fake + 7.0), function(real, fake), rtol=1e-9
        )


def test_relativistic_pairs_must_be_pairs():
    with pytest.raises(ValueError, match=r"got \(3,\) and \(2,\) logits"):
        losses.relativistic.disc(jnp.zeros(3), jnp.zeros(2))


@pytest.mark.parametrize(
    ("factory", "options", "message"),
    [
        (losses.minimax, {"label_smoothing": 1.0}, "label_smoothing=1.0"),
        (losses.non_saturating, {"label_smoothing": -0.1}, "label_smoothing=-0.1"),
        (losses.least_squares, {"a": 1.0}, "must differ"),
        (losses.least_squares, {"c": float("nan")}, r"c=nan must be in \(-inf, inf\)"),
        (losses.energy_margin, {"margin": 0.0}, "margin=0.0"),
        (losses.f_gan, {"divergence": "klx"}, "unknown divergence 'klx'"),
        (losses.f_gan, {"gen": "both"}, "one of 'minimise', 'trick'"),
    ],
)
def test_options_out_of_range_are_refused(factory, options, message):
    with pytest.raises(ValueError, match=message):
        factory(**options)


def test_wasserstein_is_its_definition(logits):
    real, fake = logits
    expected = np.mean(np.asarray(fake)) - np.mean(np.asarray(real))
    np.testing.assert_allclose(losses.wasserstein.disc(real, fake), expected, rtol=1e-10)
    assert losses.wasserstein.gen(real, fake) == -losses.wasserstein.disc(real, fake)
