"""What every descriptor owes, asked of each in the table: a new one is tested by existing."""

import dataclasses
import inspect
import pickle
import re
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tamis.descriptors import descriptor, list_descriptors
from tamis.descriptors.neural.catalog import ENTRIES
from tamis.errors import InvalidParameterError
from tamis.images import DEFAULT_SIZE

ALL = list_descriptors()
RNG = np.random.default_rng(0)


def photo(height, width):
    """Smooth areas, an edge and noise: something for every descriptor to see."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    waves = np.stack([np.sin(5 * x + y), np.cos(7 * y), x * y], axis=-1)
    waves[:, width // 3 :] *= -0.5
    noise = np.random.default_rng(height * width).normal(0, 8, (height, width, 3))
    return np.clip(128 + 90 * waves + noise, 0, 255).astype(np.uint8)


IMAGES = {
    "photo": photo(80, 120),
    "portrait": photo(120, 80),
    "noise": RNG.integers(0, 256, (64, 64, 3), np.uint8),
    "black": np.zeros((80, 120, 3), np.uint8),
    "white": np.full((80, 120, 3), 255, np.uint8),
    "flat": np.full((60, 90, 3), (200, 30, 90), np.uint8),
    "two halves": np.repeat(np.uint8([[[0], [255]]]), 3, axis=2).repeat(40, 0).repeat(40, 1),
    "grey": photo(80, 120)[:, :, 0],
    "grey with an axis": photo(80, 120)[:, :, :1],
    "rgba": np.dstack([photo(80, 120), RNG.integers(0, 256, (80, 120), np.uint8)]),
    "transparent": np.zeros((20, 30, 4), np.uint8),
    "one pixel": np.full((1, 1, 3), (1, 2, 3), np.uint8),
    "two pixels": np.uint8([[[0, 0, 0], [255, 255, 255]]]),
    "2x2": photo(2, 2),
    "3x3": photo(3, 3),
    "5x7": photo(5, 7),
    "wide strip": photo(1, 5000),
    "high strip": photo(5000, 1),
    "thin": photo(3, 200),
    "not contiguous": photo(160, 240)[::2, ::-2],
}


@pytest.fixture(params=ALL)
def name(request):
    missing = getattr(descriptor(request.param), "missing", "")
    if missing:
        pytest.skip(f"{request.param} is not installed: {missing}")
    return request.param


def small(name):
    """A spec that is quick to try: time does not count for the others."""
    return f"{name}(size=64)" if name in ENTRIES else name


@pytest.mark.parametrize("size", [DEFAULT_SIZE, 37, 1, None])
def test_any_picture_gives_a_finite_vector_of_the_stated_length(name, size):
    if name in ENTRIES and size in (1, None):
        pytest.skip("a backbone has a least size, and its own instead of none")
    described = descriptor(f"{name}(size={'none' if size is None else size})")
    for what, image in IMAGES.items():
        features = described.describe([image])
        assert features.shape == (1, described.dim), what
        assert features.dtype == np.float32, what
        assert np.isfinite(features).all(), what


def test_one_image_is_not_taken_for_a_sequence(name):
    described = descriptor(small(name))
    for image in (photo(8, 9), photo(8, 9)[:, :, 0]):
        with pytest.raises(InvalidParameterError, match=r"write describe\(\[image\]\)\[0\]"):
            described.describe(image)
    stack = np.stack([photo(8, 9), photo(8, 9)])
    np.testing.assert_array_equal(described.describe(stack), described.describe(list(stack)))


def test_no_pictures_give_no_rows(name):
    described = descriptor(name)
    assert described.describe([]).shape == (0, described.dim)


def test_is_deterministic_and_leaves_the_picture_alone(name):
    image = IMAGES["photo"].copy()
    first = descriptor(name).describe([image])
    second = descriptor(name).describe([image])
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(image, IMAGES["photo"])


def test_a_picture_is_described_alike_alone_and_in_a_batch(name):
    described, images = descriptor(small(name)), list(IMAGES.values())
    alone = np.concatenate([described.describe([image]) for image in images])
    np.testing.assert_array_equal(described.describe(images), alone)
    np.testing.assert_array_equal(described.describe(images[::-1]), alone[::-1])


def test_tells_pictures_apart(name):
    features = descriptor(name).describe([IMAGES["photo"], IMAGES["noise"]])
    assert np.abs(features[0] - features[1]).sum() > 0.01


def test_grey_and_opaque_pictures_are_described_as_their_rgb(name):
    grey, rgb = IMAGES["grey"], IMAGES["photo"]
    opaque = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
    features = descriptor(name).describe([grey, np.repeat(grey[:, :, np.newaxis], 3, 2)])
    np.testing.assert_array_equal(features[0], features[1])
    features = descriptor(name).describe([rgb, opaque])
    np.testing.assert_array_equal(features[0], features[1])


def test_is_described_at_the_working_size(name):
    """Four equal pixels for one: brought to the same size, the same picture."""
    once = IMAGES["noise" if name in ENTRIES else "photo"]  # a backbone looks at squares
    twice = once.repeat(2, axis=0).repeat(2, axis=1)
    shape = f"{name}(size={max(once.shape)})"
    features = descriptor(shape).describe([once, twice])
    np.testing.assert_allclose(features[0], features[1], atol=1e-6)


def test_survives_pickling(name):
    described = descriptor(name)
    again = pickle.loads(pickle.dumps(described))
    assert again == described
    np.testing.assert_array_equal(
        again.describe([IMAGES["photo"]]), described.describe([IMAGES["photo"]])
    )


def test_its_spec_rebuilds_it(name):
    for spec in (name, f"{name}(size=64)", f"{name}(size=none)"):
        described = descriptor(spec)
        again = descriptor(described.spec)
        assert again.spec == described.spec
        assert again == described
        np.testing.assert_array_equal(
            again.describe([IMAGES["5x7"]]), described.describe([IMAGES["5x7"]])
        )


def test_its_spec_names_every_parameter(name):
    described = descriptor(name)
    assert described.name == name
    for field in dataclasses.fields(described):
        assert field.name == "name" or f"{field.name}=" in described.spec


def test_cannot_be_changed(name):
    with pytest.raises(dataclasses.FrozenInstanceError):
        descriptor(name).size = 64


def test_refuses_an_argument_it_does_not_have(name):
    with pytest.raises(InvalidParameterError, match="no argument"):
        descriptor(f"{name}(thoroughness=3)")


@pytest.mark.parametrize("value", ["-1", "1.5", "100000000", "much"])
def test_refuses_arguments_out_of_range(name, value):
    described = descriptor(name)
    numbers = [f.name for f in dataclasses.fields(described) if f.type in (int, int | None)]
    assert "size" in numbers
    for parameter in numbers:
        with pytest.raises(InvalidParameterError, match=parameter):
            descriptor(f"{name}({parameter}={value})")


SOURCE = r"\w+( & \w+| et al\.)? \d{4}, (of )?doi:\S+(, doi:\S+)*"


def test_says_where_it_comes_from(name):
    if name in ENTRIES:
        pytest.skip("its entry says it: tests/backbones/test_entries.py")
    kind = type(descriptor(name))
    text = inspect.getdoc(kind)
    for section in (
        "Parameters\n---",
        "Notes\n---",
        "References\n---",
        "dim = ",
        "https://doi.org/",
    ):
        assert section in text, section
    for field in dataclasses.fields(kind):
        assert f"\n{field.name} : " in text, field.name
    assert 10 < len(kind.summary) < 80
    assert re.fullmatch(SOURCE, kind.reference)
    references = text.partition("References\n---")[2]
    for word in (kind.reference.split()[0], *re.findall(r"\d{4}(?=, )", kind.reference)):
        assert word in references
    for doi in re.findall(r"doi:([^\s,]+)", kind.reference):
        assert f"https://doi.org/{doi}" in references
    module = sys.modules[kind.__module__]
    assert module.__doc__.startswith(f"`{name}`:")


def test_the_table_has_them_all():
    assert len(ALL) == len(set(ALL))
    assert {"color", "edge"} <= set(ALL)


def test_threads_may_share_it(name):
    one, pictures = descriptor(small(name)), list(IMAGES.values())
    alone = one.describe(pictures)
    with ThreadPoolExecutor(4) as pool:
        for ours in pool.map(one.describe, [pictures] * 4):
            np.testing.assert_array_equal(ours, alone)


def test_the_layout_in_memory_does_not_matter(name):
    picture, one = IMAGES["photo"], descriptor(small(name))
    views = [picture[::-1, ::2], np.asfortranarray(picture), picture.transpose(1, 0, 2)]
    plain = [np.ascontiguousarray(view) for view in views]
    np.testing.assert_array_equal(one.describe(views), one.describe(plain))


@pytest.mark.parametrize(
    "picture",
    [np.zeros((4, 4, 3)), np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4, 3), np.uint8)],
    ids=["floats", "two channels", "no pixel"],
)
def test_what_is_no_picture_is_refused(name, picture):
    with pytest.raises(InvalidParameterError, match="a picture must"):
        descriptor(name).describe([picture])
