"""Sets of TensorFlow Datasets: read by name, downloaded, or written from files of the user."""

from ganjax.data.sets.tfds import tfds

__all__ = ["tfds"]
