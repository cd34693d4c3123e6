"""Kinds of pictures that decoders get wrong, refuse, or die of."""

import io
import itertools
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from odd_files import ALPHA, GREY, GREY3, PHOTO, encode, jpeg, over_white, png, png_chunk, tiff
from tamis.errors import ImageReadError
from tamis.images import Square, has_signature, read_image
from tamis.images.exif import orientation_of
from tamis.images.isobmff import clean_aperture


@pytest.fixture
def shown(tmp_path):
    """Give the pixels of a picture, given as bytes."""

    def read(data, **options):
        path = tmp_path / "picture"
        path.write_bytes(data)
        return read_image(path, **({"size": None} | options)).astype(int)

    return read


def refused(shown, data, reason, **options):
    with pytest.raises(ImageReadError, match=reason) as caught:
        shown(data, **options)
    return caught.value.reason


# JPEG


def segment(marker, body):
    return bytes([255, marker]) + (len(body) + 2).to_bytes(2) + body


def lossless(height, width):
    """Write a lossless JPEG (SOF3), a gradient of mean (127, 127, 200), bit by bit."""
    y, x = np.mgrid[:height, :width]
    image = np.stack([x * 255 // width, y * 255 // height, np.full_like(x, 200)], axis=-1)
    before = np.empty_like(image)
    before[:, 1:] = image[:, :-1]
    before[1:, 0] = image[:-1, 0]
    before[0, 0] = 128
    bits = []
    for change in (image - before).ravel().tolist():
        kind = abs(change).bit_length()
        bits.append(f"{kind:04b}")
        if kind:
            bits.append(f"{change if change > 0 else change + (1 << kind) - 1:0{kind}b}")
    text = "".join(bits)
    text += "1" * (-len(text) % 8)
    data = int(text, 2).to_bytes(len(text) // 8).replace(b"\xff", b"\xff\0")
    parts = b"".join(bytes([name, 0x11, 0]) for name in b"RGB")
    return (
        b"\xff\xd8"
        + segment(0xC3, struct.pack(">BHHB", 8, height, width, 3) + parts)
        + segment(0xC4, bytes([0, 0, 0, 0, 9]) + bytes(12) + bytes(range(9)))
        + segment(0xDA, b"\3" + b"".join(bytes([name, 0]) for name in b"RGB") + b"\1\0\0")
        + data
        + b"\xff\xd9"
    )


@pytest.mark.parametrize("size", [None, 16, 128, 200, Square(64), Square(32, crop=True)])
@pytest.mark.parametrize("shape", [(150, 200), (301, 517)])
def test_a_lossless_jpeg_is_never_scaled_by_its_decoder(shown, shape, size):
    image = shown(lossless(*shape), size=size)
    assert np.abs(image.mean(axis=(0, 1)) - (127, 127, 200)).max() < 3


def test_a_progressive_jpeg_is_scaled_as_a_baseline_one(shown):
    y, x = np.mgrid[:600, :800]
    photo = np.stack([x // 4, y // 3, (x + y) // 6], axis=-1).astype(np.uint8)
    ways = [shown(encode(photo, "JPEG", progressive=p), size=128) for p in (False, True)]
    assert np.abs(ways[0] - ways[1]).max() <= 1


def test_scans_without_end_are_refused_by_number(shown):
    data = jpeg(progressive=True)
    last = data.rindex(b"\xff\xda")
    assert shown(data).shape == PHOTO.shape
    many = data[:-2] + data[last:-2] * 1000 + b"\xff\xd9"
    refused(shown, many, r"is a JPEG of 10\d\d scans or more, and the limit is 200")


@pytest.mark.parametrize(
    ("frame", "bits", "reason"),
    [(0xC1, 12, "of 12 bits per sample"), (0xC5, 8, "of a rare kind .SOF5.")],
)
def test_kinds_of_jpeg_that_cannot_be_read_are_named(shown, frame, bits, reason):
    data = bytearray(jpeg())
    at = data.index(b"\xff\xc0")
    data[at + 1], data[at + 4] = frame, bits
    assert "damaged" not in refused(shown, bytes(data), reason)


def test_a_torn_jpeg_is_refused(shown):
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    photo = Image.fromarray(noise).resize((480, 320), Image.Resampling.BICUBIC)
    data = encode(photo, "JPEG", quality=90)
    refusals = 0
    for at in range(data.index(b"\xff\xda") + 1000, len(data) - 1000, 2500):
        torn = data[:at] + bytes(512) + data[at + 512 :]
        try:
            off = np.abs(shown(torn) - shown(data)).max()
        except ImageReadError as error:
            refusals += 1
            assert "Corrupt JPEG data" in error.reason
        else:  # libjpeg has nothing against it: as many rows as it wanted
            assert off > 0
    assert refusals >= 8


def test_data_that_are_left_over_are_damage_and_filling_is_not(shown):
    data = jpeg()
    np.testing.assert_array_equal(shown(data[:-2] + bytes(100) + b"\xff\xd9"), shown(data))
    rest = bytes(range(1, 101))
    refused(shown, data[:-2] + rest + b"\xff\xd9", "extraneous bytes before marker 0xd9")
    # A file that was not written to its end, and is filled up, is not whole.
    refused(shown, data[: len(data) * 3 // 4].ljust(len(data) * 2, b"\0"), "damaged")


def test_damage_behind_stray_bytes_is_seen(shown):
    noisy = jpeg(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    at = noisy.index(b"\xff\xdb")
    stray = noisy[:at] + b"\0" * 7 + noisy[at:]
    np.testing.assert_array_equal(shown(stray), shown(noisy))
    refused(shown, stray[: len(stray) // 2] + b"\xff\xd9", "damaged")


def test_a_progressive_jpeg_without_its_last_scans_is_refused(shown):
    data = jpeg(progressive=True)
    np.testing.assert_array_equal(shown(data[:-2]), shown(data))
    refused(shown, data[: data.rindex(b"\xff\xda")], "Premature end")


@pytest.mark.parametrize("numbers", [b"\0\0", b"\1\2", b"\1\1", b"\5\1", b"\xff\xff"])
def test_a_broken_profile_is_no_reason_to_refuse(shown, numbers):
    data = jpeg()
    body = b"ICC_PROFILE\0" + numbers + b"x" * 200
    with_profile = data[:2] + segment(0xE2, body) + data[2:]
    np.testing.assert_array_equal(shown(with_profile), shown(data))


def test_a_jpeg_of_one_colour_is_read_and_one_that_lost_its_colours_is_not(shown):
    for mode, colour in (("RGB", (9, 90, 200)), ("L", 60), ("CMYK", (1, 2, 3, 4))):
        shown(encode(Image.new(mode, (400, 300), colour), "JPEG", quality=100, subsampling=0))
    data = bytearray(jpeg(np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)))
    for at in [i for i in range(len(data) - 1) if data[i : i + 2] == b"\xff\xdb"]:
        data[at + 5 : at + 69] = bytes(64)  # all steps are 0: nothing is left of the data
    refused(shown, bytes(data), "damaged")


# Orientation


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("kind", "form"), [(1, "B"), (3, "H"), (4, "I"), (6, "b"), (8, "h"), (9, "i")]
)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_orientation_may_have_any_integer_type(shown, format, kind, form, order):
    value = struct.pack(order + form, 6).ljust(4, b"\0")
    block = {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "HI", 42, 8)
    block += struct.pack(order + "HHHI", 1, 0x112, kind, 1) + value + bytes(4)
    assert orientation_of(block) == 6
    data = encode(PHOTO, format, exif=b"Exif\0\0" + block)
    assert shown(data).shape == (64, 48, 3)


# PNG


@pytest.mark.parametrize(
    "chunk",
    [
        png_chunk(b"tEXt", b"a\0b")[:-1] + b"x",
        png_chunk(b"zTXt", b"Comment\0\5abc"),
        png_chunk(b"cHRM", b"abc"),
        png_chunk(b"pHYs", b"abc"),
        png_chunk(b"sRGB"),
        png_chunk(b"gAMA", b"\0"),
        png_chunk(b"acTL", bytes(8)),
        png_chunk(b"acTL", b"\0\0\0\2\0\0\0\0"),
        png_chunk(b"tRNS", b"\0"),
        png_chunk(b"iCCP", b"broken\0\0no deflate"),
        png_chunk(b"eXIf", b"MM\0*"),
        png_chunk(b"zTXt", b"prompt\0\0" + zlib.compress(b"workflow " * 200_000)),
        png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + b"x" * 1_500_000),
        png_chunk(b"iCCP", b"lut\0\0" + zlib.compress(bytes(1_100_000))),
    ],
    ids=range(14),
)
def test_what_stands_beside_a_png_is_no_reason_to_refuse_it(shown, chunk):
    data = encode(PHOTO, "PNG")
    np.testing.assert_array_equal(shown(data[:33] + chunk + data[33:]), PHOTO)
    np.testing.assert_array_equal(shown(data[:-12] + chunk + data[-12:]), PHOTO)


@pytest.mark.parametrize(("depth", "clear"), [(1, 1), (2, 2), (4, 9), (8, 120), (16, 30_000)])
def test_a_transparent_grey_is_white_at_every_depth(shown, depth, clear):
    values = np.full((32, 32), clear)
    values[8:24, 8:24] = 0
    if depth == 16:
        rows = [row.tobytes() for row in values.astype(">u2")]
    else:
        bits = (values[:, :, np.newaxis] >> np.arange(depth)[::-1] & 1).astype(np.uint8)
        rows = [row.tobytes() for row in np.packbits(bits.reshape(32, -1), axis=1)]
    image = shown(png(32, 32, depth, 0, rows, png_chunk(b"tRNS", clear.to_bytes(2))))
    assert (image[8:24, 8:24] == 0).all()
    assert (image[:8] == 255).all()


def test_12_bits_in_a_png_of_colours(shown):
    rows = [row.tobytes() for row in (PHOTO.astype(np.uint16) * 16).astype(">u2")]
    assert np.abs(shown(png(48, 64, 16, 2, rows)) - PHOTO).max() <= 1


# TIFF


def test_12_bits_in_a_tiff_of_colours(shown):
    assert np.abs(shown(tiff(PHOTO.astype(np.uint16) * 16, photometric=2)) - PHOTO).max() <= 1


def test_32_bits_without_a_sign(shown):
    ramp = np.linspace(0, 2**32 - 1, 64).astype(np.uint32)
    image = shown(tiff(np.tile(ramp, (4, 1)), photometric=1))[0, :, 0]
    np.testing.assert_allclose(image, np.linspace(0, 255, 64), atol=1)


@pytest.mark.parametrize("scale", [1, 257])
def test_a_palette_of_8_or_16_bits(shown, scale):
    picture = Image.fromarray(GREY)
    colours = [255 - i for i in range(256)]
    data = bytearray(encode(picture.convert("P"), "TIFF"))
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.mode == "P"
    at = data.index(struct.pack("<HH", 320, 3))
    (where,) = struct.unpack_from("<I", data, at + 8)
    struct.pack_into("<768H", data, where, *[c * scale for c in colours] * 3)
    np.testing.assert_array_equal(shown(bytes(data)), 255 - GREY3)


def test_grey_with_alpha_that_is_multiplied_in(shown):
    both = np.dstack([GREY.astype(int) * ALPHA // 255, ALPHA]).astype(np.uint8)
    data = bytearray(tiff(both, photometric=1))
    # The tag of planes, which is 1 by default, gives its place to that of the alpha.
    at = data.index(struct.pack("<HHI", 284, 3, 1))
    rest = data.index(struct.pack("<HHI", 339, 3, 2))
    sample_format = bytes(data[rest : rest + 12])
    data[at : at + 24] = struct.pack("<HHIHH", 338, 3, 1, 1, 0) + sample_format
    assert np.abs(shown(bytes(data)) - over_white(GREY3, ALPHA)).max() <= 3


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        ((GREY / 255).astype(np.float16), "1 floating-point sample of 16 bits"),
        ((PHOTO / 255).astype(np.float32), "3 floating-point samples of 32 bits"),
    ],
)
def test_a_tiff_that_cannot_be_read_is_not_called_damaged(shown, image, kind):
    photometric = 1 if image.ndim == 2 else 2
    whole = tiff(image, photometric=photometric)
    assert "damaged" not in refused(shown, whole, kind)
    refused(shown, whole[: len(whole) // 2], "truncated or damaged")


# BMP and its like


def bmp(bits, masks, values, header=40):
    height, width = values.shape
    kind = "<u2" if bits == 16 else "<u4"
    body = b"".join(row.astype(kind).tobytes() for row in values[::-1])
    fields = struct.pack(f"<{len(masks)}I", *masks)
    head = struct.pack(
        "<IiiHHIIiiII", header, width, height, 1, bits, 3, len(body), 2835, 2835, 0, 0
    )
    head += fields.ljust(header - 40, b"\0") if header > 40 else fields
    start = 14 + len(head)
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + head + body


MASKS = [
    (16, (0xF00, 0xF0, 0xF), 40),
    (16, (0xF00, 0xF0, 0xF, 0xF000), 124),
    (16, (0xF800, 0x7E0, 0x1F), 40),
    (16, (0x7C00, 0x3E0, 0x1F, 0x8000), 124),
    (32, (0xFF, 0xFF00, 0xFF0000), 40),
    (32, (0x3FF00000, 0xFFC00, 0x3FF), 40),
    (32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000), 124),
]


@pytest.mark.parametrize(("bits", "masks", "header"), MASKS)
def test_a_bmp_of_bit_fields(shown, bits, masks, header):
    values = np.zeros(GREY.shape, np.uint64)
    for channel, mask in enumerate(masks):
        shift = (mask & -mask).bit_length() - 1
        whole = np.full(GREY.shape, 255) if channel == 3 else PHOTO[:, :, channel]
        values |= np.rint(whole / 255 * (mask >> shift)).astype(np.uint64) << np.uint64(shift)
    levels = min(mask.bit_count() for mask in masks[:3])
    image = shown(bmp(bits, masks, values, header))
    assert np.abs(image - PHOTO).max() <= 128 / (2**levels - 1) + 1
    upright = bytearray(bmp(bits, masks, values[::-1], header))
    struct.pack_into("<i", upright, 22, -48)
    np.testing.assert_array_equal(shown(bytes(upright)), image)


def test_a_bmp_that_ends_early_is_refused(shown):
    data = bmp(32, MASKS[-1][1], np.zeros((48, 64), np.uint64), 124)
    refused(shown, data[:-1], "truncated")
    for wide, high in ((0, 48), (64, 0), (-5, 48), (2**31 - 1, 2**31 - 1)):
        broken = bytearray(data)
        struct.pack_into("<ii", broken, 18, wide, high)
        refused(shown, bytes(broken), "damaged|pixels")


@pytest.mark.parametrize("format", ["BMP", "ICO", "TGA"])
def test_an_alpha_of_nothing_but_0_is_none(shown, tmp_path, format):
    picture = PHOTO[:, :48]
    options = {"sizes": [(48, 48)], "bitmap_format": "bmp"} if format == "ICO" else {}
    clear = np.dstack([picture, np.zeros((48, 48), np.uint8)])
    if format == "BMP":
        r, g, b = (picture[:, :, i].astype(np.uint64) for i in range(3))
        values = r << np.uint64(16) | g << np.uint64(8) | b
        data = bmp(32, MASKS[-1][1], values, 124)
    else:
        data = encode(clear, format, **options)
    np.testing.assert_array_equal(shown(data), picture)
    np.testing.assert_array_equal(shown(encode(clear, "PNG")), np.full_like(picture, 255))


# Containers


def test_a_jpeg_2000_without_its_box(shown):
    data = encode(PHOTO, "JPEG2000", no_jp2=True)
    assert data[:4] == b"\xff\x4f\xff\x51" and has_signature(data[:64])
    np.testing.assert_array_equal(shown(data), PHOTO)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\xff\x0a", "JPEG XL"),
        (b"FUJIFILMCCD-RAW 0201", "raw picture .RAF"),
        (b"II*\0\x10\0\0\0CR\2\0", "raw picture .CR2"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1", "raw picture .CR3"),
    ],
)
def test_pictures_that_nothing_here_decodes_are_named(shown, head, name):
    reason = refused(shown, head.ljust(200, b"\0"), name)
    assert "cannot be read. Convert it" in reason and "damaged" not in reason


def boxes(data, start, end):
    while start + 8 <= end:
        length = int.from_bytes(data[start : start + 4])
        yield data[start + 4 : start + 8], start, start + length
        start += length


def inside(data, *path):
    start, end = 0, len(data)
    for name in path:
        found = next(box for box in boxes(data, start, end) if box[0] == name)
        start, end = found[1] + (12 if name == b"meta" else 8), found[2]
    return start, end


def with_longer_meta(data, at, old, new, parents):
    """Replace a part of the meta box, whose parents and offsets are told."""
    grow = len(new) - old
    out = bytearray(data)
    offsets = inside(data, b"meta", b"iloc")[0]
    sizes = out[offsets + 4]
    assert (out[offsets], sizes) == (0, 0x44)
    place = offsets + 8
    for _ in range(int.from_bytes(out[offsets + 6 : offsets + 8])):
        place += 4 + (out[offsets + 5] >> 4)
        extents = int.from_bytes(out[place : place + 2])
        place += 2
        for _ in range(extents):
            out[place : place + 4] = (int.from_bytes(out[place : place + 4]) + grow).to_bytes(4)
            place += 8
    for depth in range(len(parents)):
        start = inside(data, *parents[: depth + 1])[0] - (12 if depth == 0 else 8)
        out[start : start + 4] = (int.from_bytes(out[start : start + 4]) + grow).to_bytes(4)
    out[at : at + old] = new
    return bytes(out)


def test_an_avif_with_a_box_of_associations_per_item(shown):
    clear = np.dstack([PHOTO, np.where(np.arange(64) < 32, 255, 0) * np.ones((48, 1))])
    data = encode(clear.astype(np.uint8), "AVIF", quality=90)
    start, _ = inside(data, b"meta", b"iprp", b"ipma")
    at, end = start - 8, inside(data, b"meta", b"iprp", b"ipma")[1]
    entries, place = [], start + 8
    while place < end:
        length = 3 + data[place + 2]
        entries.append(data[place : place + length])
        place += length
    assert len(entries) == 2
    split = b"".join(struct.pack(">I4sII", 16 + len(e), b"ipma", 0, 1) + e for e in entries)
    twice = with_longer_meta(data, at, end - at, split, (b"meta", b"iprp"))
    with pytest.raises(OSError):
        Image.open(io.BytesIO(twice)).load()
    np.testing.assert_array_equal(shown(twice), shown(data))


def test_an_avif_is_cut_to_its_clean_aperture(shown):
    data = encode(PHOTO, "AVIF", quality=100, subsampling="4:4:4")
    clap = struct.pack(">I4sIIIIiIiI", 40, b"clap", 32, 1, 24, 1, -8, 1, 4, 1)
    at = inside(data, b"meta", b"iprp", b"ipco")[1]
    cut = with_longer_meta(data, at, 0, clap, (b"meta", b"iprp", b"ipco"))
    assert clean_aperture(cut) == (32, 24, -8, 4)
    np.testing.assert_array_equal(shown(cut), shown(data)[16:40, 8:40])


@pytest.mark.parametrize("brand", [b"mif1", b"mif2", b"msf1"])
def test_an_avif_may_call_itself_a_container(shown, brand):
    data = encode(PHOTO, "AVIF")
    assert has_signature(data.replace(b"ftypavif", b"ftyp" + brand, 1)[:64])
    again = data.replace(b"ftypavif", b"ftyp" + brand, 1)
    np.testing.assert_array_equal(shown(again), shown(data))


def test_an_avif_whose_data_are_gone_is_refused(shown):
    noise = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
    data = encode(noise, "AVIF")
    assert shown(data).shape == (96, 128, 3)
    assert shown(encode(np.full_like(noise, 128), "AVIF")).shape == (96, 128, 3)
    at = inside(data, b"mdat")[0]
    refusals = 0
    for keep in range(20, 200, 20):
        gone = data[: at + keep] + bytes(len(data) - at - keep)
        try:
            assert np.ptp(shown(gone)) > 0
        except ImageReadError:
            refusals += 1
    assert refusals > 0


ONE_COLOUR = ["GIF", "WEBP", "JPEG2000", "AVIF", "TIFF", "PNG", "BMP", "PPM"]


@pytest.mark.parametrize("format", ONE_COLOUR)
@pytest.mark.parametrize("mode", ["RGB", "L", "1"])
def test_a_picture_of_one_colour_is_whole(shown, format, mode):
    if (format, mode) == ("JPEG2000", "1"):
        mode = "L"  # there is no such file
    options = {
        "TIFF": {"compression": "group4" if mode == "1" else "tiff_lzw"},
        "PNG": {"compress_level": 0},
    }.get(format, {})
    image = shown(encode(Image.new(mode, (700, 500), "white"), format, **options))
    assert (image >= 254).all()
    lossless = {"WEBP": {"lossless": True}}.get(format, options)
    image = shown(encode(Image.new(mode, (700, 500), "black"), format, **lossless))
    assert (image <= 1).all()


# Profiles


def profile(red_first=True):
    """Give the profile of sRGB, or one whose red and green are exchanged."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    if not red_first:
        count = int.from_bytes(data[128:132])
        places = {bytes(data[p : p + 4]): p for p in range(132, 132 + 12 * count, 12)}
        for name, other in itertools.permutations((b"rXYZ", b"gXYZ")):
            data[places[name] : places[name] + 4] = other
    return bytes(data)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_profile_is_applied_in_every_format(shown, format):
    options = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}.get(format, {})
    plain = shown(encode(PHOTO, format, **options))
    other = encode(PHOTO, format, icc_profile=profile(red_first=False), **options)
    assert np.abs(shown(other) - plain[:, :, [1, 0, 2]]).max() <= 2
    np.testing.assert_array_equal(shown(other, icc=False), plain)
    assert np.abs(shown(other, size=32) - shown(other, size=32, icc=False)).max() > 20


def test_a_profile_of_srgb_changes_nothing(shown):
    for format in ("JPEG", "PNG"):
        plain, said = (shown(encode(PHOTO, format, **o)) for o in ({}, {"icc_profile": profile()}))
        np.testing.assert_array_equal(said, plain)


def test_a_profile_of_another_kind_of_pixels_is_ignored(shown):
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    np.testing.assert_array_equal(shown(encode(PHOTO, "PNG", icc_profile=lab)), PHOTO)
    np.testing.assert_array_equal(shown(encode(PHOTO, "PNG", icc_profile=b"x" * 200)), PHOTO)


def test_pixels_lie_one_after_the_other(tmp_path):
    Image.fromarray(np.zeros((769, 1025, 3), np.uint8)).save(tmp_path / "a.jpg")
    for size in (None, 128, 600, 1024, Square(129), Square(96, crop=True)):
        assert read_image(tmp_path / "a.jpg", size=size).flags.c_contiguous
