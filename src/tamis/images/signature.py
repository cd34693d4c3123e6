"""By which names and first bytes a file says that it is a picture."""

from typing import Final

SUFFIXES: Final = frozenset(
    ".jpg .jpeg .jpe .jfif .mpo .png .apng .gif .bmp .dib .tif .tiff .webp .heic .heif .avif "
    ".jp2 .j2k .j2c .jpc .jpx .ppm .pgm .pbm .pnm .ico .tga .jxl".split()
)
"""File names that promise a picture, in lower case."""

HEIF_BRANDS: Final = frozenset(
    (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"mif2", b"msf1")
)
AVIF_BRANDS: Final = frozenset((b"avif", b"avis"))
_SIGNATURES: Final = (
    *(b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", b"II*\x00", b"MM\x00*"),
    *(b"II+\x00", b"MM\x00+", b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51"),
)
# Pictures that nothing here can decode, by how they begin.
_REFUSED: Final = {
    b"\x00\x00\x00\x0cJXL ": "a JPEG XL picture",
    b"\xff\x0a": "a JPEG XL picture",
    b"FUJIFILMCCD-RAW": "a camera's raw picture (RAF)",
    b"IIRO": "a camera's raw picture (ORF)",
    b"IIRS": "a camera's raw picture (ORF)",
    b"IIU\x00": "a camera's raw picture (RW2)",
    b"8BPS": "a Photoshop document",
}


def has_signature(head: bytes) -> bool:
    """Tell whether a file that begins with `head` (16 bytes or more) says it is a picture."""
    if head[4:8] == b"ftyp":
        return head[8:12] in HEIF_BRANDS | AVIF_BRANDS
    return head.startswith(_SIGNATURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def refused_kind(head: bytes) -> str | None:
    """Name the kind of a picture that nothing here can decode; None for all others."""
    if head[4:8] == b"ftyp" and head[8:12] == b"crx ":
        return "a camera's raw picture (CR3)"
    if head[:4] == b"II*\x00" and head[8:10] == b"CR":
        return "a camera's raw picture (CR2)"
    return next((kind for mark, kind in _REFUSED.items() if head.startswith(mark)), None)
