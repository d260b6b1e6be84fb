"""Replays published claims about update schemes: their numbers, ours beside them, and a verdict.

python scripts/reproduce.py --all
python scripts/reproduce.py --claim alex_gda --json alex.json --lang ko

Each claim is kept in the folder once replayed; the same code does not replay it again, so that the
script resumes when it is called again, and the second language takes seconds. The page is
OUT/claims.html, or OUT/claims_LANG.html in another language than English.
"""

import sys
from pathlib import Path

from absl import flags

from ganjax import cli
from ganjax.errors import ConfigError, unknown

CLAIM = flags.DEFINE_list("claim", [], "Names of claims; a wrong one lists them.")
ALL = flags.DEFINE_bool("all", False, "All claims.")
OUT = flags.DEFINE_string("out", "runs/claims", "Folder of the page and of the claims' numbers.")
LANG = flags.DEFINE_enum("lang", "en", ("en", "ko"), "Language of titles.")
TUNING = flags.DEFINE_integer(
    "tuning",
    15,
    "Random settings that every scheme gets where the published comparison tunes some more.",
    lower_bound=1,
    upper_bound=225,
)
JSON = cli.define_output("json", (".json",), "Also write all numbers to this JSON file.")


def main() -> None:
    """Replays what is missing, prints numbers and verdicts, writes the page."""
    from claims import NAMES

    if ALL.value == bool(CLAIM.value):
        raise ConfigError(f"give --all, or --claim with names of {', '.join(NAMES)}")
    names = NAMES if ALL.value else CLAIM.value
    for name in names:
        if name not in NAMES:
            raise ConfigError(unknown("claim", name, NAMES))

    from claims import page, result, running

    from ganjax import run_folder

    out, results = Path(OUT.value), {}
    with run_folder.locked(out):
        for name, replayed in running.replayed(names, out / "parts", TUNING.value):
            results[name] = replayed
            print(page.as_text(name, running.module(name).TITLE[LANG.value], replayed), flush=True)
        path = out / ("claims.html" if LANG.value == "en" else f"claims_{LANG.value}.html")
        run_folder.write_text(path, page.render(results, lang=LANG.value, code=running.digest()))
    if JSON.value:
        content = {name: result.as_json(replayed) for name, replayed in results.items()}
        run_folder.write_json(Path(JSON.value), {"claims": content})
    print(f"page: {path}")


if __name__ == "__main__":
    sys.exit(cli.run(main))
