"""By which names and first bytes a file says that it is a picture."""

import os
from typing import Final

SUFFIXES: Final = frozenset(
    ".jpg .jpeg .jpe .jfif .mpo .png .apng .gif .bmp .dib .tif .tiff .webp .heic .heif .avif "
    ".jp2 .j2k .j2c .jpc .jpx .ppm .pgm .pbm .pnm .ico .tga .jxl".split()
)
"""File names that promise a picture, in lower case."""

RAW_SUFFIXES: Final = frozenset(
    ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf "
    ".rw2 .rwl .sr2 .srf .srw .x3f".split()
)
"""File names that promise a raw file of a camera, in lower case."""

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
    b"8BPS": "a Photoshop document",
}
_RAW: Final = {
    b"FUJIFILMCCD-RAW": "RAF",
    b"IIRO": "ORF",
    b"IIRS": "ORF",
    b"IIU\x00": "RW2",
    b"FOVb": "X3F",
    b"\x00MRM": "MRW",
}


def promises_picture(name: str) -> bool:
    """Tell whether the name of a file, or its path, is that of a picture.

    Examples
    --------
    >>> promises_picture("cat.JPG"), promises_picture("cat.CR3"), promises_picture("cat.xmp")
    (True, True, False)
    """
    suffix = os.path.splitext(name)[1].lower()
    return suffix in SUFFIXES or suffix in RAW_SUFFIXES


def has_signature(head: bytes) -> bool:
    """Tell whether a file that begins with `head` (16 bytes or more) says it is a picture."""
    if head[4:8] == b"ftyp":
        return head[8:12] in HEIF_BRANDS | AVIF_BRANDS
    return head.startswith(_SIGNATURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def is_tiff(head: bytes) -> bool:
    """Tell whether a file begins like a TIFF whose first directory shows a picture.

    A CR2 begins so too, but none of its directories can be read without LibRaw.
    """
    return head[:4] in (b"II*\x00", b"MM\x00*") and head[8:10] != b"CR"


def refused_kind(head: bytes) -> str | None:
    """Name the kind of a picture that nothing here can decode; None for all others."""
    return next((kind for mark, kind in _REFUSED.items() if head.startswith(mark)), None)


def raw_kind(head: bytes, name: str = "") -> str | None:
    """Name the kind of a camera's raw file, such as NEF; None for all others.

    Parameters
    ----------
    head : bytes
        How the file begins.
    name : str
        Those that begin like any TIFF are told by their name alone.
    """
    if head[4:8] == b"ftyp" and head[8:12] == b"crx ":
        return "CR3"
    if head[:4] == b"II*\x00" and head[8:10] == b"CR":
        return "CR2"
    if kind := next((kind for mark, kind in _RAW.items() if head.startswith(mark)), None):
        return kind
    suffix = os.path.splitext(name)[1].lower()
    return suffix[1:].upper() if is_tiff(head) and suffix in RAW_SUFFIXES else None
