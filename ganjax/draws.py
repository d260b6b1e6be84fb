"""Keys with which a part of a batch draws its rows of the whole batch's draws.

A part is one device's rows, or one of the parts that `games.accumulated` passes in turn. Every
function of `jax.random` obeys such a key, in a prior, in dropout, in a penalty.
"""

import math
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.extend import random
from jax.extend.core import Jaxpr, JaxprEqn, jaxprs_in_params

REMEDY = "or train with --form=jit and accumulate=1"


class Draw(NamedTuple):
    """One use of a key: its kind and the shape drawn.

    Random "bits", "split" keys and "gamma" numbers may belong to rows. Numbers folded into one key
    ("fold_in"), copies of a key ("copy") and turns of a loop that draws ("loop") may not.
    """

    kind: str
    shape: tuple[int, ...]


class Place(NamedTuple):
    """A part's draw in the whole batch's: the whole shape, and the axis of rows.

    A draw without rows, axis None, is the same in every part.
    """

    shape: tuple[int, ...]
    axis: int | None


# The places of draws, by the dtype of the keys that `key_of_part` made.
_PLACES: dict[Any, dict[Draw, Place]] = {}


def drawn(function: Callable, *arguments: Any) -> list[Draw]:
    """The draws of a function in order, traced and not run; with a part's key, the whole batch's.

    Args:
      function: pure, with any draws of `jax.random` from typed keys.
      arguments: arrays, or shapes and dtypes.
    """
    return list(_walked(jax.make_jaxpr(function)(*arguments).jaxpr))


def _walked(jaxpr: Jaxpr) -> Iterator[Draw]:
    for equation in jaxpr.eqns:
        inside = [draw for jaxpr in jaxprs_in_params(equation.params) for draw in _walked(jaxpr)]
        if (draw := _draw(equation, bool(inside))) is not None:
            places = _PLACES.get(equation.invars[0].aval.dtype) if equation.invars else None
            yield draw if places is None else Draw(draw.kind, places.get(draw, draw).shape)
        yield from inside


def _draw(equation: JaxprEqn, draws_inside: bool) -> Draw | None:
    shapes = [atom.aval.shape for atom in equation.invars]
    match equation.primitive.name:
        case "random_bits":
            return Draw("bits", tuple(equation.params["shape"]))
        case "random_split":
            return Draw("split", tuple(equation.params["shape"]))
        case "random_gamma":
            return Draw("gamma", shapes[1])
        case "random_fold_in" if math.prod(shapes[0]) < math.prod(shapes[1]):
            return Draw("fold_in", shapes[1])
        case "broadcast_in_dim" if is_key(equation.invars[0].aval):
            return Draw("copy", tuple(equation.params["shape"]))
        case "scan" if draws_inside:
            held = equation.params["num_consts"] + equation.params["num_carry"]
            if not any(is_key(atom.aval) for atom in equation.invars[held:]):
                return Draw("loop", (equation.params["length"],))
    return None


def is_key(x: Any) -> bool:
    """Whether an array, or its shape and dtype, holds typed keys."""
    return jnp.issubdtype(x.dtype, jax.dtypes.prng_key)


def key_of_part(
    rng: jax.Array,
    index: jax.Array | int,
    parts: int,
    *,
    rows: int,
    of_part: list[Draw],
    of_whole: list[Draw],
) -> jax.Array:
    """The key with which a function of a part draws the part's rows of the whole batch's draws.

    The two lists show which draws belong to rows: those with `parts` times the size along one axis
    where the batch is whole. Of these the part gets its block; all other draws are the same in
    every part. A draw for fewer rows than the part has is one for packs of successive rows. An
    operation across the batch, such as `jax.random.permutation` of its rows or a draw of some of
    them, stays within the part; all keys must come from `rng`.

    Args:
      rng: the whole batch's key.
      index: of the part, from 0; it may be traced.
      parts: number of equal parts of the batch.
      rows: number of rows in a part.
      of_part: `drawn` of the function on a part.
      of_whole: the same on the whole batch.

    Raises:
      ValueError: the draws have no such places; the message says how to change them.
    """
    if [draw.kind for draw in of_part] != [draw.kind for draw in of_whole]:
        raise ValueError(
            f"a part of the batch makes {len(of_part)} draws and the whole batch {len(of_whole)}; "
            f"make the same draws for a batch of any size, {REMEDY}"
        )
    places = {}
    for draw, whole in zip(of_part, of_whole, strict=True):
        placed = {draw: _place(draw, whole.shape, parts, rows)}
        if draw.kind == "gamma":  # which splits a key for each of its numbers
            shape, axis = placed[draw]
            placed[Draw("split", (math.prod(draw.shape),))] = Place((math.prod(shape),), axis)
        for each, place in placed.items():
            if places.setdefault(each, place) != place:
                raise ValueError(
                    f"draws of shape {each.shape} are made for the {rows} rows of a part, and "
                    f"others of the same shape for no rows; take another batch_size, {REMEDY}"
                )
    hidden = any(draw.kind == "gamma" for draw in of_part)
    kind = _kind(jax.random.key_impl(rng), tuple(sorted(places.items())), hidden)
    bits = jnp.asarray(index).astype(jnp.uint32)[None]
    return jax.random.wrap_key_data(jnp.append(jax.random.key_data(rng), bits), impl=kind)


def _place(draw: Draw, whole: tuple[int, ...], parts: int, rows: int) -> Place:
    """The one place of a draw in the whole batch's."""
    sizes = list(zip(draw.shape, whole, strict=False))
    axes = [axis for axis, (of_part, of_whole) in enumerate(sizes) if of_part != of_whole]
    scaled = all(sizes[axis][0] * parts == sizes[axis][1] for axis in axes)
    if len(draw.shape) != len(whole) or len(axes) > 1 or not scaled:
        raise ValueError(
            f"a part of the batch draws the shape {draw.shape} and the whole batch {whole}; "
            f"expected {parts} times as many rows along one axis, {REMEDY}"
        )
    if axes and draw.kind in ("fold_in", "copy", "loop"):
        raise ValueError(
            f"keys are made from the numbers of {rows} rows ({draw.kind} of shape {draw.shape}), "
            "which are others in the whole batch; split a key for each row, "
            f"jax.random.split(rng, rows), and draw under jax.vmap, {REMEDY}"
        )
    if axes and (draw.shape[axes[0]] > rows or (draw.kind == "gamma" and axes[0] > 0)):
        raise ValueError(
            f"a draw of shape {draw.shape} for batches of {rows} rows: rows of several batches "
            "joined along one axis have no fixed order; draw for each batch by itself, rows first, "
            f"{REMEDY}"
        )
    return Place(whole, axes[0] if axes else None)


@cache
def _kind(whole: Any, places: tuple[tuple[Draw, Place], ...], hidden: bool) -> Any:
    """A kind of key whose bits are the whole batch's key and the index of a part.

    With `hidden` draws, which tracing does not show: gamma draws from a key for each number.
    """
    known = dict(places)

    def place(kind, shape):
        draw = Draw(kind, tuple(shape))
        if draw not in known and not hidden:
            raise ValueError(f"a draw of shape {draw.shape} is made out of sight, {REMEDY}")
        return known.get(draw, Place(draw.shape, None))

    def whole_key(bits):
        return jax.random.wrap_key_data(bits[:-1], impl=whole)

    def with_index(keys, index):
        data = jax.random.key_data(keys)
        return jnp.append(data, jnp.broadcast_to(index, (*data.shape[:-1], 1)), axis=-1)

    def block(drawn, shape, axis, bits):
        if axis is None:
            return drawn
        first = bits[-1].astype(jnp.int32) * shape[axis]
        return jax.lax.dynamic_slice_in_dim(drawn, first, shape[axis], axis)

    def seed(number):
        return with_index(jax.random.key(number, impl=whole), jnp.uint32(0))

    def split(bits, shape):
        of_whole, axis = place("split", shape)
        keys = jax.random.split(whole_key(bits), of_whole)
        index = bits[-1] if axis is None else jnp.uint32(0)  # a row's key has no part any more
        return block(with_index(keys, index), shape, axis, bits)

    def random_bits(bits, bit_width, shape):
        of_whole, axis = place("bits", shape)
        drawn = jax.random.bits(whole_key(bits), of_whole, f"uint{bit_width}")
        return block(drawn, shape, axis, bits)

    def fold_in(bits, number):
        return with_index(jax.random.fold_in(whole_key(bits), number), bits[-1])

    def data_of(impl):
        return jax.eval_shape(lambda: jax.random.key_data(jax.random.key(0, impl=impl)))

    kind = random.define_prng_impl(
        key_shape=(data_of(whole).shape[-1] + 1,),
        seed=seed,
        split=split,
        random_bits=random_bits,
        fold_in=fold_in,
        name=f"part of {whole}",
        tag="part",
    )
    _PLACES[jax.eval_shape(lambda: jax.random.key(0, impl=kind)).dtype] = known
    return kind
