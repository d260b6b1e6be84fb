"""Claims about judges of samples: a classifier that is fooled, and people who see one at a time."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ganjax import experiment, features, metrics
from ganjax.types import GanState
from tour.claim import AT_LEAST, AT_MOST, Check, Claim
from tour.trained import Configs, digits

SAMPLES, BATCH = 2000, 256
TUNED, RATE = 200, 1e-3  # Adam steps on the judge's gradients
PICKED = 4  # samples are picked from this many times as many
KEPT = 20  # samples that the collapsed generator repeats
NEIGHBOURS = 5
SHOWN = 30  # images in a picture


def inception_score(configs: Configs) -> Claim:
    """Samples picked by the judge, and a generator tuned on its gradients, beside real digits."""
    built, state = digits(configs)
    extract, rng = features.logistic(built.data).load(), experiment.streams(0).evaluation
    tuned = _tuned(built, state, extract)
    real = np.asarray(built.data.test["x"])
    sets = {
        "real": real,
        "generated": _samples(built, state, rng, SAMPLES),
        "picked": _picked(_samples(built, state, rng, PICKED * SAMPLES), extract),
        "tuned": _samples(built, tuned, rng, SAMPLES),
    }
    reference, scores, distances = _flat(real), {}, {}
    for name, x in sets.items():
        scores[name] = metrics.inception_score(np.asarray(extract(jnp.asarray(x))[1]))
        distances[name] = metrics.frechet_distance(reference, _flat(x))
    checks = (
        Check("score_picked", scores["real"], scores["picked"], relation=AT_LEAST),
        Check("score_tuned", scores["real"], scores["tuned"], relation=AT_LEAST),
        Check("frechet_tuned", distances["generated"], distances["tuned"], relation=AT_LEAST),
    )
    facts = {f"score_{name}": round(value, 2) for name, value in scores.items()}
    facts |= {f"frechet_{name}": round(value, 3) for name, value in distances.items()}
    facts |= {"steps": built.config.steps, "samples": SAMPLES, "tuned": TUNED, "pool": PICKED}
    arrays = {name: x[:SHOWN].astype(np.float32) for name, x in sets.items()}
    return Claim("inception_score", checks, facts, arrays)


def people(configs: Configs) -> Claim:
    """A generator of 20 images, before a judge who sees one image at a time."""
    from sklearn.svm import SVC

    built, state = digits(configs)
    rng, other = jax.random.split(experiment.streams(0).evaluation)
    train, real = (np.asarray(part["x"]) for part in (built.data.train, built.data.test))
    known = _samples(built, state, other, len(train))
    is_real = np.arange(len(train) + len(known)) < len(train)
    judge = SVC(C=10.0).fit(_flat(np.concatenate([train, known])), is_real)
    generated = _samples(built, state, rng, SAMPLES)
    believed = judge.decision_function(_flat(generated)).argsort()[::-1][:KEPT]
    collapsed = generated[believed][np.random.default_rng(0).integers(0, KEPT, SAMPLES)]
    called = {
        name: float(judge.predict(_flat(x)).mean())
        for name, x in (("real", real), ("generated", generated), ("collapsed", collapsed))
    }
    recall = {
        name: metrics.precision_recall(
            real=_flat(train), generated=_flat(x), neighbours=NEIGHBOURS
        ).recall
        for name, x in (("generated", generated), ("collapsed", collapsed))
    }
    size = metrics.support_size(real=_flat(train), generated=_flat(collapsed[:BATCH])).size
    checks = (
        Check("called_real", called["real"], called["collapsed"], relation=AT_LEAST),
        Check("recall", 0.05, recall["collapsed"], relation=AT_MOST),
        Check("support", KEPT, size, 0.25 * KEPT),
    )
    facts = {"kept": KEPT, "steps": built.config.steps, "samples": SAMPLES, "batch": BATCH}
    facts |= {f"called_{name}": round(value, 2) for name, value in called.items()}
    facts |= {"recall_generated": round(recall["generated"], 2), "neighbours": NEIGHBOURS}
    arrays = {"real": real, "generated": generated, "collapsed": collapsed}
    return Claim(
        "people", checks, facts, {name: x[:SHOWN].astype(np.float32) for name, x in arrays.items()}
    )


def _samples(built: Any, state: GanState, rng: jax.Array, n: int) -> np.ndarray:
    return np.asarray(built.sample(state, rng, n))


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1) / 2


def _picked(x: np.ndarray, extract: Callable) -> np.ndarray:
    """Of each class the same number of samples, those of which the judge is surest."""
    p = np.asarray(extract(jnp.asarray(x))[1])
    each, order = len(x) // PICKED // p.shape[1], np.argsort(-p.max(1))
    rows = [order[p[order].argmax(1) == label][:each] for label in range(p.shape[1])]
    return x[np.random.default_rng(0).permutation(np.concatenate(rows))]


def _tuned(built: Any, state: GanState, extract: Callable) -> GanState:
    """The state whose generator has climbed the judge's Inception score."""
    state, tx = built.asked(state), optax.adam(RATE)
    queries = built.game.queries

    def lower(gen, rng):
        players = state.params._replace(gen=gen)
        z = queries["latents"](players, state.model_state, rng, BATCH)
        p = extract(queries["generate"](players, state.model_state, z))[1]
        marginal = p.mean(0)
        return -jnp.sum(p * (jnp.log(p + 1e-9) - jnp.log(marginal + 1e-9)), -1).mean()

    def step(carry, rng):
        gen, memory = carry
        updates, memory = tx.update(jax.grad(lower)(gen, rng), memory)
        return (optax.apply_updates(gen, updates), memory), None

    rngs = jax.random.split(jax.random.key(1), TUNED)
    gen = state.params.gen
    (gen, _), _ = jax.jit(partial(jax.lax.scan, step))((gen, tx.init(gen)), rngs)
    return state._replace(params=state.params._replace(gen=gen), average=None)
