"""Labels and heads in networks of one layer, against numpy."""

import inspect
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganjax import nets
from ganjax.nets.heads import auxiliary, classifier, code, projection
from ganjax.nets.labels import embedding, one_hot

RNG = jax.random.key(0)
Y = jnp.array([2, 0, 1, 2])
CLASSES = 3


def variables(module, *inputs):
    """Parameters in float64, biases too drawn at random so that they count."""
    params = jax.jit(module.init)(RNG, *inputs)["params"]
    leaves, treedef = jax.tree.flatten(params)
    keys = jax.random.split(RNG, len(leaves))
    drawn = [
        jax.random.normal(key, leaf.shape, float) for key, leaf in zip(keys, leaves, strict=True)
    ]
    return {"params": jax.tree.unflatten(treedef, drawn)}


def affine(x, layer):
    return np.asarray(x) @ np.asarray(layer["kernel"]) + np.asarray(layer.get("bias", 0.0))


def test_one_hot_is_appended(x64):
    x = jax.random.normal(RNG, (4, 2), float)
    out = one_hot(x, Y, num_classes=CLASSES)
    np.testing.assert_array_equal(out[:, :2], x)
    np.testing.assert_array_equal(out[:, 2:], np.eye(CLASSES)[np.asarray(Y)])
    images = jax.random.normal(RNG, (4, 5, 6, 2), float)
    out = one_hot(images, Y, num_classes=CLASSES)
    assert out.shape == (4, 5, 6, 2 + CLASSES)
    np.testing.assert_array_equal(out[1, 3, 2, 2:], np.eye(CLASSES)[0])


def test_the_same_label_has_the_same_embedding(x64):
    module = nets.MLPGenerator((2,), depth=0, labels=partial(embedding, num_classes=3, dim=5))
    x = jnp.zeros((4, 2))
    given = variables(module, x, Y)
    out = np.asarray(module.apply(given, x, Y))
    table, layer = given["params"]["labels"]["embedding"], given["params"]["Dense_0"]
    np.testing.assert_allclose(
        out, affine(np.concatenate([x, np.asarray(table)[np.asarray(Y)]], 1), layer), rtol=1e-12
    )


def network(head):
    return nets.MLPDiscriminator(depth=0, head=head)


def test_projection_by_hand(x64):
    """psi(phi) + y^T V phi, phi the input itself here."""
    module, x = network(partial(projection, num_classes=CLASSES)), jax.random.normal(RNG, (4, 5))
    given = variables(module, x, Y)
    embedded, psi = (given["params"][f"Dense_{i}"] for i in (0, 1))
    assert "bias" not in embedded
    expected = affine(x, psi)[:, 0] + np.sum(
        np.asarray(embedded["kernel"])[np.asarray(Y)] * np.asarray(x), axis=1
    )
    np.testing.assert_allclose(module.apply(given, x, Y), expected, rtol=1e-10)


def test_noise_spares_the_labels(x64):
    """Without features, projection says what the label says, whatever the noise."""
    module = nets.MLPDiscriminator(
        width=3, depth=1, noise=9.0, head=partial(projection, num_classes=CLASSES)
    )
    x = jax.random.normal(RNG, (4, 5))
    given = variables(module, x, Y)
    # psi is cut off: it is told of noisy features.
    given["params"]["Dense_2"] = jax.tree.map(jnp.zeros_like, given["params"]["Dense_2"])
    noisy = module.apply(given, x, Y, rngs={"dropout": RNG})
    np.testing.assert_allclose(noisy, module.apply(given, x, Y, False), rtol=1e-12)


def test_projection_sums_over_pixels(x64):
    head = partial(projection, num_classes=CLASSES)
    module = nets.DCGANDiscriminator(width=2, norm=nets.NORMS["none"], head=head)
    x = jax.random.normal(RNG, (4, 8, 8, 1))
    shapes = jax.tree.map(jnp.shape, jax.eval_shape(module.init, RNG, x, Y)["params"])
    assert shapes["Dense_0"] == {"kernel": (CLASSES, 2)}
    assert shapes["Dense_1"] == {"kernel": (2, 1), "bias": (1,)}


def test_two_outputs_are_two_layers(x64):
    x = jax.random.normal(RNG, (4, 5))
    module = network(partial(auxiliary, num_classes=CLASSES))
    given = variables(module, x)
    logits, classes = module.apply(given, x)
    np.testing.assert_allclose(logits, affine(x, given["params"]["Dense_0"])[:, 0], rtol=1e-12)
    np.testing.assert_allclose(classes, affine(x, given["params"]["Dense_1"]), rtol=1e-12)
    module = network(partial(classifier, num_classes=CLASSES))
    given = variables(module, x)
    classes, features = module.apply(given, x)
    np.testing.assert_allclose(classes, affine(x, given["params"]["Dense_0"]), rtol=1e-12)
    np.testing.assert_array_equal(features, x)


def test_a_code_is_affine(x64):
    x = jax.random.normal(RNG, (4, 5))
    module = network(partial(code, z_dim=2))
    given = variables(module, x)
    np.testing.assert_allclose(
        module.apply(given, x), affine(x, given["params"]["Dense_0"]), rtol=1e-12
    )


@pytest.mark.parametrize(
    "options",
    [
        {"labels": partial(one_hot, num_classes=2)},
        {"labels": partial(embedding, num_classes=2)},
        {"head": partial(projection, num_classes=2)},
        {"norm": partial(nets.NORMS["conditional_batch"], num_classes=2)},
    ],
    ids=["one_hot", "embedding", "projection", "conditional_batch"],
)
def test_labels_are_needed(options):
    with pytest.raises(ValueError, match="needs labels; use the game 'conditional'"):
        nets.MLPDiscriminator(**options).init(RNG, jnp.zeros((2, 3)))


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (partial(projection, num_classes=0), "num_classes=0"),
        (partial(auxiliary, num_classes=0), "num_classes=0"),
        (partial(classifier, num_classes=0), "num_classes=0"),
        (partial(code, z_dim=0), "z_dim=0"),
    ],
    ids=["projection", "auxiliary", "classifier", "code"],
)
def test_sizes_are_checked(head, message):
    with pytest.raises(ValueError, match=message):
        network(head).init(RNG, jnp.zeros((2, 3)), jnp.zeros(2, int))


@pytest.mark.parametrize("name", nets.AUTOENCODERS)
@pytest.mark.parametrize("moments", [1, 2])
def test_autoencoders_encode_and_decode(name, moments):
    factory = nets.AUTOENCODERS[name]
    given = {"moments": moments} if "moments" in inspect.signature(factory).parameters else {}
    moments = given.get("moments", 1)
    module = factory(shape=(8, 8, 1), z_dim=3, width=4, **given)
    x = jax.random.uniform(RNG, (5, 8, 8, 1), minval=-1)

    def all_of(x):
        given = module.init(RNG, x, method=lambda m, x: m.decode(m.encode(x)[:, :3]))
        codes = module.apply(given, x, False, method="encode")
        return codes, module.apply(given, codes[:, :3], False, method="decode")

    codes, back = jax.eval_shape(all_of, x)
    assert codes.shape == (5, 3 * moments)
    assert back.shape == x.shape


def test_affine_autoencoder_by_hand(x64):
    module = nets.AUTOENCODERS["mlp_autoencoder"](shape=(4,), z_dim=2, depth=0)
    x = jax.random.normal(RNG, (5, 4))
    given = variables(module, x)
    back, codes = module.apply(given, x)
    inner, outer = (given["params"][part]["Dense_0"] for part in ("encoder", "decoder"))
    np.testing.assert_allclose(codes, affine(x, inner), rtol=1e-12)
    np.testing.assert_allclose(back, affine(affine(x, inner), outer), rtol=1e-10)
