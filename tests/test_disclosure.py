"""Every file of generated content says that it is synthetic, in every format, and is read back."""

import ast
import hashlib
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from safetensors.numpy import save_file

from ganjax import disclosure, html, pictures
from ganjax.disclosure import CHART, MIXED, Disclosure
from ganjax.errors import DataError

ROOT = Path(__file__).parent.parent
FILES = sorted([*(ROOT / "ganjax").rglob("*.py"), *(ROOT / "scripts").rglob("*.py")])
ORIGIN = Disclosure('a "b" <c> & (한) \\\udc80\n', "ab" * 32, 7)
EXEMPT = (
    "ganjax/crashes.py",  # a batch of data and the numbers of a key
    "ganjax/data/sets/writer.py",  # data as they are, which nothing generated
    "ganjax/features/kept.py",  # weights and statistics, no samples
    "ganjax/html.py",  # SVG within a page, which discloses
    "ganjax/people/page.py",  # real and generated images in one, which must not tell; the page does
    "scripts/benchmarks/reading.py",
    "scripts/benchmarks/streaming.py",
)


def of_pixels(path):
    pictures.save_image(path, np.zeros((8, 8, 3), np.uint8), disclosure=ORIGIN)


def of_figure(path):
    figure = Figure(figsize=(2, 2))
    figure.subplots().plot([0, 1])
    pictures.save_figure(path, figure, disclosure=ORIGIN)


def animated(path):
    frames = [np.full((8, 8, 1), level, np.uint8) for level in (0, 200)]
    pictures.save_animation(path, frames, disclosure=ORIGIN)


def paged(path):
    page = html.page("title", "body", disclosure=ORIGIN, lang="ko")
    path.write_text(page, encoding="utf-8")


def of_arrays(path):
    np.savez(path, x=np.arange(1000.0), **ORIGIN.arrays())


def of_weights(path):
    save_file({"w": np.ones(100)}, path, {"disclosure": ORIGIN.text()})


WRITERS = [(of_pixels, ending) for ending in (".png", ".jpg", ".webp", ".pdf")]
WRITERS += [(of_figure, ending) for ending in (".png", ".jpeg", ".webp", ".pdf", ".svg")]
WRITERS += [(animated, ".gif"), (paged, ".html"), (of_arrays, ".npz"), (of_weights, ".safetensors")]


def test_every_format_that_is_read_is_written_here():
    assert {ending for _, ending in WRITERS} == set(disclosure.READERS)


@pytest.mark.parametrize(
    ("write", "ending"), WRITERS, ids=lambda value: getattr(value, "__name__", value)
)
def test_a_file_says_what_it_is(write, ending, tmp_path):
    """All its fields, in the same bytes whenever it is written; half of it is damaged."""
    path = tmp_path / f"x{ending}"
    write(path)
    found, first = disclosure.read(path), path.read_bytes()
    expected = ORIGIN.fields()
    if ending == ".html":
        expected = ORIGIN._replace(source=MIXED).fields()
    assert list(found) == list(disclosure.FIELDS)
    assert found == expected
    assert found["run"] == 'a "b" <c> & (한) \\??'
    write(path)
    assert path.read_bytes() == first
    assert not re.search(rb"CreationDate|ModDate|dc:date", first)
    path.write_bytes(first[: len(first) // 2])
    with pytest.raises(DataError, match=r"is damaged|discloses nothing"):
        disclosure.read(path)


@pytest.mark.parametrize("ending", [".png", ".jpg", ".webp"])
def test_other_programs_find_the_type_of_source(ending, tmp_path):
    """XMP is XML with IPTC's term as an attribute of the file's description."""
    of_pixels(tmp_path / f"x{ending}")
    with Image.open(tmp_path / f"x{ending}") as image:
        packet = image.info["xmp"].decode().partition("?>")[2].rpartition("<?")[0]
    (described,) = ElementTree.fromstring(packet).iter(
        "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description"
    )
    attribute = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
    term = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    assert described.get(attribute) == term
    assert described.get("{urn:ganjax:}run") == disclosure.read(tmp_path / f"x{ending}")["run"]


def test_a_png_has_a_chunk_of_text_for_each_field(tmp_path):
    of_pixels(tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as image:
        assert {key: str(image.text[key]) for key in disclosure.FIELDS} == ORIGIN.fields()


def test_a_page_says_so_in_its_language_and_names_its_run():
    for lang, told in (("ko", "합성물"), ("en", "Synthetic in part"), ("fr", "Synthetic in part")):
        text = html.page("title", "body", disclosure=ORIGIN, lang=lang)
        footer = text[text.index("<footer>") : text.index("</footer>")]
        assert told in footer
        assert "step 7" in footer
        assert "&lt;c&gt;" in footer


def test_pictures_know_their_source(tmp_path):
    """Samples are all synthetic, samples beside data in part, and curves are a chart."""
    x, origin = np.eye(2), {"disclosure": Disclosure()}
    pictures.save_points(tmp_path / "a.png", x, None, **origin)
    pictures.save_points(tmp_path / "b.png", x, x, **origin)
    pictures.save_panels(tmp_path / "c.png", {"real": x, "generated": x}, **origin)
    pictures.save_curves(tmp_path / "d.png", [], "title", **origin)
    found = [disclosure.read(tmp_path / f"{name}.png")["source"] for name in "abcd"]
    terms = (disclosure.SAMPLES, MIXED, MIXED, CHART)
    assert found == [disclosure.IPTC + term for term in terms]


def test_the_digest_is_that_of_the_config_in_the_folder(tmp_path):
    for name in ("comparison.json", "config.json"):
        (tmp_path / name).write_text(name)
        digest = hashlib.sha256(name.encode()).hexdigest()
        assert disclosure.of_run(tmp_path, 3) == (tmp_path.name, digest, 3, disclosure.SAMPLES)
    bare = disclosure.of_run(tmp_path / "gone").fields()
    assert (bare["run"], "config" in bare, "step" in bare) == ("gone", False, False)


def test_files_that_disclose_nothing(tmp_path):
    """Those of other programs, and texts of theirs that look like ours."""
    image = Image.fromarray(np.zeros((8, 8), np.uint8))
    image.save(tmp_path / "a.png")
    image.save(tmp_path / "b.gif", comment=b"made by hand")
    image.save(tmp_path / "c.gif", comment=b"[1]")
    np.savez(tmp_path / "d.npz", x=np.ones(3), disclosure=np.array("{"))
    (tmp_path / "e.html").write_text("<html></html>")
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(DataError, match=rf"{path.name} discloses nothing"):
            disclosure.read(path)
    with pytest.raises(DataError, match=r"x\.png: no such file"):
        disclosure.read(tmp_path / "x.png")
    with pytest.raises(DataError, match=r"x\.bmp: no disclosure is read from this format, but"):
        disclosure.read(tmp_path / "x.bmp")


@pytest.mark.parametrize(
    ("write", "ending", "at"), [(of_pixels, ".png", -60), (of_arrays, ".npz", 4000)]
)
def test_a_flipped_byte_is_damage(write, ending, at, tmp_path):
    path = tmp_path / f"x{ending}"
    write(path)
    content = bytearray(path.read_bytes())
    content[at] ^= 255
    path.write_bytes(content)
    with pytest.raises(DataError, match="is damaged"):
        disclosure.read(path)


def undisclosed(text):
    """Calls that write figures, images or arrays and unpack nothing that discloses."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        function, told = ast.unparse(node.func), ast.unparse(node)
        image = function.endswith(".save") and "image" in function.lower()
        if not image and not function.endswith((".savefig", ".savez", ".savez_compressed")):
            continue
        if not re.search(r"disclosure\.|\.arrays\(\)|\*\*options", told):
            yield f"line {node.lineno}: {told}"


def test_every_writer_discloses():
    """No command, benchmark or claim of the tour writes a picture or arrays past a disclosure."""
    found = {}
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        if "save" in text and (calls := list(undisclosed(text))):
            found[str(path.relative_to(ROOT))] = calls
    assert sorted(found) == sorted(EXEMPT), found
    assert len(list(undisclosed("f.savefig(p); np.savez(p, x=x); Image.fromarray(x).save(p)"))) == 3
    assert not list(undisclosed("f.savefig(p, **disclosure.figure_options('.png'))"))
