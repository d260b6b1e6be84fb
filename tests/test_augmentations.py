"""Augmentations: what they change, that they differentiate, that each sample has its own draw."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ganjax import augmentations, games, losses, nets, schemes
from ganjax.augmentations import AUGMENTATIONS, warping
from ganjax.types import Players

RNG = jax.random.key(0)
ROWS = pytest.mark.parametrize("name", AUGMENTATIONS)
ONE = {"adaptive": 1.0}  # called with a probability in place of the updates


def images(rows=64):
    return jax.random.uniform(jax.random.key(1), (rows, 8, 8, 3), minval=-1)


@ROWS
def test_contract(name):
    """Shape and dtype stay, images change, another key changes them otherwise."""
    augment, x = AUGMENTATIONS[name](), images()
    at = ONE.get(name, 0)
    y = augment(x, RNG, at)
    chex.assert_equal_shape((x, y))
    assert y.dtype == x.dtype
    assert augment(x.astype("bfloat16"), RNG, jnp.int32(3)).dtype == jnp.bfloat16
    changed = np.any(np.asarray(x != y).reshape(64, -1), axis=1)
    assert changed.mean() > 0.3
    assert (y != augment(x, jax.random.key(7), at)).any()
    np.testing.assert_array_equal(y, augment(x, RNG, at))


@ROWS
def test_each_image_has_its_own_draw(name):
    x = jnp.tile(images(1), (64, 1, 1, 1))
    y = np.asarray(AUGMENTATIONS[name]()(x, RNG, ONE.get(name, 0))).reshape(64, -1)
    assert len(np.unique(y, axis=0)) > 1


@ROWS
def test_gradient_against_central_differences(name, x64):
    """Generators learn through them."""
    x = images(4).astype(float)
    along = jax.random.normal(jax.random.key(2), x.shape)
    weights = jax.random.normal(jax.random.key(3), x.shape)

    def value(x):
        return jnp.sum(weights * AUGMENTATIONS[name]()(x, RNG, ONE.get(name, 0)))

    slope = jnp.vdot(jax.grad(value)(x), along)
    h = 1e-5
    expected = (value(x + h * along) - value(x - h * along)) / (2 * h)
    np.testing.assert_allclose(slope, expected, rtol=1e-7)
    assert abs(slope) > 1e-3


def test_instance_noise_has_its_deviation_and_fades(x64):
    augment = augmentations.instance_noise(std=0.5, steps=100)
    x = jnp.zeros((100_000, 1))
    for updates, std in ((0, 0.5), (50, 0.25), (99, 0.005), (100, 0.0), (1000, 0.0)):
        np.testing.assert_allclose(augment(x, RNG, updates).std(), std, rtol=1e-2)
    forever = augmentations.instance_noise(std=0.5)
    np.testing.assert_allclose(forever(x, RNG, 10**6).std(), 0.5, rtol=1e-2)


def test_flip_mirrors_half_of_the_images():
    x = images(1000)
    y = augmentations.flip()(x, RNG)
    mirrored = np.all(np.asarray(y == x[:, :, ::-1]).reshape(1000, -1), axis=1)
    same = np.all(np.asarray(y == x).reshape(1000, -1), axis=1)
    assert (mirrored | same).all()
    assert 0.44 < mirrored.mean() < 0.56


def test_translate_shifts_whole_pixels_and_fills_with_0():
    """Every image is one of the 25 shifts by up to 2 of 8 pixels, and all of them come up."""
    x = jnp.tile(1 + images(1), (1000, 1, 1, 1))
    y = np.asarray(augmentations.translate(0.25)(x, RNG))
    padded = np.pad(np.asarray(x[0]), ((2, 2), (2, 2), (0, 0)))
    shifts = {padded[i : i + 8, j : j + 8].tobytes() for i in range(5) for j in range(5)}
    seen = {image.tobytes() for image in y}
    assert seen == shifts


def test_cutout_sets_a_square_to_0():
    y = np.asarray(augmentations.cutout(0.5)(jnp.ones((500, 8, 8, 2)), RNG))
    holes = (y == 0).all(axis=3)
    assert ((y == 0) | (y == 1)).all()
    assert holes.sum(axis=(1, 2)).max() == 16
    rows, columns = holes.any(axis=2).sum(axis=1), holes.any(axis=1).sum(axis=1)
    assert rows.max() == columns.max() == 4
    # A square: as many pixels as rows times columns; its centre is everywhere.
    np.testing.assert_array_equal(holes.sum(axis=(1, 2)), rows * columns)
    assert holes.any(axis=0).all()


@pytest.mark.parametrize("share", [0.25, 0.375, 0.5])
def test_cutout_cuts_both_edges_as_often(share):
    holes = np.asarray(augmentations.cutout(share)(jnp.ones((20_000, 8, 8, 1)), RNG) == 0)
    cut = holes[..., 0].mean(axis=0)
    np.testing.assert_allclose(cut, cut[::-1, ::-1], atol=0.02)  # 5 standard errors


def test_colour_moves_what_it_says(x64):
    x = images(2000).astype(float)
    pixels, colours = x.mean(axis=(1, 2, 3)), x.mean(axis=3)
    bright = augmentations.brightness(0.5)(x, RNG)
    shift = (bright - x).reshape(2000, -1)
    np.testing.assert_allclose(np.ptp(shift, axis=1), 0, atol=1e-12)
    assert -0.5 <= shift.min() < -0.48
    assert 0.48 < shift.max() <= 0.5
    stretched = augmentations.contrast(0.5)(x, RNG)
    np.testing.assert_allclose(stretched.mean(axis=(1, 2, 3)), pixels, atol=1e-12)
    factor = stretched.std(axis=(1, 2, 3)) / x.std(axis=(1, 2, 3))
    assert 0.5 <= factor.min() < 0.52
    assert 1.48 < factor.max() <= 1.5
    saturated = augmentations.saturation(1.0)(x, RNG)
    np.testing.assert_allclose(saturated.mean(axis=3), colours, atol=1e-12)
    grey = x[..., :1]
    np.testing.assert_allclose(augmentations.saturation(1.0)(grey, RNG), grey, atol=1e-12)


def test_diff_augment_is_its_parts_in_order():
    policy = ("flip", "colour")
    x, rngs = images(), jax.random.split(RNG, 4)
    expected = x
    for name, rng in zip(("flip", "brightness", "saturation", "contrast"), rngs, strict=True):
        expected = AUGMENTATIONS[name]()(expected, rng)
    np.testing.assert_array_equal(augmentations.diff_augment(policy)(x, RNG), expected)


ADA = ("geometry", "colour", "cut")  # its groups


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("group", ADA)
def test_a_probability_of_0_is_the_identity_and_of_1_changes_all(group, channels, x64):
    """Exactly, in float32 and float64; whole pixels and quarter turns have no rounding either."""
    alone = {**dict.fromkeys(ADA, 0.0), group: 1.0}
    for x in (images()[..., :channels], images()[..., :channels].astype(float)):
        same = augmentations.ada(probability=0.0, **alone)(x, RNG)
        np.testing.assert_array_equal(same, x)
        changed = augmentations.ada(probability=1.0, **alone)(x, RNG) != x
        assert np.any(np.asarray(changed).reshape(64, -1), axis=1).all()
    none = augmentations.ada(probability=1.0, **dict.fromkeys(ADA, 0.0))
    np.testing.assert_array_equal(none(x, RNG), x)


def test_a_probability_is_that_of_each_sample_and_follows_its_schedule():
    """Also of points; a chosen sample is as the augmentation leaves it."""
    x = jnp.zeros((4000, 2))
    rising = augmentations.with_probability(
        lambda x, rng, updates: x + 1, optax.linear_schedule(0.0, 0.8, 10)
    )
    for updates, share in ((0, 0.0), (5, 0.4), (10, 0.8), (99, 0.8)):
        y = np.asarray(jax.jit(rising)(x, RNG, updates))
        assert (y[:, 0] == y[:, 1]).all()
        assert set(np.unique(y)) <= {0.0, 1.0}
        np.testing.assert_allclose(y.mean(), share, atol=0.04)
    ada = augmentations.ada(optax.linear_schedule(0.0, 1.0, 10))
    np.testing.assert_array_equal(ada(images(), RNG, 0), images())
    np.testing.assert_array_equal(
        ada(images(), RNG, 10), augmentations.ada(probability=1.0)(images(), RNG)
    )


def test_an_adaptive_probability_follows_the_signs_of_the_logits(x64):
    """Up by 1 / updates after a batch with over 80% of positive signs, else down; in [0, 1]."""
    ada = augmentations.adaptive(target=0.6, updates=4)
    first = ada.follow(ada.start(), jnp.ones(10))
    assert first == {"probability": 0.0, "signs": 1.0}  # a sign counts one update late
    for share, direction in {0.9: 1, 0.7: -1}.items():
        realness = jnp.where(jnp.arange(10) < 10 * share, 3.0, -0.1)
        for p in (0.1, 0.5, 0.9):
            memory = ada.follow({"probability": jnp.array(p), "signs": jnp.array(0.6)}, realness)
            assert memory["probability"] == p
            moved = ada.follow(memory, realness)["probability"]
            assert moved == min(1.0, max(0.0, p + direction / 4))
    x = images()
    np.testing.assert_array_equal(ada(x, RNG, 0.0), x)
    np.testing.assert_array_equal(ada(x, RNG, 0.3), augmentations.ada(probability=0.3)(x, RNG))


def adaptive_gan(**options):
    ada = augmentations.adaptive(updates=20)
    networks = nets.MLPGenerator((8, 8, 3)), nets.MLPDiscriminator()
    return games.gan(*networks, z_dim=4, augment=ada, **options)


@pytest.mark.parametrize(
    "wrong",
    [
        augmentations.with_probability,
        lambda ada: games.autoencoder(None, corrupt=ada),
        lambda ada: games.semi_supervised(None, None, 10, z_dim=4, augment=ada),
        lambda ada: adaptive_gan(loss=losses.relativistic),
        lambda ada: adaptive_gan(loss=losses.relativistic_average),
        lambda ada: adaptive_gan(loss=losses.wasserstein),
    ],
)
def test_adaptive_augmentation_is_refused_where_it_has_nothing_to_follow(wrong):
    with pytest.raises(ValueError, match="adaptive"):
        wrong(augmentations.adaptive())


@pytest.mark.parametrize("options", [{}, {"packing": 2}, {"loss": losses.hinge}])
def test_a_game_keeps_the_probability_of_an_adaptive_augmentation(options):
    """It rises while the discriminator overfits 16 images, by one update's part at a time."""
    tx = Players(optax.adam(1e-3), optax.adam(1e-2))
    scheme = schemes.alternating(adaptive_gan(**options), tx)
    batch = {"x": images(16)}
    state = scheme.init(RNG, batch)
    step, seen = jax.jit(scheme.step), [0.0]
    for index in range(14):
        state, metrics = step(state, batch, jax.random.key(index))
        seen.append(float(metrics["augment_probability/disc"]))
    assert set(np.round(np.abs(np.diff(seen)) * 20, 4)) <= {0.0, 1.0}
    assert max(seen) >= 0.2
    assert state.model_state.disc["augmentation"]["probability"] == pytest.approx(seen[-1])


def test_parts_of_a_batch_move_the_probability_as_the_whole(x64):
    batch = {"x": images(16).astype(float)}
    whole, apart = adaptive_gan(), games.accumulated(adaptive_gan(), 4)
    params, model_state = whole.init(RNG, batch)
    memory = {"probability": jnp.array(0.5), "signs": jnp.array(0.7)}
    model_state = model_state._replace(disc={**model_state.disc, "augmentation": memory})
    found = [
        jax.jit(game.losses)(params, model_state, batch, RNG).disc.model_state["augmentation"]
        for game in (whole, apart)
    ]
    assert found[0]["probability"] == 0.55
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), *found)


def test_a_warp_is_its_map(x64):
    """A linear picture, of which bilinear interpolation is exact inside; whole turns and shifts."""
    row, column = jnp.meshgrid(jnp.arange(9.0) - 4, jnp.arange(9.0) - 4, indexing="ij")
    x = (2 * row - 3 * column)[None, :, :, None]
    turn = warping.rotation(jnp.array([np.cos(0.3)]), jnp.array([np.sin(0.3)]))
    maps = warping.product(
        warping.translation(jnp.array([[0.5, -0.25]])),
        turn,
        warping.scaling(jnp.array([0.5]), jnp.array([0.25])),
    )
    assert maps.dtype == jnp.float64
    a, b = row * 0.5, column * 0.25
    a, b = a * np.cos(0.3) - b * np.sin(0.3) + 0.5, a * np.sin(0.3) + b * np.cos(0.3) - 0.25
    expected = (2 * a - 3 * b)[None, :, :, None]
    np.testing.assert_allclose(warping.warped(x, maps), expected, rtol=1e-10, atol=1e-12)
    x = jax.random.normal(RNG, (1, 6, 6, 2))
    quarter = warping.rotation(jnp.zeros(1), jnp.ones(1))
    np.testing.assert_array_equal(warping.warped(x, quarter), jnp.rot90(x, 3, (1, 2)))
    shifted = warping.warped(x, warping.translation(jnp.array([[2.0, 0.0]])))
    mirrored = np.pad(np.asarray(x), ((0, 0), (0, 2), (0, 0), (0, 0)), mode="reflect")
    np.testing.assert_array_equal(shifted, mirrored[:, 2:])


def test_ada_colours_are_the_papers_matrices(x64):
    """x -> M x + t of each image, M and t of the axis (1, 1, 1): read off, and composed again."""
    x = jnp.concatenate(
        [jnp.zeros((200, 1, 1, 3)), jnp.tile(jnp.eye(3)[None, None], (200, 1, 1, 1))], 2
    )
    y = np.asarray(augmentations.ada(1.0, geometry=0.0)(x, RNG))[:, 0]
    t, m = y[:, 0], np.swapaxes(y[:, 1:] - y[:, :1], 1, 2)
    v = np.ones(3) / np.sqrt(3)
    k = np.einsum("i,nij,j->n", v, m, v)  # the contrast, with the luma flip's sign
    np.testing.assert_allclose(m @ v, k[:, None] * v, atol=1e-12)
    np.testing.assert_allclose(v @ m, k[:, None] * v, atol=1e-12)
    np.testing.assert_allclose(t, t[:, :1] * np.ones(3), atol=1e-12)
    assert 0.4 < (k < 0).mean() < 0.6
    brightness = t[:, 0] / k
    np.testing.assert_allclose(brightness.std(), 0.2, rtol=0.2)
    np.testing.assert_allclose(np.log2(abs(k)).std(), 0.5, rtol=0.2)
    # Beside the axis a turn by any angle, times contrast and saturation.
    plane = np.stack([[1, -1, 0], [1, 1, -2]]) / np.sqrt([[2], [6]])
    turned = np.einsum("ai,nij,bj->nab", plane, m, plane)
    factor = np.sqrt(np.linalg.det(turned))
    rotations = turned / factor[:, None, None]
    np.testing.assert_allclose(
        rotations @ rotations.swapaxes(1, 2), np.eye(2)[None].repeat(200, 0), atol=1e-10
    )
    np.testing.assert_allclose(np.log2(factor / abs(k)).std(), 1.0, rtol=0.2)
    angles = np.arctan2(rotations[:, 0, 1], rotations[:, 0, 0])
    assert np.histogram(angles, 4, (-np.pi, np.pi))[0].min() > 25


def test_ada_wants_grey_or_colour():
    with pytest.raises(ValueError, match="1 or 3 channels"):
        augmentations.ada()(jnp.zeros((2, 8, 8, 2)), RNG)


@pytest.mark.parametrize("name", sorted(set(AUGMENTATIONS) - {"instance_noise"}))
def test_points_are_refused(name):
    with pytest.raises(ValueError, match=r"needs images .* shape \(4, 2\)"):
        AUGMENTATIONS[name]()(jnp.ones((4, 2)), RNG, 0)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("instance_noise", {"std": -1.0}, "std=-1.0"),
        ("instance_noise", {"steps": -1}, "steps=-1"),
        ("brightness", {"strength": 1.5}, "strength=1.5"),
        ("contrast", {"strength": -0.5}, "strength=-0.5"),
        ("saturation", {"strength": 2.0}, "strength=2.0"),
        ("translate", {"share": 1.5}, "share=1.5"),
        ("cutout", {"share": -0.1}, "share=-0.1"),
        ("ada", {"probability": 1.5}, "probability=1.5"),
        ("ada", {"colour": -1.0}, "colour=-1.0"),
        ("adaptive", {"target": 1.0}, "target=1.0"),
        ("adaptive", {"updates": 0}, "updates=0"),
        ("with_probability", {"probability": -0.1}, "probability=-0.1"),
        ("diff_augment", {"policy": ("color",)}, "Did you mean 'colour'"),
    ],
)
def test_options_out_of_range_are_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        AUGMENTATIONS[name](**options)
