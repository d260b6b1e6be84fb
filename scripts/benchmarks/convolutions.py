"""Both forms of the convolutions inside a compiled loop, timed in turn.

python scripts/benchmarks/convolutions.py

Prints, for each layer, the time of value and gradients in one iteration of a `lax.scan`, and the
ratio of the native form to the form by matrix products: the median of alternating repetitions.
"""

import statistics
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from timing import in_turn, ratio

from ganjax.nets import convolutions

ITERATIONS, REPETITIONS = 3, 5
# (name, kind, input [batch, h, w, c], features): the layers of a 16-pixel DCGAN of width 32, of a
# 32-pixel one of width 16, and of a ProGAN of 8 to 32 pixels.
LAYERS = (
    ("halve 16->8", "halve", (64, 16, 16, 1), 32),
    ("halve 8->4", "halve", (64, 8, 8, 32), 64),
    ("double 4->8", "double", (64, 4, 4, 64), 32),
    ("double 8->16", "double", (64, 8, 8, 32), 1),
    ("halve 16->8, wide", "halve", (64, 16, 16, 64), 128),
    ("double 8->16, wide", "double", (64, 8, 8, 128), 64),
    ("same 8", "same", (32, 8, 8, 32), 32),
    ("same 16", "same", (32, 16, 16, 32), 32),
    ("same 32", "same", (32, 32, 32, 16), 16),
)
SIZES = {"halve": 4, "double": 4, "same": 3}  # of the kernels


def loop(function: Callable) -> Callable:
    """Gradient steps on input and kernel, so that no iteration can be hoisted out."""

    def body(point, _):
        grads = jax.grad(lambda p: jnp.sum(jnp.tanh(function(*p))))(point)
        return jax.tree.map(lambda p, g: p - 1e-3 * g, point, grads), None

    return jax.jit(lambda point: jax.lax.scan(body, point, length=ITERATIONS)[0])


def main() -> None:
    """Prints the table."""
    print(f"{jax.devices()[0].device_kind}, jax {jax.__version__}")
    print(f"{'layer':20} {'products ms':>12} {'native ms':>12} {'native/products':>16}")
    for name, kind, shape, features in LAYERS:
        rng_x, rng_k = jax.random.split(jax.random.key(0))
        kernel = 0.02 * jax.random.normal(rng_k, (SIZES[kind], SIZES[kind], shape[-1], features))
        point = (jax.random.normal(rng_x, shape), kernel)
        forms = {
            form: partial(loop(getattr(convolutions, f"{kind}_{form}")), point)
            for form in ("by_products", "natively")
        }
        products, native = in_turn(forms, REPETITIONS).values()
        ms = [1e3 * statistics.median(times) / ITERATIONS for times in (products, native)]
        print(f"{name:20} {ms[0]:12.2f} {ms[1]:12.2f} {ratio(native, products):16.1f}", flush=True)


if __name__ == "__main__":
    main()
