"""What a descriptor costs on this machine."""

import statistics
import time
from typing import Final

import cv2
import numpy as np

from tamis.descriptors.base import Descriptor
from tamis.images import DEFAULT_SIZE, Pixels

SHAPE: Final = (DEFAULT_SIZE * 3 // 4, DEFAULT_SIZE)
"""Height and width of the picture that is described, in pixels."""

_LEAST_ROUNDS: Final = 5


def cost(descriptor: Descriptor, *, seconds: float = 0.1) -> float:
    """Measure what a picture costs, in milliseconds of one thread.

    The median of several rounds, at least five, over a made picture of 96 x 128
    pixels, without its decoding. The first round, which loads and compiles, does not
    count. OpenCV is kept to one thread meanwhile.

    Parameters
    ----------
    descriptor : Descriptor
    seconds : float
        How long to measure, roughly; a slow descriptor takes longer.
    """
    picture = [sample_picture()]
    rounds: list[float] = []
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        descriptor.describe(picture)
        end = time.perf_counter() + seconds
        while len(rounds) < _LEAST_ROUNDS or time.perf_counter() < end:
            start = time.perf_counter()
            descriptor.describe(picture)
            rounds.append(time.perf_counter() - start)
    finally:
        cv2.setNumThreads(threads)
    return 1000 * statistics.median(rounds)


def sample_picture() -> Pixels:
    """Make a picture of `SHAPE` with structure at all scales; always the same one.

    Its amplitudes fall with the frequency, as those of photographs do.
    """
    height, width = SHAPE
    rng = np.random.default_rng(0)
    y, x = np.fft.fftfreq(height)[:, np.newaxis], np.fft.rfftfreq(width)
    falling = 1 / np.maximum(np.hypot(y, x), 1 / width)
    # Light, and less of colour.
    light, *colours = (
        np.fft.irfft2(np.fft.rfft2(rng.normal(size=SHAPE)) * falling, SHAPE) for _ in range(4)
    )
    channels = np.stack([light + 0.3 * colour for colour in colours], axis=-1)
    channels -= channels.mean()
    return np.clip(128 + 50 / channels.std() * channels, 0, 255).astype(np.uint8)
