"""Scores of translators whose answers are known."""

import numpy as np
import pytest

from ganjax import data
from ganjax.metrics import EVALUATIONS

ROWS = ("affine_translation", "paired_translation", "unpaired_translation")


@pytest.mark.parametrize("offset", [-1.0, 0.0])
def test_an_affine_map_is_measured_exactly(offset):
    source = data.affine_domains(slope=2.0, offset=offset)
    report = EVALUATIONS["affine_translation"](source)
    scores = report(lambda a: 2.2 * a + offset + 0.1, lambda b: (b - offset) / 2)
    expected = {
        "slope": 2.2,
        "slope_real": 2.0,
        "offset": offset + 0.1,
        "offset_real": offset,
        "slope_error": 0.1,
        "offset_error": 0.1 / (2 * np.std(source.test["a"])),
        # F(G(a)) - a = 0.1 a + 0.05, and G(F(b)) - b = 0.1 b + 0.2 = 0.2 a + 0.1.
        "translation_error": np.abs(0.2 * source.test["a"] + 0.1).mean(),
        "cycle_error_a": np.abs(0.1 * source.test["a"] + 0.05).mean(),
        "cycle_error_b": np.abs(0.2 * source.test["a"] + 0.1).mean(),
    }
    assert scores.keys() == expected.keys()
    for name, value in expected.items():
        # float32 data
        np.testing.assert_allclose(scores[name], value, rtol=1e-4, atol=1e-6, err_msg=name)


def images(n=6, channels=3):
    return np.random.RandomState(0).uniform(-1, 1, (n, 8, 8, channels)).astype("f")


def two(a, b, paired=True, **flags):
    test = {"a": a, "b": b}

    def sample(train, rng, n):
        return {key: np.resize(x, (n, *x.shape[1:])) for key, x in test.items()}

    return data.Data(shape=b.shape[1:], train={}, test=test, sample=sample, paired=paired, **flags)


def test_looks_know_what_has_changed():
    """Tiles of b are those of a, brighter by 1/2: in 48 dimensions, a distance of 48 / 4."""
    a = images() / 2
    report = EVALUATIONS["unpaired_translation"](two(a, a + 0.5))
    idle = report(lambda a: a, lambda b: b)
    np.testing.assert_allclose(idle["frechet_ab"], 12, rtol=1e-5)
    for name in ("frechet_ab_before", "frechet_ba", "frechet_ba_before"):
        np.testing.assert_allclose(idle[name], 12, rtol=1e-5)
    assert idle["cycle_error_a"] == idle["cycle_error_b"] == 0
    right = report(lambda a: a + 0.5, lambda b: b - 0.25)
    np.testing.assert_allclose(right["frechet_ab"], 0, atol=1e-6)
    np.testing.assert_allclose(right["frechet_ba"], 48 / 16, rtol=1e-5)
    np.testing.assert_allclose(right["cycle_error_a"], 0.25, rtol=1e-5)


def test_a_known_truth_judges_unpaired_translators():
    """b = a / 2 with a median of 0; no errors where the held-out rows are no pairs."""
    a = np.concatenate([images(), -images()])
    source = two(a, a / 2, paired=False, pairs_held_out=True)
    scores = EVALUATIONS["unpaired_translation"](source)(lambda a: a / 2, lambda b: b)
    size = np.abs(a).mean()
    expected = {
        "error_ab": 0,
        "error_ab_before": size / 2,
        "error_ab_constant": size / 2,
        "error_ba": size / 2,
        "error_ba_before": size / 2,
        "error_ba_constant": size,
    }
    assert {name for name in scores if name.startswith("error")} == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(scores[name], value, rtol=1e-5, err_msg=name)
    unknown = EVALUATIONS["unpaired_translation"](two(a, a / 2, paired=False))
    assert not any(name.startswith("error") for name in unknown(lambda a: a, lambda b: b))


def test_pairs_and_masks():
    b = np.where(images(channels=1) > 0.2, 1.0, -1.0).astype("f")
    a = np.concatenate([b, b, -b], -1)  # in grey b / 3
    scores = EVALUATIONS["paired_translation"](two(a, b))(lambda a: -0.5 * np.ones_like(b))
    assert scores["iou"] == 0
    np.testing.assert_allclose(scores["accuracy"], (b < 0).mean())
    np.testing.assert_allclose(scores["iou_before"], 1)
    np.testing.assert_allclose(scores["error_before"], 2 / 3, rtol=1e-5)
    right = EVALUATIONS["paired_translation"](two(a, b))(lambda a: 0.1 * b)
    assert right["iou"] == right["accuracy"] == 1
    # The training pairs are those of the test.
    assert right["iou_ridge"] == right["iou_kernel"] == right["iou_trees"] == 1
    np.testing.assert_allclose(right["error"], 0.9, rtol=1e-5)
    coloured = EVALUATIONS["paired_translation"](two(a, a))(lambda a: a)
    assert coloured["iou"] == coloured["iou_ridge"] == 1
    free = EVALUATIONS["paired_translation"](two(b, images()))(lambda a: images())
    assert free.keys() == {"error", "error_before"}
    assert free["error"] == 0


def test_errors_of_pairs_need_pairs():
    with pytest.raises(ValueError, match="'unpaired_translation'"):
        EVALUATIONS["paired_translation"](two(images(), images(), paired=False))


@pytest.mark.parametrize("name", ROWS)
def test_other_data_are_refused(name):
    for source in (data.ring(), two(images()[0], images()[0])):
        with pytest.raises(ValueError, match=r"expected|needs"):
            EVALUATIONS[name](source)
