"""The judge of stacks: products of its channels' judgements."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganjax import data, features


@pytest.fixture(scope="module")
def stacks():
    return data.stacked_digits(count=20_000, held_out=400)


def test_probabilities_are_products_and_features_lie_side_by_side(stacks, monkeypatch, tmp_path):
    monkeypatch.setenv("GANJAX_CACHE", str(tmp_path))
    x = stacks.test["x"][:20]
    found, joint = jax.jit(features.stacked(stacks).load())(x)
    one = features.logistic(stacks.channel).load()
    apart = [one(x[..., c : c + 1]) for c in range(3)]
    np.testing.assert_allclose(found, jnp.concatenate([f for f, _ in apart], 1), rtol=1e-6)
    expected = np.einsum("ni,nj,nk->nijk", *(p for _, p in apart)).reshape(20, 1000)
    np.testing.assert_allclose(joint, expected, rtol=1e-5, atol=1e-12)


def test_real_stacks_are_judged_rightly_and_one_repeated_mode_is_one_class(
    stacks, monkeypatch, tmp_path
):
    monkeypatch.setenv("GANJAX_CACHE", str(tmp_path))
    report = features.images_report(stacks, scores=("classes", "class_kl"))
    assert report.protocol["features"] == "stacked, logistic"
    judged = np.asarray(features.stacked(stacks).load()(stacks.test["x"])[1]).argmax(1)
    assert (judged == np.asarray(stacks.test["y"])).mean() > 0.88  # 0.96 of single digits, cubed
    alone = jnp.repeat(stacks.test["x"][:1], 300, axis=0)
    found = report.of_parts([alone])
    shares = np.bincount(data.labels(stacks), minlength=1000) / 20_000
    assert found["classes"] == 1
    assert found["class_kl"] == pytest.approx(-np.log(shares[judged[0]]), rel=1e-6)
    assert found["classes_real"] > 300


def test_the_judge_of_a_channel_can_be_named(stacks):
    each = partial(features.stacked, each=features.pixels)
    with pytest.raises(ValueError, match="class probabilities"):
        each(stacks).load()(stacks.test["x"][:2])
    with pytest.raises(ValueError, match="need stacked data"):
        features.stacked(data.digits())
