"""Scripts called in the process of the tests."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from absl import flags

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def here(capsys):
    """Calls a script in this process, and gives what it printed."""

    def called(script, *arguments):
        spec = spec_from_file_location("__script__", ROOT / "scripts" / f"{script}.py")
        module, before = module_from_spec(spec), set(flags.FLAGS)
        spec.loader.exec_module(module)
        try:
            flags.FLAGS([script, *map(str, arguments)])
            module.main()
        finally:
            for name in set(flags.FLAGS) - before:
                delattr(flags.FLAGS, name)
        return capsys.readouterr().out

    return called
