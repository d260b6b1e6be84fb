"""Data: sources of batches, each a factory in the `DATA` shelf that returns a `Data`."""

from ganjax.data.checks import checked, made
from ganjax.data.digits import digits
from ganjax.data.few_labels import digits_few_labels, few_labels
from ganjax.data.files import arrays, images, samples_of_file
from ganjax.data.masks import MASKS
from ganjax.data.paired import paired_images
from ganjax.data.photographs import photograph_crops, photograph_domains, photographs
from ganjax.data.points import affine_domains, gaussian_mixture, grid, ring, swiss_roll
from ganjax.data.reading import errors_of_reading, form_of, read_rows, shapes_of, taken
from ganjax.data.resident import (
    Batch,
    Data,
    Rows,
    classes,
    digest,
    form,
    labels,
    of_form,
    sample_rows,
)
from ganjax.data.rows import Table, count, examples, of_rows, parts
from ganjax.data.scans import scans
from ganjax.data.sets import tfds
from ganjax.data.stacked import stacked, stacked_digits
from ganjax.data.turned import turned_domains
from ganjax.data.values import parsed_range

DATA = {
    "affine_domains": affine_domains,
    "arrays": arrays,
    "digits": digits,
    "digits_few_labels": digits_few_labels,
    "few_labels": few_labels,
    "gaussian_mixture": gaussian_mixture,
    "grid": grid,
    "images": images,
    "paired_images": paired_images,
    "photograph_crops": photograph_crops,
    "photograph_domains": photograph_domains,
    "photographs": photographs,
    "ring": ring,
    "scans": scans,
    "stacked": stacked,
    "stacked_digits": stacked_digits,
    "swiss_roll": swiss_roll,
    "tfds": tfds,
    "turned_domains": turned_domains,
}

__all__ = [
    "DATA",
    "MASKS",
    "Batch",
    "Data",
    "Rows",
    "Table",
    "affine_domains",
    "arrays",
    "checked",
    "classes",
    "count",
    "digest",
    "digits",
    "digits_few_labels",
    "errors_of_reading",
    "examples",
    "few_labels",
    "form",
    "form_of",
    "gaussian_mixture",
    "grid",
    "images",
    "labels",
    "made",
    "of_form",
    "of_rows",
    "paired_images",
    "parsed_range",
    "parts",
    "photograph_crops",
    "photograph_domains",
    "photographs",
    "read_rows",
    "ring",
    "sample_rows",
    "samples_of_file",
    "scans",
    "shapes_of",
    "stacked",
    "stacked_digits",
    "swiss_roll",
    "taken",
    "tfds",
    "turned_domains",
]
