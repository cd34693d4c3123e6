"""Reading pictures: what comes out of each kind of file, and what is said of the rest."""

import io
import math
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageOps

import odd_files
from odd_files import ODD_FILES, PHOTO, READABLE, UNREADABLE, encode, jpeg
from tamis.errors import ImageReadError, InvalidParameterError
from tamis.images import (
    DEFAULT_SIZE,
    Reading,
    Square,
    as_rgb,
    fit,
    has_signature,
    read_image,
    read_picture,
    working_shape,
)
from tamis.images.decoding import decode_file
from tamis.images.limits import Host

sides = st.integers(1, 10_000)
sizes = st.integers(1, 600)


def write(folder, data, name="picture"):
    path = folder / name
    path.write_bytes(data)
    return path


def is_smooth(length):
    for prime in (2, 3, 5, 7, 11):
        while length % prime == 0:
            length //= prime
    return length == 1


def photo(height, width, *, seed=0):
    """Give a picture like a photo: smooth, with some edges and a little noise."""
    y, x = np.mgrid[:height, :width]
    waves = [128 + 90 * np.sin(x / (17 + 9 * c) + c) * np.cos(y / (23 - 4 * c)) for c in range(3)]
    image = np.stack(waves, axis=-1)
    image[height // 4 : height // 2, width // 3 : width // 2] += 40
    image += np.random.default_rng(seed).normal(0, 3, image.shape)
    return image.clip(0, 255).astype(np.uint8)


# Every odd file


@pytest.fixture
def made(request, tmp_path):
    file = request.param
    if file.skip:
        pytest.skip(file.skip)
    path = file.path_in(tmp_path)
    file.write(path)
    yield file, path
    if os.path.isfile(path):
        os.chmod(path, 0o600)


def each(files):
    return pytest.mark.parametrize("made", files, indirect=True, ids=[f.kind for f in files])


@each(READABLE)
def test_odd_files_are_read_right(made):
    file, path = made
    image = read_image(path, size=None)
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert image.flags.c_contiguous
    if file.expected is not None:
        expected = np.broadcast_to(file.expected, image.shape)
        if file.expected.shape[2:] == (3,):
            assert image.shape == file.expected.shape
        off = np.abs(image.astype(int) - expected)
        assert off.max() <= file.tolerance


@each(READABLE)
def test_odd_files_come_at_the_working_size(made):
    _, path = made
    height, width, _ = read_image(path, size=None).shape
    image = read_image(path)
    assert image.shape == (*working_shape(height, width, DEFAULT_SIZE), 3)
    assert image.flags.c_contiguous


@each(UNREADABLE)
def test_unreadable_files_say_why(made):
    file, path = made
    with pytest.raises(ImageReadError) as caught:
        read_image(path)
    assert file.reason in caught.value.reason
    assert caught.value.path == path
    assert "\n" not in str(caught.value)


def test_missing_file_says_so(tmp_path):
    with pytest.raises(ImageReadError, match="is missing"):
        read_image(tmp_path / "nowhere.jpg")


def test_a_path_object_is_reported_as_text(tmp_path):
    with pytest.raises(ImageReadError) as caught:
        read_image(write(tmp_path, b""))
    assert caught.value.path == str(tmp_path / "picture")


def test_odd_files_have_different_names_and_kinds():
    assert len({os.fsdecode(file.name) for file in ODD_FILES}) == len(ODD_FILES)
    assert len({file.kind for file in ODD_FILES}) == len(ODD_FILES)


def test_reading_makes_no_noise_even_where_warnings_are_errors(tmp_path):
    written = odd_files.write_all(tmp_path)
    code = (
        "import sys\n"
        "from tamis.errors import ImageReadError; from tamis.images import read_image\n"
        "read = 0\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n"
        "        read_image(path)\n"
        "        read += 1\n"
        "    except ImageReadError:\n"
        "        pass\n"
        "print(read)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *(path for _, path in written)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stderr == ""
    assert int(done.stdout) == sum(file.reason is None for file, _ in written)


def test_no_file_stays_open(tmp_path):
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("counts open files in /proc")
    written = odd_files.write_all(tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    for _, path in written:
        try:
            read_image(path)
        except ImageReadError as error:
            del error
    assert len(os.listdir("/proc/self/fd")) == before


def test_heic_without_its_library_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    path = write(tmp_path, odd_files.HEIC)
    with pytest.raises(ImageReadError, match=r'pip install "tamis\[heif\]"'):
        decode_file(str(path), [None], how=Reading(), digest=False, host=Host(lambda needed: None))


FORMATS = {
    "jpeg": jpeg(PHOTO[:16, :16]),
    "jpeg with exif": jpeg(PHOTO[:16, :16], exif=odd_files.exif(6)),
    "cmyk": jpeg(odd_files.cmyk_picture().crop((0, 0, 16, 16))),
    "png": encode(PHOTO[:16, :16], "PNG"),
    "gif": encode(PHOTO[:16, :16], "GIF"),
    "tiff": encode(PHOTO[:16, :16], "TIFF"),
    "webp": encode(PHOTO[:16, :16], "WEBP"),
    "bmp": encode(PHOTO[:16, :16], "BMP"),
}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("scratch") / "damaged"


@given(data=st.data())
def test_damage_gives_a_picture_or_an_image_read_error(scratch, data):
    whole = FORMATS[data.draw(st.sampled_from(sorted(FORMATS)), "format")]
    damaged = bytearray(whole[: data.draw(st.integers(1, len(whole)), "length")])
    spots = st.tuples(st.integers(0, len(damaged) - 1), st.integers(0, 255))
    for at, value in data.draw(st.lists(spots, max_size=4), "changed bytes"):
        damaged[at] = value
    scratch.write_bytes(damaged)
    try:
        image = read_image(scratch, size=32, max_pixels=100_000)
    except ImageReadError as error:
        assert error.reason
    else:
        assert image.dtype == np.uint8
        assert max(image.shape[:2]) == 32


# JPEG


@pytest.mark.parametrize("options", [{}, {"subsampling": 0}, {"progressive": True}])
@pytest.mark.parametrize("shape", [(80, 120), (37, 53)])
def test_a_jpeg_decodes_as_pillow_decodes_it(tmp_path, shape, options):
    data = encode(photo(*shape), "JPEG", quality=85, **options)
    with Image.open(io.BytesIO(data)) as picture:
        expected = np.asarray(picture)
    np.testing.assert_array_equal(read_image(write(tmp_path, data), size=None), expected)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_as_pillow_applies_it(tmp_path, format, orientation):
    options = {"lossless": True} if format == "WEBP" else {}
    data = encode(PHOTO, format, exif=odd_files.exif(orientation), **options)
    with Image.open(io.BytesIO(data)) as picture:
        expected = np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    np.testing.assert_array_equal(read_image(write(tmp_path, data), size=None), expected)


@pytest.mark.parametrize("order", ["<", ">"])
def test_orientation_is_read_in_either_byte_order(tmp_path, order):
    tags = odd_files.exif(8)
    tags.endian = order
    path = write(tmp_path, jpeg(exif=tags))
    assert (b"Exif\0\0" + {"<": b"II", ">": b"MM"}[order]) in path.read_bytes()
    assert read_image(path, size=None).shape == (64, 48, 3)


def test_orientation_far_into_the_header_is_found(tmp_path):
    plain, turned = jpeg(), jpeg(exif=odd_files.exif(6))
    filler = b"\xff\xef" + (60_002).to_bytes(2) + bytes(60_000)
    path = write(tmp_path, turned[:2] + filler * 6 + turned[2:])
    assert read_image(path, size=None).shape == (64, 48, 3)
    assert read_image(write(tmp_path, plain), size=None).shape == (48, 64, 3)


def test_the_word_exif_in_a_picture_turns_nothing(tmp_path):
    block = b"Exif\0\0" + bytes(odd_files.exif(6).tobytes())[6:]
    comment = b"\xff\xfe" + (len(block) + 2).to_bytes(2) + block
    data = jpeg()
    path = write(tmp_path, data[:2] + comment + data[2:])
    assert read_image(path, size=None).shape == (48, 64, 3)


def test_the_word_adobe_in_a_comment_inverts_no_inks(tmp_path):
    stored = Image.frombytes("CMYK", (64, 48), (255 - odd_files.inks()).tobytes())
    data = odd_files.without_adobe(jpeg(stored))
    comment = b"\xff\xfe\0\x10Adobe makes it"
    image = read_image(write(tmp_path, data[:2] + comment + data[2:]), size=None)
    off = image.astype(int) - odd_files.inks_seen(odd_files.inks())
    assert np.abs(off).max() <= odd_files.JPEG_LOSS


def test_a_thumbnail_in_exif_does_not_hide_the_adobe_mark(tmp_path):
    # The thumbnail is a JPEG of its own, with its own start of picture data.
    block = b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + jpeg(PHOTO[:8, :8])
    data = jpeg(odd_files.cmyk_picture())
    exif = b"\xff\xe1" + (len(block) + 2).to_bytes(2) + block
    image = read_image(write(tmp_path, data[:2] + exif + data[2:]), size=None)
    off = image.astype(int) - odd_files.inks_seen(odd_files.inks())
    assert np.abs(off).max() <= odd_files.JPEG_LOSS


@pytest.mark.parametrize("shape", [(600, 800), (800, 600), (513, 1025), (129, 129), (137, 205)])
@pytest.mark.parametrize("size", [64, 128])
def test_scaled_decoding_is_close_to_shrinking_the_whole(tmp_path, shape, size):
    path = write(tmp_path, encode(photo(*shape), "JPEG", quality=92, subsampling=0))
    scaled = read_image(path, size=size)
    whole = fit(read_image(path, size=None), size)
    assert scaled.shape == whole.shape
    # Mean difference in grey levels: 0.4 to 2.5 were measured on photos.
    assert np.abs(scaled.astype(int) - whole).mean() < 2.5


def test_a_turned_jpeg_is_scaled_to_its_upright_shape(tmp_path):
    path = write(tmp_path, encode(photo(600, 800), "JPEG", exif=odd_files.exif(6)))
    assert read_image(path, size=128).shape == (128, 96, 3)


# Squares


@pytest.mark.parametrize("shape", [(60, 80), (600, 800), (1300, 700), (90, 700), (224, 224)])
@pytest.mark.parametrize("crop", [False, True])
def test_a_jpeg_comes_as_the_square_of_its_whole(tmp_path, shape, crop):
    path = write(tmp_path, encode(photo(*shape), "JPEG", quality=92, subsampling=0))
    scaled = read_image(path, size=Square(224, crop))
    whole = fit(read_image(path, size=None), Square(224, crop))
    assert scaled.shape == whole.shape == (224, 224, 3)
    assert np.abs(scaled.astype(int) - whole).mean() < 2.5
    np.testing.assert_array_equal(fit(scaled, Square(224, crop)), scaled)


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_square_is_upright(tmp_path, format, orientation):
    exif = odd_files.exif(orientation)
    path = write(tmp_path, encode(photo(200, 300), format, exif=exif))
    upright = read_image(path, size=None)
    for crop in (False, True):
        square = read_image(path, size=Square(64, crop))
        off = square.astype(int) - fit(upright, Square(64, crop))
        assert np.abs(off).mean() < 2.5


def test_a_cropped_square_shows_the_middle_and_a_stretched_one_all():
    image = np.zeros((40, 100, 3), np.uint8)
    image[:, 30:70] = 200
    assert (fit(image, Square(20, crop=True)) == 200).all()
    stretched = fit(image, Square(20))
    assert (stretched[:, :6] == 0).all()
    assert (stretched[:, 6:14] == 200).all()
    image[:, 29] = image[:, 70] = 100
    assert (fit(image, Square(20, crop=True)) == 200).all()


def test_a_picture_read_for_several_sizes_shows_each_as_alone(tmp_path):
    path = write(tmp_path, encode(photo(600, 800), "JPEG", quality=92))
    sizes = [128, 64, Square(224), Square(64), Square(224, crop=True), None]
    together = read_picture(path, sizes)
    for size in sizes:
        np.testing.assert_array_equal(together.at(size), read_image(path, size=size))


# More than 8 bits


@given(grey=hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9))))
@example(grey=np.array([[0, 255]], np.uint8))
def test_16_bits_look_like_8_bits(scratch, grey):
    grey[0, 0] = 255  # with nothing above 4095, it would be taken for 12 bits
    rgb = np.repeat(grey[:, :, np.newaxis], 3, axis=2)
    for colours, image in ((0, grey), (2, rgb)):
        scratch.write_bytes(odd_files.png16(image, colours))
        off = read_image(scratch, size=None).astype(int) - rgb
        assert np.abs(off).max() <= 1


def test_all_values_of_16_bits_keep_their_order(tmp_path):
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    seen = read_image(write(tmp_path, encode(ramp, "PNG")), size=None)[:, :, 0].ravel()
    assert (np.diff(seen.astype(int)) >= 0).all()
    assert (np.unique(seen) == np.arange(256)).all()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.4, 1.0], [0, 102, 255]),
        ([-1.0, -0.2, 1.0], [0, 102, 255]),
        ([100.0, 180.0, 300.0], [0, 102, 255]),
        ([7.0, 7.0, 7.0], [0, 0, 0]),
        ([0.25, 0.25, 0.25], [64, 64, 64]),
    ],
)
def test_floats_are_scaled_not_clipped(tmp_path, values, expected):
    data = odd_files.tiff(np.array([values], np.float32), photometric=1)
    assert read_image(write(tmp_path, data), size=None)[0, :, 0].tolist() == expected


# Limits


def test_max_pixels_is_the_number_still_allowed(tmp_path):
    for name, data in (("a.png", encode(PHOTO, "PNG")), ("a.jpg", jpeg())):
        path = write(tmp_path, data, name)
        assert read_image(path, max_pixels=48 * 64).shape == (96, 128, 3)
        with pytest.raises(ImageReadError, match="has 64 x 48 pixels, more than the limit of 3071"):
            read_image(path, max_pixels=48 * 64 - 1)


def test_max_pixels_can_be_raised_above_pillows_own_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    path = write(tmp_path, encode(PHOTO, "WEBP", lossless=True))
    np.testing.assert_array_equal(read_image(path, size=None), PHOTO)
    assert Image.MAX_IMAGE_PIXELS == 100


def test_pillows_limit_is_back_after_many_threads(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 12_345)
    good = write(tmp_path, encode(PHOTO, "PNG"), "good.png")
    bad = write(tmp_path, b"no picture", "bad.png")

    def read(path):
        try:
            return read_image(path, size=None).shape
        except ImageReadError:
            return None

    with ThreadPoolExecutor(8) as pool:
        shapes = list(pool.map(read, [good, bad] * 100))
    assert shapes == [PHOTO.shape, None] * 100
    assert Image.MAX_IMAGE_PIXELS == 12_345


def test_image_read_error_survives_a_trip_between_processes(tmp_path):
    with pytest.raises(ImageReadError) as caught:
        read_image(write(tmp_path, b""))
    back = pickle.loads(pickle.dumps(caught.value))
    assert (back.path, back.reason, str(back)) == (
        caught.value.path,
        caught.value.reason,
        str(caught.value),
    )


@pytest.mark.parametrize("file", READABLE[:1] + READABLE[17:19], ids=lambda f: f.kind)
def test_a_size_below_one_is_refused(tmp_path, file):
    path = file.path_in(tmp_path)
    file.write(path)
    with pytest.raises(InvalidParameterError, match="size must be at least 1 pixel"):
        read_image(path, size=0)


# has_signature


def test_a_signature_is_seen_in_what_has_one(tmp_path):
    no_signature = ("ICO", "PPM", "PGM")
    for file in READABLE:
        path = file.path_in(tmp_path)
        file.write(path)
        with open(path, "rb") as opened:
            head = opened.read(16)
        assert has_signature(head) != file.kind.startswith(no_signature), file.kind


@pytest.mark.parametrize("head", [b"", b"\xff", b"%PDF-1.7", b"RIFF\0\0\0\0WAVE", bytes(16)])
def test_no_signature_is_seen_in_anything_else(head):
    assert not has_signature(head)


# as_rgb


@given(image=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6)))
def test_as_rgb_repeats_grey(image):
    expected = np.stack([image] * 3, axis=-1)
    np.testing.assert_array_equal(as_rgb(image), expected)
    np.testing.assert_array_equal(as_rgb(image[:, :, np.newaxis]), expected)


@given(image=hnp.arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6), st.just(4))))
def test_as_rgb_shows_alpha_over_white(image):
    alpha = image[:, :, 3:] / 255
    expected = image[:, :, :3] * alpha + 255 * (1 - alpha)
    result = as_rgb(image)
    assert result.dtype == np.uint8
    assert np.abs(result - expected).max() <= 0.5 + 1e-9


def test_as_rgb_is_contiguous_and_leaves_its_argument():
    image = PHOTO[:, ::-1]
    before = image.copy()
    result = as_rgb(image)
    assert result.flags.c_contiguous
    np.testing.assert_array_equal(result, before)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("dtype", [np.float32, np.uint16, np.int64, bool])
def test_as_rgb_refuses_other_dtypes(dtype):
    with pytest.raises(InvalidParameterError, match=f"Got {np.dtype(dtype)}"):
        as_rgb(np.zeros((2, 2, 3), dtype))


@pytest.mark.parametrize("shape", [(3,), (2, 2, 2), (2, 2, 5), (0, 2), (2, 0, 3), (1, 2, 2, 3)])
def test_as_rgb_refuses_other_shapes(shape):
    with pytest.raises(InvalidParameterError, match="must have the shape"):
        as_rgb(np.zeros(shape, np.uint8))


# working_shape and fit


@given(sides, sides, sizes)
def test_the_longest_side_is_the_size_and_the_other_is_smooth(height, width, size):
    new = working_shape(height, width, size)
    assert max(new) == size
    assert min(new) >= 1
    assert new[0] == size if height >= width else new[1] == size
    other = min(new)
    assert other == size or is_smooth(other)


def test_proportions_change_by_less_than_documented():
    """Every length of the shorter side in tenths of a pixel, at a size where all occur."""
    size = 2000
    worst = {33: 0.0, 55: 0.0}
    for tenths in range(330, size * 10 + 1):
        height, width = working_shape(tenths, size * 10, size)
        assert width == size
        change = abs(height / (tenths / 10) - 1)
        for above in worst:
            if tenths >= above * 10:
                worst[above] = max(worst[above], change)
    assert 0.05 < worst[33] < 0.053
    assert 0.03 < worst[55] < 0.035


@given(sides, sides, sizes)
def test_working_shape_is_idempotent(height, width, size):
    once = working_shape(height, width, size)
    assert working_shape(*once, size) == once


@given(sides, sides, sizes)
def test_working_shape_does_not_care_which_side_is_which(height, width, size):
    assert working_shape(width, height, size) == working_shape(height, width, size)[::-1]


@given(sides, sides)
def test_no_size_keeps_the_shape(height, width):
    assert working_shape(height, width, None) == (height, width)


@pytest.mark.parametrize("size", [0, -1])
def test_working_shape_refuses_sizes_below_one(size):
    with pytest.raises(InvalidParameterError, match=f"Got {size}"):
        working_shape(3, 4, size)


@given(st.integers(1, 200), st.integers(1, 200), st.integers(1, 150))
def test_fit_gives_the_working_shape_and_keeps_flat_colour(height, width, size):
    image = np.full((height, width, 3), (10, 100, 250), np.uint8)
    result = fit(image, size)
    assert result.shape == (*working_shape(height, width, size), 3)
    assert result.dtype == np.uint8
    assert (result == image[0, 0]).all()
    assert fit(result, size) is result


def test_fit_down_averages_areas():
    image = np.zeros((128, 128, 3), np.uint8)
    image[::2] = 200
    assert (fit(image, 64) == 100).all()


def test_fit_up_draws_a_line_between_pixels():
    image = np.array([[[0] * 3, [80] * 3]], np.uint8)
    row = fit(image, 8)[0, :, 0]
    assert (np.diff(row.astype(int)) >= 0).all()
    assert (row[0], row[-1]) == (0, 80)
    assert len(set(row.tolist())) > 2


def test_fit_without_size_is_the_picture_itself():
    assert fit(PHOTO, None) is PHOTO


def test_the_same_photo_at_two_sizes_looks_alike(tmp_path):
    large = photo(480, 640)
    small = np.asarray(Image.fromarray(large).resize((320, 240), Image.Resampling.BOX))
    images = [
        read_image(write(tmp_path, encode(image, "PNG")), size=128) for image in (large, small)
    ]
    off = np.abs(images[0].astype(int) - images[1])
    assert off.mean() < 1
    assert math.isclose(images[0].mean(), images[1].mean(), rel_tol=0.01)
