"""Precision of the products in the compiled step of a config, here or for an absent TPU.

python scripts/benchmarks/compiled.py --config configs/digits_dcgan.py --config.compute=bfloat16
python scripts/benchmarks/compiled.py --config configs/digits_dcgan.py --config.compute=bfloat16 \
    --topology v5e:2x2

Counts matrix products and convolutions by the precision of their operands, and names the scopes of
those that are not bfloat16. With --topology the step is compiled ahead of time for one chip of that
TPU; that takes `pip install libtpu`, of the version that JAX's extra "tpu" asks for, and no TPU.
"""

import collections
import os
import re
import sys
from pathlib import Path
from unittest import mock

from absl import flags

from ganjax import cli, run_folder

CONFIG = cli.define_config()
TOPOLOGY = flags.DEFINE_string("topology", None, "A TPU to compile for, e.g. v5e:2x2.")
JSON = cli.define_output("json", (".json",), "Also write the counts to this JSON file.")


def main() -> None:
    """Compiles a step and prints the precision of its products."""
    config = cli.resolved(CONFIG.value)
    # Asked beside a TPU only; elsewhere libtpu would wait for an answer.
    os.environ.setdefault("TPU_SKIP_MDS_QUERY", "1")
    import jax
    from jax.experimental import topologies
    from products import compiled_products, products

    from ganjax import experiment

    backend, device = jax.default_backend(), jax.devices()[0]
    if TOPOLOGY.value:
        backend = "tpu"
        device = topologies.get_topology_desc(TOPOLOGY.value, "tpu").devices[0]
    built = experiment.build(config)
    built = built.stages[-1] if built.stages else built
    batch = jax.eval_shape(built.batch, built.train, jax.random.key(0))
    there = jax.sharding.SingleDeviceSharding(device)
    given = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=there),
        (experiment.template(built), batch, jax.eval_shape(lambda: jax.random.key(1))),
    )
    # Layers choose their form by the backend, which here is the one compiled for.
    with mock.patch.object(jax, "default_backend", return_value=backend):
        lowered = jax.jit(built.scheme.step).lower(*given)
    programs = {
        "written": products(lowered.as_text(debug_info=True)),
        "compiled": compiled_products(lowered.compile().as_text()),
    }
    results = {}
    for name, found in programs.items():
        counts = collections.Counter(" x ".join(product.dtypes) for product in found)
        print(f"{name:8}", ", ".join(f"{count} {kind}" for kind, count in counts.most_common()))
        wide = collections.Counter(
            scope(product.scope) for product in found if set(product.dtypes) != {"bf16"}
        )
        for where, count in wide.most_common():
            print(f"{'':8} not bf16: {count:4} in {where}")
        results[name] = {"products": counts, "not bf16": wide}
    print(f"one {device.device_kind}, compute={config['compute']}")
    if JSON.value:
        run_folder.write_json(Path(JSON.value), results)


def scope(path: str) -> str:
    """The modules and named scopes of a path, without transformations and operations."""
    parts = re.findall(r"[A-Z]\w+(?:\._\w+)?|pull_away", path)
    return "/".join(dict.fromkeys(parts)) or path


if __name__ == "__main__":
    sys.exit(cli.run(main))
