"""Augmentation: what it changes, what it leaves, and that chance is kept in check."""

from dataclasses import fields

import numpy as np
import pytest

from pictures import picture
from tamis.classifiers.network.augment import (
    AUGMENTATIONS,
    NONE,
    STRONG,
    Augmentation,
    augmentation,
    draw_mixing,
)
from tamis.errors import InvalidParameterError, UnknownNameError

PHOTO = picture("tiles", 3, height=48, width=48)


def shown(how: Augmentation, seed: int = 0, image: np.ndarray = PHOTO, **draws: float):
    draw = how.draw(np.random.default_rng(seed), 1)[0]
    for at, value in draws.items():
        draw[int(at[1:])] = value
    out = np.empty_like(image)
    how.apply(image, draw, out)
    return out


def test_no_augmentation_changes_nothing():
    assert np.array_equal(shown(NONE), PHOTO)


def test_a_flip_mirrors_half_of_the_pictures():
    results = [shown(Augmentation(flip=True), seed) for seed in range(200)]
    mirrored = sum(np.array_equal(one, PHOTO[:, ::-1]) for one in results)
    as_is = sum(np.array_equal(one, PHOTO) for one in results)
    assert mirrored + as_is == 200
    assert 70 <= mirrored <= 130


def test_a_warp_at_rest_is_the_picture_itself():
    how = Augmentation(rotation=30, shear=20, zoom=0.4, stretch=0.5, shift=0.3)
    middle = {f"d{i}": 0.5 for i in range(13)}
    assert np.array_equal(shown(how, **middle), PHOTO)


def test_a_shift_moves_by_its_share_of_the_side():
    out = shown(Augmentation(shift=0.25), d5=1.0, d6=0.5)
    assert np.array_equal(out[:, :36], PHOTO[:, 12:])


def test_a_quarter_turn_turns():
    out = shown(Augmentation(rotation=90), d1=1.0)
    assert np.abs(out.astype(int) - np.rot90(PHOTO, 1)).max() <= 1 or (
        np.abs(out.astype(int) - np.rot90(PHOTO, -1)).max() <= 1
    )


@pytest.mark.parametrize("zoom", [0.0, 1.0])
def test_a_zoom_keeps_the_middle(zoom):
    dot = np.zeros((49, 49, 3), np.uint8)
    dot[24, 24] = 200
    assert shown(Augmentation(zoom=0.5), image=dot, d3=zoom)[24, 24].min() == 200


def test_a_crop_lies_inside_the_picture():
    # Outside there would be a mirror image: a ramp would turn round.
    ramp = np.repeat(np.arange(0, 192, 4, dtype=np.uint8)[None, :, None], 48, 0).repeat(3, 2)
    for seed in range(20):
        row = shown(Augmentation(crop=0.3), seed, ramp)[0, :, 0].astype(int)
        assert (np.diff(row) >= 0).all()


def test_without_colour_all_channels_are_the_luminance():
    out = shown(Augmentation(grey=1.0)).astype(int)
    grey = PHOTO @ np.array([0.299, 0.587, 0.114])
    assert np.abs(out - grey[..., None]).max() <= 1


def test_a_turn_of_the_hue_keeps_grey_grey():
    grey = np.full((8, 8, 3), 90, np.uint8)
    assert np.array_equal(shown(Augmentation(hue=120), image=grey, d7=0.9), grey)
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = 240
    assert shown(Augmentation(hue=120), image=red, d7=1.0)[0, 0].tolist() == [0, 240, 0]


def test_erasing_turns_a_square_grey():
    out = shown(Augmentation(erase=1.0), image=np.zeros((48, 48, 3), np.uint8), d12=0.42)
    assert 0 < (out == 128).mean() <= 0.25


def test_every_setting_changes_something():
    for field in fields(Augmentation):
        if field.name in ("mixup", "cutmix"):
            continue
        how = Augmentation(**{field.name: True if field.name == "flip" else 0.6})
        assert any(not np.array_equal(shown(how, seed), PHOTO) for seed in range(9)), field.name


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_mixing_pairs_every_picture_with_one(name):
    mixing = draw_mixing(Augmentation(**{name: 1.0}), np.random.default_rng(5), 8, 40, 40)
    assert sorted(mixing.partner) == list(range(8))
    assert 0 < mixing.share < 1
    assert (mixing.box is None) == (name == "mixup")
    if mixing.box:
        top, bottom, left, right = mixing.box
        assert mixing.share == pytest.approx(1 - (bottom - top) * (right - left) / 1600)


def test_no_mixing_without_being_asked():
    assert draw_mixing(STRONG, np.random.default_rng(0), 8, 40, 40) is None


def test_names_settings_and_objects():
    assert augmentation("strong") is AUGMENTATIONS["strong"]
    assert augmentation(STRONG) is STRONG
    assert augmentation({"flip": True, "zoom": 0.1}) == Augmentation(flip=True, zoom=0.1)


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        ("strnog", UnknownNameError),
        ({"zom": 0.1}, UnknownNameError),
        ({"zoom": 1.5}, InvalidParameterError),
        ({"crop": 0.0}, InvalidParameterError),
        ({"mixup": -1.0}, InvalidParameterError),
        ({"zoom": float("nan")}, InvalidParameterError),
    ],
)
def test_what_cannot_be(wanted, error):
    with pytest.raises(error):
        augmentation(wanted)
