"""The five nouns of the library: players, a player's loss, a game, the training state, a scheme.

Everything else carries data to them or evaluates their results. They hold no code.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import jax


class Players(NamedTuple):
    """A pair of anything: parameters, optimiser states, model states, optax transforms, losses."""

    gen: Any
    disc: Any


class Loss(NamedTuple):
    """One player's outcome.

    Attributes:
      value: scalar that this player descends; maximising is descending the negative, written in
        the loss and never in the scheme.
      model_state: this player's own new non-trainable state (batch statistics, power-iteration
        vectors, control variables); () or {} if it has none.
      metrics: flat dict of scalars, e.g. `{"accuracy_real/disc": ...}`.
    """

    value: jax.Array
    model_state: Any
    metrics: dict[str, jax.Array]


class Needs(NamedTuple):
    """A game's requirements on data and settings, filled in by its factory.

    Attributes:
      paired: whether `a` and `b` of a row belong together.
      support: (smallest, largest) number that the data `x` may hold.
      no_packing: why the game has no option `packing`; "" if it has one.
      no_accumulation: why a batch cannot pass in parts, one after another; "" if it can.
      check_stage: `(size, last, *, updates)`, which raises a ValueError where losses would jump at
        the beginning or the end of a stage: side of its images, that of the stage before (None for
        the first), and the stage's updates of the generator (None for the last). None for no check.
    """

    paired: bool = False
    support: tuple[float, float] = (-math.inf, math.inf)
    no_packing: str = ""
    no_accumulation: str = ""
    check_stage: Callable | None = None


class Game(NamedTuple):
    """One function from both players' parameters to both players' losses, and where to start.

    Attributes:
      init: `(rng, batch) -> (params: Players, model_state: Players)`; `batch` may be None for toys.
      losses: `(params, model_state, batch, rng) -> Players(gen=Loss, disc=Loss)`, pure. It holds no
        `stop_gradient`: a scheme chooses the derivatives that it takes.
      queries: pure functions `(params, model_state, ...)` of the trained players, by name, in
        evaluation mode. These names and arguments are used where a game has such a function:
        `latents` (rng, n) -> z [n, ...], drawn from the prior;
        `generate` (z) or, with labels, (z, y) -> x [n, ...];
        `classify` (x) -> logits of the classes [n, classes];
        `encode` (x) -> codes; `decode` (codes) -> x; `reconstruct` (x) -> x;
        `energy` (x) -> [n], small on data;
        `logits` (x) or (x, y) -> [n], the discriminator's, before any sigmoid;
        `log_weights` (x, rng) -> log p(x, z) - log q(z|x) of one draw z ~ q(z|x) each, [n];
        `translate_ab` (a) -> b; `translate_ba` (b) -> a;
        `panels` (batch, rng) -> {title: images or points [n, ...]}, to be drawn side by side.
      needs: requirements on data and settings.
    """

    init: Callable
    losses: Callable
    queries: Mapping[str, Callable] = MappingProxyType({})
    needs: Needs = Needs()


class GanState(NamedTuple):
    """The whole immutable training state: every leaf an array, nothing else.

    Attributes:
      step: int32 scalar, updates of the generator so far.
      params: `Players` of trainable pytrees.
      opt_state: `Players` of optax states.
      model_state: `Players` of non-trainable pytrees.
      memory: the scheme's own state between steps; () if none.
      average: moving average of the generator's parameters; () if off.
    """

    step: jax.Array
    params: Players
    opt_state: Players
    model_state: Players
    memory: Any
    average: Any


class Scheme(NamedTuple):
    """How both players move: a pair of pure functions, like an optax transform.

    Attributes:
      init: `(rng, batch) -> GanState`.
      step: `(state, batch, rng) -> (GanState, metrics)`, metrics a flat dict of scalars with the
        keys `loss/gen`, `loss/disc`, `grad_norm/gen`, `grad_norm/disc` and the gradient evaluations
        the step made, `evaluations/gen` and `evaluations/disc`.
      batches: leading axes of sub-batches that `init` and `step` expect of a batch; () for none.
      updates: updates of the generator in a step.
      uniform: whether `state.average` is the mean of all iterates from the first step on, so that
        layers added later cannot join it.
    """

    init: Callable
    step: Callable
    batches: tuple[int, ...] = ()
    updates: int = 1
    uniform: bool = False
