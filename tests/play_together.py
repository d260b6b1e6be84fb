"""Trains configs of `test_devices` in one of several processes; the first writes the results."""

import argparse
import pickle
from pathlib import Path

import jax
import test_devices

from ganjax import devices

parser = argparse.ArgumentParser()
parser.add_argument("--coordinator")
parser.add_argument("--num_processes", type=int)
parser.add_argument("--process_id", type=int)
parser.add_argument("--form")
parser.add_argument("--sharded", action="store_true")
parser.add_argument("--dtype")
parser.add_argument("--names")
parser.add_argument("--out", type=Path)
flags = parser.parse_args()

jax.config.update("jax_enable_x64", True)
devices.initialise(flags.coordinator, flags.num_processes, flags.process_id)
layout = devices.layout(flags.form, flags.sharded)
for name in flags.names.split(","):
    played = test_devices.played_on(layout, test_devices.CONFIGS[name], flags.dtype)
    if devices.leads():
        (flags.out / name).write_bytes(pickle.dumps(played))
devices.wait()
