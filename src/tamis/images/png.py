"""PNG without what can go wrong beside the picture."""

import struct
import zlib
from dataclasses import dataclass
from typing import Final

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_KEPT: Final = frozenset((b"IHDR", b"PLTE", b"IDAT", b"IEND"))
_PROFILE_BYTES: Final = 16 << 20  # larger ones are no profiles of pictures
_EXIF_TEXTS: Final = (b"Raw profile type exif", b"Raw profile type APP1")


@dataclass(slots=True)
class Png:
    """The parts of a PNG that matter here.

    Attributes
    ----------
    data : bytes
        The same picture, with its critical chunks and its transparency only.
    bits : int
        Per sample.
    colours : int
        Kind of pixels: 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGB with alpha.
    clear : tuple of int
        The sample value, or three, that is transparent, of grey and of RGB; else empty.
    exif, icc : bytes
        Empty if there is none.
    """

    data: bytes
    bits: int = 8
    colours: int = 2
    clear: tuple[int, ...] = ()
    exif: bytes = b""
    icc: bytes = b""


def read_png(data: bytes) -> Png:
    """Take a PNG apart, and leave out text, times, profiles and animation.

    A wrong checksum or length there is no reason to refuse a picture, and neither is a
    text of some megabytes.
    """
    found = Png(data)
    kept = [SIGNATURE]
    at = len(SIGNATURE)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length] if kind != b"IDAT" else b""
        chunk = data[at : at + 12 + length]
        if kind in _KEPT:
            kept.append(chunk)
        elif kind == b"tRNS":
            _take_transparency(found, body, chunk, kept)
        elif kind == b"iCCP":
            found.icc = found.icc or _unpacked(body.partition(b"\0")[2][1:])
        elif kind == b"eXIf":
            found.exif = found.exif or body
        elif kind in (b"tEXt", b"zTXt") and body.startswith(_EXIF_TEXTS):
            found.exif = found.exif or _exif_in_text(kind, body)
        if kind == b"IHDR" and len(body) >= 13:
            found.bits, found.colours = body[8], body[9]
        if kind == b"IEND":
            break
        at += 12 + length
    found.data = b"".join(kept)
    return found


def _take_transparency(found: Png, body: bytes, chunk: bytes, kept: list[bytes]) -> None:
    needed = {0: 2, 2: 6}.get(found.colours)
    if needed is not None:
        if len(body) >= needed:
            found.clear = struct.unpack_from(f">{needed // 2}H", body)
    elif found.colours == 3 and zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:]):
        kept.append(chunk)


def _unpacked(packed: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, _PROFILE_BYTES)
    except zlib.error:
        return b""


def _exif_in_text(kind: bytes, body: bytes) -> bytes:
    # As ImageMagick writes it: a name, the length, and hexadecimal digits.
    text = body.partition(b"\0")[2]
    if kind == b"zTXt":
        text = _unpacked(text[1:])
    try:
        return bytes.fromhex(b"".join(text.split()[2:]).decode("ascii"))
    except ValueError:
        return b""
