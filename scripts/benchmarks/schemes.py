"""Costs of schemes: FLOPs, time and memory of a compiled step, and the laws of unrolling.

python scripts/benchmarks/schemes.py

An MLP GAN, two hidden layers of 256 units each, batch 256, Adam. FLOPs are XLA's, with every
`lax.scan` unrolled, as XLA counts the body of a loop once; a solver's loop is still counted once.
Times are medians over alternating repetitions, so that a busy machine slows all alike.
"""

import statistics
import sys
from functools import partial
from unittest import mock

from absl import flags

from ganjax import cli

REPETITIONS = flags.DEFINE_integer("repetitions", 15, "Alternating repetitions.", lower_bound=3)
UNROLLED = (1, 2, 5, 10, 20, 40)


def play(batch_size: int = 256) -> tuple:
    """(game, optimisers, batch)."""
    import jax
    import optax

    from ganjax import games, losses, nets
    from ganjax.types import Players

    game = games.gan(
        nets.MLPGenerator((2,), width=256),
        nets.MLPDiscriminator(width=256),
        loss=losses.minimax,
        z_dim=64,
    )
    tx = Players(*(optax.adam(1e-4, b1=0.5) for _ in range(2)))
    return game, tx, {"x": jax.random.normal(jax.random.key(1), (batch_size, 2))}


def compiled(scheme: object, batch: object) -> tuple:
    """(compiled step, its arguments)."""
    import jax

    arguments = (scheme.init(jax.random.key(0), batch), batch, jax.random.key(2))
    return jax.jit(scheme.step).lower(*arguments).compile(), arguments


def flops(scheme: object, batch: object) -> float:
    """FLOPs of a step, loops of known length unrolled."""
    import jax

    with mock.patch("jax.lax.scan", partial(jax.lax.scan, unroll=True)):
        return compiled(scheme, batch)[0].cost_analysis()["flops"]


def seconds(steps: dict) -> dict:
    """Median seconds of each compiled step, in turns."""
    from timing import in_turn

    calls = {name: partial(step, *arguments) for name, (step, arguments) in steps.items()}
    times = in_turn(calls, REPETITIONS.value)
    return {name: statistics.median(values) for name, values in times.items()}


def memory(step: object) -> float:
    """Temporary memory of a compiled step in MiB."""
    return step.memory_analysis().temp_size_in_bytes / 2**20


def main() -> None:
    """Prints three tables."""
    import jax

    from ganjax import schemes
    from ganjax.schemes.field import both_gradients, own_gradient

    game, tx, batch = play()
    state = schemes.simultaneous(game, tx).init(jax.random.key(0), batch)

    def gradient_flops(function):
        lowered = jax.jit(function).lower(state.params, state.model_state, batch, jax.random.key(0))
        return lowered.compile().cost_analysis()["flops"]

    together = gradient_flops(lambda *at: both_gradients(game, *at)[0])
    apart = [
        gradient_flops(lambda *at, player=player: own_gradient(game, player, *at)[0])
        for player in ("gen", "disc")
    ]
    print(
        f"both gradients from one pass {together / 1e6:.1f} MFLOP, apart "
        f"{apart[0] / 1e6:.1f} + {apart[1] / 1e6:.1f}: {1 - together / sum(apart):.0%} saved\n"
    )

    needs = {
        "averaged": {"inner": schemes.simultaneous},
        "competitive": {"lr": 1e-4},
        "lookahead": {"inner": schemes.simultaneous},
        "opponent_shaping": {"lookahead_lr": 1e-4},
        "runge_kutta": {"lr": 1e-4},
    }
    made = {name: make(game, tx, **needs.get(name, {})) for name, make in schemes.SCHEMES.items()}
    counted = {name: flops(scheme, batch) for name, scheme in made.items()}
    steps = {name: compiled(scheme, batch) for name, scheme in made.items()}
    times = seconds(steps)
    print(f"{'a step, over simultaneous':26} {'FLOPs':>7} {'time':>7} {'memory':>7}   gradients")
    for name, (step, arguments) in steps.items():
        metrics = step(*arguments)[1]
        counts = "/".join(
            str(int(metrics[f"evaluations/{p}"])) for p in ("gen", "disc", "products")
        )
        print(
            f"{name:26} {counted[name] / counted['simultaneous']:7.2f} "
            f"{times[name] / times['simultaneous']:7.2f} "
            f"{memory(step) / memory(steps['simultaneous'][0]):7.2f}   {counts}"
        )

    ahead = {
        (k, remat): compiled(
            schemes.unrolled(game, tx, unroll_steps=k, order="gen_first", remat=remat), batch
        )
        for k in UNROLLED
        for remat in (True, False)
    }
    times = seconds(ahead)
    columns = ("unrolled steps", "MiB, remat", "MiB, stored", "ms, remat", "ms, stored")
    print("\n" + " ".join(f"{column:>14}" for column in columns))
    for k in UNROLLED:
        print(
            f"{k:14} {memory(ahead[k, True][0]):14.1f} {memory(ahead[k, False][0]):14.1f} "
            f"{1e3 * times[k, True]:14.1f} {1e3 * times[k, False]:14.1f}"
        )


if __name__ == "__main__":
    sys.exit(cli.run(main))
