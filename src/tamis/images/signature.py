"""By which names and first bytes a file says that it is a picture."""

from typing import Final

SUFFIXES: Final = frozenset(
    ".jpg .jpeg .jpe .jfif .mpo .png .apng .gif .bmp .dib .tif .tiff .webp .heic .heif .avif "
    ".jp2 .j2k .jpx .ppm .pgm .pbm .pnm .ico".split()
)
"""File names that promise a picture, in lower case."""

HEIF_BRANDS: Final = frozenset((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"))
_AVIF_BRANDS: Final = frozenset((b"avif", b"avis"))
_SIGNATURES: Final = (
    *(b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", b"II*\x00", b"MM\x00*"),
    *(b"II+\x00", b"MM\x00+", b"\x00\x00\x00\x0cjP  "),
)


def has_signature(head: bytes) -> bool:
    """Tell whether a file that begins with `head` (16 bytes or more) says it is a picture."""
    if head[4:8] == b"ftyp":
        return head[8:12] in HEIF_BRANDS | _AVIF_BRANDS
    return head.startswith(_SIGNATURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
