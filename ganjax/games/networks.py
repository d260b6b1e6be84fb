"""What games do with Linen modules: start them, run them in training and in evaluation mode.

Modules come as arguments; their model state is every collection but the parameters.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.extend.core import Literal

from ganjax import spread
from ganjax.games.precision import narrowed, widened
from ganjax.penalties import Lazy, Penalty

# A game's own entry beside the discriminator's collections, where something asks for the count.
UPDATES = "discriminator_updates"


def mode(module: nn.Module, train: bool) -> dict[str, bool]:
    """The `train` argument for a module that has modes, nothing for one that has none."""
    return {"train": train} if "train" in inspect.signature(module.__call__).parameters else {}


def start(
    module: nn.Module, rng: jax.Array, *inputs: jax.Array, method: Any = None
) -> tuple[Any, dict[str, Any]]:
    """(params, model_state) of a module, initialised in training mode; `method` as in `run`."""
    rng_params, rng_dropout = jax.random.split(rng)
    rngs = {"params": rng_params, "dropout": rng_dropout}
    variables = dict(module.init(rngs, *inputs, **mode(module, train=True), method=method))
    return variables.pop("params", {}), variables


def run(
    module: nn.Module,
    params: Any,
    model_state: Any,
    *inputs: jax.Array,
    rng: jax.Array,
    method: Any = None,
) -> tuple[Any, dict[str, Any]]:
    """Runs a module in training mode: (outputs, its new model state, of the old one's dtypes).

    Args:
      module: the module; a `train` argument of its `__call__` is set to True.
      params: its parameters.
      model_state: its collections.
      inputs: what it is called with; over a mesh their rows are split.
      rng: for dropout.
      method: a method's name or a function of the module, `__call__` if None; it must take `train`
        if the module has modes.
    """
    outputs, new_state = module.apply(
        {"params": narrowed(params), **model_state},
        *narrowed(spread.rows(inputs)),
        **mode(module, train=True),
        mutable=list(model_state),
        rngs={"dropout": rng},
        method=method,
    )
    # Statistics follow the inputs' precision; a state must not change its dtypes between steps.
    new_state = jax.tree.map(lambda new, old: new.astype(old.dtype), new_state, model_state)
    return widened(outputs), new_state


def judge_both(
    module: nn.Module,
    params: Any,
    model_state: Any,
    real: tuple[jax.Array, ...],
    fake: tuple[jax.Array, ...],
    *,
    rngs: tuple[jax.Array, jax.Array],
) -> tuple[Any, Any, dict[str, Any]]:
    """A discriminator's outputs on data and on samples, each a batch of its own, and its new state.

    Both are judged from one state but for batch statistics, which run on: a power iteration
    advances once.

    Args:
      module: the discriminator.
      params: its parameters.
      model_state: its collections.
      real: what it is called with for data.
      fake: what it is called with for samples.
      rngs: for dropout in either.
    """
    outputs_real, between = run(module, params, model_state, *real, rng=rngs[0])
    running = {name: between[name] for name in model_state if name == "batch_stats"}
    outputs_fake, after = run(module, params, {**model_state, **running}, *fake, rng=rngs[1])
    return outputs_real, outputs_fake, after


def ask(
    module: nn.Module, params: Any, model_state: Any, *inputs: jax.Array, method: Any = None
) -> Any:
    """Runs a module in evaluation mode: running averages are used, nothing changes.

    Args:
      module: the module.
      params: its parameters, or their moving average.
      model_state: its collections; the count of updates beside them is left out.
      inputs: what it is called with.
      method: as in `run`.
    """
    collections = {name: held for name, held in model_state.items() if name != UPDATES}
    variables = {"params": narrowed(params), **collections}
    inputs = narrowed(inputs)
    return widened(module.apply(variables, *inputs, **mode(module, train=False), method=method))


def data_of(batch: dict[str, jax.Array]) -> jax.Array:
    """The data x of a batch.

    Raises:
      ValueError: the batch has none, as that of two domains.
    """
    if "x" not in batch:
        raise ValueError(
            f"a batch of {', '.join(sorted(batch))} has no x; take data of one domain, e.g. digits "
            "or ring"
        )
    return batch["x"]


def domains_of(batch: dict[str, jax.Array]) -> tuple[jax.Array, jax.Array]:
    """The two domains a and b of a batch.

    Raises:
      ValueError: the batch lacks one, as that of a single domain.
    """
    if not {"a", "b"} <= batch.keys():
        raise ValueError(
            f"a batch of {', '.join(sorted(batch))} has no a and b; take data of two domains, e.g. "
            "affine_domains, photograph_domains or paired_images"
        )
    return batch["a"], batch["b"]


def check_samples(generator: nn.Module, gen: tuple, x_real: jax.Array, *inputs: jax.Array) -> None:
    """Refuses a generator whose samples are not of the shape of the data; nothing is computed.

    Args:
      generator: the module.
      gen: its (params, model_state).
      x_real: data [batch, ...].
      inputs: what it is called with.

    Raises:
      ValueError: with both shapes.
    """
    rng = jax.random.key(0)
    samples = jax.eval_shape(lambda *inputs: run(generator, *gen, *inputs, rng=rng)[0], *inputs)
    if samples.shape != x_real.shape:
        raise ValueError(
            f"the generator makes samples of shape {samples.shape[1:]}, the data are "
            f"{x_real.shape[1:]}; give the generator the shape of the data"
        )


def depends(function: Callable[[jax.Array], Any], x: jax.Array) -> Any:
    """Which outputs of a function depend on its argument: a tree of bools, nothing computed.

    Followed through the function's operations; one that is compiled on its own counts as if all of
    its results were made of all it is given.
    """
    traced, shapes = jax.make_jaxpr(function, return_shape=True)(x)
    reached = set(traced.jaxpr.invars)
    for operation in traced.jaxpr.eqns:
        if any(value in reached for value in operation.invars if not isinstance(value, Literal)):
            reached.update(operation.outvars)
    flags = [not isinstance(out, Literal) and out in reached for out in traced.jaxpr.outvars]
    return jax.tree.unflatten(jax.tree.structure(shapes), flags)


def accuracies(real: jax.Array, fake: jax.Array) -> dict[str, jax.Array]:
    """Shares of data judged above 0 and of samples below; 0 itself counts half."""
    real, fake = jnp.mean(jnp.heaviside(real, 0.5)), jnp.mean(jnp.heaviside(-fake, 0.5))
    return {
        "accuracy/disc": (real + fake) / 2,
        "accuracy_real/disc": real,
        "accuracy_fake/disc": fake,
    }


def is_counted(penalties: Sequence[Penalty], augment: Any = None) -> bool:
    """Whether something asks for the count of the discriminator's updates."""
    return augment is not None or any(isinstance(penalty, Lazy) for penalty in penalties)


def penalised(
    penalties: Sequence[Penalty],
    critic: Callable[[jax.Array], jax.Array],
    x_real: jax.Array,
    x_fake: jax.Array,
    rng: jax.Array,
    updates: jax.Array | int,
) -> jax.Array:
    """The sum of the penalties, each with a draw of its own.

    Args:
      penalties: at least one.
      critic: x -> logits.
      x_real: data [batch, ...].
      x_fake: samples [batch, ...].
      rng: a key.
      updates: the discriminator's updates so far, for penalties that ask for it.
    """
    rngs = jax.random.split(rng, len(penalties))
    return sum(
        penalty(critic, x_real, x_fake, rng, **_count(penalty, updates))
        for penalty, rng in zip(penalties, rngs, strict=True)
    )


def _count(penalty: Penalty, updates: jax.Array | int) -> dict[str, jax.Array | int]:
    return {"updates": updates} if isinstance(penalty, Lazy) else {}
