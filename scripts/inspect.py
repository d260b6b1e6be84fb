"""`ganjax inspect` from a checkout.

Scripts beside it that import `inspect` find this file before the standard library's: as a module it
is that one.
"""

import os
import sys
from importlib import util

if __name__ == "__main__":
    from ganjax import commands

    commands.main("inspect", sys.argv)
else:
    place = os.path.join(os.path.dirname(os.__file__), "inspect.py")
    spec = util.spec_from_file_location(__name__, place)
    sys.modules[__name__] = util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[__name__])
