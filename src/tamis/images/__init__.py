"""Opening pictures: any file in, an (H, W, 3) uint8 RGB array out.

This is the only place in tamis that opens image files. JPEG goes through
libjpeg-turbo (simplejpeg), which scales while it decodes; of a camera's raw file
LibRaw finds the preview; everything else goes through Pillow. All run in other
processes, so that a file that crashes a decoder costs one failure (`decoders`). What
"the picture" means is settled here, once, for training and for use:

- EXIF orientation is applied;
- transparency is shown over white;
- of an animation or a multi-page file the first frame counts;
- grey becomes three equal channels; more than 8 bits are scaled, never clipped;
- colours are those of sRGB, by the embedded profile if there is one;
- CMYK without a profile is converted by its inks, whichever way round the file
  stores them (Adobe's programs store them inverted in JPEG, and say so).

A descriptor sees every picture at its *working size*, so that the same photo at
96 and at 1200 pixels gives nearly the same vector.
"""

from tamis.images.decoders import Decoders
from tamis.images.decoding import Picture, digest_of
from tamis.images.limits import (
    DEFAULT_MAX_MEMORY,
    DEFAULT_MAX_PIXELS,
    DEFAULT_MAX_SECONDS,
    Reading,
    default_reading,
    reading_with,
)
from tamis.images.pixels import DEFAULT_SIZE, Pixels, Size, Square, as_rgb, fit, working_shape
from tamis.images.reading import read_image, read_picture
from tamis.images.signature import RAW_SUFFIXES, SUFFIXES, has_signature, promises_picture

__all__ = [
    "DEFAULT_MAX_MEMORY",
    "DEFAULT_MAX_PIXELS",
    "DEFAULT_MAX_SECONDS",
    "DEFAULT_SIZE",
    "RAW_SUFFIXES",
    "SUFFIXES",
    "Decoders",
    "Picture",
    "Pixels",
    "Reading",
    "Size",
    "Square",
    "as_rgb",
    "default_reading",
    "digest_of",
    "fit",
    "has_signature",
    "promises_picture",
    "read_image",
    "read_picture",
    "reading_with",
    "working_shape",
]
