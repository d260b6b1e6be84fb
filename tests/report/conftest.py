"""A small game to tell of."""

import examples
import pytest


@pytest.fixture(scope="session")
def ring():
    """A config of the ring that plays at once."""
    return examples.SCORED
