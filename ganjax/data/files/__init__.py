"""Files of the user: folders and zips of images, arrays in npz and npy files."""

from ganjax.data.files.arrays import arrays, samples_of_file
from ganjax.data.files.images import images

__all__ = ["arrays", "images", "samples_of_file"]
