"""`ganjax restore` from a checkout."""

import sys

from ganjax import commands

if __name__ == "__main__":
    commands.main("restore", sys.argv)
