"""placeholder

x
"""

from ganjax import cli

FLAGS = cli.Flags()


def main(name: str = "") -> None:
    """x"""
