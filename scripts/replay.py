"""`ganjax replay` from a checkout."""

import sys

from ganjax import commands

if __name__ == "__main__":
    commands.main("replay", sys.argv)
