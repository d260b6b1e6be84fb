"""Shows classical claims about GANs with the library's own numbers, as one page.

python scripts/tour.py --out runs/tour
python scripts/tour.py --out runs/tour --lang ko --json tour.json

Each claim is kept in the folder once computed; the same code does not compute it again, so that the
script resumes when it is called again, and the second language takes seconds. The page is
OUT/tour.html, or OUT/tour_LANG.html in another language than English.
"""

import sys
from pathlib import Path

from absl import flags

from ganjax import cli
from ganjax.config_files import SHIPPED
from ganjax.errors import ConfigError, unknown

OUT = flags.DEFINE_string("out", "runs/tour", "Folder of the page and of the claims' numbers.")
LANG = flags.DEFINE_enum("lang", "en", ("en", "ko"), "Language of the page.")
CLAIMS = flags.DEFINE_list("claims", ["all"], "Names of claims, or all.")
JSON = cli.define_output("json", (".json",), "Also write all numbers to this JSON file.")


def main() -> None:
    """Computes what is missing, prints the verdicts, writes the page."""
    import tour

    from ganjax import run_folder

    names = tour.NAMES if CLAIMS.value == ["all"] else CLAIMS.value
    for name in names:
        if name not in tour.NAMES:
            raise ConfigError(unknown("claim", name, tour.NAMES))
    out, claims = Path(OUT.value), []
    with run_folder.locked(out):
        code = tour.digest(SHIPPED)
        for claim in tour.computed(names, cli.read_config, out / "parts", code):
            claims.append(claim)
            good = sum(check.holds for check in claim.checks)
            verdict = "holds" if claim.holds else "DOES NOT HOLD"
            print(f"{claim.name:20} {verdict:14} {good} of {len(claim.checks)} numbers", flush=True)
        command = f"python scripts/tour.py --lang {LANG.value}"
        path = out / ("tour.html" if LANG.value == "en" else f"tour_{LANG.value}.html")
        page = tour.render(claims, lang=LANG.value, command=command, code=code)
        run_folder.write_text(path, page)
    if JSON.value:
        run_folder.write_json(
            Path(JSON.value), {claim.name: tour.as_json(claim) for claim in claims}
        )
    print(f"page: {path}")


if __name__ == "__main__":
    sys.exit(cli.run(main))
