"""Pictures of samples and of training curves, written to files that disclose their origin.

The ending of a file's name is the format: .png, .jpg, .webp, .pdf and, for figures, .svg.
"""

from ganjax.pictures.charts import save_curves, save_figure, save_points, save_portraits
from ganjax.pictures.images import (
    check_drawable,
    drawable,
    image_grid,
    pixels,
    save_animation,
    save_apart,
    save_image,
)
from ganjax.pictures.panels import save_comparison, save_panels, save_samples

__all__ = [
    "check_drawable",
    "drawable",
    "image_grid",
    "pixels",
    "save_animation",
    "save_apart",
    "save_comparison",
    "save_curves",
    "save_figure",
    "save_image",
    "save_panels",
    "save_points",
    "save_portraits",
    "save_samples",
]
