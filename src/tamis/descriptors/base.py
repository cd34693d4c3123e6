"""What a descriptor is: the protocol that everything downstream is written against."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from tamis.descriptors.grammar import spec_of
from tamis.errors import InvalidParameterError
from tamis.images import DEFAULT_SIZE, Pixels, Size, as_rgb, fit

Features = npt.NDArray[np.float32]
Labels = Sequence[str | None]


class Descriptor(ABC):
    """Turns pictures into vectors of one length.

    Attributes
    ----------
    name : str
        The word that names it on the command line.
    summary : str
        What it captures, in a few words.
    reference : str
        Who published it, when, and the DOI, such as ``Swain & Ballard 1991,
        doi:10.1007/BF00130487``.
    sparse : bool
        Most values are 0, so a store keeps only the others.
    opens : tuple of str
        Names of the arguments that are paths of files.
    default_distance : str
        By which its vectors are compared unless another is asked for; one of
        `tamis.distances.DISTANCES`.

    Examples
    --------
    >>> color = tamis.descriptor("color(bins=4)")
    >>> color.dim, color.default_distance, color.spec
    (576, 'l1', 'color(bins=4,regions=3,size=128)')
    >>> color.describe([np.zeros((60, 80, 3), np.uint8)]).shape
    (1, 576)
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    reference: ClassVar[str]
    sparse: ClassVar[bool] = False
    opens: ClassVar[tuple[str, ...]] = ()
    default_distance: ClassVar[str] = "l1"

    @property
    @abstractmethod
    def dim(self) -> int:
        """Length of the vectors."""

    @property
    @abstractmethod
    def spec(self) -> str:
        """Canonical text from which `tamis.descriptors.descriptor` rebuilds it.

        Two descriptors with the same spec give the same vectors.
        """

    @abstractmethod
    def describe(self, images: Sequence[Pixels]) -> Features:
        """Describe pictures of any shapes.

        Parameters
        ----------
        images : sequence of ndarray, uint8
            As `tamis.images.as_rgb` takes them; an array of shape (n, H, W, 3) is one,
            too. Each is brought to the working size first.

        Returns
        -------
        ndarray of shape (len(images), dim), float32
            Finite for any image.

        Raises
        ------
        InvalidParameterError
            One image is given instead of a sequence of images.
        """

    @property
    def input_size(self) -> Size:
        """Size to which `describe` brings an image; None takes it as it is.

        An image that is read from a file comes at that size, which is quicker.
        """
        return None

    @property
    def leaves(self) -> "tuple[Descriptor, ...]":
        """The descriptors that are computed from images: itself, or its parts."""
        return (self,)

    @property
    def fitted(self) -> bool:
        """Whether it can describe; if not, `fit` returns a descriptor that can."""
        return True

    @property
    def needs_labels(self) -> bool:
        """Whether `fit` needs the classes of the training images."""
        return False

    def distance_for(self, distance: str = "") -> str:
        """Name the distance by which its vectors are searched.

        Parameters
        ----------
        distance : str
            If empty, the default distance of the descriptor.

        Returns
        -------
        str
            As `tamis.distances.gallery_of` takes it. A late fusion compares each part by
            `distance`, or by the default distance of the part.

        Raises
        ------
        InvalidParameterError
            It is a late fusion that is not fitted.
        """
        return distance or self.default_distance

    def fit(
        self,
        vectors: Sequence[Features],
        *,
        labels: Labels | None = None,
        distance: str = "",
        jobs: int = 1,
    ) -> "Descriptor":
        """Fit to the vectors of training images.

        Parameters
        ----------
        vectors : sequence of ndarray of shape (n, leaf.dim), float32
            One for each of the `leaves`.
        labels : sequence of (str or None), optional
            The classes of the images, needed if `needs_labels`.
        distance : str
            By which the images will be compared; if empty, the default distance.
        jobs : int
            Threads.

        Returns
        -------
        Descriptor
            Its spec holds what was learned. The same object if there is nothing to learn.

        Raises
        ------
        TableError
            It needs classes, and there are too few.
        """
        return self

    def combine(self, vectors: Sequence[Features]) -> Features:
        """Make its vectors from those of its `leaves`.

        Raises
        ------
        InvalidParameterError
            It is not fitted.
        """
        (own,) = vectors
        return own


@dataclass(frozen=True, kw_only=True)
class PixelDescriptor(Descriptor):
    """A descriptor computed from the pixels of one picture at a time.

    A subclass is a frozen dataclass whose fields are its parameters, and fills
    one row in `_fill`.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True, kw_only=True)
    ... class Mean(tamis.PixelDescriptor):
    ...     name = "mean"
    ...     dim = 3
    ...
    ...     def _fill(self, image, out):
    ...         out[:] = image.mean(axis=(0, 1))
    >>> Mean(size=64).describe([np.full((60, 80, 3), 7, np.uint8)])
    array([[7., 7., 7.]], dtype=float32)
    """

    size: int | None = DEFAULT_SIZE

    def __post_init__(self) -> None:
        check_int("size", self.size, 1, 65_535, optional=True)

    @property
    def spec(self) -> str:
        """Name and parameters, such as ``color(bins=12,regions=3,size=128)``."""
        return spec_of(self)

    @property
    def input_size(self) -> Size:
        """Longest side of the image that is described, in pixels."""
        return self.size

    def describe(self, images: Sequence[Pixels]) -> Features:  # noqa: D102 - as Descriptor
        check_images(images)
        features = np.zeros((len(images), self.dim), np.float32)
        for image, row in zip(images, features, strict=True):
            self._fill(fit(as_rgb(image), self.size), row)
        return features

    @abstractmethod
    def _fill(self, image: Pixels, out: Features) -> None:
        """Write the vector of one (H, W, 3) picture into `out`, of shape (dim,), all 0."""


def check_images(images: Sequence[Pixels]) -> None:
    """Raise InvalidParameterError if one image is given where several are expected.

    The rows of one array of shape (H, W, 3) would pass for H grey images.
    """
    if isinstance(images, np.ndarray) and images.ndim < 4:
        raise InvalidParameterError(
            "describe takes a sequence of images, or one array of shape (n, H, W, 3). Got one "
            f"array of shape {images.shape}; write describe([image])[0] to describe one image."
        )


def check_int(
    name: str, value: Any, low: int, high: int, *, even: bool = False, optional: bool = False
) -> None:
    """Raise InvalidParameterError unless `value` is an integer in [low, high]."""
    if optional and value is None:
        return
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not low <= value <= high or (even and value % 2):
        kind = "an even integer" if even else "an integer"
        none = " or none" if optional else ""
        raise InvalidParameterError(
            f"{name} must be {kind} in [{low}, {high}]{none}. Got {value!r}."
        )


def check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """Raise InvalidParameterError unless `value` is one of `choices`."""
    if value not in choices:
        raise InvalidParameterError(f"{name} must be one of {', '.join(choices)}. Got {value!r}.")
