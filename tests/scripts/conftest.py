"""Commands called in the process of the tests."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def here(capsys):
    """Calls a command in this process, its flags fresh, and returns what it printed."""

    def called(command, *arguments):
        spec = spec_from_file_location(
            "__command__", ROOT / "ganjax" / "commands" / f"{command}.py"
        )
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        _, *rest = module.FLAGS.values([command, *map(str, arguments)])
        module.main(*rest)
        return capsys.readouterr().out

    return called
