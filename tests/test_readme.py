"""The code blocks of the README and of the guides run, and their tables and paths are true."""

import importlib
import json
import re
import sys
from functools import partial
from pathlib import Path

import examples
import jax
import numpy as np
import optax
import pytest

from ganjax import (
    augmentations,
    comparison,
    data,
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
PAGES = {
    path.name: path.read_text(encoding="utf-8")
    for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
}
TEXT = "\n".join(PAGES.values())
RNG = jax.random.key(0)


def block(name):
    found = re.findall(rf"<!-- test: {name} -->\n```python\n(.*?)```", TEXT, re.DOTALL)
    assert len(found) == 1, name
    return found[0]


def test_every_marked_block_has_its_test():
    source = Path(__file__).read_text(encoding="utf-8")
    for name in re.findall(r"<!-- test: (\w+) -->", TEXT):
        assert f'block("{name}")' in source, name


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_short(page):
    longest = {"README.md": 160, "results.md": 250}.get(page, 150)
    assert len(PAGES[page].splitlines()) <= longest


def test_the_heart_is_simultaneous_play():
    """At most 12 lines, and on a GAN with Adam the same state, bitwise, as the library's step."""
    code = block("heart")
    assert len([line for line in code.splitlines() if line.strip()]) <= 12
    small, critic = (
        partial(network, width=8, depth=1) for network in (nets.MLPGenerator, nets.MLPDiscriminator)
    )
    game = games.gan(small((2,)), critic(), z_dim=3)
    tx = Players(gen=optax.adam(1e-2), disc=optax.adam(1e-2))
    names = {"game": game, "tx": tx, "jax": jax, "Players": Players, "move": move}
    exec(code, names)
    scheme = schemes.simultaneous(game, tx)
    batch = {"x": jax.random.normal(RNG, (16, 2))}
    state = jax.jit(scheme.init)(RNG, batch)
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


def test_any_function_is_played_in_five_lines(x64):
    """After the imports of the block above it."""
    code = block("zero_sum")
    assert len(code.splitlines()) == 5
    names = {}
    exec(block("spectrum") + code, names)
    path = names["path"]
    assert path.gen["u"].shape == (501, 2)
    for leaf in jax.tree.leaves(path):
        np.testing.assert_array_equal(leaf[0], 1)
        assert abs(leaf[-1]).max() < 1e-11


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


def first_step(built):
    """The state and the metrics after a step from the start."""

    @jax.jit
    def step(rng):
        state = experiment.initial_state(built, rng)
        return built.scheme.step(state, built.batch(built.train, rng), rng)

    return step(RNG)


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
        "generator": examples.MLP,
        "discriminator": examples.MLP,
        "loss": {"name": "mine:relativistic_squares"},
    }
    built = experiment.build(config)
    _, metrics = first_step(built)
    assert int(metrics["evaluations/gen"]) == 2
    sys.modules.pop("mine")


def test_your_own_penalty_and_network(tmp_path, monkeypatch):
    """A step of the ring with both, whose penalty is weight E[D(x_real)]^2."""
    names = {}
    exec(block("penalty"), names)
    critic = lambda x: x[:, 0]  # noqa: E731
    value = names["centred"](weight=2.0)(critic, np.full((4, 1), 3.0), None, RNG)
    np.testing.assert_allclose(value, 2.0 * 9.0)
    own = block("penalty"), block("memory"), block("network")
    (tmp_path / "mine.py").write_text("\n".join(own))
    monkeypatch.syspath_prepend(tmp_path)
    config = shipped("ring8_nonsaturating") | {
        "penalties": {
            "mine": {"name": "mine:centred", "weight": 0.2},
            "steady": {"name": "mine:steady", "decay": 0.5},
        },
        "discriminator": {"name": "mine:Residual", "width": 8},
    }
    built = experiment.build(config)
    after, metrics = first_step(built)
    assert np.isfinite(metrics["loss/disc"])
    (memory,) = jax.tree.leaves(after.model_state.disc["penalty_memories"])
    assert memory != 0
    sys.modules.pop("mine")


def test_your_own_scheme_with_memory(x64):
    """On V = x y: z' = z - h m', m' = d m + (1 - d) F(z), linear in (z, m); also in lookahead."""
    names = {}
    exec(block("smoothed"), names)
    h, d, field = 0.1, 0.5, np.array([[0.0, 1.0], [-1.0, 0.0]])
    mean = np.hstack([(1 - d) * field, d * np.eye(2)])
    update = np.vstack([np.hstack([np.eye(2), np.zeros((2, 2))]) - h * mean, mean])
    tx = Players(optax.sgd(h), optax.sgd(h))
    scheme = names["smoothed"](games.bilinear(), tx, decay=d)
    radius = abs(dynamics.update_map_spectrum(scheme.step, scheme.init(RNG))).max()
    np.testing.assert_allclose(radius, abs(np.linalg.eigvals(update)).max(), rtol=1e-10)
    ahead = schemes.lookahead(games.bilinear(), tx, inner=names["smoothed"], steps=3)
    state, _ = ahead.step(ahead.init(RNG), None, RNG)
    assert any(jax.tree.leaves(jax.tree.map(lambda leaf: (leaf != 0).any(), state.memory)))


def test_your_own_data(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(block("data"))
    monkeypatch.syspath_prepend(tmp_path)
    built = experiment.build(
        shipped("ring8_nonsaturating")
        | {"data": {"name": "mine:moons", "n": 50}, "evaluation": {"name": "none"}}
    )
    assert built.batch(built.train, RNG)["x"].shape == (256, 2)
    sys.modules.pop("mine")


def test_your_own_source_of_rows(tmp_path, monkeypatch):
    """10 lines in the README; the film of the guide is trained on by a config, streamed."""
    code = block("squares")
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    names = {"np": np}
    exec(code, names)
    found = data.of_rows(names["Squares"]())
    assert found.streamed
    grey = np.unique(found.sample(found.train, RNG, 64)["x"])
    assert len(grey) > 16
    assert abs(grey).max() <= 1
    film = np.random.RandomState(0).randint(0, 256, (5, 64, 64, 3), np.uint8)
    film.tofile(tmp_path / "film.rgb")
    (tmp_path / "mine.py").write_text(block("own_source"))
    monkeypatch.syspath_prepend(tmp_path)
    section = {"name": "mine:film", "path": str(tmp_path / "film.rgb"), "keep": "stream"}
    config = shipped("digits_mlp") | {"data": section, "evaluation": {"name": "none"}}
    built = experiment.build(config)
    np.testing.assert_array_equal(built.data.source.read(np.array([3, 1]))["x"], film[[3, 1]])
    drawn = np.rint((built.batch(built.train, RNG)["x"] + 1) * 127.5).astype(np.uint8)
    assert {x.tobytes() for x in drawn} == {x.tobytes() for x in film}
    sys.modules.pop("mine")


def test_a_trained_generator(tmp_path, monkeypatch):
    """Of a run of a few steps under the name in the guide."""
    from ganjax import devices, train

    config = shipped("digits_mlp") | {"steps": 2, "log_every": 1, "evaluation": {"name": "none"}}
    config |= {"sample_every": 0, "checkpoint_every": 0}
    for player in ("generator", "discriminator"):
        config[player] |= {"width": 8}
    layout = devices.layout("jit")
    built = experiment.build(config, layout.axis_name)
    train.train(built, tmp_path / "runs" / "digits_mlp", layout)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(block("trained"), names)
    assert names["x"].shape == (64, 8, 8, 1)
    assert abs(names["x"]).max() <= 1


def test_the_table_of_schemes_names_every_scheme():
    """In the README and in the guide alike."""
    tables = [
        re.search(r"\| scheme \| update \|.*?\n\n", PAGES[page], re.DOTALL)[0]
        for page in ("README.md", "schemes.md")
    ]
    assert tables[0] == tables[1]
    first = [line.split("|")[1] for line in tables[0].splitlines()[2:] if line]
    assert sorted(re.findall(r"`(\w+)`", " ".join(first))) == sorted(schemes.SCHEMES)


def test_architecture_names_every_room_and_level():
    """Each module has its row, at the level that the import law gives it."""
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("law", ROOT / "tests" / "test_imports.py")
    law = module_from_spec(spec)
    spec.loader.exec_module(law)
    page = PAGES["architecture.md"]
    rows = re.findall(r"^\| (\d+) \| `ganjax/(\w+)(?:/|\.py)` \|", page, re.MULTILINE)
    assert {room: int(level) for level, room in rows} == law.LEVEL


def test_architecture_names_every_file_of_a_folder():
    """And names nothing that is neither a file of the folder nor in its package."""
    rows = dict(
        re.findall(r"^\| \d+ \| `ganjax/(\w+)/` \| (.*) \|$", PAGES["architecture.md"], re.M)
    )
    rows.pop("commands")  # one module a command; `ganjax --help` lists them
    for room, text in rows.items():
        files = {path.stem for path in (ROOT / "ganjax" / room).rglob("[!_]*.py")}
        files -= set(schemes.SCHEMES) if room == "schemes" else set()
        named = set(re.findall(r"`(\w+)`", text))
        assert files <= named, room
        package = importlib.import_module(f"ganjax.{room}")
        assert all(hasattr(package, name) for name in named - files), room


def test_the_table_of_shelves_names_every_row():
    """Each row of each shelf, and no name that is on none."""
    table = re.search(r"\| section \| rows \|.*?\n\n", PAGES["losses.md"], re.DOTALL)[0]
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
    for name in re.findall(r"--config[ =](\w+) ", TEXT):
        assert (ROOT / "configs" / f"{name}.py").exists(), name
    flags = set(re.findall(r"--(\w+)[ =](?!KEY)", TEXT)) - {"logdir", "config"}
    files = [*(ROOT / "scripts").rglob("*.py"), *(ROOT / "ganjax").rglob("*.py")]
    sources = "".join(path.read_text(encoding="utf-8") for path in files)
    for flag in flags:
        assert f'"{flag}"' in sources, flag


def test_sources_name_pages_that_exist():
    """The pages and pictures of docs/ in docstrings and messages of the library and its scripts."""
    for folder in ("ganjax", "scripts", "configs"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            for page in set(re.findall(r"docs/\w+\.(?:md|png|gif|ipynb)", text)):
                assert (ROOT / page).exists(), f"{path.relative_to(ROOT)}: {page}"


def test_links_between_pages_lead_somewhere():
    """Those of the README too, which the site's strict build does not read."""
    for page, text in PAGES.items():
        folder = ROOT if page == "README.md" else ROOT / "docs"
        for target in re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", text):
            assert (folder / target).exists(), f"{page}: {target}"


def test_results_are_tables():
    """Every row of every table has a value for every column, and each file has its command."""
    for path in (ROOT / "docs" / "results").glob("*.json"):
        found = json.loads(path.read_text(encoding="utf-8"))
        assert found["commands"], path.name
        for table in found["tables"]:
            assert {len(row) for row in table["rows"]} == {len(table["columns"])}, path.name
        for command in found["commands"]:
            for script in re.findall(r"scripts/[\w/]+\.py", command):
                assert (ROOT / script).exists(), command


def test_api_pages_show_functions_with_the_name_of_their_file():
    from importlib.util import module_from_spec, spec_from_file_location
    from types import SimpleNamespace

    spec = spec_from_file_location("api_pages", ROOT / "scripts" / "site" / "api_pages.py")
    hook = module_from_spec(spec)
    spec.loader.exec_module(hook)
    page = (ROOT / "docs" / "api" / "schemes.md").read_text(encoding="utf-8")
    shown = hook.on_page_markdown(page, page=SimpleNamespace())
    for name in schemes.SCHEMES:
        assert f"::: ganjax.schemes.{name}.{name}\n" in shown
    assert "::: ganjax.schemes.field.field" not in shown  # its page has the whole module
