"""A small game to report on."""

import examples
import pytest


@pytest.fixture(scope="session")
def ring():
    """A config of the ring that trains in a second."""
    return examples.SCORED
