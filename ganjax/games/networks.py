"""Linen modules in games: initialised, run in training and in evaluation mode.

Modules come as arguments. A model state is a module's collections but the parameters and, beside
them, entries of the game (`ENTRIES`).
"""

import inspect
from collections.abc import Callable
from typing import Any

import jax
from flax import linen as nn
from jax.extend.core import Literal

from ganjax import spread
from ganjax.games.precision import narrowed, widened

STATISTICS = "batch_stats"  # Flax's collection of running statistics
UPDATES = "discriminator_updates"  # their count, for augmentations and penalties
AUGMENTED = "augmentation"  # memory of an adaptive one
MEMORIES = "penalty_memories"  # {position among the penalties: memory}
AVERAGE = "average"  # of the discriminator's parameters, in `semi_supervised`
BALANCE = "balance"  # k_t of `boundary_equilibrium`
FADED = "generator_updates"  # their count, in `progressive`
ENTRIES = frozenset({UPDATES, AUGMENTED, MEMORIES, AVERAGE, BALANCE, FADED})


def mode(module: nn.Module, train: bool) -> dict[str, bool]:
    """The `train` argument for a module that has modes, nothing for one that has none."""
    return {"train": train} if "train" in inspect.signature(module.__call__).parameters else {}


def takes_labels(module: nn.Module) -> bool:
    """Whether a module is called with labels: its second argument is named y."""
    return list(inspect.signature(module.__call__).parameters)[1:2] == ["y"]


def inputs_of(module: nn.Module, x: jax.Array, y: jax.Array | None) -> tuple[jax.Array, ...]:
    """The arguments of a module: (x, y) if there are labels and it takes them, else (x,)."""
    return (x,) if y is None or not takes_labels(module) else (x, y)


def start(
    module: nn.Module, rng: jax.Array, *inputs: jax.Array, method: Any = None
) -> tuple[Any, dict[str, Any]]:
    """(params, model_state) of a module, initialised in training mode; `method` as in `run`.

    Raises:
      ValueError: a collection of the module has the name of an entry of the game.
    """
    rng_params, rng_dropout = jax.random.split(rng)
    rngs = {"params": rng_params, "dropout": rng_dropout}
    variables = dict(module.init(rngs, *inputs, **mode(module, train=True), method=method))
    if taken := sorted(ENTRIES & variables.keys()):
        raise ValueError(
            f"{type(module).__name__} has a collection of variables {taken[0]!r}, a name that "
            "games keep for themselves; rename it"
        )
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

    A `train` argument of its `__call__` is set to True, and over a mesh the rows of `inputs` are
    split. `rng` is for dropout; entries of the game in the model state stay as they are. `method`
    is a method's name or a function of the module, `__call__` if None; it must take `train` if the
    module has modes.
    """
    collections = _collections(model_state)
    outputs, new = module.apply(
        {"params": narrowed(params), **collections},
        *narrowed(spread.rows(inputs)),
        **mode(module, train=True),
        mutable=list(collections),
        rngs={"dropout": rng},
        method=method,
    )
    # Statistics follow the inputs' precision; a state must not change its dtypes between steps.
    new = jax.tree.map(lambda new, old: new.astype(old.dtype), new, collections)
    return widened(outputs), {**model_state, **new}


def ask(
    module: nn.Module, params: Any, model_state: Any, *inputs: jax.Array, method: Any = None
) -> Any:
    """Runs a module in evaluation mode, as `run`: running averages are used, nothing changes."""
    variables = {"params": narrowed(params), **_collections(model_state)}
    inputs = narrowed(inputs)
    return widened(module.apply(variables, *inputs, **mode(module, train=False), method=method))


def _collections(model_state: Any) -> dict[str, Any]:
    return {name: kept for name, kept in model_state.items() if name not in ENTRIES}


def outputs_of(
    module: nn.Module, started: tuple[Any, Any], *inputs: jax.Array, method: Any = None
) -> Any:
    """Shapes and dtypes of a module's outputs in training; nothing is computed.

    `started` is its (params, model_state), the other arguments as in `run`.
    """
    rng = jax.random.key(0)
    return jax.eval_shape(
        lambda *inputs: run(module, *started, *inputs, rng=rng, method=method)[0], *inputs
    )


def depends(function: Callable[[jax.Array], Any], x: jax.Array) -> Any:
    """Which outputs of a function depend on its argument: a tree of bools, nothing computed.

    Followed through the function's operations; one that is compiled on its own counts as if all of
    its results depended on all of its inputs.
    """
    traced, shapes = jax.make_jaxpr(function, return_shape=True)(x)
    reached = set(traced.jaxpr.invars)
    for operation in traced.jaxpr.eqns:
        if any(value in reached for value in operation.invars if not isinstance(value, Literal)):
            reached.update(operation.outvars)
    flags = [not isinstance(out, Literal) and out in reached for out in traced.jaxpr.outvars]
    return jax.tree.unflatten(jax.tree.structure(shapes), flags)
