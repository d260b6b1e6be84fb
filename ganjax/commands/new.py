"""Starts an experiment of your own in a new folder, outside the library.

ganjax new my_gan

The folder has a config, a module with a loss and a scheme, a test of both, and a README.
"""

import keyword
from importlib.util import find_spec
from pathlib import Path

from ganjax import cli
from ganjax.errors import ConfigError

FLAGS = cli.Flags()
TEMPLATE = Path(__file__).parent / "template"


def main(name: str = "") -> None:
    """Writes the files of the template, with the experiment's name filled in."""
    folder, module = Path(name), Path(name).name
    if not module.isidentifier() or keyword.iskeyword(module) or module == "config":
        raise ConfigError(
            f"ganjax new {name or 'NAME'}: the name must be one of a Python module, e.g. "
            "ganjax new my_gan"
        )
    if folder.exists():
        raise ConfigError(f"{folder} exists already; choose another name")
    if find_spec(module) is not None:
        raise ConfigError(f"there is a Python module {module!r} already; choose another name")
    folder.mkdir(parents=True)
    for source in sorted(path for path in TEMPLATE.iterdir() if path.is_file()):
        text = source.read_text(encoding="utf-8").replace("NAME", module)
        path = folder / source.name.replace("NAME", module)
        path.write_text(text, encoding="utf-8")
        print(path)
    print(f"next: cd {folder}; its README.md has the commands")
