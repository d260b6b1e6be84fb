"""Trains the steps before a divergence again and names the operation that gave NaN or infinity.

ganjax replay --workdir runs/diverged

It begins with the state that `crash/step_N/` of the run folder holds, and evaluates the first bad
step operation by operation.
"""

from pathlib import Path

from ganjax import cli

FLAGS = cli.Flags()
WORKDIR = FLAGS.string("workdir", None, "Run folder.", required=True)
STEP = FLAGS.integer("step", None, "The N of crash/step_N; the last by default.", lower_bound=1)
JSON = FLAGS.output("json", (".json",), "Also write the findings to this JSON file.")


def main() -> None:
    """Replays the steps and prints the findings."""
    from ganjax import crashes, experiment, run_folder

    workdir = Path(WORKDIR.value)
    config = run_folder.read_config(workdir)
    found = crashes.replay(experiment.build(config), workdir, STEP.value)
    first = found["first"]
    print(f"{found['reason']}; trained again from step {found['start']}")
    print(f"first: {first['name'] or 'nothing'} at step {first['step']}")
    if not found["same"]:
        print("that of the run was another, see report.json: other devices round otherwise")
    if found["origin"]:
        print(f"{found['eager']}: {found['origin']}")
    else:
        print("no operation of that step gives a NaN or an infinity")
    if JSON.value:
        run_folder.write_json(Path(JSON.value), found)
