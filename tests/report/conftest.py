"""Folders to report on."""

import examples
import pytest

from ganjax import comparison, sweep


@pytest.fixture(scope="session")
def ring():
    """A config of the ring that trains in a second."""
    return examples.SCORED


@pytest.fixture(scope="session")
def product(ring, tmp_path_factory):
    """The folder of five schemes by two learning rates."""
    rates = {"slow": {}, "fast": {"gen_tx": {"learning_rate": 1e-2}}}
    names = ("simultaneous", "alternating", "extragradient", "optimistic", "anchored")
    asked = {
        "question": "Which scheme at which rate?",
        "base": "ring",
        "score": "reverse_kl",
        "product": {
            "gen_rate": rates,
            "scheme": {name: {"scheme": {"name": name}} for name in names},
        },
        "seeds": 3,
        "budget": {"steps": 2},
        "looks": 1,
    }
    folder = tmp_path_factory.mktemp("product")
    sweep.run(comparison.resolve(asked, lambda name: ring), folder, "map")
    return folder
