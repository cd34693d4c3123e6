"""Why a file is not read as a picture: the reasons, for a person."""

from tamis.errors import MissingExtraError


class Unreadable(Exception):  # noqa: N818 - never leaves this package
    """Carries the reason from the place that knows it to `read_image`."""


def check_pixels(height: int, width: int, max_pixels: int) -> None:
    """Refuse a picture of too many pixels, before it is decoded."""
    if height * width > max_pixels:
        raise Unreadable(
            f"has {width} x {height} pixels, more than the limit of {max_pixels} "
            "(raise it with --max-pixels)"
        )


def reason_of(error: Exception) -> str:
    """Say in a few words what any error of a decoder means."""
    match error:
        case FileNotFoundError():
            return "is missing, or a link to nothing"
        case PermissionError():
            return "may not be read (permission denied)"
        case MissingExtraError():
            return str(error)
        case MemoryError():
            return "needs more memory than there is"
        case OSError(strerror=str(message)):
            return message
        case OSError() if "truncated" in str(error).lower():
            return "is truncated or damaged (its data ends too early)"
    text = " ".join(str(error).split()) or type(error).__name__
    return f"is damaged ({text[:200]})"
