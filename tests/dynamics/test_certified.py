"""Enclosures hold the eigenvalues known in closed form, tightly, and claim nothing beyond them."""

import sys

import flax.linen as nn
import flint
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flint import acb, arb

from ganjax import dynamics, games, nets, schemes
from ganjax.commands.dynamics import options
from ganjax.dynamics import balls, discs
from ganjax.errors import MachineError
from ganjax.types import GanState, Players

RNG = jax.random.key(0)
BITS = 256


@pytest.fixture(autouse=True)
def precise(x64):
    with flint.ctx.workprec(BITS):
        yield


def certified(name, h):
    game, factory = games.bilinear(start=(0.0, 0.0)), schemes.SCHEMES[name]
    scheme = factory(game, Players(optax.sgd(h), optax.sgd(h)), **options(factory, h))
    return dynamics.certified_spectrum(scheme.step, scheme.init(RNG))


def root(x):
    """A square root in the complex plane."""
    return acb(x).sqrt()


def optimistic(h):
    return (1 + acb(0, 2 * h) + root(1 - 4 * h**2)) / 2


def negative_momentum(h):
    """The largest root of (l - 1)^2 (l + 1/2)^2 + h^2 l^3."""
    polynomial = flint.acb_poly([0.25, 0.5, -0.75, -1 + h**2, 1])
    return max(polynomial.roots(tol=arb(2) ** -200), key=lambda value: float(abs(value)))


def runge_kutta(h):
    """With the weights of the code, 1/6 and 1/3 as floats."""
    first, z, sixth, third = arb(1), acb(0, h), arb(1 / 6), arb(1 / 3)
    second = 1 + z / 2 * first
    fourth = 1 + z * (third_slope := 1 + z / 2 * second)
    return 1 + z * (sixth * (first + fourth) + third * (second + third_slope))


# One of the two eigenvalues of largest modulus on V = x y.
CLOSED = {
    "alternating": lambda h: 1 - h**2 / 2 + h * root(h**2 / 4 - 1),
    "averaged": lambda h: acb(1, h),
    "competitive": lambda h: 1 / acb(1, h),
    "consensus": lambda h: acb(1 - h, h),
    "extragradient": lambda h: acb(1 - h**2, h),
    "follow_the_ridge": lambda h: acb(1, h),
    "lookahead": lambda h: (1 + acb(1, h) ** 5) / 2,
    "negative_momentum": negative_momentum,
    "opponent_shaping": lambda h: acb(1 - 2 * h**2, h),
    "optimistic": optimistic,
    "past_extragradient": optimistic,
    "prediction": lambda h: 1 - h**2 + h * root(h**2 - 1),
    "proximal": lambda h: 1 / acb(1, h),
    "reflected": optimistic,
    "runge_kutta": runge_kutta,
    "simultaneous": lambda h: acb(1, h),
    "symplectic": lambda h: acb(1 - h, h),
    "unrolled": lambda h: 1 - 5 * h**2 - h * root(25 * h**2 - 1),
}


def holding(spectrum, truth):
    """The least distance of a number to a centre, in units of its radius: above 1 outside all."""
    pairs = zip(spectrum.centres, spectrum.radii, strict=True)
    ratios = [abs(acb(complex(c)) - truth) / arb(float(r)) for c, r in pairs]
    return min(float(ratio.upper()) for ratio in ratios)


@pytest.mark.parametrize("name", CLOSED)
def test_enclosures_hold_the_closed_forms(name):
    """Among them double roots: `optimistic` at 1/2, `unrolled` at 1/5."""
    for h in (0.1, 0.2, 0.5):
        truth = CLOSED[name](arb(h))
        spectrum = certified(name, h)
        assert max(holding(spectrum, value) for value in (truth, truth.conjugate())) <= 1, h
        assert max(spectrum.radii) < 1e-15, h
        expected = "converges" if abs(truth) < 1 else "diverges"
        assert spectrum.verdict == ("undecided" if name == "alternating" else expected), h
        measured = dynamics.RADII[name](h, *[5] * (name == "unrolled"))
        np.testing.assert_allclose(float(abs(truth)), measured, rtol=1e-7)  # double roots


def test_radii_are_no_larger_than_the_rounding_of_the_centres():
    """Half of a radius would be wrong; so would the float Jacobian, taken as exact."""
    tight = [
        holding(certified("alternating", h), CLOSED["alternating"](arb(h))) for h in (0.1, 0.2, 0.3)
    ]
    assert min(tight) > 0.99


def test_the_jacobian_is_enclosed_beyond_float_rounding():
    """1 - h^2 with h = 0.1 is no float."""
    scheme = schemes.alternating(games.bilinear(), Players(optax.sgd(0.1), optax.sgd(0.1)))
    state = scheme.init(RNG)
    update, flat = dynamics.spectra.update_map(scheme.step, state, None, None)
    jaxpr = jax.make_jaxpr(jax.jacfwd(update))(flat)
    (enclosed,) = balls.evaluate(jaxpr.jaxpr, jaxpr.consts, [flat])
    rounded = np.asarray(dynamics.update_map_jacobian(scheme.step, state))
    exact = 1 - arb(0.1) ** 2
    entry = next(e for e in enclosed.flat if abs(e - exact) < 1e-9)
    assert entry.overlaps(exact)
    assert entry.rad() < 1e-70
    assert not any(entry.contains(arb(float(x))) for x in rounded.flat)


@pytest.mark.parametrize(
    ("matrix", "eigenvalues"),
    [
        (np.eye(3), [1, 1, 1]),
        (np.zeros((3, 3)), [0, 0, 0]),
        (np.eye(3) + np.eye(3, k=1), [1, 1, 1]),  # a Jordan block
        (np.kron(np.eye(2), [[0, -1], [1, 0]]), [1j, 1j, -1j, -1j]),
        (np.tri(5).T * np.arange(1, 6), [1, 2, 3, 4, 5]),
        ([[2, 1, 0], [0, 2, 0], [0, 0, 0.5]], [2, 2, 0.5]),
    ],
)
def test_discs_hold_the_eigenvalues_of_matrices(matrix, eigenvalues):
    centres, radii = discs.eigenvalue_discs(balls.enclosed(np.asarray(matrix, float)))
    assert max(float(radius) for radius in radii) < 1e-12
    for value in eigenvalues:
        wanted = eigenvalues.count(value)
        held = [abs(c - acb(value)) <= r for c, r in zip(centres, radii, strict=True)]
        assert sum(held) == wanted


def test_discs_of_close_eigenvalues_agree_with_flint():
    """Wilkinson's matrix: pairs that differ by 1e-14. Simple ones FLINT isolates by itself."""
    matrix = np.diag(abs(np.arange(21) - 10.0)) + np.eye(21, k=1) + np.eye(21, k=-1)
    centres, radii = discs.eigenvalue_discs(balls.enclosed(matrix))
    isolated = flint.acb_mat(matrix.tolist()).eig()
    for value in isolated:
        near = [not abs(c - value) > r for c, r in zip(centres, radii, strict=True)]
        assert sum(near) == 1


def test_discs_hold_every_matrix_of_the_intervals():
    """A Jordan block whose lower entry is 0 to 1e-16: the eigenvalues move by up to 1e-8."""
    matrix = balls.enclosed(np.array([[0.5, 1.0], [0.0, 0.5]]))
    matrix[1, 0] = arb(0, 1e-16)
    centres, radii = discs.eigenvalue_discs(matrix)
    for value in (0.5 + 1e-8, 0.5 - 1e-8, 0.5 + 1e-8j, 0.5 - 1e-8j, 0.5):
        held = [abs(c - acb(value)) <= r * (1 + 1e-6) for c, r in zip(centres, radii, strict=True)]
        assert all(held)
    assert max(float(radius) for radius in radii) < 1e-7


# For every primitive with a rule a function of x and y that needs it.
X, Y, ONE = np.array([0.3, -0.7, 1.2]), np.array([2.0, 0.4, -1.5]), np.int32(1)
USES = {
    "abs": lambda x, y: jnp.abs(x),
    "add": lambda x, y: x + y,
    "add_any": lambda x, y: jax.grad(lambda z: jnp.sum(jnp.sin(z) * z))(x),
    "bitcast_convert_type": lambda x, y: jax.random.uniform(RNG, (3,), minval=-1.0) * x,
    "broadcast_in_dim": lambda x, y: jnp.broadcast_to(x[:, None], (3, 2)),
    "clamp": lambda x, y: jax.lax.clamp(-0.5, x, 0.5),
    "concatenate": lambda x, y: jnp.concatenate([x, y]),
    "cond": lambda x, y: jax.lax.cond(x[1] > 0, jnp.sin, jnp.cos, y),
    "convert_element_type": lambda x, y: (x > 0).astype(float) + x.astype(bool),
    "copy": lambda x, y: jnp.copy(x),
    "cos": lambda x, y: jnp.cos(x),
    "custom_jvp_call": lambda x, y: jax.nn.softplus(x),
    "custom_linear_solve": lambda x, y: jax.scipy.sparse.linalg.cg(lambda v: abs(y) * v, x)[0],
    "device_put": lambda x, y: jax.device_put(x),
    "div": lambda x, y: x / y,
    "dot_general": lambda x, y: jnp.einsum("ij,kij->kj", jnp.outer(x, y), jnp.ones((2, 3, 3))),
    "dynamic_slice": lambda x, y: jax.lax.dynamic_slice(x, (ONE,), (2,)),
    "eq": lambda x, y: jnp.where(x == x, x, y),
    "erf_inv": lambda x, y: jax.lax.erf_inv(x / 2),
    "exp": lambda x, y: jnp.exp(x),
    "expm1": lambda x, y: jnp.expm1(x),
    "gather": lambda x, y: x[jnp.array([2, 0])],
    "ge": lambda x, y: jnp.where(x >= y, x, y),
    "gt": lambda x, y: jnp.where(x > y, x, y),
    "integer_pow": lambda x, y: x**3 + x**-2,
    "iota": lambda x, y: x * jnp.arange(3.0),
    "is_finite": lambda x, y: jnp.where(jnp.isfinite(x), x, y),
    "jit": lambda x, y: jax.jit(jnp.sin)(x),
    "le": lambda x, y: jnp.where(x <= y, x, y),
    "log": lambda x, y: jnp.log(abs(x)),
    "log1p": lambda x, y: jnp.log1p(x),
    "logistic": lambda x, y: jax.nn.sigmoid(x),
    "lt": lambda x, y: jnp.where(x < y, x, y),
    "max": jnp.maximum,
    "min": jnp.minimum,
    "mul": lambda x, y: x * y,
    "ne": lambda x, y: jnp.where(x != y, x, 2 * y),
    "neg": lambda x, y: -x,
    "one_minus_square": lambda x, y: jnp.tanh(x),
    "pad": lambda x, y: jnp.pad(x, (1, 2)),
    "pow": lambda x, y: abs(x) ** y,
    "reduce_max": lambda x, y: jnp.max(jnp.outer(x, y), axis=(0, 1)),
    "reduce_min": lambda x, y: jnp.min(jnp.outer(x, y), axis=1),
    "reduce_sum": lambda x, y: jnp.sum(jnp.outer(x, y), axis=0),
    "remat2": lambda x, y: jax.checkpoint(jnp.sin)(x),
    "reshape": lambda x, y: jnp.outer(x, y).reshape(9),
    "rev": lambda x, y: jnp.flip(x),
    "rsqrt": lambda x, y: jax.lax.rsqrt(abs(x)),
    "scan": lambda x, y: jax.lax.scan(lambda c, z: (c * z, c + z), y, x[:, None], reverse=True),
    "scatter": lambda x, y: jnp.asarray(x).at[0].set(2.0),
    "select_n": lambda x, y: jax.lax.select_n(jnp.array([2, 0, 1]), x, y, x * y),
    "sign": lambda x, y: jnp.sign(x),
    "sin": lambda x, y: jnp.sin(x),
    "slice": lambda x, y: x[::2],
    "split": lambda x, y: jnp.split(x, [1])[1],
    "sqrt": lambda x, y: jnp.sqrt(abs(x)),
    "square": lambda x, y: jnp.square(x),
    "squeeze": lambda x, y: x[0],
    "stack": lambda x, y: jnp.stack([x, y], axis=1),
    "stop_gradient": lambda x, y: jax.lax.stop_gradient(x) * x,
    "sub": lambda x, y: x - y,
    "tanh": lambda x, y: jnp.tanh(x),
    "transpose": lambda x, y: jnp.outer(x, y).T,
    "while": lambda x, y: jax.vmap(
        lambda a: jax.lax.while_loop(lambda c: c < 4, lambda c: 2 * c + a, a)
    )(abs(x)),
}


def primitives(jaxpr):
    for equation in jaxpr.eqns:
        yield equation.primitive.name
        for inner in jax.tree.leaves(list(equation.params.values()), is_leaf=callable):
            if hasattr(inner, "eqns"):
                yield from primitives(inner)


@pytest.mark.parametrize("name", USES)
def test_intervals_hold_the_value_and_the_derivative(name):
    """The floats of JAX lie within 1e-13, their own rounding, of intervals of 1e-60."""

    def both(x, y):
        return USES[name](x, y), jax.jacfwd(USES[name])(x, y)

    jaxpr = jax.make_jaxpr(both)(X, Y)
    assert name in {"one_minus_square", *primitives(jaxpr.jaxpr)}  # JAX 0.10 has no such primitive
    found = balls.evaluate(jaxpr.jaxpr, jaxpr.consts, [X, Y])
    for value, expected in zip(found, jax.tree.leaves(both(X, Y)), strict=True):
        assert value.shape == expected.shape
        assert all(ball.rad() < 1e-60 for ball in value.flat)
        np.testing.assert_allclose(value.astype(float), expected, rtol=1e-13, atol=1e-13)


def test_every_rule_is_used():
    tables = (balls.CONTROL, balls.EXACT, balls.ELEMENTWISE, balls.COMPARISONS, balls.RULES)
    assert {name for table in (*tables, balls.MOVES) for name in table} == USES.keys()


def play(function):
    """A certified spectrum of a map of two numbers, at (1, 2)."""
    state = GanState(
        step=jnp.int32(0),
        params=Players(jnp.array([1.0]), jnp.array([2.0])),
        opt_state=Players((), ()),
        model_state=Players((), ()),
        memory=(),
        average=(),
    )

    def step(state, batch, rng):
        return state._replace(params=Players(*function(*state.params))), {}

    return dynamics.certified_spectrum(step, state)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x, y: (jnp.floor(x), y), "'floor' has no rule"),
        (lambda x, y: (jnp.where(x / 3 * 3 > 1, x, y), y), "'gt' is open"),
        (lambda x, y: (jnp.where(x / 3 * 3 == 1, x, y), y), "'eq' is open"),
        (lambda x, y: (x, y * x.astype(int)), "become integers"),
        (lambda x, y: (jnp.abs(jnp.exp(1j * x)), y), "complex"),
        (lambda x, y: (jnp.sqrt(x - 1), y), "not finite"),
        (lambda x, y: (jnp.where(jnp.isfinite(1 / (x - 1)), x, y), y), "finite is open"),
        (lambda x, y: (x.at[jnp.array([3])].get(mode="fill"), y), "'gather' reads out of bounds"),
    ],
)
def test_no_enclosure_is_undecided_for_a_reason(function, reason):
    spectrum = play(function)
    assert spectrum.verdict == "undecided"
    assert reason in spectrum.reason
    assert np.isinf(spectrum.radii).all()
    assert spectrum.centres.shape == (2,)


def test_the_verdict_is_finer_than_floats():
    """1 - 1e-20 is 1 as a float."""
    assert play(lambda x, y: (x / 2, y - y * 1e-20)).verdict == "converges"
    assert play(lambda x, y: (x / 2, y + y * 1e-20)).verdict == "diverges"
    exact = play(lambda x, y: (x / 2, y))
    assert (exact.verdict, exact.centres.tolist()) == ("undecided", [1, 0.5])
    assert "meets the unit circle" in exact.reason
    assert play(lambda x, y: (2 * x, y)).verdict == "diverges"


def test_more_bits_hold_intervals_that_grow():
    """300 iterations of a matrix of norm 3 and radius 0.6; a double eigenvalue 1 / (1 - 0.6)."""
    sgd = optax.sgd(0.3)
    game = games.stackelberg(start=(0.0, 0.0))
    scheme = schemes.proximal(game, Players(sgd, sgd), iterations=300)
    few, many = (
        dynamics.certified_spectrum(scheme.step, scheme.init(RNG), bits=bits) for bits in (256, 512)
    )
    assert (few.verdict, many.verdict) == ("undecided", "diverges")
    np.testing.assert_allclose(many.centres, 2.5, rtol=1e-15)


def test_a_small_network_is_enclosed():
    """Sampling, a hidden layer each, Adam's moments: the float spectrum lies within."""
    game = games.gan(
        nets.MLPGenerator((1,), width=2, depth=1, activation=jnp.tanh),
        nets.MLPDiscriminator(width=2, depth=1, activation=nn.softplus),
        z_dim=1,
    )
    adam = optax.adam(0.1, eps_root=1e-8)
    scheme = schemes.simultaneous(game, Players(adam, adam))
    batch = {"x": jnp.array([[0.5], [-1.0], [2.0]])}
    state = jax.jit(scheme.init)(RNG, batch)
    spectrum = dynamics.certified_spectrum(scheme.step, state, batch, RNG)
    assert spectrum.verdict == "diverges"
    assert spectrum.radii.max() < 1e-12
    for value in dynamics.update_map_spectrum(scheme.step, state, batch, RNG):
        assert (abs(value - spectrum.centres) - spectrum.radii).min() < 1e-6  # its own rounding


def test_the_package_is_named_where_it_lacks(monkeypatch):
    monkeypatch.setitem(sys.modules, "flint", None)
    with pytest.raises(MachineError, match=r"pip install 'ganjax\[certified\]'"):
        play(lambda x, y: (x, y))


def test_too_few_bits_are_refused():
    with pytest.raises(ValueError, match="bits=10"):
        dynamics.certified_spectrum(None, None, bits=10)
