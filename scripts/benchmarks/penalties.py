"""Orders of differentiation of a gradient penalty, and the savings of lazy evaluation.

python scripts/benchmarks/penalties.py

R1's gradient in the critic's parameters by: reverse over reverse, as in `ganjax/penalties/`;
reverse over forward, the slopes as one forward product for each input coordinate (points only);
forward over reverse, 2 d/de grad_params D(x + e v) at v = grad_x D, held fixed. FLOPs are XLA's.
Then whole steps of alternating play without R1, with it, and with lazy R1. All are timed in turn.
"""

import statistics
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from timing import in_turn, ratio

from ganjax import cli, games, nets, penalties, schemes
from ganjax.types import Players

ITERATIONS, REPETITIONS = 10, 7
STEPS = 64  # of play
LARGEST_FORWARD = 8  # coordinates of a point
# (name, critic, input)
CASES = (
    ("MLP 128, points in 1-D", nets.MLPDiscriminator(width=128, depth=2), (256, 1)),
    ("MLP 128, points in 2-D", nets.MLPDiscriminator(width=128, depth=2), (256, 2)),
    ("MLP 256, 8x8 images", nets.MLPDiscriminator(width=256, depth=2), (64, 8, 8, 1)),
    ("DCGAN 32, 16x16 images", nets.DCGANDiscriminator(width=32), (64, 16, 16, 1)),
    ("DCGAN 32, 32x32 images", nets.DCGANDiscriminator(width=32), (64, 32, 32, 3)),
)
# (name, generator, discriminator, data)
GANS = (
    (
        "an MLP GAN",
        nets.MLPGenerator((8, 8, 1), width=256),
        nets.MLPDiscriminator(width=256),
        (64, 8, 8, 1),
    ),
    (
        "a DCGAN",
        nets.DCGANGenerator((16, 16, 1), width=32),
        nets.DCGANDiscriminator(width=32),
        (64, 16, 16, 1),
    ),
)
Critic = Callable[[Any, jax.Array], jax.Array]


def slopes(critic: Critic, params: Any, x: jax.Array) -> jax.Array:
    """grad_x D of every row, in reverse mode."""
    return jax.grad(lambda x: jnp.sum(critic(params, x)))(x)


def reverse_over_reverse(critic: Critic, params: Any, x: jax.Array) -> Any:
    """The gradient of the sum of squared slopes, by definition."""
    return jax.grad(lambda p: jnp.sum(jnp.square(slopes(critic, p, x))))(params)


def reverse_over_forward(critic: Critic, params: Any, x: jax.Array) -> Any:
    """The slopes coordinate by coordinate."""

    def value(params):
        def along(direction):
            tangent = jnp.broadcast_to(direction, x.shape)
            return jax.jvp(lambda x: critic(params, x), (x,), (tangent,))[1]

        return jnp.sum(jnp.square(jax.vmap(along)(jnp.eye(x.shape[1]))))

    return jax.grad(value)(params)


def forward_over_reverse(critic: Critic, params: Any, x: jax.Array) -> Any:
    """A directional derivative of the ordinary gradient."""
    direction = slopes(critic, params, x)

    def gradient(x):
        return jax.grad(lambda p: 2 * jnp.sum(critic(p, x)))(params)

    return jax.jvp(gradient, (x,), (direction,))[1]


def compiled(order: Callable, critic: Critic, params: Any, x: jax.Array) -> tuple[Callable, float]:
    """(a loop of gradient steps, FLOPs of one)."""

    def loop(params):
        def body(params, _):
            gradient = order(critic, params, x)
            return jax.tree.map(lambda p, g: p - 1e-6 * g, params, gradient), None

        return jax.lax.scan(body, params, length=ITERATIONS)[0]

    cost = jax.jit(lambda params: order(critic, params, x)).lower(params).compile().cost_analysis()
    return jax.jit(loop).lower(params).compile(), cost["flops"]


def lazily() -> None:
    """Prints the time of a step with lazy R1 over that without a penalty."""
    rows = {"none": (), "every update": (penalties.r1(1.0),)}
    rows |= {f"every {n}": (penalties.lazy(penalties.r1(1.0), every=n),) for n in (4, 16)}
    tx = Players(gen=optax.adam(1e-3), disc=optax.adam(1e-3))
    for name, generator, discriminator, shape in GANS:
        batch = {"x": jax.random.uniform(jax.random.key(1), shape, minval=-1)}
        programs = {}
        for label, chosen in rows.items():
            game = games.gan(generator, discriminator, z_dim=32, penalties=chosen)
            scheme = schemes.alternating(game, tx)

            def run(state, scheme=scheme, batch=batch):
                keys = jax.random.split(jax.random.key(0), STEPS)
                return jax.lax.scan(lambda s, key: scheme.step(s, batch, key), state, keys)[0]

            start = scheme.init(jax.random.key(0), batch)
            program = jax.jit(run).lower(start).compile()
            programs[label] = partial(program, start)
        times = in_turn(programs, REPETITIONS)
        outcome = (f"{label} {ratio(times[label], times['none']):.2f}" for label in rows)
        print(f"R1 in a step of {name}, time over none: {', '.join(outcome)}")


def main() -> None:
    """Prints the tables."""
    print(f"{jax.devices()[0].device_kind}, jax {jax.__version__}")
    print("milliseconds (MFLOP) of a gradient, and its time over that of reverse over reverse")
    for name, network, shape in CASES:
        x = jax.random.normal(jax.random.key(1), shape)
        variables = dict(network.init(jax.random.key(0), x))
        params = variables.pop("params")

        def critic(params, x, network=network, state=variables):
            return network.apply({"params": params, **state}, x, mutable=list(state))[0]

        orders = [reverse_over_reverse, forward_over_reverse]
        if len(shape) == 2 and shape[1] <= LARGEST_FORWARD:
            orders.insert(1, reverse_over_forward)
        programs = {order: compiled(order, critic, params, x) for order in orders}
        calls = {order: partial(program, params) for order, (program, _) in programs.items()}
        times = in_turn(calls, REPETITIONS)
        print(name)
        for order in orders:
            ms = 1e3 * statistics.median(times[order]) / ITERATIONS
            over = ratio(times[order], times[reverse_over_reverse])
            flops = programs[order][1] / 1e6
            print(f"  {order.__name__:24} {ms:8.2f} ({flops:7.1f})  {over:6.2f}")
    lazily()


if __name__ == "__main__":
    sys.exit(cli.run(main))
