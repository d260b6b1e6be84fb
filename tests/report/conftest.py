"""A small game to report on."""

import pytest


@pytest.fixture(scope="session")
def ring():
    """A config of the ring that trains in a second."""
    return {
        "batch_size": 8,
        "data": {"name": "ring"},
        "game": {"name": "gan", "z_dim": 2},
        "generator": {"name": "mlp", "width": 4},
        "discriminator": {"name": "mlp", "width": 4},
        "loss": {"name": "non_saturating"},
        "scheme": {"name": "alternating"},
        "gen_tx": {"name": "adam", "learning_rate": 1e-3},
        "disc_tx": {"name": "adam", "learning_rate": 1e-3},
        "evaluation": {"name": "modes"},
        "evaluation_samples": 64,
    }
