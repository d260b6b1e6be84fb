"""Unrolled play: identities, its gradients against central differences, dead units, draws."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn
from marks import marked, telling

from ganjax import games, losses, nets, penalties, schemes
from ganjax.nets.convolutions import DoublingConv, HalvingConv
from ganjax.schemes.field import own_gradient
from ganjax.schemes.hoisting import split
from ganjax.schemes.unrolled import look_ahead, with_look_ahead
from ganjax.types import Game, Loss, Players

RNG = jax.random.key(0)


def adam(h=1e-2, **options):
    return Players(*(optax.adam(h, b1=0.5, **options) for _ in range(2)))


def double(tree):
    return jax.tree.map(lambda a: a.astype(float) if a.dtype == jnp.float32 else a, tree)


def mlp_game(**options):
    return games.gan(
        nets.MLPGenerator((2,), width=16, depth=1),
        nets.MLPDiscriminator(width=16, depth=1, **options),
        loss=losses.minimax,
        z_dim=3,
    )


BATCH = {"x": np.random.default_rng(0).standard_normal((16, 2))}


def played(scheme, steps=5):
    """The state after some steps, away from the start and from any equilibrium."""
    state, step = double(scheme.init(RNG, BATCH)), jax.jit(scheme.step)
    for index in range(steps):
        state, _ = step(state, BATCH, jax.random.fold_in(RNG, index))
    return state


def same(a, b, **tolerance):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, **tolerance), a, b)


IDENTITIES = {
    "unrolled 0 = simultaneous": (
        partial(schemes.unrolled, unroll_steps=0),
        schemes.simultaneous,
    ),
    "unrolled 1, first order = alternating": (
        partial(schemes.unrolled, unroll_steps=1, first_order=True),
        partial(schemes.alternating, first="disc"),
    ),
    "proximal 1 = simultaneous": (partial(schemes.proximal, iterations=1), schemes.simultaneous),
    "consensus 0 = simultaneous": (partial(schemes.consensus, gamma=0.0), schemes.simultaneous),
    "symplectic 0 = simultaneous": (
        partial(schemes.symplectic, strength=0.0),
        schemes.simultaneous,
    ),
    "competitive 0 = simultaneous": (partial(schemes.competitive, lr=0.0), schemes.simultaneous),
    "negative momentum 0 = alternating": (
        partial(schemes.negative_momentum, beta=0.0),
        schemes.alternating,
    ),
    "lookahead of zhang 0 = simultaneous": (
        partial(schemes.opponent_shaping, lookahead_lr=0.0, shaping=False),
        schemes.simultaneous,
    ),
}


@cache
def played_by(make):
    return played(make(mlp_game(), adam()))


@pytest.mark.parametrize("case", IDENTITIES)
def test_identities_on_a_gan_with_adam(case, x64):
    a, b = map(played_by, IDENTITIES[case])
    same(a.params, b.params, rtol=1e-9, atol=1e-11)  # Adam magnifies the rounding of tiny gradients
    same(a.model_state, b.model_state, rtol=1e-9)


@pytest.mark.slow
def test_lookahead_with_alpha_one_is_its_inner_steps(x64):
    game, tx, steps = mlp_game(), adam(), 4
    for inner in (schemes.simultaneous, partial(schemes.unrolled, unroll_steps=2)):
        plain = inner(game, tx)
        slow = schemes.lookahead(game, tx, inner=inner, steps=steps, alpha=1.0)
        state = expected = double(plain.init(RNG, BATCH))
        for key in jax.random.split(RNG, steps):
            expected, _ = jax.jit(plain.step)(expected, BATCH, key)
        state, metrics = jax.jit(slow.step)(state, BATCH, RNG)
        same(state, expected, rtol=1e-9, atol=1e-11)
        assert int(state.step) == steps
        assert int(metrics["evaluations/gen"]) == steps


@pytest.mark.slow
def test_averaging_leaves_the_iterates_alone():
    """Bitwise, of a GAN with Adam."""
    game, tx = mlp_game(), adam()
    plain, averaged = schemes.alternating(game, tx), None
    averaged = schemes.averaged(game, tx, inner=schemes.alternating)
    batch = {"x": BATCH["x"].astype(np.float32)}
    a, b = plain.init(RNG, batch), averaged.init(RNG, batch)
    for index in range(5):
        key = jax.random.fold_in(RNG, index)
        a, b = jax.jit(plain.step)(a, batch, key)[0], jax.jit(averaged.step)(b, batch, key)[0]
    same(a, b._replace(average=()), rtol=0)


ORDERS = ("simultaneous", "gen_first", "disc_first")


@pytest.mark.parametrize("order", marked(ORDERS, default=["gen_first"], telling=ORDERS))
def test_the_discriminators_own_step_is_an_ordinary_one(order, x64):
    """From its own parameters: looking ahead leaves nothing behind, whatever the order."""
    game, tx = mlp_game(), adam()
    scheme = schemes.unrolled(game, tx, unroll_steps=3, order=order)
    state = played(scheme, 3)
    after, _ = jax.jit(scheme.step)(state, BATCH, RNG)
    opponent = after.params.gen if order == "gen_first" else state.params.gen
    rng = jax.random.split(jax.random.split(RNG)[1], 1)[0]
    gradient, _ = own_gradient(
        game, "disc", Players(opponent, state.params.disc), state.model_state, BATCH, rng
    )
    updates, opt_state = tx.disc.update(gradient, state.opt_state.disc, state.params.disc)
    same(after.params.disc, optax.apply_updates(state.params.disc, updates), rtol=1e-8, atol=1e-10)
    same(after.opt_state.disc, opt_state, rtol=1e-8, atol=1e-12)


def fixed_draw(game):
    """The game with one draw of latents: what is looked ahead and what is scored share it."""
    return Game(game.init, lambda params, state, batch, rng: game.losses(params, state, batch, RNG))


class ConvDiscriminator(nn.Module):
    """Two convolutions, smooth: finite differences do not see the kinks of a ReLU."""

    @nn.compact
    def __call__(self, x):
        x = nn.tanh(HalvingConv(3)(x))
        x = nn.tanh(nn.Conv(2, (3, 3))(x))
        return nn.Dense(1)(x.reshape(x.shape[0], -1))[:, 0]


class ConvGenerator(nn.Module):
    """A transposed convolution after batch normalisation."""

    @nn.compact
    def __call__(self, z, train):
        x = nn.Dense(32, use_bias=False)(z).reshape(-1, 4, 4, 2)
        x = nn.tanh(nn.BatchNorm(use_running_average=not train)(x))
        return nn.tanh(DoublingConv(1)(x))


def conv_game():
    return games.gan(
        ConvGenerator(),
        ConvDiscriminator(),
        loss=losses.minimax,
        z_dim=2,
        penalties=(penalties.r1(0.1),),
    )


FD = {
    "mlp": (lambda: mlp_game(activation=nn.tanh), lambda: BATCH),
    "conv": (
        conv_game,
        lambda: {"x": jax.random.uniform(RNG, (3, 8, 8, 1), float, minval=-1)},
    ),
}
OPTIMISERS = {
    "sgd": lambda: optax.sgd(0.1),
    "adam": lambda: optax.adam(1e-3, b1=0.5, eps_root=1e-16),
}


DIFFERENCES = marked(
    [(net, name, steps) for net in FD for name in OPTIMISERS for steps in (1, 5, 10)],
    default=[("mlp", "adam", 5)],
    telling=[("mlp", "sgd", 10), ("mlp", "adam", 10), ("conv", "adam", 5)],
)


@pytest.mark.parametrize(("net", "optimiser", "unroll_steps"), DIFFERENCES)
def test_gradients_against_central_differences(net, optimiser, unroll_steps, x64):
    """d/dx L_gen(x, y_k(x)) in four directions, y_k by a plain loop of steps written here.

    The generator's transform is SGD of step 1, so that its move is its gradient.
    """
    game, batch = fixed_draw(FD[net][0]()), FD[net][1]()
    inner = OPTIMISERS[optimiser]()
    scheme = schemes.unrolled(game, Players(optax.sgd(1.0), inner), unroll_steps=unroll_steps)
    state, step = double(scheme.init(RNG, batch)), jax.jit(scheme.step)
    state, _ = step(state._replace(params=state.params), batch, RNG)  # moments of a real step
    after, _ = step(state, batch, RNG)
    gradient = jax.tree.map(lambda a, b: a - b, state.params.gen, after.params.gen)

    @jax.jit
    def value(gen):
        def loss(disc, model_state):
            at = Players(gen, disc)
            outcome = game.losses(at, state.model_state._replace(disc=model_state), batch, RNG)
            return outcome.disc.value, outcome.disc.model_state

        def ascend(_, carry):
            disc, opt_state, model_state = carry
            slope, model_state = jax.grad(loss, has_aux=True)(disc, model_state)
            updates, opt_state = inner.update(slope, opt_state, disc)
            return optax.apply_updates(disc, updates), opt_state, model_state

        carry = (state.params.disc, state.opt_state.disc, state.model_state.disc)
        disc, _, model_state = jax.lax.fori_loop(0, unroll_steps, ascend, carry)
        at = state.model_state._replace(disc=model_state)
        return game.losses(Players(gen, disc), at, batch, RNG).gen.value

    def central(direction, h):
        ahead, behind = (
            value(jax.tree.map(lambda p, d, t=t: p + t * d, state.params.gen, direction))
            for t in (h, -h)
        )
        return (ahead - behind) / (2 * h)

    norm, h = optax.tree.norm(gradient), 2e-5
    for seed in range(4):  # random parts: along the gradient alone a missing part would not show
        noise = optax.tree.random_like(jax.random.key(seed), gradient)
        size = optax.tree.norm(noise)
        direction = jax.tree.map(lambda g, n, size=size: g / norm + n / size, gradient, noise)
        richardson = (4 * central(direction, h) - central(direction, 2 * h)) / 3
        slope = optax.tree.vdot(gradient, direction)
        np.testing.assert_allclose(slope, richardson, rtol=1e-6)
    # The look-ahead matters: the gradient with y_k held fixed is another one.
    held, _ = jax.jit(
        schemes.unrolled(
            game, Players(optax.sgd(1.0), inner), unroll_steps=unroll_steps, first_order=True
        ).step
    )(state, batch, RNG)
    assert max(
        float(jnp.abs(a - b).max())
        for a, b in zip(*map(jax.tree.leaves, (held.params.gen, after.params.gen)), strict=True)
    ) > 1e-6 * float(norm)


def with_dead_units(state):
    """Half of the discriminator's hidden units never fire; their second moments stay 0."""

    def kill(path, leaf):
        name = jax.tree_util.keystr(path)
        return leaf.at[:8].set(-100.0) if "Dense_0" in name and "bias" in name else leaf

    disc = jax.tree_util.tree_map_with_path(kill, state.params.disc)
    return state._replace(params=state.params._replace(disc=disc))


@pytest.mark.parametrize("dtype", marked([jnp.float32, jnp.float64], (), telling=[jnp.float32]))
def test_finite_through_adam_with_dead_units(dtype, x64):
    """Without any eps_root, and the same to 1e-6 as with the smallest that is used."""
    game = mlp_game(activation=nn.relu)
    steps = {}
    for eps_root in (0.0, 1e-16):
        scheme = schemes.unrolled(game, adam(1e-3, eps_root=eps_root), unroll_steps=3)
        batch = {"x": jnp.asarray(BATCH["x"], dtype)}
        state = with_dead_units(
            jax.tree.map(
                lambda a: a.astype(dtype) if jnp.issubdtype(a.dtype, jnp.floating) else a,
                scheme.init(RNG, batch),
            )
        )
        for _ in range(2):
            state, metrics = jax.jit(scheme.step)(state, batch, RNG)
        assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(state))
        assert float(metrics["grad_norm/gen"]) > 1e-3
        steps[eps_root] = metrics["grad_norm/gen"]
    np.testing.assert_allclose(steps[0.0], steps[1e-16], rtol=1e-4)  # eps_root blunts Adam


@telling
def test_remat_changes_memory_and_not_the_step(x64):
    game, tx = mlp_game(), adam(eps_root=1e-16)
    state = played(schemes.simultaneous(game, tx), 2)
    a, b = (
        jax.jit(schemes.unrolled(game, tx, unroll_steps=4, remat=remat).step)(state, BATCH, RNG)
        for remat in (True, False)
    )
    same(a, b, rtol=1e-9, atol=1e-11)


def small_game():
    """Smooth, and quick to compile."""
    return games.gan(
        nets.MLPGenerator((2,), width=4, depth=1),
        nets.MLPDiscriminator(width=4, depth=1, activation=nn.tanh),
        loss=losses.minimax,
        z_dim=3,
    )


FORMS = {
    "adam": {},
    "first_order": {"first_order": True},
    "inner_tx": {"inner_tx": optax.sgd(0.1, momentum=0.5)},
    "fresh_batches": {"fresh_batches": True},
}


PAIRS = marked(
    [(order, form) for order in ORDERS for form in FORMS],
    default=[("simultaneous", "adam")],
    telling=[
        ("simultaneous", "fresh_batches"),
        ("simultaneous", "first_order"),
        ("simultaneous", "inner_tx"),
        ("disc_first", "adam"),
        ("gen_first", "fresh_batches"),
    ],
)


@pytest.mark.parametrize(("order", "form"), PAIRS)
def test_the_fast_form_equals_the_plain_one(order, form, x64):
    """The whole state and the metrics, after a step that has moved the optimisers."""
    options = {"unroll_steps": 3, "order": order, **FORMS[form]}
    game, tx = small_game(), Players(optax.adam(0.1, eps_root=1e-12), optax.adam(0.1, b1=0.5))
    fast = schemes.unrolled(game, tx, **options)
    plain = with_look_ahead(look_ahead, game, tx, **options)
    assert fast.batches == plain.batches == ((4,) if form == "fresh_batches" else ())
    batch = {"x": jax.random.normal(RNG, (*fast.batches, 8, 2))}
    state = double(fast.init(RNG, batch))
    same(state, double(plain.init(RNG, batch)), rtol=0)

    @jax.jit
    def both(state):
        (state, _), key = plain.step(state, batch, RNG), jax.random.key(1)
        return fast.step(state, batch, key), plain.step(state, batch, key)

    same(*both(state), rtol=1e-10, atol=1e-13)


def mean_game():
    """Each player is drawn to the mean of its batch, the generator also to the discriminator."""

    def losses(params, model_state, batch, rng):
        mean = jnp.mean(batch["x"])
        gen = params.gen * mean + params.disc
        return Players(
            gen=Loss(gen, (), {}),
            disc=Loss((params.disc - mean) ** 2 / 2 + 0 * params.gen, (), {}),
        )

    def init(rng, batch):
        assert batch["x"].ndim == 1
        return Players(gen=jnp.zeros(()), disc=jnp.zeros(())), Players(gen=(), disc=())

    return Game(init=init, losses=losses)


@pytest.mark.parametrize("order", ["simultaneous", "gen_first", "disc_first"])
def test_fresh_batches_go_to_their_steps(order, x64):
    """With step 1 the looked-ahead discriminator lands on the mean of its last sub-batch, 2."""
    batch = {"x": jnp.array([[1.0, 1.0], [2.0, 2.0], [5.0, 5.0]])}
    tx = Players(optax.sgd(1.0), optax.sgd(1.0))
    scheme = schemes.unrolled(mean_game(), tx, unroll_steps=2, order=order, fresh_batches=True)
    state, metrics = scheme.step(scheme.init(RNG, batch), batch, RNG)
    assert float(state.params.disc) == 1.0  # its own step sees the first
    assert float(state.params.gen) == -5.0  # the generator's loss the last
    assert float(metrics["loss/gen"]) == 2.0  # gen = 0: y_2 alone
    assert int(metrics["evaluations/disc"]) == 3
    with pytest.raises(ValueError, match="leading axis of 3 sub-batches"):
        scheme.init(RNG, {"x": jnp.ones((2, 5))})


@pytest.mark.parametrize("order", ["simultaneous", "gen_first", "disc_first"])
@pytest.mark.parametrize("fresh", [True, False])
def test_looking_no_step_ahead(order, fresh, x64):
    """Alternating play in that order, up to its draws of latents, of which this game has none."""
    batch = {"x": jnp.array([2.0, 2.0])}
    tx = Players(optax.sgd(0.1), optax.sgd(0.1))
    scheme = schemes.unrolled(mean_game(), tx, unroll_steps=0, order=order, fresh_batches=fresh)
    plain = {
        "simultaneous": schemes.simultaneous,
        "gen_first": partial(schemes.alternating, first="gen"),
        "disc_first": schemes.alternating,
    }[order](mean_game(), tx)
    given = {"x": batch["x"][None]} if fresh else batch
    state, metrics = scheme.step(scheme.init(RNG, given), given, RNG)
    expected, _ = plain.step(plain.init(RNG, batch), batch, RNG)
    same(state, expected, rtol=1e-12)
    assert int(metrics["evaluations/disc"]) == 1


@telling
def test_fresh_batches_draw_latents_anew(x64):
    """Three looked-ahead steps on one batch three times are not those of one shared draw."""
    game, tx = mlp_game(), adam()
    shared = schemes.unrolled(game, tx, unroll_steps=3)
    fresh = schemes.unrolled(game, tx, unroll_steps=3, fresh_batches=True)
    state = played(schemes.simultaneous(game, tx), 2)
    stacked = jax.tree.map(lambda leaf: jnp.stack([leaf] * 4), BATCH)
    a, b = jax.jit(shared.step)(state, BATCH, RNG)[0], jax.jit(fresh.step)(state, stacked, RNG)[0]
    same(a.params.disc, b.params.disc, rtol=1e-9)
    assert any(
        bool((x != y).any())
        for x, y in zip(jax.tree.leaves(a.params.gen), jax.tree.leaves(b.params.gen), strict=True)
    )


def test_inner_optimiser_of_its_own(x64):
    """On V = x y with inner step a and outer step h: x' = x - h (y + 2 k a x)."""
    h, a, k = 0.1, 0.05, 3
    scheme = schemes.unrolled(
        games.bilinear(start=(1.0, 0.5)),
        Players(optax.sgd(h), optax.sgd(h)),
        unroll_steps=k,
        inner_tx=optax.sgd(a),
    )
    after, _ = scheme.step(scheme.init(RNG, None), None, RNG)
    np.testing.assert_allclose(after.params.gen, 1 - h * (0.5 + 2 * k * a), rtol=1e-12)
    np.testing.assert_allclose(after.params.disc, 0.5 + h, rtol=1e-12)


def test_split_computes_the_same_and_only_once():
    """Values and derivatives of the whole; what is fixed is not in the second part."""

    def function(fixed, moving):
        w = jnp.tanh(fixed["w"] @ fixed["w"])
        return {"out": jnp.sum(jax.nn.relu(w @ moving) * constant), "w": w, "one": jnp.float32(1)}

    constant = jnp.arange(3.0)
    fixed, moving = {"w": jax.random.normal(RNG, (3, 3))}, jnp.array([1.0, -2.0, 0.5])
    before, after = split(function, fixed, moving)
    same(after(before(fixed), moving), function(fixed, moving), rtol=1e-6)

    def whole(fixed, moving):
        return function(fixed, moving)["out"]

    def parts(fixed, moving):
        return after(before(fixed), moving)["out"]

    other = jax.tree.map(lambda a: 2 * a, fixed)
    for arguments in ((fixed, moving), (other, -moving)):
        same(jax.grad(parts, (0, 1))(*arguments), jax.grad(whole, (0, 1))(*arguments), rtol=1e-6)
    text = str(jax.make_jaxpr(after)(before(fixed), moving))
    assert "tanh" not in text
    assert "dot_general" in text


def flops(scheme, state):
    compiled = jax.jit(scheme.step).lower(state, BATCH, RNG).compile()
    return compiled.cost_analysis()["flops"]


def test_the_generator_is_passed_once_however_far_it_looks():
    """A wide generator before a narrow discriminator: looking ahead costs next to nothing.

    XLA counts the body of a loop once; the bound would also be broken by a generator in the body.
    """
    game = games.gan(
        nets.MLPGenerator((2,), width=256),
        nets.MLPDiscriminator(width=4, depth=1),
        loss=losses.minimax,
        z_dim=3,
    )
    tx = adam()
    alternating = schemes.alternating(game, tx, first="gen")
    state = alternating.init(RNG, BATCH)
    unrolled = schemes.unrolled(game, tx, unroll_steps=5, order="gen_first")
    # The generator meets one draw more, forward and backward, in the look-ahead.
    assert flops(unrolled, state) < 1.9 * flops(alternating, state)
