"""Claims about trained networks: half a minute to two minutes each, in float32."""

import math
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ganjax import experiment, latents, metrics, train
from ganjax.types import GanState
from tour.claim import AT_LEAST, AT_MOST, Check, Claim
from tour.closed_forms import best_gaussian

Config = dict[str, Any]
Configs = Callable[[str], Config]  # name of a shipped config -> the config

MODES = 8
COVERED = 0.05  # largest reverse KL of samples that cover all modes, in nats
LOST = math.log(MODES / (MODES - 1))  # the least reverse KL of samples that miss a mode
COLLAPSED = math.log(MODES / 3)  # the least of samples around fewer than three modes
SEEDS = 3  # of the ring; the worst decides
SHOWN = 1000  # points in a picture
CERTAIN = 0.9  # the classifier's probability for a sample that shows a class
MEAN_OF = 3  # latents of a concept


def unrolling(configs: Configs) -> Claim:
    """The ring of 8 Gaussians under the minimax loss, without and with 10 unrolled steps."""
    config, steps, every, unroll_steps = configs("ring8_collapse"), 6000, 500, 10
    scheme = {"name": "unrolled", "order": "gen_first"}
    cells = {
        "plain": {**config, "scheme": {**scheme, "unroll_steps": 0}},
        "unrolled": {**config, "scheme": {**scheme, "unroll_steps": unroll_steps}},
    }
    arrays, kl = _coverage(cells, steps, every)
    checks = (
        Check("kl_plain", COLLAPSED, kl["plain"].min().item(), relation=AT_LEAST),
        Check("kl_unrolled", COVERED, kl["unrolled"].max().item(), relation=AT_MOST),
    )
    facts = {"steps": steps, "unroll_steps": unroll_steps, "seeds": SEEDS}
    facts["samples"] = config["evaluation_samples"]
    return Claim("unrolling", checks, facts, arrays)


def packing(configs: Configs) -> Claim:
    """The ring under the non-saturating loss: samples judged singly, in pairs, and with R1."""
    config, gamma = configs("ring8_packed"), 0.1
    steps, every, pack = config["steps"], 500, config["game"]["packing"]
    alone = _with(config, game={"packing": 1})
    cells = {
        "plain": alone,
        "packed": config,
        "penalised": {**alone, "penalties": {"r1": {"name": "r1", "gamma": gamma}}},
    }
    arrays, kl = _coverage(cells, steps, every)
    checks = (
        Check("kl_plain", LOST, kl["plain"].min().item(), relation=AT_LEAST),
        Check("kl_packed", COVERED, kl["packed"].max().item(), relation=AT_MOST),
        Check("kl_penalised", COVERED, kl["penalised"].max().item(), relation=AT_MOST),
    )
    facts = {"steps": steps, "pack": pack, "gamma": gamma, "seeds": SEEDS}
    return Claim("packing", checks, facts, arrays)


def fits(configs: Configs) -> Claim:
    """Adversarially trained Gaussians for one mixture beside the best under each divergence."""
    config, tolerance = configs("mixture_f_gan"), 0.03
    density = experiment.build(config).data.density
    x = np.linspace(-4.0, 5.0, 301)
    checks, arrays = [], {"x": x, "data": np.asarray(density(x))}
    for name in ("kl", "pearson", "jensen_shannon", "reverse_kl"):
        with jax.enable_x64(True):
            best = best_gaussian(name, density, start=(0.0, 1.0), reach=10.0)
        built = experiment.build(_with(config, loss={"divergence": name}))
        (*_, state) = states(built, config["steps"], config["steps"])
        params = {key: float(value) for key, value in state.average.items()}
        reached = (params["mean"], math.exp(params["log_std"]))
        for part, predicted, measured in zip(("mean", "std"), best, reached, strict=True):
            checks.append(Check(f"{part}_{name}", predicted, measured, tolerance))
        for kind, (mean, std) in (("best", best), ("reached", reached)):
            curve = np.exp(-(((x - mean) / std) ** 2) / 2) / (std * math.sqrt(2 * math.pi))
            arrays[f"{kind}_{name}"] = curve
    return Claim("fits", tuple(checks), {"steps": config["steps"]}, arrays)


def latent_space(configs: Configs) -> Claim:
    """Walks between latents of digits without a jump, and bold 3 - thin 3 + thin 8."""
    built, state = digits(configs)
    queries, rngs = built.queries(state), jax.random.split(experiment.streams(0).evaluation, 3)
    generate = jax.jit(queries["generate"])
    drawn = [np.asarray(queries["latents"](rng, 4096)) for rng in rngs]
    judge = metrics.class_judge(built.data.train["x"], built.data.train["y"])
    walked, arrays, facts = _walked(generate, judge, drawn[0], drawn[1], built.data.train["x"])
    added, more = _added(generate, judge, drawn[2])
    facts |= {"steps": built.config.steps, "z_dim": built.config.game.z_dim, "mean_of": MEAN_OF}
    return Claim("latent_space", (*walked, *added), facts, arrays | more)


@cache
def digits(configs: Configs) -> tuple[experiment.Experiment, GanState]:
    """The default GAN of digits, trained once for all claims about it."""
    config = configs("digits_mlp")
    built = experiment.build(config)
    (*_, state) = states(built, config["steps"], config["steps"])
    return built, state


def _with(config: Config, **changes: Mapping[str, Any]) -> Config:
    """The config with other options in some sections."""
    return config | {section: config[section] | new for section, new in changes.items()}


def states(
    built: experiment.Experiment,
    steps: int,
    every: int,
    seed: int = 0,
    chunk: Callable | None = None,
) -> Iterator[GanState]:
    """Yields the state every so many steps, the first and the last included.

    Args:
      built: the experiment.
      steps: a multiple of `every`.
      every: steps of a compiled chunk.
      seed: of the run.
      chunk: the compiled chunk, if several seeds share it.
    """
    keys = experiment.streams(seed)
    state = jax.jit(partial(experiment.initial_state, built))(keys.init)
    chunk = chunk or jax.jit(train.chunk(built, every))
    yield state
    for step in range(0, steps, every):
        state, _ = chunk(state, built.train, keys.play, jnp.int32(step))
        yield state


def _coverage(
    cells: Mapping[str, Config], steps: int, every: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Trains every cell with every seed.

    Returns:
      Arrays: `samples_CELL` [n, 2] at the end, of seed 0; `kl_CELL` [times, seeds], the reverse KL
      on the way, NaN where samples are not finite; and the reverse KL at the end, by cell [seeds].
    """
    arrays, last = {"steps": np.arange(0, steps + 1, every)}, {}
    for name, config in cells.items():
        built = experiment.build({**config, "steps": steps})
        chunk = jax.jit(train.chunk(built, every))
        kls = []
        for seed in range(SEEDS):
            keys = experiment.streams(seed)
            samples = [
                np.asarray(built.sample(state, keys.evaluation, config["evaluation_samples"]))
                for state in states(built, steps, every, seed, chunk)
            ]
            kls.append([_reverse_kl(x, built.data) for x in samples])
            if seed == 0:
                arrays[f"samples_{name}"] = samples[-1][:SHOWN].astype(np.float32)
        arrays |= {f"kl_{name}": np.array(kls).T, "centres": np.asarray(built.data.centres)}
        last[name] = arrays[f"kl_{name}"][-1]
    return arrays, last


def _reverse_kl(x: np.ndarray, data: Any) -> float:
    # A diverged generator covers nothing: its claim fails, and the tour goes on.
    if not np.isfinite(x).all():
        return math.nan
    return metrics.mode_coverage(x, data.centres, data.std).reverse_kl


def _walked(
    generate: Callable, judge: Callable, starts: np.ndarray, ends: np.ndarray, digits: np.ndarray
) -> tuple[list[Check], dict[str, np.ndarray], dict[str, float]]:
    """Walks from latent to latent: sizes of their steps, and classes half-way.

    Args:
      generate: z [n, z_dim] -> images.
      judge: images -> (labels, probabilities).
      starts: latents [n, z_dim].
      ends: latents [n, z_dim], where the walks go.
      digits: the training images.
    """
    walks, steps = 50, 32
    norms = {}
    for name, path in latents.PATHS.items():
        middle = np.asarray(path(jnp.asarray(starts), jnp.asarray(ends), 0.5))
        norms[name] = float(np.linalg.norm(middle, axis=1).mean())
    norm = float(np.linalg.norm(np.concatenate([starts, ends]), axis=1).mean())

    pool = digits.reshape(len(digits), -1)
    jumps = {}
    for times in (1, 2):
        images, copies = [], []
        for a, b in zip(starts[:walks], ends[:walks], strict=True):
            z = latents.walk(jnp.stack([a, b]), steps=times * steps)
            x = np.asarray(generate(z)).reshape(len(z), -1)
            images.append(x)
            copies.append(pool[((x[:, None] - pool) ** 2).sum(-1).argmin(1)])
        for name, walked in (("generated", images), ("copied", copies)):
            sizes = np.linalg.norm(np.diff(np.stack(walked), axis=1), axis=-1)  # [walks, steps]
            jumps[name, times] = sizes
    half_way = latents.slerp(jnp.asarray(starts), jnp.asarray(ends), 0.5)
    sure, sure_of_samples = (
        float((judge(np.asarray(generate(z)))[1] >= CERTAIN).mean()) for z in (half_way, starts)
    )
    checks = [
        Check("jump_generated", 0.5, _ratio_of_largest(jumps, "generated"), 0.05),
        Check("jump_copied", 1.0, _ratio_of_largest(jumps, "copied"), 0.05),
        Check("sure_half_way", sure_of_samples, sure, 0.03),
        Check("norm_slerp", 1.0, norms["slerp"] / norm, 0.02),
        Check("norm_lerp", math.sqrt(0.5), norms["lerp"] / norm, 0.02),
    ]
    rows = [x[:: 2 * steps // 8].reshape(-1, *digits.shape[1:]) for x in images[:6]]
    arrays = {
        "walks": np.concatenate(rows).astype(np.float32),
        "jumps_generated": jumps["generated", 1][0],
        "jumps_copied": jumps["copied", 1][0],
    }
    return checks, arrays, {"walks": walks, "walk_steps": steps, "certain": CERTAIN}


def _ratio_of_largest(jumps: Mapping[tuple[str, int], np.ndarray], name: str) -> float:
    """The largest step of a walk, over the largest of the walk with half as many points.

    Mean over the walks.
    """
    return float(np.mean(jumps[name, 2].max(1) / jumps[name, 1].max(1)))


def _added(
    generate: Callable, judge: Callable, pool: np.ndarray
) -> tuple[list[Check], dict[str, np.ndarray]]:
    """Bold 3 - thin 3 + thin 8, each the mean of a few latents of the pool [n, z_dim]."""
    trials = 200
    x = np.asarray(generate(pool))
    labels, sure = judge(x)
    rng, chosen = np.random.default_rng(0), {}
    for label, stroke in ((3, "bold"), (3, "thin"), (8, "thin")):
        rows = np.flatnonzero((labels == label) & (sure >= CERTAIN))
        rows = rows[metrics.showing(stroke, metrics.ink(x[rows]))]
        picked = [rng.choice(rows, MEAN_OF, replace=False) for _ in range(trials)]
        chosen[label, stroke] = pool[np.stack(picked)]  # [trials, mean_of, z_dim]
    bold, thin, eight = chosen.values()
    sums = np.asarray(generate(jax.vmap(latents.arithmetic)(bold, thin, eight)))
    before = np.asarray(generate(eight.mean(1)))
    gain = float(metrics.ink(sums).mean() - metrics.ink(before).mean())
    checks = [
        Check("sum_is_eight", 0.4, float((judge(sums)[0] == 8).mean()), relation=AT_LEAST),
        Check("sum_is_bolder", 0.005, gain, relation=AT_LEAST),
    ]
    rows = [np.asarray(generate(z[:8].mean(1))) for z in (bold, thin, eight)]
    return checks, {"sums": np.concatenate([*rows, sums[:8]]).astype(np.float32)}
