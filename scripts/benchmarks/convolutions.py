"""Times the forms of the convolutions inside a compiled loop, in turn.

python scripts/benchmarks/convolutions.py

Prints, for each layer, the time of value and gradients in one iteration of a `lax.scan`: by minimal
filtering of 2 x 2 and of 4 x 4 outputs (of 3x3 kernels), by gathered or added products, by the
chosen form, and by XLA's own convolution, with the ratio of each to the chosen one; medians of
alternating repetitions.
"""

import statistics
import sys
from collections.abc import Callable
from functools import partial
from unittest import mock

from absl import flags

from ganjax import cli

ROUNDS = flags.DEFINE_integer("rounds", 7, "Measurements of each form, in turn.", lower_bound=3)
ITERATIONS = 3
# (kind, input [batch, h, w, c], features): layers of DCGAN, ProGAN and residual networks, from
# narrow to wide, the last of few tiles.
LAYERS = (
    ("halve", (64, 32, 32, 3), 64),
    ("halve", (64, 16, 16, 1), 32),
    ("halve", (64, 16, 16, 4), 8),
    ("halve", (64, 8, 8, 32), 64),
    ("halve", (64, 16, 16, 64), 128),
    ("double", (64, 8, 8, 32), 1),
    ("double", (64, 16, 16, 64), 3),
    ("double", (64, 8, 8, 16), 8),
    ("double", (64, 4, 4, 64), 32),
    ("double", (64, 8, 8, 128), 64),
    ("same", (32, 16, 16, 8), 8),
    ("same", (32, 16, 16, 16), 16),
    ("same", (32, 16, 16, 32), 32),
    ("same", (32, 16, 16, 64), 64),
    ("same", (32, 32, 32, 16), 16),
    ("same", (64, 32, 32, 64), 64),
    ("same", (64, 8, 8, 128), 128),
    ("same", (64, 4, 4, 128), 128),
    ("same", (1, 32, 32, 256), 256),
    ("same", (16, 4, 4, 256), 256),
)
SIZES = {"halve": 4, "double": 4, "same": 3}  # of the kernels


def forms_of(kind: str) -> tuple[Callable, Callable]:
    """A kind of layer by products and by XLA's own convolution, functions of x and the kernel."""
    from ganjax.nets import convolutions

    if kind == "double":
        return convolutions.double_by_products, convolutions.double_natively
    stride = 2 if kind == "halve" else 1
    forms = convolutions.convolve_by_products, convolutions.convolve_natively
    return tuple(partial(form, stride=stride, padding=1) for form in forms)


def loop(function: Callable, point: tuple) -> Callable:
    """Compiled gradient steps on input and kernel, so that no iteration can be hoisted out."""
    import jax
    import jax.numpy as jnp

    def body(point, _):
        grads = jax.grad(lambda p: jnp.sum(jnp.tanh(function(*p))))(point)
        return jax.tree.map(lambda p, g: p - 1e-3 * g, point, grads), None

    steps = jax.jit(lambda point: jax.lax.scan(body, point, length=ITERATIONS)[0])
    return partial(steps.lower(point).compile(), point)


def main() -> None:
    """Prints the table."""
    import jax
    from timing import in_turn, ratio

    from ganjax.nets import products

    print(f"{jax.devices()[0].device_kind}, jax {jax.__version__}")
    others = ("2 x 2", "4 x 4", "unfiltered", "native")
    heads = (*(f"{form}, ms" for form in ("chosen", *others)), *others)
    print(f"{'batch, layer':32}" + "".join(f"{head:>15}" for head in heads))
    for kind, shape, features in LAYERS:
        rng_x, rng_k = jax.random.split(jax.random.key(0))
        kernel = 0.02 * jax.random.normal(rng_k, (SIZES[kind], SIZES[kind], shape[-1], features))
        point, calls = (jax.random.normal(rng_x, shape), kernel), {}
        by_products, natively = forms_of(kind)
        calls["chosen"] = loop(by_products, point)
        forms = {"2 x 2": 2, "4 x 4": 4, "unfiltered": None}
        for form, outputs in forms.items():
            if kind == "same" or outputs != 4:
                with mock.patch.object(products, "_outputs", return_value=outputs):
                    calls[form] = loop(by_products, point)
        calls["native"] = loop(natively, point)
        times = in_turn(calls, ROUNDS.value)
        cells = []
        for form in ("chosen", *others):
            of = times.get(form)
            cells.append(f"{1e3 * statistics.median(of) / ITERATIONS:.2f}" if of else "-")
        cells += [
            f"{ratio(times[of], times['chosen']):.2f}" if of in times else "-" for of in others
        ]
        batch, side, _, channels = shape
        row = f"{batch}, {kind} {side}, {channels} to {features}"
        print(f"{row:32}" + "".join(f"{cell:>15}" for cell in cells), flush=True)


if __name__ == "__main__":
    sys.exit(cli.run(main))
