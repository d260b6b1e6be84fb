"""Disclosure: every file of generated content says that it is synthetic, and which run made it.

The fields stand in text chunks of PNG, XMP of PNG, JPEG and WebP, comments of GIF, metadata of SVG,
PDF and safetensors, an array of npz and `<meta>` of pages. No field is a time: the same run gives
the same bytes. XMP adds IPTC's digital source type, which other programs read.
"""

import hashlib
import html
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageSequence, PdfParser
from PIL.PngImagePlugin import PngInfo
from safetensors import SafetensorError, safe_open

import ganjax
from ganjax.errors import DataError

FIELDS = ("synthetic", "source", "run", "config", "step", "software")
SAMPLES, MIXED, CHART = "trainedAlgorithmicMedia", "compositeSynthetic", "dataDrivenMedia"
REAL = "composite"  # of several images of unknown origin
IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
SYNTHETIC = {
    SAMPLES: "Synthetic: made by a trained generative model, not a photograph or recording.",
    MIXED: "Synthetic in part: at least one part was made by a trained generative model.",
    REAL: "Not generated: images of the data that a generative model was trained on.",
    CHART: "A chart that a program drew from the numbers of an experiment.",
}
XMP = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:ganjax="urn:ganjax:" Iptc4xmpExt:DigitalSourceType="{source}"
 {fields}/>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""
DAMAGE = (
    *(EOFError, OSError, RuntimeError, SyntaxError, ValueError),  # PIL has all of these
    *(Image.DecompressionBombError, MemoryError),  # sizes that a file claims
    *(SafetensorError, struct.error, zipfile.BadZipFile, zlib.error),
)


class Disclosure(NamedTuple):
    """The origin of a file of generated content; unknown parts are left out of the file.

    Attributes:
      run: name of the run's or comparison's folder.
      config: SHA-256 of its config.json or comparison.json, as `sha256sum` prints it; of the config
        as JSON where there is no such file.
      step: updates of the generator.
      source: a key of `SYNTHETIC`, a term of IPTC's vocabulary of digital source types.
    """

    run: str = ""
    config: str = ""
    step: int | None = None
    source: str = SAMPLES

    def fields(self) -> dict[str, str]:
        """The fields, of `FIELDS`; characters of a folder's name that print nothing become `?`."""
        found = {
            "synthetic": SYNTHETIC[self.source],
            "source": IPTC + self.source,
            "run": "".join(c if c.isprintable() else "?" for c in self.run),
            "config": self.config,
            "step": "" if self.step is None else str(self.step),
            "software": f"ganjax {ganjax.__version__}",
        }
        return {key: value for key, value in found.items() if value}

    def text(self) -> str:
        """The fields as JSON in ASCII."""
        return json.dumps(self.fields())

    def xmp(self) -> str:
        """The fields as an XMP packet (ISO 16684-1)."""
        found = (f'ganjax:{key}="{html.escape(text)}"' for key, text in self.fields().items())
        return XMP.format(source=IPTC + self.source, fields="\n ".join(found))

    def png(self) -> PngInfo:
        """A PNG's chunks: one of text for each field, and the XMP packet."""
        chunks = PngInfo()
        for key, value in self.fields().items():
            chunks.add_text(key, value)
        chunks.add_itxt("XML:com.adobe.xmp", self.xmp())
        return chunks

    def image_options(self, ending: str) -> dict[str, Any]:
        """Arguments of `PIL.Image.Image.save` for a file with this ending."""
        match ending.lower():
            case ".png":
                return {"pnginfo": self.png()}
            case ".gif":
                return {"comment": self.text()}
            case ".pdf":  # Pillow writes the time unless it is set
                return {"subject": self.text(), "creationDate": "", "modDate": ""}
        return {"xmp": self.xmp().encode()}

    def figure_options(self, ending: str) -> dict[str, Any]:
        """Arguments of `matplotlib.figure.Figure.savefig` for a file with this ending."""
        match ending.lower():
            case ".svg":
                return {"metadata": {"Description": self.text(), "Date": None}}
            case ".pdf":
                return {"metadata": {"Subject": self.text(), "CreationDate": None}}
        return {"pil_kwargs": self.image_options(ending)}

    def arrays(self) -> dict[str, np.ndarray]:
        """The array that an npz file has beside its own."""
        return {"disclosure": np.array(self.text())}


def of_run(workdir: Path, step: int | None = None) -> Disclosure:
    """The disclosure of files made from a run, or from a comparison, at a step."""
    for name in ("config.json", "comparison.json"):
        if (workdir / name).exists():
            digest = hashlib.sha256((workdir / name).read_bytes()).hexdigest()
            return Disclosure(workdir.resolve().name, digest, step)
    return Disclosure(workdir.resolve().name, step=step)


def read(path: Path) -> dict[str, str]:
    """The fields that a file discloses, of `FIELDS`.

    Args:
      path: of a file whose ending is one of `READERS`.

    Raises:
      DataError: there is no such file, its format is unknown, it is damaged, or it has none.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: no disclosure is read from this format, but {', '.join(READERS)}")
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    try:
        found = reader(path)
    except DAMAGE as error:
        raise DataError(f"{path} is damaged or no {path.suffix[1:]} file ({error})") from None
    if not found.get("synthetic"):
        raise DataError(f"{path} discloses nothing: ganjax did not write it, or it was stripped")
    return {key: str(found[key]) for key in FIELDS if key in found}


def _parsed(text: Any) -> Mapping[str, Any]:
    """The fields of a text that may be anybody's."""
    try:
        found = json.loads(text)
    except (TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _of_image(path: Path) -> Mapping[str, Any]:
    with Image.open(path) as image:
        info = dict(image.info)
        for frame in ImageSequence.Iterator(image):
            frame.load()
        info |= image.info  # chunks of text may stand after the pixels
    if "synthetic" in info:
        return info
    packet = info.get("xmp", b"").decode(errors="replace")
    attributes = re.findall(r'ganjax:(\w+)="([^"]*)"', packet)
    return {key: html.unescape(text) for key, text in attributes} or _parsed(info.get("comment"))


def _of_npz(path: Path) -> Mapping[str, Any]:
    with zipfile.ZipFile(path) as file:
        if broken := file.testzip():
            raise ValueError(f"the checksum of {broken} differs")
    with np.load(path) as arrays:
        return _parsed(str(arrays["disclosure"])) if "disclosure" in arrays else {}


def _whole(path: Path, end: str) -> str:
    text = path.read_text(encoding="utf-8")
    if end not in text:
        raise ValueError(f"it has no {end}")
    return text


def _of_page(path: Path) -> Mapping[str, Any]:
    text = _whole(path, "</html>")
    found = re.findall(r'<meta name="ganjax:(\w+)" content="([^"]*)">', text)
    return {key: html.unescape(content) for key, content in found}


def _of_svg(path: Path) -> Mapping[str, Any]:
    found = re.search(r"<dc:description>(.*?)</dc:description>", _whole(path, "</svg>"), re.DOTALL)
    return _parsed(html.unescape(found[1])) if found else {}


def _of_pdf(path: Path) -> Mapping[str, Any]:
    with PdfParser.PdfParser(str(path)) as file:
        return _parsed(getattr(file.info, "Subject", None))


def _of_safetensors(path: Path) -> Mapping[str, Any]:
    with safe_open(path, "numpy") as file:
        return _parsed((file.metadata() or {}).get("disclosure"))


READERS: dict[str, Callable[[Path], Mapping[str, Any]]] = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".webp", ".gif"), _of_image),
    ".npz": _of_npz,
    ".html": _of_page,
    ".svg": _of_svg,
    ".pdf": _of_pdf,
    ".safetensors": _of_safetensors,
}
