"""Principal components: what `pca` and `whiten` learn, and the file it travels in."""

import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from tamis.errors import FileFormatError, InvalidParameterError, ReductionError, printable, sentence
from tamis.files.arrays import read_npz
from tamis.files.atomic import write_whole
from tamis.files.digest import digest_of_arrays
from tamis.files.kinds import REDUCTION

FIELDS: Final = {"mean": ("float32", 1), "axes": ("float32", 2), "variances": ("float32", 1)}
"""Arrays of components in a file, as `tamis.files.arrays.read_npz` takes them."""

_EXACT: Final = 2048  # pictures or values, whichever are fewer, up to which it is exact
_BLOCK: Final = 1024
_SPARE: Final = 16
_ROUNDS: Final = 4

_Array = npt.NDArray[np.float32]
_Wide = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Components:
    """The directions in which training vectors differ most.

    Attributes
    ----------
    base : str
        Spec of the descriptor that gave the training vectors.
    mean : ndarray of shape (dim,), float32
    axes : ndarray of shape (k, dim), float32
        Unit vectors, that of the largest variance first. One in which the training
        vectors do not differ at all is 0.
    variances : ndarray of shape (k,), float32
        Of the training vectors along each axis, over n - 1.

    Raises
    ------
    ReductionError
        If the arrays have other shapes, other types, or values that are not finite.
    """

    base: str
    mean: _Array
    axes: _Array
    variances: _Array

    def __post_init__(self) -> None:
        arrays = (self.mean, self.axes, self.variances)
        shape = (len(self.variances), len(self.mean)) if self.axes.ndim == 2 else None
        fits = self.axes.shape == shape and self.mean.ndim == self.variances.ndim == 1
        if not fits or any(array.dtype != np.float32 for array in arrays):
            raise ReductionError(
                "a reduction holds float32 arrays mean (dim,), axes (k, dim) and variances (k,). "
                f"Got {', '.join(f'{array.dtype} {array.shape}' for array in arrays)}."
            )
        if not all(np.isfinite(array).all() for array in arrays) or (self.variances < 0).any():
            raise ReductionError(
                "a reduction must be finite and its variances not negative; this one is not."
            )

    @cached_property
    def digest(self) -> str:
        """Twelve hexadecimal digits that change when any value or the base does."""
        return digest_of_arrays(self.mean, self.axes, self.variances, name=self.base)

    @cached_property
    def columns(self) -> _Array:
        """The axes as the columns of a matrix of shape (dim, k), row by row in memory."""
        return np.ascontiguousarray(self.axes.T)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file: whole, or not at all.

        Raises
        ------
        DestinationError
            If the file cannot be written, or is there already and is no reduction.
        """
        with write_whole(path, REDUCTION) as file:
            np.savez(
                file,
                base=np.frombuffer(self.base.encode(), np.uint8),
                mean=self.mean,
                axes=self.axes,
                variances=self.variances,
            )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        ReductionError
            If there is no such file, or it is not a reduction.
        """
        shown = printable(os.fspath(path))
        again = "Leave out file= and digest= to fit one anew, and keep it by Reduction.save(path)."
        try:
            found = read_npz(path, {"base": ("uint8", 1), **FIELDS})
            base = found.pop("base").tobytes().decode()
            return cls(base, **found)
        except FileNotFoundError as error:
            raise ReductionError(f"there is no reduction {shown}. {again}") from error
        except OSError as error:
            raise ReductionError(
                f"cannot read the reduction {shown}: {error.strerror}. {again}"
            ) from error
        except (FileFormatError, UnicodeDecodeError) as error:
            raise ReductionError(
                f"{shown} is no reduction, or a damaged one: {sentence(error)} {again}"
            ) from error


def fit_components(vectors: _Array, length: int, *, base: str = "") -> Components:
    """Find the principal components of vectors.

    Parameters
    ----------
    vectors : ndarray of shape (n, dim), float32
    length : int
        Components, 1 to ``min(n, dim)``.
    base : str
        Spec of the descriptor that gave the vectors.

    Returns
    -------
    Components
        The largest value of each axis is positive. The same on the same machine;
        another one, or another number of BLAS threads, may round otherwise.

    Raises
    ------
    InvalidParameterError
        If `length` is out of its range.

    Notes
    -----
    Exact, by the eigenvectors of the smaller of the two Gram matrices in float64, where
    n or dim is at most 2,048; else by random subspace iteration [1]_ with a fixed seed, 16
    spare dimensions and 4 rounds. Neither copies the vectors.

    `sklearn.decomposition.PCA` was measured beside it, 64 components in one thread: half
    the time for 6,000 vectors of 1,062 values, twice for 600 of 15,552, 1.5 times for
    1,500 of 4,096. It computes in the type of the vectors: between two kinds of processor,
    or one thread and two, its axes differ by up to 9e-6, and these by up to 6e-8 where they
    are exact. A reduction must be the same wherever it is fitted, so this stays.

    References
    ----------
    .. [1] N. Halko, P. Martinsson, J. Tropp, "Finding structure with randomness:
       probabilistic algorithms for constructing approximate matrix decompositions",
       SIAM Review 53(2), 217-288, 2011. https://doi.org/10.1137/090771806
    """
    n, dim = vectors.shape
    if not 1 <= length <= min(n, dim):
        raise InvalidParameterError(
            f"{n} training pictures with {dim} values each have at most {min(n, dim)} principal "
            f"components. Got {length}; ask for fewer, or give more pictures."
        )
    mean = vectors.mean(axis=0, dtype=np.float64)
    if min(n, dim) > _EXACT:
        squares, axes = _by_subspace(vectors, mean, length)
    elif dim <= n:
        squares, axes = _by_values(vectors, mean, length)
    else:
        squares, axes = _by_pictures(vectors, mean, length)
    # Below the rounding of float32 there is no direction, only noise.
    empty = squares <= max(float(squares[0]), 0.0) * np.finfo(np.float32).eps ** 2 * max(n, dim)
    squares[empty], axes[empty] = 0, 0
    # The sign of a component is anyone's: its largest value is positive here.
    largest = axes[np.arange(length), np.abs(axes).argmax(axis=1)]
    axes *= np.where(largest < 0, -1, 1)[:, np.newaxis]
    return Components(
        base=base,
        mean=mean.astype(np.float32),
        axes=np.ascontiguousarray(axes, np.float32),
        variances=(squares / max(n - 1, 1)).astype(np.float32),
    )


def _by_values(vectors: _Array, mean: _Wide, length: int) -> tuple[_Wide, _Wide]:
    """Find them as eigenvectors of ``centred.T @ centred``."""
    n, dim = vectors.shape
    gram = np.zeros((dim, dim))
    for start in range(0, n, _BLOCK):
        centred = vectors[start : start + _BLOCK] - mean
        gram += centred.T @ centred
    squares, axes = _largest(gram, length)
    return squares, np.ascontiguousarray(axes.T)


def _by_pictures(vectors: _Array, mean: _Wide, length: int) -> tuple[_Wide, _Wide]:
    """Find them by ``centred @ centred.T``, smaller with fewer pictures than values."""
    n, dim = vectors.shape
    gram = np.zeros((n, n))
    blocks = [slice(start, start + _BLOCK) for start in range(0, dim, _BLOCK)]
    for block in blocks:
        centred = vectors[:, block] - mean[block]
        gram += centred @ centred.T
    squares, shares = _largest(gram, length)
    axes = np.empty((length, dim))
    for block in blocks:
        axes[:, block] = shares.T @ (vectors[:, block] - mean[block])
    norms = np.linalg.norm(axes, axis=1, keepdims=True)
    return squares, axes / np.where(norms > 0, norms, 1)


def _by_subspace(vectors: _Array, mean: _Wide, length: int) -> tuple[_Wide, _Wide]:
    """Find nearly them, of many pictures with many values, by a few products."""
    n, dim = vectors.shape
    width = min(length + _SPARE, n, dim)
    low = mean.astype(np.float32)
    # Not default_rng: only the streams of RandomState are the same in all versions.
    space = np.random.RandomState(0).standard_normal((dim, width)).astype(np.float32)
    for _ in range(_ROUNDS):
        space, _r = np.linalg.qr(space)
        seen, _r = np.linalg.qr(vectors @ space - low @ space)
        space = vectors.T @ seen - np.outer(low, seen.sum(axis=0))
    space, _r = np.linalg.qr(space)
    seen = (vectors @ space - low @ space).astype(np.float64)
    squares, within = _largest(seen.T @ seen, length)
    return squares, within.T @ space.T.astype(np.float64)


def _largest(gram: _Wide, length: int) -> tuple[_Wide, _Wide]:
    """Find the largest eigenvalues of a symmetric matrix, and vectors as columns."""
    from scipy.linalg import eigh

    size = len(gram)
    found: tuple[Any, Any] = eigh(gram, subset_by_index=[size - length, size - 1])
    return np.maximum(found[0][::-1], 0), found[1][:, ::-1]
