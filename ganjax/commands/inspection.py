"""Prints what a run folder holds and where it resumes, or the origin that files disclose.

ganjax inspect runs/digits_mlp
ganjax inspect samples.png walk.gif
ganjax inspect runs/digits_mlp/report.html --json origin.json
"""

from pathlib import Path

from ganjax import cli
from ganjax.errors import ConfigError, DataError, GanjaxError

FLAGS = cli.Flags()
JSON = FLAGS.output("json", (".json",), "Also write the fields of everything to this JSON file.")


def main(*files: str) -> None:
    """Prints the fields of every run folder and file, then the faults of those without.

    The digests of all checkpoints are verified. A folder that training would refuse to resume is a
    fault with training's exit code, e.g. 5 where no checkpoint is intact.
    """
    from ganjax import consistency, disclosure, run_folder

    if not files:
        raise ConfigError("name run folders or files, e.g. `ganjax inspect samples.png`")
    found, faults = {}, []
    for file in files:
        path = Path(file)
        try:
            if path.is_dir():
                found[file], fault = consistency.overview(path)
                faults += [fault] if fault else []
            else:
                found[file] = disclosure.read(path)
        except DataError as error:
            faults.append(error)
            continue
        print("\n".join([f"{file}:", *_lines(found[file])]))
    if JSON.value:
        run_folder.write_json(Path(JSON.value), found)
    if faults:
        raise _joined(faults)


def _lines(fields: dict) -> list[str]:
    """A line for each field, and for each entry of one that is a dict."""
    lines = []
    for key, value in fields.items():
        entries = value.items() if isinstance(value, dict) else [("", value)]
        lines += [f"  {key:9} {f'{name}: ' if name else ''}{text}" for name, text in entries]
    return lines


def _joined(faults: list[GanjaxError]) -> GanjaxError:
    """All faults as one, with the exit code of the first."""
    return type(faults[0])("; ".join(map(str, faults)))
