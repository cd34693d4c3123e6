"""Milliseconds per 120x80 photo: the original's method, scikit-image, tamis.

One core: no thread pools anywhere. Decoded CorelDB photos that lie 120 pixels wide,
each time the next ones. A round times both sides, tamis before and after the slow
one, which has few photos; the ratio of each round is taken, then their median. tamis
describes 32 photos a call, as `tamis.features.extract` does. Before a pair is timed,
both must give the same vectors, unless the table says that they are not the same
thing.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice

import cv2
import numpy as np
import simplejpeg
from skimage.color import rgb2gray
from skimage.feature import hog as hog_of
from skimage.feature import local_binary_pattern
from skimage.filters import gabor as gabor_of
from threadpoolctl import threadpool_limits

import reference
from machine import by_hand, coreldb, describe
from reference import TOLERANCE, Picture, regions_of
from tamis.descriptors import Descriptor, descriptor
from tamis.table import ImageTable

BATCH = 32

# The method; the spec; photos a round of the slow side; the target.
ORIGINALS = (
    (reference.color, "color(size=none)", 16, 300),
    (reference.color_histogramdd, "color(size=none)", 64, None),
    (reference.edge, "edge(variant=absolute,size=none)", 4, 1000),
    (reference.hog, "hog(variant=values,size=none)", 8, 75),
    (reference.daisy, "daisy(size=none)", 8, 55),
    (reference.gabor, "gabor(regions=1,size=none)", 1, 2500),
)


def skimage_hog(image: Picture) -> np.ndarray:
    """Nine directions in 8x8 cells, 2x2 cells a block, of the colour picture."""
    cell = (image.shape[0] // 8, image.shape[1] // 8)
    return hog_of(image, 9, cell, (2, 2), channel_axis=2)


def skimage_lbp(image: Picture) -> np.ndarray:
    """Uniform patterns, with numpy's histogram by regions."""
    patterns = local_binary_pattern((rgb2gray(image) * 255).astype(np.uint8), 8, 1, "nri_uniform")
    counts = [np.bincount(r.astype(int).ravel(), minlength=59) for r in regions_of(patterns, 3)]
    return np.concatenate(counts) / patterns.size


def skimage_gabor(image: Picture) -> np.ndarray:
    """skimage.filters.gabor for the 72 kernels; means of the magnitudes alone."""
    grey = rgb2gray(image)
    grey -= grey.mean()
    responses = (gabor_of(grey, **how, mode="wrap") for how in reference.gabor_settings())
    return np.array([np.hypot(*response).mean() for response in responses])


SCIKIT_IMAGE = (
    ("feature.hog, 9 directions, 8x8 cells", skimage_hog, "hog(size=none)", 16, False),
    ("feature.hog by regions, histogram", reference.hog, "hog(variant=values,size=none)", 8, True),
    ("feature.daisy, mean", reference.daisy, "daisy(size=none)", 8, True),
    ("filters.gabor, 72 kernels", skimage_gabor, "gabor(regions=1,size=none)", 1, False),
    ("feature.local_binary_pattern", skimage_lbp, "lbp(scales=1,size=none)", 64, False),
)


def per_photo(work: Callable[[], object], photos: int) -> float:
    """Milliseconds that each of the photos of a call takes."""
    start = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - start) / photos


def in_batches(how: Descriptor, photos: Sequence[Picture]) -> None:
    """Describe photos as extraction does."""
    for start in range(0, len(photos), BATCH):
        how.describe(photos[start : start + BATCH])


def against(
    slow: Callable[[Picture], np.ndarray],
    how: Descriptor,
    few: Iterator[Picture],
    count: int,
    photos: Sequence[Picture],
    rounds: int,
) -> tuple[float, float, list[float]]:
    """Return medians of the slow side and of tamis, in ms, and the ratios, ascending."""
    in_batches(how, photos)
    times = []
    for _ in range(rounds):
        some = list(islice(few, count))
        before = per_photo(lambda: in_batches(how, photos), len(photos))
        other = per_photo(lambda some=some: [slow(photo) for photo in some], count)
        after = per_photo(lambda: in_batches(how, photos), len(photos))
        times.append((other, (before + after) / 2))
    ratios = sorted(a / b for a, b in times)
    return (*(statistics.median(side) for side in zip(*times, strict=True)), ratios)


def same(slow: Callable[[Picture], np.ndarray], how: Descriptor, photo: Picture) -> float:
    """Largest difference between the vectors of both sides."""
    absolute = {"absolute": True} if slow is reference.edge else {}
    difference = float(np.abs(slow(photo, **absolute) - how.describe([photo])[0]).max())
    if not difference <= TOLERANCE:
        sys.exit(f"{how.spec} differs from the method it is compared with by {difference:.2g}")
    return difference


def originals(photos: Sequence[Picture], rounds: int) -> None:
    """Print how much faster tamis is than the original's method."""
    print(
        "\n| method | tamis | its ms | tamis ms | ratio | lowest | highest | target | differ by |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for slow, spec, count, target in ORIGINALS:
        how, few = descriptor(spec), cycle(photos)
        apart = same(slow, how, photos[0])
        with np.errstate(invalid="ignore", divide="ignore"):
            a, b, ratios = against(slow, how, few, count, photos, rounds)
        print(
            f"| {slow.__name__} | {how.spec} | {a:.1f} | {b:.4f} | {statistics.median(ratios):.0f} "
            f"| {ratios[0]:.0f} | {ratios[-1]:.0f} | {target or ''} | {apart:.0e} |",
            flush=True,
        )


def scikit_image(photos: Sequence[Picture], rounds: int) -> None:
    """Print how much faster tamis is than scikit-image."""
    print("\n| scikit-image | tamis | its ms | tamis ms | ratio | lowest | highest | the same |")
    print("|---|---|---|---|---|---|---|---|")
    for name, slow, spec, count, equal in SCIKIT_IMAGE:
        how, few = descriptor(spec), cycle(photos)
        apart = f"within {same(slow, how, photos[0]):.0e}" if equal else "in kind"
        a, b, ratios = against(slow, how, few, count, photos, rounds)
        print(
            f"| {name} | {how.spec} | {a:.1f} | {b:.4f} | {statistics.median(ratios):.1f} "
            f"| {ratios[0]:.1f} | {ratios[-1]:.1f} | {apart} |",
            flush=True,
        )


def defaults(photos: Sequence[Picture], files: Sequence[bytes], rounds: int) -> None:
    """Print what every descriptor costs, next to decoding."""
    print("\n| descriptor | dim | ms | of decoding | lowest | highest |")
    print("|---|---|---|---|---|---|")

    def decode() -> None:
        for file in files:
            simplejpeg.decode_jpeg(file)

    every = []
    for name in by_hand():
        how = descriptor(name)
        in_batches(how, photos)
        times = []
        for _ in range(rounds):
            floor = per_photo(decode, len(files))
            times.append((floor, per_photo(lambda how=how: in_batches(how, photos), len(photos))))
        every += [floor for floor, _ in times]
        ratios = sorted(b / a for a, b in times)
        print(
            f"| {how.spec} | {how.dim} | {statistics.median(b for _, b in times):.3f} "
            f"| {statistics.median(ratios):.1f} | {ratios[0]:.1f} | {ratios[-1]:.1f} |",
            flush=True,
        )
    print(f"\nDecoding alone: {statistics.median(every):.4f} ms, from memory.")


def main() -> None:
    """Print three tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=("originals", "scikit-image", "defaults"))
    options = parser.parse_args()
    table = ImageTable.from_folder(coreldb())
    files, photos = [], []
    for path in table.paths[:: len(table) // (2 * options.photos)]:
        with open(path, "rb") as file:
            data = file.read()
        photo = simplejpeg.decode_jpeg(data)
        if photo.shape == (80, 120, 3) and len(photos) < options.photos:
            files.append(data)
            photos.append(photo)
    cv2.setNumThreads(1)
    print(describe())
    print(f"{len(photos)} photos, one core, median of {options.rounds} rounds")
    with threadpool_limits(1):
        if options.only in (None, "originals"):
            originals(photos, options.rounds)
        if options.only in (None, "scikit-image"):
            scikit_image(photos, options.rounds)
        if options.only in (None, "defaults"):
            defaults(photos, files, options.rounds)


if __name__ == "__main__":
    main()
