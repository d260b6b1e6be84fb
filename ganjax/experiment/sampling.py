"""Samples of a state, their labels, and scores with their protocol."""

import hashlib
import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ganjax import data as sources
from ganjax import features, metrics, names, run_folder, spread
from ganjax.console import counted
from ganjax.errors import ConfigError, DataError, NotFiniteError
from ganjax.types import Game, GanState

if TYPE_CHECKING:
    from ganjax.experiment.experiment import Experiment

SAMPLE_CHUNK = 64  # samples generated at a time


def _extractor(where: str, section: Mapping[str, Any]) -> Callable:
    return names.bind(where, features.FEATURES, section, FEATURES, "data")


FEATURES = {"features": _extractor, "each": _extractor}  # nested sections of an evaluation


def queries_of(queries: Mapping[str, Callable], state: GanState) -> dict[str, Callable]:
    """A game's queries of the players of a state, to be called with the remaining arguments."""
    return {
        name: partial(query, state.params, state.model_state) for name, query in queries.items()
    }


def is_labelled(game: Game) -> bool:
    """Whether the game generates samples of a given class."""
    generate = game.queries.get("generate")
    return generate is not None and "y" in inspect.signature(generate).parameters


def in_turn(data: sources.Data, n: int) -> np.ndarray:
    """The classes of the data in turn, int32 [n]."""
    return np.resize(sources.classes(data), n).astype(np.int32)


def sampler(game: Game, data: sources.Data | None, asked: Callable) -> Callable | None:
    """`(state, rng, n, y=None, mesh=None) -> parts` of n samples, an iterator.

    The devices of the mesh, of one process, make a chunk each. None for a game without the queries
    `latents` and `generate`.
    """
    if not {"latents", "generate"} <= game.queries.keys():
        return None

    def chunk(params, model_state, rng, index, *labels):
        rng = jax.random.fold_in(rng, index)
        z = game.queries["latents"](params, model_state, rng, SAMPLE_CHUNK)
        return game.queries["generate"](params, model_state, z, *labels)

    @jax.jit
    def chunks(params, model_state, rng, *dealt):
        axes = (None, None, None, *(0 for _ in dealt))
        x = jax.vmap(chunk, axes)(params, model_state, rng, *dealt)
        return x.reshape(-1, *x.shape[2:])

    one = jax.jit(chunk)

    def parts(
        state: GanState,
        rng: jax.Array,
        n: int,
        y: np.ndarray | None = None,
        mesh: Mesh | None = None,
    ) -> Iterator:
        each = mesh.size if mesh else 1  # chunks of a part
        count = -(-n // (SAMPLE_CHUNK * each)) * each
        labels = ()
        if is_labelled(game):
            labels = (_chunks_of_labels(y, n, count, data),)
        elif y is not None:
            raise ConfigError("this game has no class labels; call sample() without y")
        state = asked(state)
        given = state.params, state.model_state, rng
        if mesh:
            whole, dealt = (NamedSharding(mesh, PartitionSpec(*a)) for a in ((), (spread.AXIS,)))
            given = jax.device_put(given, whole)
        of_chunks = (np.arange(count), *labels)
        for begin in range(0, count, each):
            if mesh:
                part = tuple(x[begin : begin + each] for x in of_chunks)
                x = chunks(*given, *jax.device_put(part, dealt))
            else:
                x = one(*given, *(x[begin] for x in of_chunks))
            left = n - begin * SAMPLE_CHUNK
            yield x if len(x) <= left else x[:left]

    return parts


def joined(parts: Callable, *given: Any, **more: Any) -> jax.Array:
    """`Experiment.sample`, of `sampler`."""
    return jnp.concatenate(list(parts(*given, **more)))


def _chunks_of_labels(y: np.ndarray | None, n: int, count: int, data: sources.Data) -> np.ndarray:
    """Labels in chunks [count, SAMPLE_CHUNK], repeated to fill the last one.

    None: the classes in turn.
    """
    classes = sources.classes(data)
    y = in_turn(data, n) if y is None else np.asarray(y)
    if y.shape != (n,) or not np.isin(y, classes).all():
        raise ConfigError(
            f"labels {y} must be {n} of the classes {', '.join(map(str, classes))}, one a sample"
        )
    return np.resize(y, (count, SAMPLE_CHUNK)).astype(np.int32)


def _reads_rows(section: Mapping[str, Any]) -> bool:
    """Whether the report of an evaluation section reads the rows of the data by itself."""
    factory = names.lookup("evaluation", section["name"], features.EVALUATIONS)
    return "features" in inspect.signature(factory).parameters


def report_of(
    section: Mapping[str, Any], data: sources.Data | None
) -> Callable | features.Streamed:
    """The report that an evaluation section names.

    Raises:
      ConfigError: there are no data.
    """
    if data is None:
        raise ConfigError("this game generates no samples; set evaluation.name to 'none'")
    if not _reads_rows(section):
        data = data._replace(train=sources.examples(data))
    return names.call("evaluation", features.EVALUATIONS, section, FEATURES, data=data)


def _wanted(
    name: str, report: Callable | features.Streamed, offered: Collection[str], hint: str
) -> list[str]:
    """The parameters of the report of this name, all of them offered."""
    if isinstance(report, features.Streamed):
        wanted = ["samples", *({"labels"} & {*offered})]
    else:
        wanted = list(inspect.signature(report).parameters)
    if lacking := [part for part in wanted if part not in offered]:
        raise ConfigError(f"evaluation {name!r} needs {' and '.join(lacking)}, which {hint}")
    return wanted


def _scores(name: str, found: Any) -> dict[str, float]:
    """A report's {name: number}, numbers of NumPy and JAX among them, as plain numbers.

    Raises:
      ConfigError: it is none.
    """
    try:
        return {
            key: value.item() if hasattr(value, "item") else value for key, value in found.items()
        }
    except (AttributeError, TypeError, ValueError) as error:
        raise ConfigError(
            f"evaluation {name!r} returned {type(found).__name__}: {error}; expected a dict "
            "{name: number}. Correct it and call the same command again: training is done"
        ) from error


def evaluation(
    name: str,
    report: Callable | features.Streamed,
    *,
    data: sources.Data,
    game: Game,
    asked: Callable,
    parts: Callable | None,
) -> Callable:
    """`Experiment.evaluate`: the report of this name on samples, their labels, or game queries.

    Raises:
      ConfigError: the game lacks one that the report needs.
    """
    offered = {*game.queries, *(("samples",) if parts else ())}
    offered |= {"labels"} if is_labelled(game) else set()
    hint = "this game does not give; set evaluation.name to 'none' or another"
    wanted = _wanted(name, report, offered, hint)
    compiled = {key: jax.jit(query) for key, query in game.queries.items()}

    def found(state: GanState, rng: jax.Array, n: int, mesh: Mesh | None) -> Any:
        state = asked(state)
        given = queries_of(compiled, state)
        if "labels" in wanted:
            given["labels"] = in_turn(data, n)
        if "samples" in wanted:
            samples = counted("scoring", parts(state, rng, n, mesh=mesh), n)
            if isinstance(report, features.Streamed):
                return report.of_parts(samples, mesh, given.get("labels"))
            given["samples"] = np.concatenate([np.asarray(part) for part in samples])
        return report(**{key: given[key] for key in wanted})

    def evaluate(
        state: GanState, rng: jax.Array, n: int, mesh: Mesh | None = None
    ) -> dict[str, float]:
        try:
            return _scores(name, found(state, rng, n, mesh))
        except metrics.NonFiniteError as error:
            raise NotFiniteError(f"evaluation {name!r} has no score: {error}") from error
        except ValueError as error:
            if not isinstance(report, features.Streamed):
                raise
            raise ConfigError(f"evaluation {name!r} of {n} samples: {error}") from error

    return evaluate


def score(
    experiment: "Experiment",
    samples: np.ndarray,
    labels: np.ndarray | None = None,
    mesh: Mesh | None = None,
) -> dict[str, float]:
    """The scores of samples from any source, by the config's evaluation.

    Args:
      experiment: from `build`; its players are not used.
      samples: [n, ...], of the shape of the data; images in [-1, 1].
      labels: their classes, int [n]; None if they have none.
      mesh: devices of this process that share the work; None for one device.

    Raises:
      ConfigError: the config names no evaluation, or one that needs more than is given; or the
        labels are not classes of the data.
      DataError: the evaluation refuses the samples, e.g. one alone where it compares covariances.
    """
    report = experiment.report
    if report is None:
        raise ConfigError("the config names no evaluation; set evaluation.name")
    name = experiment.config.evaluation.name
    given = {"samples": samples} | ({} if labels is None else {"labels": labels})
    hint = "these samples come without; add labels y, or name another evaluation"
    wanted = _wanted(name, report, given, hint)
    if "labels" in wanted and not np.isin(labels, experiment.classes).all():
        raise ConfigError(
            f"labels from {np.min(labels)} to {np.max(labels)} are not all of the classes "
            f"{', '.join(map(str, experiment.classes))}"
        )
    try:
        if isinstance(report, features.Streamed):
            return report.of_parts([samples], mesh, labels)
        return report(**{key: given[key] for key in wanted})
    except ValueError as error:
        count = f"{len(samples)} sample{'s'[: len(samples) != 1]}"
        raise DataError(f"evaluation {name!r} cannot score {count}: {error}") from error


def protocol_of_data(experiment: "Experiment", scores: Mapping[str, float]) -> dict[str, Any]:
    """The protocol of a score, apart from the players.

    The extractors are fitted on the data, so the data's digest and the versions stand for them.
    `beyond_real` has the scores that are better than real data's own.
    """
    data, report = experiment.data, experiment.report
    return {
        "evaluation": experiment.config.evaluation.to_dict(),
        **(report.protocol if isinstance(report, features.Streamed) else {}),
        "data": experiment.config.data.to_dict(),
        "data_sha256": sources.digest(data),
        "real": sources.count(data),
        "held_out": len(data.test.get("x", ())),
        "beyond_real": metrics.beyond_real(scores),
        "packages": run_folder.versions(("ganjax", "jax", "scikit-learn", "scipy")),
    }


def protocol_of_file(
    experiment: "Experiment", path: str | Path, n: int, scores: Mapping[str, float]
) -> dict[str, Any]:
    """The protocol of a score of the first n samples of a file."""
    origin = {"file": str(path), "sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest()}
    return {**protocol_of_data(experiment, scores), "samples": {**origin, "n": n}}
