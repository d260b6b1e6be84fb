"""Prints the origin that files of generated content disclose: PNG, GIF, npz, HTML and others.

ganjax inspect samples.png walk.gif
ganjax inspect runs/digits_mlp/report.html --json origin.json
"""

from pathlib import Path

from ganjax import cli
from ganjax.errors import ConfigError, DataError

FLAGS = cli.Flags()
JSON = FLAGS.output("json", (".json",), "Also write the fields of every file to this JSON file.")


def main(*files: str) -> None:
    """Prints the fields of every file that has them, then the faults of the others."""
    from ganjax import disclosure, run_folder

    if not files:
        raise ConfigError("name the files to inspect, e.g. `ganjax inspect samples.png`")
    found, faults = {}, []
    for file in files:
        try:
            found[file] = disclosure.read(Path(file))
        except DataError as error:
            faults.append(str(error))
            continue
        print("\n".join([f"{file}:", *(f"  {key:9} {text}" for key, text in found[file].items())]))
    if JSON.value:
        run_folder.write_json(Path(JSON.value), found)
    if faults:
        raise DataError("; ".join(faults))
