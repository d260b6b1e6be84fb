"""`ganjax human_eval` from a checkout."""

import sys

from ganjax import commands

if __name__ == "__main__":
    commands.main("human_eval", sys.argv)
