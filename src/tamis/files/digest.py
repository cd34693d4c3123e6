"""Digests: the beginning of a SHA-256 as hexadecimal digits, by which content is named."""

import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt

DIGEST_LENGTH: Final = 12


def digest_of(content: bytes) -> str:
    """Return the digest of bytes.

    Examples
    --------
    >>> digest_of(b"cat")
    '77af778b51ab'
    """
    return hashlib.sha256(content).hexdigest()[:DIGEST_LENGTH]


def digest_of_arrays(*arrays: npt.NDArray[np.float32], name: str = "") -> str:
    """Return a digest that changes with the name, and with any shape or value of the arrays."""
    content = hashlib.sha256(name.encode())
    for array in arrays:
        content.update(f"{array.shape}".encode())
        content.update(array.astype("<f4").tobytes())
    return content.hexdigest()[:DIGEST_LENGTH]


def is_digest(text: object) -> bool:
    """Whether a value has the form of a digest."""
    return (
        isinstance(text, str)
        and len(text) == DIGEST_LENGTH
        and set(text) <= set("0123456789abcdef")
    )
