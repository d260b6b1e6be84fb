"""A process reuses the programs that an earlier one compiled."""

import os
import subprocess
import sys

from ganjax import cli

COUNT = """
from ganjax import cli

cli.keep_compiled()
import jax

hits = []
jax.monitoring.register_event_listener(lambda event, **told: hits.append(event))
jax.jit(lambda x: jax.numpy.sin(x) @ x.T)(jax.numpy.ones((4, 4)))
print(hits.count("/jax/compilation_cache/cache_hits"))
"""


def hits(folder):
    environment = {k: v for k, v in os.environ.items() if k != "JAX_COMPILATION_CACHE_DIR"}
    environment |= {"XDG_CACHE_HOME": str(folder)}
    environment["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    command = [sys.executable, "-c", COUNT]
    told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return int(told.stdout)


def test_the_second_start_finds_what_the_first_compiled(tmp_path):
    assert hits(tmp_path) == 0
    assert list((tmp_path / "ganjax").iterdir())
    assert hits(tmp_path) > 0


def test_without_a_cache_folder_nothing_is_kept(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    cli.keep_compiled()
    assert "JAX_COMPILATION_CACHE_DIR" not in os.environ
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "")
    cli.keep_compiled()
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == ""
    assert not (tmp_path / "ganjax").exists()
