"""Prepares an image set for `data=dict(name="tfds", ...)`: downloads it, or converts your own.

ganjax prepare --set mnist
ganjax prepare --set my_photographs --from photographs.zip
ganjax prepare --inception pt_inception-2015-12-05-6726825d.pth --out inception.safetensors

Sets that TensorFlow Datasets knows are downloaded and built; some need `pip install
'ganjax[prepare]'`. --from converts a folder or a zip of images (folders train and test are splits,
others are classes), or an npz with x and y, or x_train, y_train, x_test and y_test; in place of a
download too, e.g. --set mnist --from mnist.npz. --inception converts the weights of the network of
Frechet Inception distances, and runs no code of their file.
"""

from absl import flags

from ganjax import cli

FLAGS = cli.Flags()
SET = FLAGS.string("set", None, "Name of the set, e.g. cifar10 or lsun/bedroom.")
DATA_DIR = FLAGS.string(
    "data_dir", None, "Folder of all sets; $TFDS_DATA_DIR, else ~/tensorflow_datasets by default."
)
SOURCE = FLAGS.string("from", None, "Folder, zip, npz or npy to convert.")
SPLIT = FLAGS.string("split", "train", "With --from: the split of a source without parts.")
SHARDS = FLAGS.integer(
    "shards", 0, "With --from: files of each split; 0 for as many as their size suggests.", 0
)
INCEPTION = FLAGS.string("inception", None, "PyTorch file of Inception weights to convert.")
OUT = FLAGS.output(
    "out", (".safetensors",), "With --inception: file to write, by default inception.safetensors."
)
flags.mark_flags_as_mutual_exclusive(["set", "inception"], True, flag_values=FLAGS.values)
flags.mark_flags_as_mutual_exclusive(["set", "out"], flag_values=FLAGS.values)
flags.mark_flags_as_mutual_exclusive(["from", "inception"], flag_values=FLAGS.values)


def main() -> None:
    """Prepares the set and prints its splits and how a config names it; or converts weights."""
    if INCEPTION.value:
        convert_weights()
        return
    from ganjax.data.sets import stock, writer

    if SOURCE.value:
        builder = writer.convert(
            SOURCE.value,
            SET.value,
            DATA_DIR.value,
            split=SPLIT.value,
            shards=SHARDS.value or None,
        )
    else:
        builder = stock.prepare(SET.value, DATA_DIR.value)
    splits = ", ".join(f"{key} {part.num_examples}" for key, part in builder.info.splits.items())
    print(f"{builder.info.full_name}: {splits}; {builder.data_dir}")
    section = {"name": "tfds", "set": SET.value}
    if DATA_DIR.value:
        section["data_dir"] = DATA_DIR.value
    print(f'next: --config.data="{section}"')


def convert_weights() -> None:
    """Converts the weights and prints their digest."""
    from ganjax.features import inception_weights

    out = OUT.value or "inception.safetensors"
    digest, usual = inception_weights.convert(INCEPTION.value, out)
    name = "pt_inception-2015-12-05-6726825d.pth"
    origin = name if usual else f"another file than {name}, whose sha256 is known"
    print(f"{out}: weights from {origin}")
    print(f'next: inception(data, weights="{out}", digest="{digest}")')
