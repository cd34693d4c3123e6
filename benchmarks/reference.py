"""The original system's method, plainly: what `descriptor_speed.py` measures against.

Written from its description, with the functions that code of its kind uses: one
picture at a time, numpy.histogramdd per region, Python loops over 2x2 blocks,
scikit-image's hog, daisy and Gabor kernels, scipy's convolution. Nothing is slowed
down on purpose: kernels are built once, and no process pool is made per photo, as
the original did. Each function takes an (H, W, 3) uint8 picture and returns a
float64 vector divided by its sum.

Run as a command, it compares itself with the vectors that the original gave
(`TAMIS_ORACLE`, ../shared/oracle/cbir_reference.npz by default) and stops at the
first that differs.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.color import rgb2gray
from skimage.feature import daisy as daisy_of
from skimage.feature import hog as hog_of
from skimage.filters import gabor_kernel

from machine import ROOT, describe

Picture = npt.NDArray[np.uint8]
Vector = npt.NDArray[np.float64]

TOLERANCE = 1e-6
EDGE_KERNELS = (
    np.array([[1, -1], [1, -1]]),
    np.array([[1, 1], [-1, -1]]),
    np.array([[np.sqrt(2), 0], [0, -np.sqrt(2)]]),
    np.array([[0, np.sqrt(2)], [-np.sqrt(2), 0]]),
    np.array([[2, -2], [-2, 2]]),
)


def regions_of(image: npt.NDArray, regions: int) -> Iterator[npt.NDArray]:
    """Cut a picture into regions x regions cells, in row-major order."""
    height, width = image.shape[:2]
    rows = np.round(np.linspace(0, height, regions + 1)).astype(int)
    columns = np.round(np.linspace(0, width, regions + 1)).astype(int)
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            yield image[top:bottom, left:right]


def color(image: Picture, *, bins: int = 12, regions: int = 3) -> Vector:
    """Joint RGB histogram by regions, pixel by pixel."""
    histograms = []
    for region in regions_of(image, regions):
        counts = np.zeros((bins,) * 3)
        levels = region.astype(int) * bins // 256
        for y in range(region.shape[0]):
            for x in range(region.shape[1]):
                counts[tuple(levels[y, x])] += 1
        histograms.append(counts.ravel())
    vector = np.concatenate(histograms)
    return vector / vector.sum()


def color_histogramdd(image: Picture, *, bins: int = 12, regions: int = 3) -> Vector:
    """Joint RGB histogram by regions, as numpy has it."""
    histograms = []
    for region in regions_of(image, regions):
        counts, _ = np.histogramdd(region.reshape(-1, 3), bins=bins, range=[(0, 256)] * 3)
        histograms.append(counts.ravel())
    vector = np.concatenate(histograms)
    return vector / vector.sum()


def edge(image: Picture, *, regions: int = 10, absolute: bool = False) -> Vector:
    """Sum the responses of five 2x2 kernels by regions; NaN where they cancel."""
    kernels = [np.stack([kernel] * 3, axis=2) for kernel in EDGE_KERNELS]
    histograms = []
    for region in regions_of(image, regions):
        sums = np.zeros(len(kernels))
        for y in range(0, region.shape[0] - 1, 2):
            for x in range(0, region.shape[1] - 1, 2):
                block = region[y : y + 2, x : x + 2]
                for i, kernel in enumerate(kernels):
                    if absolute:
                        sums[i] += np.abs((block * kernel).sum(axis=(0, 1))).sum()
                    else:
                        sums[i] += np.sum(block * kernel)
        with np.errstate(invalid="ignore", divide="ignore"):
            histograms.append(sums / sums.sum())
    vector = np.concatenate(histograms)
    if absolute:
        vector = np.nan_to_num(vector)
    with np.errstate(invalid="ignore"):
        return vector / vector.sum()


def hog(image: Picture, *, regions: int = 6, bins: int = 10) -> Vector:
    """Histogram of the values of HOG by regions."""
    histograms = []
    for region in regions_of(rgb2gray(image), regions):
        values = hog_of(
            region,
            orientations=8,
            pixels_per_cell=(2, 2),
            cells_per_block=(1, 1),
            block_norm="L2-Hys",
        )
        counts, _ = np.histogram(values, bins=np.linspace(0, values.max(), bins + 1))
        histograms.append(counts / counts.sum())
    vector = np.concatenate(histograms)
    return vector / vector.sum()


def daisy(image: Picture, *, regions: int = 1) -> Vector:
    """Mean of the DAISYs on a grid, by regions."""
    means = []
    for region in regions_of(rgb2gray(image), regions):
        found = daisy_of(region, step=10, radius=30, rings=2, histograms=6, orientations=8)
        means.append(found.mean(axis=(0, 1)))
    vector = np.concatenate(means)
    return vector / vector.sum()


@cache
def gabor_settings() -> list[dict[str, float]]:
    """List the arguments of the 72 kernels."""
    settings = []
    for theta in np.arange(4) / 4 * np.pi:
        for frequency in (0.1, 0.5, 0.8):
            where = {"frequency": frequency, "theta": theta}
            settings += [where | {"sigma_x": sigma, "sigma_y": sigma} for sigma in (1, 3, 5)]
            settings += [where | {"bandwidth": bandwidth} for bandwidth in (0.3, 0.7, 1)]
    return settings


@cache
def gabor_kernels() -> list[npt.NDArray[np.complex128]]:
    """Build the bank, once."""
    return [gabor_kernel(**arguments) for arguments in gabor_settings()]


def gabor(image: Picture) -> Vector:
    """Means and variances of the magnitudes of 72 Gabor filters."""
    grey = rgb2gray(image)
    grey = (grey - grey.mean()) / grey.std()
    means, variances = [], []
    for kernel in gabor_kernels():
        real = ndimage.convolve(grey, np.real(kernel), mode="wrap")
        imaginary = ndimage.convolve(grey, np.imag(kernel), mode="wrap")
        magnitude = np.sqrt(real**2 + imaginary**2)
        means.append(magnitude.mean())
        variances.append(magnitude.var())
    vector = np.concatenate([np.divide(means, sum(means)), np.divide(variances, sum(variances))])
    return vector / vector.sum()


def disagreement(name: str, found: Vector, expected: Vector) -> float:
    """Largest difference, relative above 1; infinite if other values are finite.

    The signed edge responses have sums near 0, and so values of any size.
    """
    if name == "edge" and not np.isfinite(expected).all():
        # One region that cancels makes the original's whole vector NaN.
        return 0.0 if not np.isfinite(found).all() else np.inf
    if not np.isfinite(found).all():
        return np.inf
    return float((np.abs(found - expected) / np.maximum(np.abs(expected), 1)).max())


def check(gabors: int) -> None:
    """Compare with the original's vectors; gabor, at 12 s a photo, for the first ones."""
    where = Path(os.environ.get("TAMIS_ORACLE", ROOT.parent / "shared/oracle/cbir_reference.npz"))
    if not where.is_file():
        sys.exit(f"no vectors of the original system at {where} (set TAMIS_ORACLE)")
    oracle = np.load(where)
    print("| descriptor | photos of 120x80 | of about 224x224 | largest difference | not finite |")
    print("|---|---|---|---|---|")
    for how in (color, color_histogramdd, edge, hog, daisy):
        name = how.__name__.removesuffix("_histogramdd")
        worst, counts, lost = 0.0, [], 0
        for kind in ("corel", "square"):
            vectors = oracle[f"{kind}_{name}"]
            counts.append(len(vectors))
            for i, expected in enumerate(vectors):
                by_regions = {"regions": 2} if (name, kind) == ("daisy", "square") else {}
                found = how(oracle[f"{kind}_image_{i}"], **by_regions)
                worst = max(worst, disagreement(name, found, expected))
                lost += not np.isfinite(expected).all()
        row(how.__name__, *counts, worst, lost)
    worst = max(
        disagreement("gabor", gabor(oracle[f"corel_image_{i}"]), oracle["corel_gabor"][i])
        for i in range(gabors)
    )
    row("gabor", gabors, 0, worst, 0)


def row(name: str, corel: int, square: int, worst: float, lost: int) -> None:
    """Print a row; stop if it says that the port is not the original."""
    print(f"| {name} | {corel} | {square} | {worst:.1e} | {lost} |", flush=True)
    if not worst <= TOLERANCE:
        sys.exit(f"{name} differs from the original by {worst:.2g}")


def main() -> None:
    """Print how far the port is from the original."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="what it does in any case")
    parser.add_argument("--gabors", type=int, default=2, help="photos for gabor, 12 s each")
    options = parser.parse_args()
    print(describe())
    check(options.gabors)


if __name__ == "__main__":
    main()
