"""Every other format, through Pillow."""

import contextlib
import io
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, Final, cast

import cv2
import numpy as np
from PIL import AvifImagePlugin, Image, ImageCms, UnidentifiedImageError
from PIL.ExifTags import Base
from PIL.TiffImagePlugin import TiffImageFile

from tamis.errors import MissingExtraError
from tamis.images import tiff
from tamis.images.bmp import decode_bitfields, has_bitfields
from tamis.images.exif import orientation_of
from tamis.images.filled import check_not_filled
from tamis.images.icc import to_srgb
from tamis.images.isobmff import brands, clean_aperture, mended_avif
from tamis.images.limits import Host, Reading
from tamis.images.pixels import (
    Pixels,
    Size,
    Square,
    as_rgb,
    fit,
    inks_to_rgb,
    levels_of,
    resize,
    to_8_bits,
    turn,
)
from tamis.images.png import SIGNATURE, Png, read_png
from tamis.images.refusal import Unreadable, check_pixels
from tamis.images.signature import AVIF_BRANDS, HEIF_BRANDS, has_signature, refused_kind

# Formats Pillow may open. Not all it can: EPS starts Ghostscript, and the rest
# are either not pictures or recognised by nothing but a hope.
_FORMATS: Final = (
    *("PNG", "GIF", "BMP", "DIB", "TIFF", "WEBP", "AVIF", "JPEG2000", "PPM", "ICO"),
    "JPEG",  # the few, MPO among them, that libjpeg-turbo's simple interface refuses
)
_TGA_END: Final = b"TRUEVISION-XFILE.\0"
# Bytes per pixel that a decoder takes until the picture is one of Pillow's.
_DECODER_BYTES: Final = {"AVIF": 12, "HEIF": 8, "WEBP": 12, "JPEG2000": 20, "GIF": 8}
_MODE_BYTES: Final = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2}  # else 4
_LARGE: Final = 16_000_000  # pixels: more are never copied whole
_BAND: Final = 1 << 22  # pixels converted at a time
_lock = threading.Lock()

# Each picture has a thread already; those of dav1d would each reserve memory.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1
# Pillow warns of odd metadata in pictures that it reads well, which nobody who sorts a
# folder can act upon. Once for the process: to do so around each call is not thread-safe.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def decode_pillow(
    file: BinaryIO, head: bytes, sizes: Iterable[Size], how: Reading, host: Host
) -> tuple[dict[Size, Pixels], int, int]:
    """Decode any picture upright; `head` is how the file begins.

    Returns
    -------
    decoded : dict from Size to ndarray of shape (H, W, 3), uint8
    height, width : int
        Of the whole picture, upright.
    """
    sizes = list(sizes)
    with _opened(file, head, how, host) as (picture, png):
        check_pixels(picture.height, picture.width, how.max_pixels)
        _check_planes(picture)
        factor = _factor(picture, sizes)
        host.afford(_needed(picture, factor))
        picture.load()
        check_not_filled(picture, file)
        if picture.format == "TIFF" and (said := _errors_in(host.heard())):
            raise Unreadable(f"is truncated or damaged ({said})")
        profile = (png.icc if png else picture.info.get("icc_profile") or b"") if how.icc else b""
        orientation = orientation_of(png.exif) if png else _orientation(picture)
        is_inks = picture.mode == "CMYK"
        mended = _mended(picture, png, file, host)
        image = _shown(mended, _conversion(mended, png, profile), factor)
        height, width = mended.height, mended.width
    image = turn(image, orientation)
    if 5 <= orientation <= 8:
        height, width = width, height
    decoded = {}
    for size in sizes:
        fitted = fit(image, size)
        converted = None if is_inks else to_srgb(fitted, profile)
        decoded[size] = np.ascontiguousarray(fitted if converted is None else converted)
    return decoded, height, width


@contextlib.contextmanager
def _opened(
    file: BinaryIO, head: bytes, how: Reading, host: Host
) -> Iterator[tuple[Image.Image, Png | None]]:
    png = None
    if head.startswith(SIGNATURE):
        png = read_png(file.read())
        picture = _open(io.BytesIO(png.data), head, _FORMATS)
    elif has_bitfields(head):
        picture = _open_bitfields(file.read(), how, host)
    elif head[4:8] == b"ftyp" and head[8:12] in HEIF_BRANDS | AVIF_BRANDS:
        picture = _open_container(file)
    else:
        picture = _open(file, head, _formats(file, head))
    with picture:
        yield picture, png


def _formats(file: BinaryIO, head: bytes) -> tuple[str, ...]:
    if has_signature(head):
        return _FORMATS
    # A Targa file begins with nothing that tells. Some end with it, others have its name.
    file.seek(-len(_TGA_END), 2) if len(head) >= len(_TGA_END) else None
    ends = file.read() == _TGA_END
    file.seek(0)
    named = str(getattr(file, "name", "")).lower().endswith(".tga")
    return (*_FORMATS, "TGA") if ends or named else _FORMATS


def _open(file: BinaryIO, head: bytes, formats: tuple[str, ...]) -> Image.Image:
    # Pillow's own limit is a global; ours is an argument, checked by the caller.
    with _lock:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(file, formats=formats)
        except UnidentifiedImageError:
            raise Unreadable(_why_not(file, head)) from None
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _why_not(file: BinaryIO, head: bytes) -> str:
    if kind := refused_kind(head):
        return f"is {kind}, which cannot be read. Convert it, for example to PNG"
    if not has_signature(head):
        return "is not a picture, or damaged in its first bytes"
    if head[:2] in (b"II", b"MM"):
        file.seek(0)
        if kind := tiff.kind_of(file.read()):
            return f"is a TIFF of a rare kind that cannot be read ({kind})"
    return "is truncated or damaged, or of a rare kind that cannot be read"


def _open_container(file: BinaryIO) -> Image.Image:
    data = file.read()
    announced = brands(data[:4096])
    if not announced & AVIF_BRANDS and b"av01" not in data[:65536]:
        try:
            from pi_heif import HeifImageFile, options
        except ImportError:
            raise MissingExtraError.for_extra("heif", "HEIC") from None
        options.DECODE_THREADS = 1
        return cast(Image.Image, HeifImageFile(io.BytesIO(data)))
    picture = _open(io.BytesIO(mended_avif(data)), data[:64], ("AVIF",))
    picture.info["clap"] = clean_aperture(data)
    return picture


def _open_bitfields(data: bytes, how: Reading, host: Host) -> Image.Image:
    picture = Image.fromarray(
        decode_bitfields(data, how.max_pixels, lambda pixels: host.afford(12 * pixels))
    )
    picture.format = "BMP"
    return picture


def _factor(picture: Image.Image, sizes: list[Size]) -> int:
    """Compute how many times smaller a large picture may be made before it is copied."""
    longer, shorter = max(picture.size), min(picture.size)
    if longer * shorter <= _LARGE or None in sizes:
        return 1
    factors = [
        shorter // (4 * size.side) if isinstance(size, Square) else longer // (4 * cast(int, size))
        for size in sizes
    ]
    return max(1, min(factors))


def _needed(picture: Image.Image, factor: int) -> int:
    pixels = picture.width * picture.height
    per_pixel = _DECODER_BYTES.get(picture.format or "", 0) + _MODE_BYTES.get(picture.mode, 4)
    if isinstance(picture, TiffImageFile):  # libtiff holds a strip
        rows = tiff.tag(picture, tiff.ROWS, picture.height) or 1
        per_pixel += 4 * min(rows, picture.height) // picture.height
    copies = 12 if pixels <= _LARGE else 6 if factor == 1 else 1
    return pixels * (per_pixel + copies)


def _shown(picture: Image.Image, convert: Callable[[Image.Image], Pixels], factor: int) -> Pixels:
    """Convert a picture to RGB, a large one band by band."""
    width, height = picture.size
    if width * height <= _LARGE:
        return convert(picture)
    rows, columns = max(1, height // factor), max(1, width // factor)
    out = np.empty((rows, columns, 3), np.uint8)
    at_once = max(1, _BAND // (width * factor))
    for top in range(0, rows, at_once):
        end = min(top + at_once, rows)
        band = picture.crop((0, top * height // rows, width, end * height // rows))
        out[top:end] = resize(convert(band), end - top, columns)
    return out


def _conversion(
    picture: Image.Image, png: Png | None, profile: bytes
) -> Callable[[Image.Image], Pixels]:
    """Choose how the pixels of a picture, or of a part of it, become RGB."""
    mode = picture.mode
    if mode.startswith("I") or mode == "F":
        return _conversion_of_levels(picture, png)
    if png and png.clear:
        return lambda part: _clear(part, png)
    if mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        # An alpha of nothing but 0 is none, in formats whose writers leave it undefined.
        if (
            picture.format in ("BMP", "DIB", "ICO", "TGA")
            and mode == "RGBA"
            and picture.getchannel("A").getextrema()[1] == 0
        ):
            return lambda part: np.asarray(part.convert("RGB"))
        if mode == "La":
            return lambda part: as_rgb(np.asarray(part.convert("LA").convert("RGBA")))
        return lambda part: as_rgb(np.asarray(part.convert("RGBA")))
    if mode == "CMYK":
        return lambda part: _inks(np.asarray(part), profile)
    if mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(lab, srgb, "LAB", "RGB")
        return lambda part: np.asarray(ImageCms.applyTransform(part, transform))
    if mode == "RGB":
        return lambda part: np.asarray(part)
    return lambda part: np.asarray(part.convert("RGB"))


def _conversion_of_levels(picture: Image.Image, png: Png | None) -> Callable[[Image.Image], Pixels]:
    """Grey of more than 8 bits: the same levels for all parts of a picture."""
    unsigned = negative = False
    if isinstance(picture, TiffImageFile):
        plain = tiff.tag(picture, tiff.FORMAT, (1,))[0] == 1
        unsigned = plain and max(tiff.tag(picture, tiff.BITS, (1,))) == 32
        negative = tiff.tag(picture, tiff.PHOTOMETRIC) == 0

    def values(part: Image.Image) -> np.ndarray[Any, np.dtype[Any]]:
        found = np.asarray(part)
        return found.view(np.uint32) if unsigned and found.dtype == np.int32 else found

    at_once = max(1, _BAND // picture.width)
    levels = levels_of(
        values(picture.crop((0, top, picture.width, min(top + at_once, picture.height))))
        for top in range(0, picture.height, at_once)
    )

    def convert(part: Image.Image) -> Pixels:
        found = values(part)
        grey = to_8_bits(found, levels)
        rgb = as_rgb(255 - grey if negative else grey)
        if png and png.clear:
            rgb[found == png.clear[0]] = 255
        return rgb

    return convert


def _clear(part: Image.Image, png: Png) -> Pixels:
    """Show over white a PNG of which one colour is transparent."""
    rgb = np.array(part.convert("RGB"))
    if png.bits == 16:
        colour = [value >> 8 for value in png.clear]
    else:
        colour = [value * 255 // (2**png.bits - 1) for value in png.clear]
    rgb[(rgb == np.array(colour)).all(axis=2)] = 255
    return rgb


def _inks(inks: Pixels, profile: bytes) -> Pixels:
    converted = to_srgb(inks, profile, "CMYK")
    return inks_to_rgb(inks) if converted is None else converted


def _in_12_bits(picture: Image.Image, data: Callable[[], bytes]) -> Image.Image | None:
    """Decode colours of 12 bits in 16, of which Pillow keeps the upper 8, nearly black."""
    most = max(high for _, high in cast(list[tuple[int, int]], picture.getextrema())[:3])
    if most > 15:
        return None
    wide = cv2.imdecode(np.frombuffer(data(), np.uint8), cv2.IMREAD_UNCHANGED)
    if wide is None or wide.dtype != np.uint16 or wide.shape[:2] != picture.size[::-1]:
        return None
    if wide.ndim != 3 or not 0 < wide[:, :, :3].max() <= 4095:
        return None
    colours = to_8_bits(wide[:, :, 2::-1], (0.0, 4095.0))
    if wide.shape[2] == 3:
        return Image.fromarray(colours)
    alpha = wide[:, :, 3]
    alpha = to_8_bits(alpha, levels_of([alpha]))
    return Image.fromarray(np.dstack([colours, alpha]))


def _mended(picture: Image.Image, png: Png | None, file: BinaryIO, host: Host) -> Image.Image:
    """Give the picture that Pillow should have given, for the kinds that it gets wrong."""
    bits = png.bits if png else 8
    if isinstance(picture, TiffImageFile):
        bits = max(tiff.tag(picture, tiff.BITS, (8,)))
        if colours := tiff.short_colormap(picture):
            picture.putpalette(colours)
    if picture.format == "AVIF":
        return _cropped(picture)
    if bits == 16 and picture.mode in ("RGB", "RGBA"):

        def data() -> bytes:
            host.afford(24 * picture.width * picture.height)
            file.seek(0)
            return png.data if png else file.read()

        return _in_12_bits(picture, data) or picture
    return picture


def _cropped(picture: Image.Image) -> Image.Image:
    """Cut an AVIF to its clean aperture."""
    aperture = picture.info.get("clap")
    if aperture is None:
        return picture
    width, height, across, down = aperture
    left = round((picture.width - width) / 2 + across)
    top = round((picture.height - height) / 2 + down)
    box = (left, top, left + round(width), top + round(height))
    inside = 0 <= box[0] < box[2] <= picture.width and 0 <= box[1] < box[3] <= picture.height
    return picture.crop(box) if inside else picture


def _orientation(picture: Image.Image) -> int:
    if isinstance(picture, TiffImageFile):
        value = tiff.tag(picture, Base.Orientation, 1)
    elif exif := picture.info.get("exif"):
        return orientation_of(exif)
    else:  # in XMP, perhaps
        try:
            value = picture.getexif().get(Base.Orientation, 1)
        except Exception:  # damaged metadata do no harm to the picture
            return 1
    if isinstance(value, tuple | bytes) and value:
        value = value[0]
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _check_planes(picture: Image.Image) -> None:
    # Pillow takes the bytes of uncompressed 16-bit planes for planes of 8 bits, and says nothing.
    if (
        isinstance(picture, TiffImageFile)
        and tiff.tag(picture, tiff.PLANES) == 2
        and max(tiff.tag(picture, tiff.BITS, (1,))) > 8
        and any(tile.codec_name == "raw" for tile in picture.tile)
    ):
        raise Unreadable("is a TIFF of uncompressed 16-bit planes, which cannot be read")


def _errors_in(said: str) -> str:
    """Pick the first error out of what libtiff printed; its warnings are of odd tags."""
    lines = [line.strip() for line in said.splitlines()]
    return next((line[:200] for line in lines if line and "Warning" not in line), "")
