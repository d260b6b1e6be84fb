"""Adversarial games in JAX: any update scheme on any game, proven against theory.

Nothing is imported here, so that a script can refuse a bad flag before JAX has loaded.
"""

__version__ = "0.1.0"
