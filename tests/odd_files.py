"""Damaged and odd picture files, each written by a few lines, with what must become of it.

Two sorts: odd but readable, with the pixels that must come out, and unreadable, with
a part of the reason that must be given. Import `ODD_FILES` to go through them, or
call `write_all` for a folder that holds them all.
"""

import base64
import io
import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import simplejpeg
from PIL import Image

H, W = 48, 64

_Y, _X = np.mgrid[:H, :W]
PHOTO = np.stack([_X * 2 + _Y, 200 - _X * 3 + _Y // 2, 40 + _Y * 4], axis=-1).clip(0, 255)
"""A smooth picture, (48, 64, 3): no two of its eight turned and mirrored forms are alike."""
PHOTO = PHOTO.astype(np.uint8)
GREY = np.ascontiguousarray(PHOTO[:, :, 0])
GREY3 = np.repeat(GREY[:, :, np.newaxis], 3, axis=2)
ALPHA = (_X * 4).astype(np.uint8)

JPEG_LOSS = 8
"""Levels by which a pixel of `PHOTO` may change at quality 95, chroma not subsampled."""

TURNED = {
    1: PHOTO,
    2: PHOTO[:, ::-1],
    3: PHOTO[::-1, ::-1],
    4: PHOTO[::-1],
    5: PHOTO.transpose(1, 0, 2),
    6: PHOTO[::-1].transpose(1, 0, 2),
    7: PHOTO[::-1, ::-1].transpose(1, 0, 2),
    8: PHOTO[:, ::-1].transpose(1, 0, 2),
}
"""What must be seen when `PHOTO` is stored with EXIF orientation 1 to 8."""


@dataclass(frozen=True)
class OddFile:
    """One file: how to write it, and what reading it must give."""

    kind: str
    """What is odd about it, in plain ASCII."""
    name: str | bytes
    write: Callable[[str], None]
    reason: str | None = None
    """Part of the reason it cannot be read for; None if it can be."""
    expected: np.ndarray | None = None
    """The pixels, or what broadcasts to them; None if they are of no interest."""
    tolerance: int = 0
    skip: str = ""
    """Why this machine cannot have such a file; empty if it can."""

    def path_in(self, folder: str | os.PathLike[str]) -> str:
        return os.path.join(folder, os.fsdecode(self.name))


def write_all(folder: str | os.PathLike[str]) -> list[tuple[OddFile, str]]:
    """Write every file that this machine can have; give each with its path."""
    written = []
    for file in ODD_FILES:
        if not file.skip:
            path = file.path_in(folder)
            file.write(path)
            written.append((file, path))
    return written


# How to make the bytes


def encode(image: np.ndarray | Image.Image, format: str, **options: object) -> bytes:
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    out = io.BytesIO()
    picture.save(out, format, **options)
    return out.getvalue()


def jpeg(image: np.ndarray | Image.Image = PHOTO, **options: object) -> bytes:
    return encode(image, "JPEG", **({"quality": 95, "subsampling": 0} | options))


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def png(height: int, width: int, depth: int, colours: int, rows: list[bytes], *extra: bytes):
    """Build a PNG by hand, for the kinds that Pillow does not write."""
    header = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    chunks = (png_chunk(b"IHDR", header), *extra, png_chunk(b"IDAT", data), png_chunk(b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def png_chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png16(image: np.ndarray, colours: int) -> bytes:
    rows = [row.tobytes() for row in (image.astype(np.uint16) * 257).astype(">u2")]
    return png(*image.shape[:2], 16, colours, rows)


def tiff(image: np.ndarray, *, photometric: int, planes: bool = False) -> bytes:
    """Build an uncompressed little-endian TIFF by hand, with its directory at the start."""
    height, width, *rest = image.shape
    samples = rest[0] if rest else 1
    kind = {"u": 1, "i": 2, "f": 3}[image.dtype.kind]
    strips = [image[:, :, c] for c in range(samples)] if planes else [image]
    strips = [np.ascontiguousarray(strip).tobytes() for strip in strips]
    tail = 8 + 2 + 11 * 12 + 4
    extra = b""

    def many(tag: int, type_: int, values: list[int]) -> bytes:
        nonlocal extra
        packed = struct.pack(f"<{len(values)}{'HI'[type_ == 4]}", *values)
        if len(packed) <= 4:
            return struct.pack("<HHI4s", tag, type_, len(values), packed)
        extra += packed
        return struct.pack("<HHII", tag, type_, len(values), tail + len(extra) - len(packed))

    data_at = tail + 100
    offsets = [data_at + sum(map(len, strips[:i])) for i in range(len(strips))]
    entries = [
        many(256, 4, [width]),
        many(257, 4, [height]),
        many(258, 3, [image.dtype.itemsize * 8] * samples),
        many(259, 3, [1]),
        many(262, 3, [photometric]),
        many(273, 4, offsets),
        many(277, 3, [samples]),
        many(278, 4, [height]),
        many(279, 4, [len(strip) for strip in strips]),
        many(284, 3, [2 if planes else 1]),
        many(339, 3, [kind] * samples),
    ]
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + b"".join(entries) + bytes(4)
    return (head + extra).ljust(data_at, b"\0") + b"".join(strips)


def over_white(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    a = alpha[:, :, np.newaxis] / 255
    return np.rint(image * a + 255 * (1 - a)).astype(np.uint8)


def inks(seed: int = 0) -> np.ndarray:
    """Smooth CMYK values, (48, 64, 4), 255 for full ink."""
    return np.dstack([PHOTO, (_X + 10 * seed).astype(np.uint8)])


def inks_seen(cmyk: np.ndarray) -> np.ndarray:
    left = 255 - cmyk.astype(float)
    return np.rint(left[:, :, :3] * left[:, :, 3:] / 255).astype(np.uint8)


def cmyk_picture() -> Image.Image:
    return Image.frombytes("CMYK", (W, H), inks().tobytes())


def without_adobe(data: bytes) -> bytes:
    """Drop the marker by which a CMYK JPEG says that its inks are stored inverted."""
    at = data.index(b"Adobe") - 4
    return data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4]) :]


def palette() -> Image.Image:
    return Image.fromarray(PHOTO).quantize(32)


def palette_clear(index: int) -> np.ndarray:
    picture = palette()
    clear = np.asarray(picture)[:, :, np.newaxis] == index
    return np.where(clear, 255, np.asarray(picture.convert("RGB")))


def bilevel() -> np.ndarray:
    return np.where(GREY3 > 100, 255, 0).astype(np.uint8)


def animation(format: str, **options: object) -> bytes:
    second = Image.fromarray(255 - PHOTO)
    return encode(PHOTO, format, save_all=True, append_images=[second], **options)


def wide(width: int, height: int = 48) -> np.ndarray:
    return np.full((height, width, 3), (200, 40, 10), np.uint8)


HEIC = base64.b64decode(  # 64x64, blue (30, 60, 200) on the left, red (200, 40, 40) on the right
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAVZtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAA"
    "AAAAAAAAACJpbG9jAAAAAERAAAEAAQAAAAABegABAAAAAAAAACsAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABo"
    "dmMxAAAAAA5waXRtAAAAAAABAAAA1mlwcnAAAAC3aXBjbwAAAHhodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEA"
    "GEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQArQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbqSSmubgIaDAgAAAMAyAAA"
    "AwAIQGIAAQAHRAHBcrAiQAAAABNjb2xybmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAABAAAAAQAAAABBwaXhpAAAAAAMI"
    "CAgAAAAXaXBtYQAAAAAAAAABAAEEgQIDBAAAADNtZGF0AAAAJygBrxOA5TPAn//yzqK/8pHV/zGKKpW89g//zI5xfyEu"
    "3KRWT7x/wA=="
)
HEIC_SEEN = np.repeat(np.array([[30, 60, 200], [200, 40, 40]]), 32, axis=0)


def cut(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)]


def noisy() -> np.ndarray:
    """Give a picture that no format compresses much, so that a cut hits its data."""
    return np.random.default_rng(0).integers(0, 256, (H, W, 3), dtype=np.uint8)


def corrupt(data: bytes, at: int, put: bytes) -> bytes:
    return data[:at] + put + data[at + len(put) :]


def wrong_header_crc() -> bytes:
    data = encode(PHOTO, "PNG")
    return corrupt(data, 29, bytes([data[29] ^ 255]))


def flipped_png() -> bytes:
    data = encode(PHOTO, "PNG", compress_level=0)
    return corrupt(data, len(data) // 2, bytes([data[len(data) // 2] ^ 255]))


def jpeg_announcing(height: int, width: int) -> bytes:
    data = jpeg()
    return corrupt(data, data.index(b"\xff\xc0") + 5, struct.pack(">HH", height, width))


def gif_announcing(height: int, width: int) -> bytes:
    size = struct.pack("<HH", width, height)
    return b"GIF89a" + size + b"\x80\0\0" + bytes(6) + b",\0\0\0\0" + size + b"\0\2\2\x4c\1\0;"


def exif_cut_short() -> bytes:
    """Build a JPEG whose EXIF says orientation 6, then announces more than it holds."""
    block = b"Exif\0\0II*\0\x08\0\0\0\xff\0" + struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)
    data = jpeg()
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]


def exif_nonsense() -> bytes:
    block = b"Exif\0\0" + b"no directory at all " * 4
    data = jpeg()
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]


def tiff_with_odd_tag() -> bytes:
    """Build a TIFF with a tag whose value lies beyond the end of the file."""
    data = tiff(PHOTO, photometric=2)
    at = data.index(struct.pack("<HHI", 339, 3, 3))
    return corrupt(data, at, struct.pack("<HHII", 700, 7, 5000, len(data) - 10))


# How to put them there


def _file(kind: str, name: str | bytes, make: Callable[[], bytes], **rest: object) -> OddFile:
    def write(path: str) -> None:
        with open(path, "wb") as file:
            file.write(make())

    return OddFile(kind, name, write, **rest)


def _named(kind: str, name: str | bytes, **rest: object) -> OddFile:
    return _file(f"name: {kind}", name, lambda: encode(PHOTO, "PNG"), expected=PHOTO, **rest)


def _broken_link(path: str) -> None:
    os.symlink("nowhere.jpg", path)


def _link_to_itself(path: str) -> None:
    os.symlink(os.path.basename(path), path)


def _forbidden(path: str) -> None:
    with open(path, "wb") as file:
        file.write(jpeg())
    os.chmod(path, 0)


_NO_FIFO = "" if hasattr(os, "mkfifo") else "this system has no named pipes"
_ROOT = "root may read everything" if not hasattr(os, "geteuid") or os.geteuid() == 0 else ""
_NOT_BYTES = "" if os.name == "posix" and os.uname().sysname == "Linux" else "names must be text"
_JUNK = bytes(range(256)) * 2

READABLE = (
    _file("PNG grey", "grey.png", lambda: encode(GREY, "PNG"), expected=GREY3),
    _file("PNG RGB", "rgb.png", lambda: encode(PHOTO, "PNG"), expected=PHOTO),
    _file(
        *("PNG RGBA", "rgba.png", lambda: encode(np.dstack([PHOTO, ALPHA]), "PNG")),
        expected=over_white(PHOTO, ALPHA),
        tolerance=1,
    ),
    _file(
        *("PNG grey with alpha", "la.png"),
        lambda: encode(Image.merge("LA", [Image.fromarray(c) for c in (GREY, ALPHA)]), "PNG"),
        expected=over_white(GREY3, ALPHA),
        tolerance=1,
    ),
    _file(
        *("PNG palette", "palette.png", lambda: encode(palette(), "PNG")),
        expected=np.asarray(palette().convert("RGB")),
    ),
    _file(
        *("PNG palette, one colour clear", "palette_clear.png"),
        lambda: encode(palette(), "PNG", transparency=3),
        expected=palette_clear(3),
    ),
    _file(
        *("PNG palette, alpha per colour", "palette_alpha.png"),
        lambda: encode(palette(), "PNG", transparency=bytes([255] * 5 + [0] + [255] * 26)),
        expected=palette_clear(5),
    ),
    _file(
        *("PNG RGB, one colour clear", "colour_key.png"),
        lambda: png(1, 2, 8, 2, [b"\1\2\3\4\5\6"], png_chunk(b"tRNS", b"\0\1\0\2\0\3")),
        expected=np.array([[[255, 255, 255], [4, 5, 6]]]),
    ),
    _file(
        *("PNG 1 bit", "bilevel.png", lambda: encode(Image.fromarray(GREY > 100), "PNG")),
        expected=bilevel(),
    ),
    _file(
        *("PNG 2 bits grey", "2bit.png", lambda: png(1, 4, 2, 0, [bytes([0b00011011])])),
        expected=np.array([[[0], [85], [170], [255]]]),
    ),
    _file("PNG 16 bits grey", "grey16.png", lambda: png16(GREY, 0), expected=GREY3, tolerance=1),
    _file("PNG 16 bits RGB", "rgb16.png", lambda: png16(PHOTO, 2), expected=PHOTO, tolerance=1),
    _file(
        *("PNG 16 bits RGBA", "rgba16.png", lambda: png16(np.dstack([PHOTO, ALPHA]), 6)),
        expected=over_white(PHOTO, ALPHA),
        tolerance=2,
    ),
    _file(
        *("PNG 12 bits in 16", "grey12.png"),
        lambda: encode((GREY * (4095 / 255)).round().astype(np.uint16), "PNG"),
        expected=GREY3,
        tolerance=1,
    ),
    _file("PNG, junk after its end", "junk.png", lambda: encode(PHOTO, "PNG") + _JUNK),
    _file("PNG without its end mark", "endless.png", lambda: encode(PHOTO, "PNG")[:-12]),
    _file(
        *("PNG, animated", "animated.png", lambda: animation("PNG")),
        expected=PHOTO,
    ),
    _file("JPEG", "plain.jpg", jpeg, expected=PHOTO, tolerance=JPEG_LOSS),
    _file("JPEG grey", "grey.jpg", lambda: jpeg(GREY), expected=GREY3, tolerance=JPEG_LOSS),
    _file(
        *("JPEG progressive", "progressive.jpg", lambda: jpeg(progressive=True)),
        expected=PHOTO,
        tolerance=JPEG_LOSS,
    ),
    _file(
        *("JPEG CMYK, inverted as Adobe does", "cmyk.jpg", lambda: jpeg(cmyk_picture())),
        expected=inks_seen(inks()),
        tolerance=JPEG_LOSS,
    ),
    _file(
        *("JPEG CMYK, inks as they are", "cmyk_plain.jpg"),
        # Pillow always inverts and says so; twice inverted and unsaid is as they are.
        lambda: without_adobe(jpeg(Image.frombytes("CMYK", (W, H), (255 - inks()).tobytes()))),
        expected=inks_seen(inks()),
        tolerance=JPEG_LOSS,
    ),
    _file(
        *("JPEG YCCK", "ycck.jpg"),
        lambda: simplejpeg.encode_jpeg(255 - inks(), 95, "CMYK"),
        expected=inks_seen(inks()),
        tolerance=JPEG_LOSS,
    ),
    *(
        _file(
            *(f"JPEG, EXIF orientation {o}", f"turned{o}.jpg", lambda o=o: jpeg(exif=exif(o))),
            expected=TURNED[o],
            tolerance=JPEG_LOSS,
        )
        for o in TURNED
    ),
    _file(
        *("PNG, EXIF orientation 6", "turned.png"),
        lambda: encode(PHOTO, "PNG", exif=exif(6)),
        expected=TURNED[6],
    ),
    _file(
        *("WebP, EXIF orientation 5", "turned.webp"),
        lambda: encode(PHOTO, "WEBP", exif=exif(5), lossless=True),
        expected=TURNED[5],
    ),
    _file(
        *("TIFF, EXIF orientation 7", "turned.tif"),
        lambda: encode(PHOTO, "TIFF", exif=exif(7)),
        expected=TURNED[7],
    ),
    _file(
        *("JPEG, EXIF orientation 0", "turned0.jpg", lambda: jpeg(exif=exif(0))),
        expected=PHOTO,
        tolerance=JPEG_LOSS,
    ),
    _file(
        *("JPEG, EXIF cut short", "exif_short.jpg", exif_cut_short),
        expected=TURNED[6],
        tolerance=JPEG_LOSS,
    ),
    _file(
        *("JPEG, EXIF nonsense", "exif_nonsense.jpg", exif_nonsense),
        expected=PHOTO,
        tolerance=JPEG_LOSS,
    ),
    _file(
        *("PNG, EXIF nonsense", "exif_nonsense.png"),
        lambda: encode(PHOTO, "PNG", exif=b"Exif\0\0no directory at all"),
        expected=PHOTO,
    ),
    _file(
        *("MPO", "pair.mpo", lambda: animation("MPO", quality=95, subsampling=0)),
        expected=PHOTO,
        tolerance=JPEG_LOSS,
    ),
    _file(
        *("JPEG, stray bytes before its end", "stray.jpg"),
        lambda: jpeg()[:-2] + bytes(40) + b"\xff\xd9",
        expected=PHOTO,
        tolerance=JPEG_LOSS,
    ),
    _file(
        *("JPEG, stray bytes in its header", "stray_header.jpg"),
        lambda: jpeg().replace(b"\xff\xda", bytes(5) + b"\xff\xda", 1),
        expected=PHOTO,
        tolerance=JPEG_LOSS,
    ),
    _file(
        *("JPEG, junk after its end", "junk.jpg", lambda: jpeg() + _JUNK),
        expected=PHOTO,
        tolerance=JPEG_LOSS,
    ),
    *(
        _file(
            *(f"JPEG, {n} bytes of its end missing", f"endless{n}.jpg", lambda n=n: jpeg()[:-n]),
            expected=PHOTO,
            tolerance=JPEG_LOSS,
        )
        for n in (1, 2)
    ),
    _file("JPEG named .png", "really_jpeg.png", jpeg, expected=PHOTO, tolerance=JPEG_LOSS),
    _file(
        *("PNG named .jpg", "really_png.jpg", lambda: encode(PHOTO, "PNG")),
        expected=PHOTO,
    ),
    _file("upper-case suffix", "SHOUTED.JPG", jpeg, expected=PHOTO, tolerance=JPEG_LOSS),
    _file("no suffix", "no_suffix", jpeg, expected=PHOTO, tolerance=JPEG_LOSS),
    _file(
        *("GIF", "still.gif", lambda: encode(palette(), "GIF")),
        expected=np.asarray(palette().convert("RGB")),
    ),
    _file(
        *("GIF, one colour clear", "clear.gif"),
        lambda: encode(palette(), "GIF", transparency=3),
        expected=palette_clear(3),
    ),
    _file(
        *("GIF, animated", "animated.gif", lambda: animation("GIF")),
        expected=PHOTO,
        tolerance=40,  # 256 colours of its own choice; the second frame differs by up to 255
    ),
    _file("BMP", "plain.bmp", lambda: encode(PHOTO, "BMP"), expected=PHOTO),
    _file(
        *("TIFF 8 bits grey", "grey.tif", lambda: encode(GREY, "TIFF")),
        expected=GREY3,
    ),
    _file(
        *("TIFF 16 bits grey", "grey16.tif"),
        lambda: tiff(GREY.astype(np.uint16) * 257, photometric=1),
        expected=GREY3,
        tolerance=1,
    ),
    _file(
        *("TIFF 8 bits, zero is white", "negative.tif"),
        lambda: tiff(255 - GREY, photometric=0),
        expected=GREY3,
    ),
    _file(
        *("TIFF 16 bits, zero is white", "negative16.tif"),
        lambda: tiff(65535 - GREY.astype(np.uint16) * 257, photometric=0),
        expected=GREY3,
        tolerance=1,
    ),
    _file(
        *("TIFF 16 bits RGB", "rgb16.tif"),
        lambda: tiff(PHOTO.astype(np.uint16) * 257, photometric=2),
        expected=PHOTO,
        tolerance=1,
    ),
    _file(
        *("TIFF RGB in planes", "planes.tif"),
        lambda: tiff(PHOTO, photometric=2, planes=True),
        expected=PHOTO,
    ),
    _file(
        *("TIFF of floats in 0..1", "float.tif"),
        lambda: tiff((GREY / 255).astype(np.float32), photometric=1),
        expected=GREY3,
        tolerance=1,
    ),
    _file(
        *("TIFF of floats with NaN", "nan.tif"),
        lambda: tiff(
            # 0, 1, a quiet NaN, infinity, a signalling NaN
            np.array([[0, 0x3F800000, 0x7FC00000, 0x7F800000, 0x7FA00000]], "<u4").view("<f4"),
            photometric=1,
        ),
        expected=np.array([[[0], [255], [0], [0], [0]]]),
    ),
    _file(
        *("TIFF CMYK", "cmyk.tif", lambda: encode(cmyk_picture(), "TIFF")),
        expected=inks_seen(inks()),
    ),
    _file(
        # L* = 78.4 is 0.540 of white, and that is 194 in sRGB.
        *("TIFF LAB", "lab.tif"),
        lambda: encode(Image.new("LAB", (W, H), (200, 128, 128)), "TIFF"),
        expected=np.array([194, 194, 194]),
        tolerance=1,
    ),
    _file(
        *("TIFF of many pages", "pages.tif", lambda: animation("TIFF")),
        expected=PHOTO,
    ),
    _file(
        *("TIFF LZW", "lzw.tif", lambda: encode(PHOTO, "TIFF", compression="tiff_lzw")),
        expected=PHOTO,
    ),
    _file(
        *("TIFF with a tag beyond its end", "odd_tag.tif", tiff_with_odd_tag),
        expected=PHOTO,
    ),
    _file(
        *("WebP", "plain.webp", lambda: encode(PHOTO, "WEBP", lossless=True)),
        expected=PHOTO,
    ),
    _file(
        *("WebP, animated", "animated.webp", lambda: animation("WEBP", lossless=True)),
        expected=PHOTO,
    ),
    _file(
        *("AVIF", "plain.avif"),
        lambda: encode(PHOTO, "AVIF", quality=100, subsampling="4:4:4"),
        expected=PHOTO,
        tolerance=JPEG_LOSS,
    ),
    _file(
        *("AVIF that calls itself mif1", "container.avif"),
        lambda: encode(PHOTO, "AVIF", quality=100, subsampling="4:4:4").replace(
            b"ftypavif", b"ftypmif1", 1
        ),
        expected=PHOTO,
        tolerance=JPEG_LOSS,
    ),
    _file("HEIC", "plain.heic", lambda: HEIC, expected=HEIC_SEEN, tolerance=4),
    _file("JPEG 2000", "plain.jp2", lambda: encode(PHOTO, "JPEG2000"), expected=PHOTO),
    _file(
        *("ICO", "plain.ico"),
        lambda: encode(np.ascontiguousarray(PHOTO[:, :48]), "ICO", sizes=[(48, 48)]),
        expected=PHOTO[:, :48],
    ),
    _file("PPM", "plain.ppm", lambda: encode(PHOTO, "PPM"), expected=PHOTO),
    _file(
        *("PGM with comments", "comment.pgm", lambda: b"P2 # few\n3 1\n100\n0 50 100\n"),
        expected=np.array([[[0], [128], [255]]]),
        tolerance=1,
    ),
    _file(
        *("one pixel", "pixel.png", lambda: encode(wide(1, 1), "PNG")),
        expected=wide(1, 1),
    ),
    _file(
        *("one pixel as JPEG", "pixel.jpg", lambda: jpeg(wide(1, 1))),
        expected=wide(1, 1),
        tolerance=JPEG_LOSS,
    ),
    _file(
        *("strip of 1 x 5000", "strip.png", lambda: encode(wide(1, 5000), "PNG")),
        expected=wide(1, 5000),
    ),
    _file(
        *("strip of 5000 x 1 as JPEG", "strip.jpg", lambda: jpeg(wide(5000, 1))),
        expected=wide(5000, 1),
        tolerance=JPEG_LOSS,
    ),
    _named("spaces", "  two  spaces .png"),
    _named("newline", "two\nlines.png"),
    _named("carriage return", "two\rlines.png"),
    _named("tab", "two\tcolumns.png"),
    _named("leading dash", "-rf.png"),
    _named("Chinese", "猫的照片.png"),
    _named("Arabic", "صورة قطة.png"),
    _named("emoji", "🐈\u200d⬛.png"),
    _named("combining accents", "e\u0301te\u0301.png"),
    _named("composed accents", "\u00e9t\u00e9 2.png"),
    _named("not UTF-8", b"chat\xe9\xff.png", skip=_NOT_BYTES),
    _named("250 bytes", "n" * 246 + ".png"),
    _named("quotes", 'it\'s "quoted" `here`.png'),
    _named("percent s", "100%s %d {0} $HOME.png"),
    _named("semicolon and comma", "a;b,c.png"),
    _named("formula", "=1+1.png"),
    _named("markup", "<b>&amp;.png"),
    _named("backslash", "back\\slash.png"),
)

UNREADABLE = (
    _file("empty", "empty.jpg", lambda: b"", reason="is empty"),
    _file("one byte", "byte.jpg", lambda: b"\xff", reason="is not a picture"),
    _file("JPEG of 3 bytes", "start.jpg", lambda: b"\xff\xd8\xff", reason="damaged"),
    _file("JPEG cut in its header", "header.jpg", lambda: jpeg()[:100], reason="is truncated"),
    _file("JPEG cut in the middle", "half.jpg", lambda: cut(jpeg(), 0.5), reason="is truncated"),
    _file(
        *(
            "JPEG progressive, cut",
            "half_progressive.jpg",
            lambda: cut(jpeg(progressive=True), 0.5),
        ),
        reason="is truncated",
    ),
    _file(
        *("JPEG cut, then ended", "ended.jpg", lambda: cut(jpeg(noisy()), 0.5) + b"\xff\xd9"),
        reason="damaged",
    ),
    _file(
        *("JPEG with a hole", "hole.jpg"),
        lambda: corrupt(jpeg(noisy()), 3000, b"\xff\xd8" * 20),
        reason="damaged",
    ),
    _file("PNG cut in its header", "header.png", lambda: png16(PHOTO, 2)[:20], reason="truncated"),
    _file(
        *("PNG cut in the middle", "half.png", lambda: cut(encode(noisy(), "PNG"), 0.5)),
        reason="is truncated",
    ),
    _file("PNG, wrong sum over its header", "crc.png", wrong_header_crc, reason="damaged"),
    _file("PNG, wrong sum over its data", "adler.png", flipped_png, reason="is damaged"),
    _file("PNG of no width", "none.png", lambda: png(5, 0, 8, 2, []), reason="damaged"),
    _file("GIF cut", "half.gif", lambda: cut(encode(noisy(), "GIF"), 0.7), reason="truncated"),
    _file("GIF of 10 bytes", "header.gif", lambda: encode(GREY, "GIF")[:10], reason="truncated"),
    _file(
        *("WebP cut", "half.webp", lambda: cut(encode(noisy(), "WEBP"), 0.5)),
        reason="is damaged",
    ),
    _file(
        *("TIFF cut", "half.tif", lambda: cut(tiff(PHOTO, photometric=2), 0.5)),
        reason="is truncated",
    ),
    _file("TIFF of 8 bytes", "header.tif", lambda: b"II*\0\x08\0\0\0", reason="is truncated"),
    _file(
        *("TIFF LZW cut", "half_lzw.tif"),
        lambda: cut(encode(noisy(), "TIFF", compression="tiff_lzw"), 0.5),
        reason="is truncated",
    ),
    _file(
        *("TIFF 16 bits in planes", "planes16.tif"),
        lambda: tiff(PHOTO.astype(np.uint16) * 257, photometric=2, planes=True),
        reason="16-bit planes",
    ),
    _file(
        *("TIFF of RGB floats", "float_rgb.tif"),
        lambda: tiff((PHOTO / 255).astype(np.float32), photometric=2),
        reason="of a rare kind",
    ),
    _file("BMP cut", "half.bmp", lambda: cut(encode(PHOTO, "BMP"), 0.5), reason="is truncated"),
    _file("AVIF cut", "half.avif", lambda: cut(encode(PHOTO, "AVIF"), 0.5), reason="truncated"),
    _file("HEIC cut", "half.heic", lambda: cut(HEIC, 0.5), reason="damaged"),
    _file(
        "JPEG 2000 cut", "half.jp2", lambda: cut(encode(noisy(), "JPEG2000"), 0.5), reason="damaged"
    ),
    _file("text", "text.jpg", lambda: b"dear diary,\n" * 20, reason="is not a picture"),
    _file("HTML", "page.png", lambda: b"<!DOCTYPE html><html>404", reason="is not a picture"),
    _file("PDF", "paper.jpg", lambda: b"%PDF-1.7\n%\xe2\xe3\n", reason="is not a picture"),
    _file("PostScript", "eps.png", lambda: b"%!PS-Adobe-3.0 EPSF", reason="is not a picture"),
    _file("SVG", "drawing.png", lambda: b"<svg xmlns=''/>", reason="is not a picture"),
    _file(
        *("film", "film.heic", lambda: b"\0\0\0\x18ftypisom" + bytes(60)),
        reason="is not a picture",
    ),
    _file(
        *("noise", "noise.jpg", lambda: np.random.default_rng(1).bytes(5000)),
        reason="is not a picture",
    ),
    _file("zeros", "zeros.jpg", lambda: bytes(5000), reason="is not a picture"),
    OddFile("folder", "folder.jpg", os.mkdir, reason="is a folder"),
    OddFile("link to nothing", "broken.jpg", _broken_link, reason="is missing"),
    OddFile("link to itself", "circle.jpg", _link_to_itself, reason="symbolic links"),
    OddFile(
        *("named pipe", "pipe.jpg", lambda path: os.mkfifo(path)),
        reason="is not a regular file",
        skip=_NO_FIFO,
    ),
    OddFile("forbidden", "forbidden.jpg", _forbidden, reason="permission denied", skip=_ROOT),
    _file(
        *("PNG bomb", "bomb.png", lambda: png(30000, 30000, 8, 2, [bytes(1000)])),
        reason="has 30000 x 30000 pixels",
    ),
    _file(
        *("JPEG bomb", "bomb.jpg", lambda: jpeg_announcing(65500, 65500)),
        reason="has 65500 x 65500 pixels",
    ),
    _file(
        *("GIF bomb", "bomb.gif", lambda: gif_announcing(65500, 65500)),
        reason="has 65500 x 65500 pixels",
    ),
)

ODD_FILES = READABLE + UNREADABLE
