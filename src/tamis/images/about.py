"""What a file says of itself, besides its pixels."""

from typing import Any, Final

from tamis.images.refusal import reason_of

_TEXTS: Final = {0x010F: "maker", 0x0110: "camera", 0x0132: "changed", 0x9003: "taken"}
_EXIF: Final = 0x8769
_LONGEST: Final = 80


def about(path: str) -> dict[str, Any]:
    """Read the size in pixels, the format, the camera and the time of a picture.

    Only the header is read. Texts are cut to 80 characters that can be printed.

    Returns
    -------
    dict
        ``width``, ``height``, ``format``, and those of ``maker``, ``camera``, ``changed``
        and ``taken`` that the file has; only ``unread`` if it cannot be read.
    """
    import warnings

    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                found: dict[str, Any] = {
                    "width": image.width,
                    "height": image.height,
                    "format": str(image.format),
                }
                exif = image.getexif()
                tags = {**dict(exif), **exif.get_ifd(_EXIF)}
    except Exception as error:  # a header may be damaged in any way
        return {"unread": reason_of(error)}
    for tag, name in _TEXTS.items():
        value = tags.get(tag)
        if isinstance(value, str):
            text = "".join(c for c in value if c.isprintable()).strip()[:_LONGEST]
            if text:
                found[name] = text
    return found
