"""The judge of stacks: products of its channels' judgements."""

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


@pytest.mark.parametrize("each", ["pixels", "logistic of three classes"])
def test_a_judge_without_the_classes_of_a_channel_is_refused_before_it_is_used(stacks, each):
    def of_three(data):
        return features.logistic(data)._replace(name=each, classes=3)

    wrong = features.pixels if each == "pixels" else of_three
    with pytest.raises(
        ValueError, match=f"each='{each}' has [03] class probabilities, expected 10"
    ):
        features.stacked(stacks, each=wrong)


def test_a_judge_of_ones_own_may_leave_its_classes_open(stacks):
    own = features.stacked(stacks, each=lambda data: features.logistic(data)._replace(classes=None))
    assert own.load()(stacks.test["x"][:2])[1].shape == (2, 1000)


def test_other_data_are_refused():
    with pytest.raises(ValueError, match="need stacked data"):
        features.stacked(data.digits())
