"""Reading rows: each fault of a source is a DataError, also inside a compiled program."""

import examples
import jax
import numpy as np
import pytest
from sources import Pixels

from ganjax import data, experiment, train
from ganjax.data import rows
from ganjax.errors import DataError

FAULTS = {
    "fewer rows": (lambda x: x[:-1], r"read gives x of type uint8 and shape \[7, 8, 8, 1\] for 8"),
    "another shape": (lambda x: x[:, 1:], r"x uint8\[7, 8, 1\].* x uint8\[8, 8, 1\].* for row 0"),
    "another type": (lambda x: x / 255.0, r"x float32\[8, 8, 1\] among rows 0 to 7"),
    "no numbers": (lambda x: x.astype(str), r"x of type <U"),
}


class Faulty(Pixels):
    """Its first row is right, alone; `fault` changes all others."""

    def __init__(self, fault):
        super().__init__()
        self.fault = fault

    def read(self, index):
        found = {"x": self.x[index]}
        return found if len(index) == 1 else {"x": self.fault(found["x"])}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"read": lambda rows: (0, 1)}, "read gives a tuple; expected a dict of arrays"),
        ({"read": lambda rows: None}, "read gives a NoneType; expected a dict of arrays"),
        ({"digest": b"abc"}, "digest is a bytes; expected a str"),
    ],
)
def test_a_source_without_its_contract_is_refused(change, message):
    source = Pixels()
    vars(source).update(change)
    with pytest.raises(DataError, match=message):
        data.of_rows(source)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told(fault):
    change, message = FAULTS[fault]
    made = data.of_rows(Faulty(change), keep="stream")
    with pytest.raises(DataError, match=message):
        data.taken(made, {}, np.arange(8))


def test_a_fault_inside_a_program_is_told():
    change, message = FAULTS["another shape"]
    made = data.of_rows(Faulty(change), keep="stream")
    with pytest.raises(DataError, match=message), data.errors_of_reading():
        jax.block_until_ready(jax.jit(lambda index: data.taken(made, {}, index))(np.arange(8)))


def test_a_fault_in_the_first_batch_ends_training(tmp_path):
    built = experiment.build({**examples.IMAGES, "data": {"name": "sources:pixels"}})
    read = built.data.source.read

    def broken(index):
        if len(index) > 1:
            raise DataError("shard 3, row 7 cannot be read")
        return read(index)

    built.data.source.read = broken
    with pytest.raises(DataError, match="shard 3, row 7"):
        train.train(built, tmp_path)


@pytest.mark.parametrize("kind", ["float64", "int64"])
def test_64_bits_become_32(kind):
    made = data.of_rows(Faulty(lambda x: x.astype(kind)), keep="stream")
    found = data.read_rows(made.source, np.arange(8))["x"]
    assert found.dtype == kind.replace("64", "32")


@pytest.mark.parametrize("keep", ["device", "stream"])
def test_floats_are_pixels_from_minus_one_to_one(keep):
    """As in arrays of a `Data`; others are refused, or need their range."""
    floats = np.random.RandomState(0).uniform(-1, 1, (16, 8, 8, 1)).astype(np.float32)

    def made(scale, **options):
        table = data.Table({"x": scale * floats}, digest="random", where="floats")
        return data.checked("floats", data.of_rows(table, keep=keep, **options))

    found = made(1.0)
    drawn = found.sample(found.train, jax.random.key(0), 8)["x"]
    assert all((image == floats).all((1, 2, 3)).any() for image in np.asarray(drawn))
    with pytest.raises(DataError, match=r"give of_rows the value_range of yours"):
        made(255.0)
    made(255.0, value_range=(-255, 255))
    floats = np.abs(floats)
    with pytest.raises(DataError, match=r"none below 0, .* value_range=\(-1, 1\)"):
        made(1.0)
    made(1.0, value_range=(0, 1))
    made(1.0, value_range=(-1, 1))


def test_a_list_is_an_array():
    found = data.read_rows(Faulty(lambda x: x.tolist()), np.arange(8))["x"]
    np.testing.assert_array_equal(found, Pixels().x[:8])


def test_rows_have_examples():
    source = Pixels()
    source.read = lambda index: {"image": source.x[index]}
    with pytest.raises(DataError, match="pixels: read gives image; expected x, or a and b"):
        data.of_rows(source)


def test_all_processes_agree_where_the_data_are(monkeypatch):
    """One process has too little memory, so that none keeps the data on the device."""
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    both = lambda fits: np.array([fits, False])  # noqa: E731
    monkeypatch.setattr(rows.multihost_utils, "process_allgather", both)
    assert data.of_rows(Pixels()).streamed
