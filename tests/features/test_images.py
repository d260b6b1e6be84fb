"""The report on images: known features, any parts, real data beside, and its references kept."""

from functools import partial

import examples
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganjax import data, devices, experiment, features, metrics
from ganjax.errors import ConfigError, NotFiniteError
from ganjax.features import gathered as sums

GAN = {
    **examples.IMAGES,
    "evaluation_samples": 70,
    "evaluation": {"name": "images", "features": "logistic", "compared": 50},
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GANJAX_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def digits():
    return data.digits()


def test_scores_are_those_of_the_functions(digits):
    report = features.images_report(digits, features.logistic, compared=400, splits=2)
    x = np.asarray(digits.test["x"])[::-1][:300]
    found = report.of_parts([x[:70], x[70:]])
    extract = features.logistic(digits).load()
    sets, p = {}, np.asarray(extract(jnp.asarray(x))[1])
    for name, rows in (("real", digits.train["x"]), ("generated", x)):
        sets[name] = np.asarray(extract(jnp.asarray(rows))[0], np.float64)
    assert found["samples"] == 300
    np.testing.assert_allclose(
        found["frechet_distance"], metrics.frechet_distance(**sets), rtol=1e-5
    )
    by_turns = [metrics.inception_score(p[turn::2]) for turn in range(2)]
    np.testing.assert_allclose(found["inception_score"], np.mean(by_turns), rtol=1e-5)
    np.testing.assert_allclose(found["inception_score_spread"], np.std(by_turns), rtol=1e-3)
    shares = np.bincount(digits.train["y"])
    assert found["class_kl"] == pytest.approx(metrics.class_coverage(p, shares).class_kl)
    evenly = np.arange(400) * len(sets["real"]) // 400
    sets["real"] = sets["real"][evenly]
    precision, recall = metrics.precision_recall(**sets)
    assert found["precision"] == pytest.approx(precision)
    assert found["recall"] == pytest.approx(recall)
    assert found["over_generalisation"] == pytest.approx(1 - precision)


def test_scores_on_request(digits):
    """The first 200 samples, 40 of which are copies of training digits and 40 of each other."""
    report = features.images_report(
        digits, features.pixels, scores=features.ON_REQUEST, compared=200
    )
    real = np.asarray(digits.train["x"])[np.arange(200) * 1297 // 200]
    x = np.asarray(digits.test["x"])[:200].copy()
    x[:40], x[40:80] = real[:40], x[80:120]
    found = report.of_parts([x, x[:50]])
    sets = {"real": _flat(real), "generated": _flat(x)}
    assert found["sliced_wasserstein"] == pytest.approx(metrics.sliced_wasserstein(**sets))
    nearest = metrics.nearest_distances(sets["generated"], sets["real"])
    assert found["nearest_median"] == pytest.approx(np.median(nearest))
    assert found["nearest_min"] == pytest.approx(0, abs=1e-6)
    size = metrics.support_size(**sets)
    assert size.duplicates >= 40
    assert found["support_size"] == size.size
    assert found["support_size_low"] == size.low
    assert found["nearest_min_real"] > 0.1
    none_near = report.of_parts([np.random.default_rng(0).uniform(-1, 1, x.shape)])
    assert "support_size" not in none_near
    assert none_near["support_size_low"] == pytest.approx(200 * 199 / 2 / 3.689, rel=1e-3)


def test_labels_are_compared_with_the_judged_classes(digits):
    """Samples of a class asked for: the share judged as it, of all and of the worst class."""
    report = features.images_report(digits, features.logistic, scores=("label_accuracy_min",))
    x, y = np.asarray(digits.test["x"]), np.array(digits.test["y"])
    judged = np.asarray(features.logistic(digits).load()(x)[1]).argmax(1)
    y[y == 3] = 4  # images of a three, asked to be a four
    expected = min((judged[y == label] == label).mean() for label in np.unique(y))
    assert expected < 0.6
    found = report.of_parts([x[:7], x[7:]], labels=y)
    assert found["label_accuracy_min"] == pytest.approx(expected)
    assert found["label_accuracy_min_real"] > 0.85
    assert report.of_parts([x]) == {"samples": len(x)}


def test_shares_of_classes(digits):
    report = features.images_report(digits, features.logistic)
    x = np.asarray(digits.test["x"])
    judged = np.asarray(features.logistic(digits).load()(x)[1]).argmax(1)
    shares = np.bincount(judged, minlength=10) / len(x)
    found = report.of_parts([x])
    assert found["class_share_min"] == pytest.approx(shares.min())
    assert found["class_share_max"] == found["class_share_max_real"] == pytest.approx(shares.max())
    assert "label_accuracy" not in found


def _flat(x):
    """Features of `pixels`."""
    return (x.reshape(len(x), -1).astype(np.float64) + 1) / 2


def test_devices_share_the_work(digits):
    """Eight devices give the scores of one, for samples of a game and from elsewhere."""
    mesh = devices.mesh(among=jax.devices()[:8])
    labels = {"name": "one_hot", "num_classes": 10}
    conditional = {
        "game": {"name": "conditional", "z_dim": 3},
        **{name: {**GAN[name], "labels": labels} for name in ("generator", "discriminator")},
    }
    for game in ({}, conditional):
        built = experiment.build({**GAN, **game})
        state = experiment.initial_state(built, jax.random.key(0))
        rng = jax.random.key(1)
        one, many = (built.evaluate(state, rng, 1500, among) for among in (None, mesh))
        assert one == pytest.approx(many, rel=1e-3, abs=1e-5)


def test_parts_may_be_of_any_size(digits):
    report = features.images_report(digits, features.logistic, compared=100, splits=3)
    x = np.asarray(digits.test["x"])[:257]
    whole = report.of_parts([x])
    parts = report.of_parts([x[:1], x[1:200], x[200:]])
    assert whole == pytest.approx(parts, rel=1e-6)


def test_what_is_gathered_does_not_grow():
    draw = np.random.default_rng(0)

    def more(gathered):
        batch = draw.normal(size=(60, 5)), draw.dirichlet(np.ones(3), 60)
        return sums.added(gathered, batch, chosen=np.arange(100), splits=2)

    def size(gathered):
        return sum(leaf.nbytes for leaf in jax.tree.leaves(gathered) if hasattr(leaf, "nbytes"))

    twice = more(more(sums.Gathered()))
    again = more(more(twice))
    assert size(twice) == size(again)
    assert sum(map(len, again.features)) == 100
    assert (again.moments.n, again.classes.largest.sum()) == (240, 240)


def test_real_digits_stand_beside(digits):
    report = features.images_report(digits, features.pixels, compared=300)
    held_out = report.of_parts([digits.test["x"]])
    for name in ("frechet_distance", "precision", "coverage"):
        assert held_out[name] == held_out[f"{name}_real"]
    noise = report.of_parts([jax.random.uniform(jax.random.key(0), (300, 8, 8, 1)) * 2 - 1])
    assert noise["precision"] == 0
    assert noise["frechet_distance"] > 10 * noise["frechet_distance_real"]
    assert "inception_score" not in noise  # pixels classify nothing


def test_references_are_kept_under_their_key(digits, tmp_path, caplog):
    x = np.asarray(digits.test["x"])[:60]
    make = partial(features.images_report, features=features.pixels, compared=50)
    first = make(digits).of_parts([x])
    (kept,) = (tmp_path / "cache").glob("*.npz")
    content = kept.read_bytes()
    assert make(digits).of_parts([x]) == first
    assert kept.read_bytes() == content
    changed = digits._replace(train={**digits.train, "x": -digits.train["x"]})
    assert make(changed).of_parts([x]) != first
    other = next(path for path in (tmp_path / "cache").glob("*.npz") if path != kept)
    kept.write_bytes(other.read_bytes())  # a file of another key
    with caplog.at_level("WARNING"):
        assert make(digits).of_parts([x]) == first
    assert "of another key" in caplog.text
    kept.write_bytes(content[:100])
    with caplog.at_level("WARNING"):
        assert make(digits).of_parts([x]) == first
    assert "is damaged" in caplog.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scores": ("fid",)}, "scores='fid' must be one of"),
        ({"splits": 0}, "splits=0"),
        ({"compared": 4}, "compared=4"),
        ({"features": features.classifier}, "16 or more pixels"),
    ],
)
def test_mistakes(digits, options, message):
    with pytest.raises(ValueError, match=message):
        features.images_report(digits, **{"features": features.pixels, **options})


def test_only_the_named_scores(digits):
    report = features.images_report(
        digits, features.logistic, scores=("class_kl", "frechet_distance"), compared=50
    )
    found = report.of_parts([digits.test["x"][:60]])
    names = {name.removesuffix("_real") for name in found}
    assert names == {"samples", "class_kl", "class_kl_floor", "frechet_distance"}


def test_an_experiment_scores_its_samples_in_parts():
    built = experiment.build(GAN)
    state = experiment.initial_state(built, jax.random.key(0))
    rng = jax.random.key(1)
    found = built.evaluate(state, rng, 70)
    samples = np.asarray(built.sample(state, rng, 70))
    assert found["samples"] == 70
    assert found == pytest.approx(experiment.score(built, samples), rel=1e-5)
    protocol = built.protocol(state, step=0, seed=0, scores=found)
    assert protocol["features"] == "logistic"
    assert protocol["real"] == 1297
    assert len(protocol["features_sha256"]) == 64


def test_features_by_name_are_checked():
    for section, message in (
        ({"name": "images", "features": "logits"}, "logistic"),
        ({"name": "images", "features": {"name": "pixels", "width": 3}}, "width"),
        ({"name": "images", "features": {"name": "inception"}}, "weights"),
    ):
        with pytest.raises(Exception, match=message):
            experiment.build({**GAN, "evaluation": section})


def test_streamed_data_give_the_same(digits):
    x = np.round((np.asarray(digits.train["x"]) + 1) * 127.5).astype(np.uint8)
    table = data.Table({"x": x, "y": np.asarray(digits.train["y"])}, "digest", "table")
    resident, streamed = (
        data.of_rows(table, num_classes=10, keep=keep) for keep in ("device", "stream")
    )
    samples = [np.asarray(digits.test["x"])[:60]]
    one, other = (
        features.images_report(made, features.pixels, compared=50) for made in (resident, streamed)
    )
    assert one.of_parts(samples) == other.of_parts(samples)


def test_what_cannot_be_scored_is_refused():
    built = experiment.build({**GAN, "evaluation_samples": 3})
    state = experiment.initial_state(built, jax.random.key(0))
    with pytest.raises(ConfigError, match=r"of 3 samples: expected generated .* give more"):
        built.evaluate(state, jax.random.key(1), 3)
    broken = state._replace(params=jax.tree.map(lambda x: x * jnp.nan, state.params))
    with pytest.raises(NotFiniteError, match="features of the samples"):
        built.evaluate(broken, jax.random.key(1), 64)
