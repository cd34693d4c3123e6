"""What a JPEG says of itself, read without a decoder."""

import re
from dataclasses import dataclass, field
from typing import Final

_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE: Final = frozenset((0x01, *range(0xD0, 0xD9)))  # markers without a length
# In the data of a scan, what is neither a byte 255 nor a restart.
_NEXT_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_EXIF: Final = b"Exif\0\0"
_ICC: Final = b"ICC_PROFILE\0"


@dataclass(slots=True)
class JpegHeader:
    """The segments of a JPEG that matter here.

    Attributes
    ----------
    frame : int or None
        Second byte of its start-of-frame marker: 0xC0 is baseline, 0xC2 progressive.
    bits : int
        Per sample.
    height, width : int
    sampling : dict from int to (int, int)
        Horizontal and vertical sampling factor of each component.
    adobe : bool
        Whether a program of Adobe wrote it, and thus stored inks inverted.
    exif, icc : bytes
        Empty if there is none; of several the first.
    scans : int
        Passes over the picture.
    ended : bool
        Whether the end-of-image marker was found.
    tidy : bytes
        All up to the first scan, without stray bytes between the segments or a profile.
    scans_at : int
        Where the first scan begins.
    """

    frame: int | None = None
    bits: int = 8
    height: int = 0
    width: int = 0
    sampling: dict[int, tuple[int, int]] = field(default_factory=dict)
    adobe: bool = False
    exif: bytes = b""
    icc: bytes = b""
    scans: int = 0
    ended: bool = False
    tidy: bytes = b""
    scans_at: int = 0
    _missing: dict[int, set[int]] = field(default_factory=dict)

    @property
    def scales(self) -> bool:
        """Whether libjpeg-turbo scales such a picture while it decodes.

        It does so in the DCT. Asked to scale a lossless one, it writes past its buffer.
        """
        return self.frame in (0xC0, 0xC1, 0xC2) and self.bits == 8

    @property
    def in_one_pass(self) -> bool:
        """Whether a decoder needs only a few rows of the picture in memory."""
        return self.frame in (0xC0, 0xC1, 0xC3) and self.scans <= 1

    @property
    def complete(self) -> bool:
        """Whether the scans that were found hold all bits of all coefficients."""
        return self.scans > 0 and not any(self._missing.values())

    @property
    def coefficients(self) -> int:
        """Samples of all components together, for the whole picture."""
        if not self.sampling:
            return 3 * self.height * self.width
        most = max(h for h, _ in self.sampling.values()) * max(v for _, v in self.sampling.values())
        share = sum(h * v for h, v in self.sampling.values()) / max(1, most)
        return int(self.height * self.width * share)


def read_header(data: bytes) -> JpegHeader:
    """Go through the segments of a JPEG, and of one in several scans through those too."""
    found = JpegHeader()
    profile: dict[int, bytes] = {}
    parts = [data[:2]]
    at = 2
    while 0 <= (at := data.find(b"\xff", at)) < len(data) - 3:
        marker = data[at + 1]
        if marker in (0x00, 0xFF) or marker in _ALONE:  # stray, filling, or no segment
            at += 1
            continue
        if marker == 0xD9:
            found.ended = True
            break
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        if not found.scans:
            if marker == 0xDA:
                found.scans_at = at
                found.tidy = b"".join(parts)
            elif not (marker == 0xE2 and data[at + 4 : at + 16] == _ICC):
                parts.append(data[at:end])
        body = data[at + 4 : end]
        if marker == 0xDA:
            _take_scan(found, body)
            if found.in_one_pass and len(body) and body[0] == len(found.sampling):
                found.ended = data.rfind(b"\xff\xd9", end) >= 0
                break
            following = _NEXT_MARKER.search(data, end)
            end = following.start() if following else len(data)
        elif marker in _FRAMES and found.frame is None:
            _take_frame(found, marker, body)
        elif marker == 0xE1 and body[:6] == _EXIF and not found.exif:
            found.exif = body
        elif marker == 0xE2 and body[:12] == _ICC and len(body) > 14:
            profile.setdefault(body[12], body[14:])
            if len(profile) == body[13]:
                found.icc = b"".join(profile[i] for i in sorted(profile))
        elif marker == 0xEE and body[:5] == b"Adobe":
            found.adobe = True
        at = end
    else:
        found.ended = data.endswith(b"\xff\xd9")
    return found


def _take_frame(found: JpegHeader, marker: int, body: bytes) -> None:
    if len(body) < 6:
        return
    found.frame, found.bits = marker, body[0]
    found.height, found.width = int.from_bytes(body[1:3]), int.from_bytes(body[3:5])
    for i in range(6, len(body) - 2, 3):
        found.sampling[body[i]] = (max(1, body[i + 1] >> 4), max(1, body[i + 1] & 15))
        found._missing[body[i]] = set(range(64))


def _take_scan(found: JpegHeader, body: bytes) -> None:
    found.scans += 1
    if not body or len(body) < 4 + 2 * body[0]:
        return
    first, last, bits = body[1 + 2 * body[0] :][:3]
    progressive = found.frame in (0xC2, 0xCA)
    for i in range(body[0]):
        missing = found._missing.get(body[1 + 2 * i], set())
        if not progressive:
            missing.clear()
        elif bits & 15 == 0:
            missing -= set(range(first, min(last, 63) + 1))
