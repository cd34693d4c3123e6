"""What every descriptor must do, by every name in the registry: a new one is tested by existing."""

import pickle
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tamis.descriptors import Descriptor, descriptor, names
from tamis.errors import InvalidParameterError


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def scene(height, width, seed=0):
    """Something with colours, edges and noise in it."""
    y, x = np.mgrid[:height, :width]
    image = np.stack([x * 3 + y, 255 - y * 2, 40 * ((x // 7 + y // 5 + seed) % 5)], axis=-1)
    return ((image + noise(height, width, 3, seed=seed) // 8) % 256).astype(np.uint8)


PICTURES = {
    "landscape": scene(80, 120),
    "portrait": scene(120, 80, seed=1),
    "large": scene(300, 401, seed=2),
    "odd": scene(37, 53, seed=3),
    "grey": noise(40, 50),
    "grey with an axis": noise(40, 50, 1),
    "alpha": noise(40, 50, 4),
    "transparent": np.zeros((40, 50, 4), np.uint8),
    "black": np.zeros((48, 64, 3), np.uint8),
    "white": np.full((48, 64, 3), 255, np.uint8),
    "one colour": np.full((48, 64, 3), (255, 0, 7), np.uint8),
    "one edge": np.repeat([[[0, 0, 0]] * 32 + [[255, 255, 255]] * 32], 48, axis=0).astype(np.uint8),
    "noise": noise(64, 64, 3),
    "one pixel": noise(1, 1, 3),
    "two by two": noise(2, 2, 3),
    "three by five": noise(3, 5, 3),
    "a row": noise(1, 64, 3),
    "a wide strip": noise(1, 5000, 3),
    "a high strip": noise(5000, 1, 3),
}


@pytest.fixture(
    params=[f"{name}{arguments}" for name in names() for arguments in ("", "(size=none)")]
)
def one(request) -> Descriptor:
    return descriptor(request.param)


@pytest.fixture
def vectors(one):
    return one.describe(list(PICTURES.values()))


def test_it_says_what_it_is(one):
    kind = type(one)
    assert kind.name in names()
    assert one.spec.startswith(f"{kind.name}(")
    assert kind.summary and "\n" not in kind.summary
    assert isinstance(one.dim, int) and one.dim > 0
    assert one.size is None or one.size > 0


def test_it_names_its_source(one):
    assert re.search(
        r"\n *References\n *-+\n(.|\n)*https://doi\.org/10\.\d{4,}/", type(one).__doc__
    )


def test_shape_and_type(one, vectors):
    assert vectors.shape == (len(PICTURES), one.dim)
    assert vectors.dtype == np.float32
    assert one.describe([]).shape == (0, one.dim)


@pytest.mark.parametrize("picture", PICTURES)
def test_any_picture_has_a_finite_vector(one, picture):
    assert np.isfinite(one.describe([PICTURES[picture]])).all()


def test_the_same_picture_has_the_same_vector(one, vectors):
    assert (one.describe(list(PICTURES.values())) == vectors).all()


def test_other_pictures_have_other_vectors(one):
    ours = one.describe([PICTURES[name] for name in ("landscape", "portrait", "noise", "black")])
    assert len(np.unique(ours, axis=0)) == 4


def test_the_batch_does_not_matter(one, vectors):
    pictures = list(PICTURES.values())
    alone = np.concatenate([one.describe([picture]) for picture in pictures])
    assert (alone == vectors).all()
    backwards = one.describe(pictures[::-1])
    assert (backwards[::-1] == vectors).all()
    assert (one.describe(tuple(pictures)) == vectors).all()


def test_threads_may_share_it(one, vectors):
    pictures = list(PICTURES.values())
    with ThreadPoolExecutor(4) as pool:
        for ours in pool.map(one.describe, [pictures] * 4):
            assert (ours == vectors).all()


def test_it_travels_between_processes(one, vectors):
    copy = pickle.loads(pickle.dumps(one))
    assert copy == one and copy.spec == one.spec and copy.dim == one.dim
    assert (copy.describe(list(PICTURES.values())) == vectors).all()


def test_its_spec_rebuilds_it(one, vectors):
    again = descriptor(one.spec)
    assert again.spec == one.spec and again == one
    assert (again.describe(list(PICTURES.values())) == vectors).all()


def test_grey_is_three_equal_channels(one):
    grey = PICTURES["grey"]
    forms = [grey, grey[:, :, np.newaxis], np.repeat(grey[:, :, np.newaxis], 3, axis=2)]
    ours = one.describe(forms)
    assert (ours == ours[0]).all()


def test_alpha_is_shown_over_white(one):
    opaque = np.dstack([PICTURES["odd"], np.full((37, 53), 255, np.uint8)])
    ours = one.describe([opaque, PICTURES["odd"]])
    assert (ours[0] == ours[1]).all()
    white = np.full((40, 50, 3), 255, np.uint8)
    ours = one.describe([PICTURES["transparent"], white])
    assert (ours[0] == ours[1]).all()


def test_the_layout_in_memory_does_not_matter(one):
    picture = PICTURES["landscape"]
    views = [picture[::-1, ::2], np.asfortranarray(picture), picture.transpose(1, 0, 2)]
    plain = [np.ascontiguousarray(view) for view in views]
    assert (one.describe(views) == one.describe(plain)).all()


def test_pictures_are_not_changed(one):
    pictures = [scene(40, 50), noise(40, 50)]
    before = [picture.copy() for picture in pictures]
    for picture in pictures:
        picture.flags.writeable = False
    one.describe(pictures)
    assert all((a == b).all() for a, b in zip(before, pictures, strict=True))


@pytest.mark.parametrize(
    "picture",
    [np.zeros((4, 4, 3)), np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4, 3), np.uint8)],
    ids=["floats", "two channels", "no pixel"],
)
def test_what_is_no_picture_is_refused(one, picture):
    with pytest.raises(InvalidParameterError, match="a picture must"):
        one.describe([picture])
