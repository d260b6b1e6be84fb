"""Costs of schemes: FLOPs, time and memory of a compiled step, and the laws of unrolling.

python scripts/benchmarks/schemes.py --part schemes --part remat --part forms

The part `forms` compares the plain form of unrolled play with the fast one and with its two halves,
on the ring's MLP and on a small DCGAN. The other parts take an MLP GAN, two hidden layers of 256
units each, batch 256, Adam. FLOPs are XLA's, with every `lax.scan` unrolled, as it counts the body
of a loop once; a solver's loop is counted once all the same. Times are medians over alternating
repetitions, so that a busy machine slows all alike.
"""

import statistics
import sys
from functools import partial
from unittest import mock

from absl import flags

from ganjax import cli

REPETITIONS = flags.DEFINE_integer("repetitions", 15, "Alternating repetitions.", lower_bound=3)
PARTS = ("schemes", "remat", "forms")
PART = flags.DEFINE_multi_enum("part", PARTS, PARTS, "Tables to print.")
PIECES = flags.DEFINE_multi_enum(
    "piece", ("ring MLP", "DCGAN 8x8"), ("ring MLP", "DCGAN 8x8"), "Networks of the part forms."
)
UNROLLED = (1, 2, 5, 10, 20, 40)
FORMS = ("plain", "checkpointed", "hoisted", "hoisted and checkpointed")


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


def costs() -> None:
    """Prints FLOPs, time and memory of every scheme."""
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
        "anderson": {"inner": schemes.simultaneous},
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


def remat() -> None:
    """Prints memory and time of unrolled steps with and without storing them."""
    from ganjax import schemes

    game, tx, batch = play()
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


def pieces() -> dict:
    """{name: (game, optimisers, batch)} that the forms of unrolled play are timed on."""
    import jax
    import optax

    from ganjax import games, losses, nets
    from ganjax.types import Players

    tx = Players(*(optax.adam(1e-4, b1=0.5) for _ in range(2)))
    ring = nets.MLPGenerator((2,), width=128), nets.MLPDiscriminator(width=128)
    images = nets.DCGANGenerator((8, 8, 1), width=16), nets.DCGANDiscriminator(width=16)
    return {
        name: (
            games.gan(*networks, loss=losses.minimax, z_dim=64),
            tx,
            {"x": jax.random.normal(jax.random.key(1), shape)},
        )
        for name, networks, shape in (
            ("ring MLP", ring, (256, 2)),
            ("DCGAN 8x8", images, (32, 8, 8, 1)),
        )
        if name in PIECES.value
    }


def in_form(form: str, game: object, tx: object, **options: object) -> object:
    """Unrolled play in one of `FORMS`."""
    import jax

    from ganjax import schemes
    from ganjax.schemes.unrolled import look_ahead, with_look_ahead

    if form.startswith("hoisted"):
        remat = form.endswith("checkpointed")
        return schemes.unrolled(game, tx, order="gen_first", remat=remat, **options)

    if form == "checkpointed":
        game = game._replace(losses=jax.checkpoint(game.losses, prevent_cse=False))
    return with_look_ahead(look_ahead, game, tx, order="gen_first", **options)


def forms() -> None:
    """Prints time, time of all cores and temporary memory of the forms of unrolled play."""
    from timing import ratio, with_cpu

    columns = f"{'time / plain':>13} {'CPU / plain':>12} {'MiB':>8}"
    print(f"\n{'unrolled steps':36} {'k':>3} {columns}")
    for piece, (game, tx, batch) in pieces().items():
        for k in (5, 10):
            steps = {
                form: compiled(in_form(form, game, tx, unroll_steps=k), batch) for form in FORMS
            }
            calls = {form: partial(step, *arguments) for form, (step, arguments) in steps.items()}
            times = with_cpu(calls, REPETITIONS.value)
            plain = list(zip(*times["plain"], strict=True))
            for form, (step, _) in steps.items():
                pairs = zip(zip(*times[form], strict=True), plain, strict=True)
                wall, cpu = (ratio(*pair) for pair in pairs)
                print(
                    f"{piece + ', ' + form:36} {k:3} {wall:13.2f} {cpu:12.2f} {memory(step):8.1f}",
                    flush=True,
                )


def main() -> None:
    """Prints the tables."""
    for part, table in zip(PARTS, (costs, remat, forms), strict=True):
        if part in PART.value:
            table()


if __name__ == "__main__":
    sys.exit(cli.run(main))
