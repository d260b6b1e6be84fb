"""The README's code does what the README says."""

import re
import sys
from pathlib import Path

import jax
import numpy as np
import optax

from ganjax import (
    augmentations,
    comparison,
    divergences,
    dynamics,
    experiment,
    games,
    losses,
    nets,
    penalties,
    schemes,
    sweep,
)
from ganjax.schemes.field import move
from ganjax.types import Players

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text()
RNG = jax.random.key(0)


def block(name):
    return re.search(rf"<!-- test: {name} -->\n```python\n(.*?)```", TEXT, re.DOTALL)[1]


def test_the_heart_is_simultaneous_play():
    """At most 12 lines, and on a GAN with Adam the same state, bitwise, as the library's step."""
    code = block("heart")
    assert len([line for line in code.splitlines() if line.strip()]) <= 12
    game = games.gan(nets.MLPGenerator((2,), width=8), nets.MLPDiscriminator(width=8), z_dim=3)
    tx = Players(gen=optax.adam(1e-2), disc=optax.adam(1e-2))
    names = {"game": game, "tx": tx, "jax": jax, "Players": Players, "move": move}
    exec(code, names)
    scheme = schemes.simultaneous(game, tx)
    batch = {"x": jax.random.normal(RNG, (16, 2))}
    state = scheme.init(RNG, batch)
    jax.tree.map(
        np.testing.assert_array_equal,
        names["step"](state, batch, RNG),
        scheme.step(state, batch, RNG)[0],
    )


def test_the_spectrum_prints_what_it_says(capsys, x64):
    code = block("spectrum")
    exec(code, {})
    printed = [float(line) for line in capsys.readouterr().out.split()]
    promised = [float(text.rstrip(".")) for text in re.findall(r"^# ([\d.]+)", code, re.MULTILINE)]
    np.testing.assert_allclose(printed, promised, rtol=1e-13)


def test_a_comparison_stands_for_its_cells():
    """At most 20 lines but for blank ones; cells that differ in numbers are one program."""
    code = block("comparison")
    assert len([line for line in code.splitlines() if line.strip()]) <= 20
    names = {}
    exec(code, names)
    found = comparison.resolve(names["get_config"]().to_dict(), shipped)
    assert [program.cells for program in sweep.programs(found.cells)] == [
        ("alternating", "slow"),
        ("extragradient",),
        ("r1",),
    ]


def shipped(name):
    names = {}
    exec((ROOT / "configs" / f"{name}.py").read_text(), names)
    return names["get_config"]().to_dict()


def test_your_own_loss_and_scheme(tmp_path, monkeypatch, x64):
    """A scheme in at most 15 lines, with theory's spectral radius sqrt((1 - s r)^2 + s^2)."""
    code = block("mine")
    assert len(code.split("def far_extragradient", 1)[1].splitlines()) <= 15
    (tmp_path / "mine.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    sgd = {"name": "sgd", "learning_rate": 0.1}
    config = {
        "game": {"name": "bilinear"},
        "scheme": {"name": "mine:far_extragradient"},
        "gen_tx": sgd,
        "disc_tx": sgd,
    }
    built = experiment.build(config)
    state = experiment.initial_state(built, RNG)
    radius = abs(dynamics.update_map_spectrum(built.scheme.step, state)).max()
    np.testing.assert_allclose(radius, np.hypot(1 - 0.1 * 0.2, 0.1), rtol=1e-12)
    config |= {
        "data": {"name": "ring"},
        "game": {"name": "gan", "z_dim": 2},
        "generator": {"name": "mlp"},
        "discriminator": {"name": "mlp"},
        "loss": {"name": "mine:relativistic_squares"},
    }
    built = experiment.build(config)
    state = experiment.initial_state(built, RNG)
    state, metrics = built.scheme.step(state, built.batch(built.train, RNG), RNG)
    assert int(metrics["evaluations/gen"]) == 2
    sys.modules.pop("mine")


def test_architecture_names_every_room_and_level():
    """Each module has its row, at the level that the import law gives it."""
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("law", ROOT / "tests" / "test_imports.py")
    law = module_from_spec(spec)
    spec.loader.exec_module(law)
    rows = re.findall(r"^\| (\d) \| `ganjax/(\w+)(?:/|\.py)` \|", TEXT, re.MULTILINE)
    assert {room: int(level) for level, room in rows} == law.LEVEL


def test_the_table_of_shelves_names_every_row():
    """Each row of each shelf, and no name that is on none."""
    table = re.search(r"\| section \| rows \|.*?\n\n", TEXT, re.DOTALL)[0]
    for section, shelf in (
        ("loss", losses.LOSSES),
        ("loss.divergence", divergences.DIVERGENCES),
        ("penalties", penalties.PENALTIES),
        ("game.augment", augmentations.AUGMENTATIONS),
        ("weights", nets.WEIGHTS),
        ("norm", nets.NORMS),
        ("minibatch", nets.MINIBATCH),
        ("labels", nets.LABELS),
        ("head", nets.HEADS),
    ):
        line = re.search(rf"^\| `{section}`[^|]*\|(.*)\|$", table, re.MULTILINE)[1]
        # Options stand in brackets, layers of a module have a dot.
        named = re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", line))
        assert sorted(named) == sorted(shelf), section


def test_every_picture_of_the_docs_has_its_command():
    """In the Makefile, which names no other picture, and no script or config that is not there."""
    rules = (ROOT / "Makefile").read_text()
    pictures = {f"docs/{p.name}" for p in (ROOT / "docs").iterdir() if p.suffix in (".png", ".gif")}
    assert set(re.findall(r"docs/\w+\.(?:png|gif)", rules)) == pictures
    for path in re.findall(r"(?:scripts|configs)/[\w/]+\.py", rules):
        assert (ROOT / path).exists(), path
    runs = re.search(r"^PICTURED := (.*)$", rules, re.MULTILINE)[1].split()
    assert set(re.findall(r"--workdir runs/(\w+)", rules)) <= set(runs)
    for name in runs:
        assert (ROOT / "configs" / f"{name}.py").exists(), name


def test_shipped_commands_name_files_that_exist():
    assert "@@" not in TEXT
    for path in set(re.findall(r"(?:scripts|configs|docs|tests|ganjax)/[\w/]*\.\w+", TEXT)):
        assert (ROOT / path).exists(), path
    flags = set(re.findall(r"--(\w+)[ =](?!KEY)", TEXT)) - {"logdir"}
    files = [path for room in ("scripts", "ganjax") for path in (ROOT / room).rglob("*.py")]
    sources = "".join(path.read_text() for path in files)
    for flag in flags:
        assert f'"{flag}"' in sources or flag == "config", flag
