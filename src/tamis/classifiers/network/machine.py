"""How a training uses the machine: its threads and its memory."""

import contextlib
import ctypes
import sys
from collections.abc import Iterator
from typing import Final

from tamis.errors import MissingExtraError

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_KEPT: Final = 1 << 30
_DEFAULT: Final = 128 << 10


@contextlib.contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Let the C library keep what is freed, instead of giving it to the system.

    Every step of a training needs the same large arrays. glibc asks the system for each of
    them anew, and the system clears every page of it: a good part of the time of a step.
    Elsewhere than on glibc nothing is done.
    """
    mallopt = None
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            mallopt = ctypes.CDLL(None).mallopt  # musl has none
    if mallopt is None:
        yield
        return
    mallopt(_MMAP_THRESHOLD, _KEPT)
    mallopt(_TRIM_THRESHOLD, _KEPT)
    try:
        yield
    finally:
        mallopt(_MMAP_THRESHOLD, _DEFAULT)
        mallopt(_TRIM_THRESHOLD, _DEFAULT)


@contextlib.contextmanager
def threads(jobs: int) -> Iterator[None]:
    """Let torch compute on so many threads for a while."""
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError.for_extra("train", "a network") from error
    before = torch.get_num_threads()
    torch.set_num_threads(jobs)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def takes_bfloat16(precision: str, device: str) -> bool:
    """Decide whether to learn in bfloat16.

    Emulated, it is ten times slower than float32: ``"auto"`` takes it only where the
    processor has instructions for it (AVX512-BF16, AMX).
    """
    import torch

    if precision != "auto":
        return precision == "bfloat16"
    if device != "cpu":
        return False
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", bool)())
