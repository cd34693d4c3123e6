"""Pictures that show too little."""

import cv2
import numpy as np
import pytest

from tamis.checking.looks import LooksDescriptor, filled_share, find_looks


def scene(seed: int) -> np.ndarray:
    """Make a picture with detail of all sizes."""
    chance = np.random.default_rng(seed)
    image = np.zeros((150, 200, 3))
    for side in (5, 15, 50, 150):
        part = chance.uniform(0, 255, (side, side * 4 // 3, 3))
        image += cv2.resize(part, (200, 150), interpolation=cv2.INTER_NEAREST)
    return (image / 4).astype(np.uint8)


def looks(*odd: np.ndarray) -> dict[str, str]:
    """Look at some pictures among twelve ordinary ones."""
    images = [*map(scene, range(12)), *odd]
    paths = [f"{i}" for i in range(len(images))]
    found = find_looks(paths, LooksDescriptor().describe(images))
    return {one.path: one.kind for one in found}


def test_ordinary_pictures_are_left_alone() -> None:
    assert looks() == {}


def test_each_kind_is_told() -> None:
    chance = np.random.default_rng(0)
    dark = (scene(20) // 16).astype(np.uint8)
    bright = (255 - chance.integers(0, 4, (90, 120, 3))).astype(np.uint8)
    plain = np.full((90, 120, 3), 100, np.uint8)
    blurred = cv2.GaussianBlur(scene(21), (0, 0), 9)
    cut = scene(22)
    cut[100:] = 128
    found = looks(dark, bright, plain, blurred, cut)
    assert found == {"12": "black", "13": "white", "14": "plain", "15": "blurred", "16": "cut"}


def test_a_night_scene_with_lights_is_no_black_picture() -> None:
    night = np.zeros((90, 120, 3), np.uint8)
    night[20:44, 30:66] = np.random.default_rng(1).integers(0, 255, (24, 36, 3))
    assert "12" not in looks(night)


@pytest.mark.parametrize("value", [0, 255, 100])
def test_frames_that_are_not_mid_grey_are_no_cut(value: int) -> None:
    image = scene(1)
    image[100:] = value
    assert filled_share(image) == 0


def test_no_picture_has_no_looks() -> None:
    assert list(find_looks([], np.empty((0, 4), np.float32))) == []
