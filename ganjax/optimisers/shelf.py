"""Tables of optimisers and of the transforms that stand beside one in a chain.

Not in them: optimisers that need the loss's value or several gradients an update (`lbfgs`,
`polyak_sgd`, `momo`, `sam`), and `schedule_free`, which evaluates other parameters than it trains.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import jax
import optax
from optax import contrib, projections

from ganjax import checks

NOWHERE = "(?!)"  # the pattern that is in no name


def chain(transforms: Sequence[optax.GradientTransformation]) -> optax.GradientTransformation:
    """`optax.chain` of a list: each transform gets the updates of the one before."""
    return optax.chain(*transforms)


SETS = {
    "ball": projections.projection_l2_ball,
    "box": projections.projection_linf_ball,
    "simplex": projections.projection_simplex,
}


def projected(
    inner: optax.GradientTransformation, onto: str = "box", size: float = 1.0
) -> optax.GradientTransformationExtraArgs:
    """Brings a player's parameters onto a convex set after the update: p <- P(p + update).

    Every move that a scheme makes with the transform is projected, half-steps too, but not the
    mixtures of the scheme `anderson`. Exact to one
    rounding, as a transform returns the difference. The start is the game's, projected or not.

    Args:
      inner: the transform that makes the update.
      onto: the set, of all parameters of the player as one vector: "ball", |p| <= size; "box",
        every entry in [-size, size]; "simplex", entries of at least 0 whose sum is size.
      size: of the set, greater than 0.

    Returns:
      Transform whose `update` needs the parameters and hands extra arguments on.

    Raises:
      ValueError: an unknown set, a size out of range, or `update` is called without parameters.
    """
    checks.one_of(SETS, onto=onto)
    checks.within("(0, inf)", size=size)
    inner = optax.with_extra_args_support(inner)

    def update(updates, state, params=None, **extra):
        if params is None:
            raise ValueError("a projection needs the parameters: tx.update(updates, state, params)")
        updates, state = inner.update(updates, state, params, **extra)
        moved = SETS[onto](optax.apply_updates(params, updates), size)
        return optax.tree.sub(moved, params), state

    return optax.GradientTransformationExtraArgs(inner.init, update)


def clip_weights(
    inner: optax.GradientTransformation, limit: float = 0.01
) -> optax.GradientTransformationExtraArgs:
    """Clips every parameter to [-limit, limit] after the update (WGAN, arXiv:1701.07875).

    Arjovsky et al. 2017, algorithm 1, line 7: w <- clip(w + update, -c, c), biases and gains
    included; c is `limit`, greater than 0, in the paper 0.01. It is `projected` onto the box.
    """
    checks.within("(0, inf)", limit=limit, hint="e.g. 0.01")
    return projected(inner, "box", limit)


def multi_transform(
    transforms: Sequence[optax.GradientTransformation], patterns: tuple
) -> optax.GradientTransformation:
    """An optimiser for each group of parameters, by name (`optax.partition`).

    Args:
      transforms: an optimiser for each pattern.
      patterns: regular expressions, as many; a parameter goes to the first that is found in its
        path, e.g. "Dense_0/bias", and "" is found in all.

    Returns:
      Transform whose `init` raises ValueError if a parameter has no pattern.

    Raises:
      ValueError: the two are not of one length, or a pattern is no regular expression.
    """
    if len(transforms) != len(patterns):
        raise ValueError(
            f"{len(transforms)} transforms for {len(patterns)} patterns; give one for each"
        )
    compiled = [_compiled(pattern) for pattern in patterns]

    def label(path, _):
        name = _name(path)
        for index, pattern in enumerate(compiled):
            if pattern.search(name):
                return str(index)
        raise ValueError(f"parameter {name!r} has none of the patterns {patterns}; end with ''")

    return optax.partition(
        {str(index): tx for index, tx in enumerate(transforms)},
        lambda params: jax.tree_util.tree_map_with_path(label, params),
    )


def matching(pattern: str) -> Callable[[Any], Any]:
    """`params -> pytree of bool`: whether a regular expression is found in a parameter's path.

    Raises:
      ValueError: the pattern is no regular expression; in the function, a pattern other than
        `NOWHERE` that is found in no parameter.
    """
    compiled = _compiled(pattern)

    def mask(params):
        found = jax.tree_util.tree_map_with_path(
            lambda path, _: compiled.search(_name(path)) is not None, params
        )
        if pattern != NOWHERE and not any(jax.tree.leaves(found) or [True]):
            names = [_name(path) for path, _ in jax.tree_util.tree_leaves_with_path(params)]
            raise ValueError(f"mask {pattern!r} is in none of the parameters {', '.join(names)}")
        return found

    return mask


def _compiled(pattern: str) -> re.Pattern:
    if not isinstance(pattern, str):
        raise ValueError(f"pattern {pattern!r} must be a string, e.g. 'Dense_0/bias'")
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(
            f"pattern {pattern!r} is no regular expression ({error}); correct it, or escape the "
            "character with a backslash"
        ) from error


def _name(path: tuple) -> str:
    return jax.tree_util.keystr(path, simple=True, separator="/")


def rows(module: Any, names: str) -> dict[str, Callable]:
    """A module's functions by name."""
    return {name: getattr(module, name) for name in names.split()}


# A player's optimiser is one of these: by itself, or around other sections. `set_to_zero` is
# for a player that is held fixed or has nothing to learn.
OPTIMISERS = {
    **rows(
        optax,
        """adabelief adadelta adafactor adagrad adam adamax adamaxw adamw adan amsgrad
        apply_if_finite flatten fromage lamb lars lion nadam nadamw noisy_sgd novograd
        optimistic_adam_v2 optimistic_gradient_descent radam rmsprop rprop set_to_zero sgd sign_sgd
        signum sm3 yogi""",
    ),
    **rows(
        contrib,
        "acprop ademamix adopt cocob dadapt_adamw dog dowg madgrad muon prodigy",
    ),
    "chain": chain,
    "clip_weights": clip_weights,
    "multi_transform": multi_transform,
    "projected": projected,
}
# These may stand in a chain, too, or as the `inner` of a row above.
TRANSFORMS = rows(
    optax,
    """adaptive_grad_clip add_decayed_weights add_noise centralize clip clip_by_block_rms
    clip_by_global_norm ema identity keep_params_nonnegative masked normalize_by_update_norm scale
    scale_by_adam scale_by_adamax scale_by_adan scale_by_amsgrad scale_by_belief
    scale_by_learning_rate scale_by_lion scale_by_novograd scale_by_optimistic_gradient
    scale_by_param_block_norm scale_by_param_block_rms scale_by_radam scale_by_rms scale_by_rss
    scale_by_sign scale_by_sm3 scale_by_stddev scale_by_trust_ratio scale_by_yogi trace
    zero_nans""",
)
# Ranges of arguments, which optax does not check. Momentum may be negative (arXiv:1807.04740).
RANGES = {
    **dict.fromkeys(("b1", "adam_b1", "momentum", "decay"), "(-1, 1)"),
    **dict.fromkeys(("b2", "b3", "adam_b2", "rho"), "[0, 1)"),
    **dict.fromkeys(("eps", "eps_root", "adam_eps_root", "initial_accumulator_value"), "[0, inf)"),
    **dict.fromkeys(("weight_decay", "weight_decay_rate", "adam_weight_decay"), "[0, inf)"),
    **dict.fromkeys(("max_norm", "max_delta", "threshold", "clipping_threshold"), "(0, inf)"),
}
# Rows that take a number as their learning rate, not a schedule.
NUMBERS_ONLY = ("rprop", "sm3")
# Arguments of these rows that are patterns of parameters' names.
MASKS = ("mask", "weight_decay_mask", "trust_ratio_mask")
