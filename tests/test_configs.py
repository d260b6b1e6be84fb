"""Every shipped config: its docstring states time and result; it trains two steps, or stages."""

import functools
import importlib.util
import re
from pathlib import Path

import jax
import ml_collections
import numpy as np
import pytest
from marks import marked

from ganjax import comparison, data, experiment, train
from ganjax.nets import convolutions

FOLDER = Path(__file__).parent.parent / "configs"
COMPARISONS = sorted(FOLDER.glob("compare_*.py"))
FILES = [path for path in sorted(FOLDER.glob("*.py")) if path not in COMPARISONS]
CONFIGS = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def stand_in(source):
    """A data source with the same arguments, whose images are random: 8 of each part or domain.

    With `labels`, which domains have none of, images are of 10 classes.
    """

    @functools.wraps(source)
    def made(size, flip=False, crop=None, labels=True, paired=False, order="random", **others):
        channels = 1 if others.get("set") == "mnist" else 3
        domains = paired or others.get("set", "").startswith("cycle_gan/")
        draw = np.random.RandomState(0).randint
        side = size + size // 8 if crop == "random" else size
        classes = 10 if labels and not domains else 0
        parts = [
            data.Table(
                {
                    key: draw(0, 256, (8, side, side, channels), np.uint8)
                    for key in (("a", "b") if domains else ("x",))
                }
                | ({"y": draw(0, classes, 8)} if classes else {}),
                digest="",
                where="random images",
            )
            for _ in range(2)
        ]
        options = dict(flip=flip, crop=size if side > size else None, paired=paired, order=order)
        options["num_classes"] = classes
        return data.of_rows(parts[0], test=parts[1], **options)

    return made


@pytest.fixture(autouse=True)
def sets_that_are_not_here(monkeypatch):
    """Sets that need a download are built of random images of the declared size."""
    for name in ("images", "tfds"):
        monkeypatch.setitem(data.DATA, name, stand_in(data.DATA[name]))


def test_there_are_configs():
    assert {"digits_mlp", "digits_dcgan", "ring8_nonsaturating"} <= {path.stem for path in FILES}


@CONFIGS
def test_the_docstring_says_what_to_expect(path):
    text = module(path).__doc__
    command = f"python scripts/train.py --config configs/{path.name} --workdir runs/"
    assert command in text
    for part in ("Time:", "Result:"):
        assert part in text
    assert "TODO" not in text


@CONFIGS
def test_configs_are_locked(path):
    config = module(path).get_config()
    assert isinstance(config, ml_collections.ConfigDict)
    assert config.is_locked


@CONFIGS
def test_no_two_sections_are_one_object(path):
    """An override of one player's optimiser must not reach the other's."""
    config = module(path).get_config()
    assert config.gen_tx is not config.disc_tx


SHORT = {"log_every": 1, "sample_every": 0, "checkpoint_every": 0, "batch_size": 4}
SHORT |= {"steps": 2, "evaluation_samples": 50, "sample_count": 4}
# Those that say so in their docstrings are for accelerators; a step is all that they play here.
LARGE = [path for path in FILES if "for an accelerator." in module(path).__doc__]
SMALL = [path for path in FILES if path not in LARGE]
# Each evaluation is reached by default; every game plays in `games/test_contract.py`.
PLAYED = ("bilinear_alternating",)
TELLING = ("mixture_f_gan", "affine_cycle", "digits_dcgan", "digits_vae", "photographs_cycle")


def short(path):
    with module(path).get_config().unlocked() as config:
        config.update(SHORT)
        if config.get("data", {}).get("name", "").startswith("stacked"):
            config.data.update(count=64, held_out=64)  # the judge takes minutes for 26,000 stacks
        if "stages" in config:  # each is played for a step, and networks grow between them
            config.steps = len(config.stages)
            ends = sorted(stage.until for stage in config.stages.values())
            for stage in config.stages.values():
                stage.until = 1 + ends.index(stage.until)
                stage.batch_size = SHORT["batch_size"]
                if "fade_steps" in stage.get("game", {}):
                    stage.game.fade_steps = 1
    return config


def test_large_configs_are_named_by_their_size():
    """So that none is taken for a small one: `<data>_<system>_<pixels>`, and no other is."""
    assert [path for path in FILES if re.search(r"_\d+$", path.stem)] == LARGE


@pytest.mark.parametrize(
    "path",
    marked(FILES, default=(), telling=SMALL, ids=[path.stem for path in FILES]),
)
def test_a_step_fits(path):
    """Traced, not compiled: shapes and types of everything, the evaluation's needs too."""
    experiment.build(short(path))


def forgetful(convolve):
    """The same function of x and the kernel, with nothing kept for its derivatives."""

    def again(x, kernel, *options, **named):
        return jax.checkpoint(lambda x, kernel: convolve(x, kernel, *options, **named))(x, kernel)

    return again


@pytest.mark.slow
@pytest.mark.parametrize("path", LARGE, ids=lambda path: path.stem)
def test_a_large_one_is_compiled_and_stepped(path, monkeypatch):
    """A step of every stage, on batches of 2 at most: both players move, and to finite numbers.

    What the convolutions of CPU gather to multiply is gathered again for the gradients: to keep it
    takes more than 13 GiB at 256 pixels.
    """
    for name in [name for name in vars(convolutions) if name.endswith("_by_products")]:
        monkeypatch.setattr(convolutions, name, forgetful(getattr(convolutions, name)))
    with module(path).get_config().unlocked() as config:
        for part in (config, *config.get("stages", {}).values()):
            if "batch_size" in part:
                part.batch_size = min(2, part.batch_size)
    built = experiment.build(config)
    stages, state, rng = built.stages or (built,), None, jax.random.key(0)
    for count, stage in enumerate(stages, start=1):
        if state is None:
            state = jax.jit(functools.partial(experiment.initial_state, stage))(rng)
        else:
            state = jax.jit(functools.partial(experiment.grow, stage))(state, rng)
        before, batch = state, stage.batch(stage.train, rng)
        state, metrics = jax.jit(stage.scheme.step)(state, batch, rng)
        assert state.step == count
        for leaf in jax.tree.leaves((state.params, metrics)):
            assert np.isfinite(leaf).all()
        for old, new in zip(before.params, state.params, strict=True):
            moved = jax.tree.leaves(jax.tree.map(lambda a, b: bool((a != b).any()), old, new))
            assert any(moved) or not moved  # an auto-encoder's second player has no parameters


@pytest.mark.parametrize(
    "path",
    marked(
        SMALL,
        default=[path for path in SMALL if path.stem in PLAYED],
        telling=[path for path in SMALL if path.stem in TELLING],
        ids=[path.stem for path in SMALL],
    ),
)
def test_two_steps(path, tmp_path):
    built = experiment.build(short(path))
    result = train.train(built, tmp_path)
    assert result.step == built.config.steps
    assert (built.evaluate is None) == (result.report == {})
    assert experiment.load(tmp_path).step == result.step
    template = experiment.template(built)
    assert all(isinstance(leaf, jax.ShapeDtypeStruct) for leaf in jax.tree.leaves(template))


@pytest.mark.parametrize(
    "path",
    marked(
        COMPARISONS,
        default=[path for path in COMPARISONS if path.stem != "compare_schedule"],
        telling=COMPARISONS,
        ids=[path.stem for path in COMPARISONS],
    ),
)
def test_comparisons_stand_for_cells_that_can_be_built(path):
    text = module(path).__doc__
    assert f"python scripts/compare.py --config configs/{path.name} --workdir runs/" in text
    assert "Time:" in text
    assert "Result:" in text
    assert "TODO" not in text
    config = module(path).get_config()
    assert config.is_locked
    found = comparison.resolve(
        config.to_dict(), lambda name: module(FOLDER / f"{name}.py").get_config().to_dict()
    )
    for cell in found.cells.values():
        experiment.build(cell)
