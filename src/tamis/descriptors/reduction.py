"""`a>pca64`: the vectors of a descriptor, or of a fusion, made shorter."""

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Final, Self, final

import numpy as np

from tamis.descriptors.base import Descriptor, Features, Labels, check_choice, check_int
from tamis.descriptors.components import Components, fit_components
from tamis.descriptors.fusion.fusion import Fusion
from tamis.descriptors.grammar import written
from tamis.descriptors.projection import gaussian_matrix, project
from tamis.errors import InvalidParameterError, ReductionError, printable
from tamis.images import Pixels

LEARNED: Final = ("pca", "whiten")
"""Methods that need training vectors."""

RANDOM: Final = ("gauss", "sparse")
"""Methods that need none."""

METHODS: Final = (*LEARNED, *RANDOM)


@final
@dataclass(frozen=True, kw_only=True)
class Reduction(Descriptor):
    """Vectors of a descriptor, projected to fewer values.

    ``pca`` keeps the directions in which training vectors differ most; ``whiten``
    also divides by the standard deviation along each, so that all count alike. Both
    are fitted to training vectors. ``gauss`` and ``sparse`` project by a fixed random
    matrix, which needs no training and keeps all distances roughly.

    What was learned is named in the spec by a digest of its values, and by the file it
    was written to: ``color(...)>pca64(digest=...,file=...)``. Without a file it lasts
    as long as the process.

    Parameters
    ----------
    base : Descriptor
        Whatever gives the vectors, except another reduction.
    method : {"pca", "whiten", "gauss", "sparse"}
    length : int
        Values that are left, 1 to ``base.dim``. More is an error for all methods: a
        projection to more values only costs.
    seed : int
        Of the random matrix.
    file : str or None
        That `save` wrote; made absolute.
    digest : str or None
        Of what was learned: 12 hexadecimal digits, checked if given.
    components : Components or None
        What was learned; read from `file` if that is given.

    Raises
    ------
    InvalidParameterError
        If an argument is out of its range or does not belong to the method.
    ReductionError
        If the file is missing, is none, or belongs to another descriptor, length or
        digest; or if there is a digest, and no file.

    Notes
    -----
    ``dim = length``.

    Distances by L2 and cosine suit reduced vectors. They approximate L2 of the whole
    vectors, never L1: L1 depends on the axes, and a projection gives others. Cosine
    after ``pca`` is measured from the mean of the training vectors.

    ``pca`` is that of Pearson [1]_, see Jolliffe [2]_. ``gauss`` has independent
    normal values of variance 1 / length: a squared distance keeps its expectation,
    and within a factor 1 +- e of it for all pairs of n vectors if length is at least
    ``4 ln n / (e^2/2 - e^3/3)`` [3]_. ``sparse`` has 0 and, with probability
    ``1 / sqrt(base.dim)``, plus or minus ``base.dim^(1/4) / sqrt(length)``: the
    random signs of Achlioptas [4]_, who has a third not 0, at the density of Li,
    Hastie and Church [5]_. Differs from them: components in which the training
    vectors do not differ are 0.

    The matrices come from ``numpy.random.RandomState``, whose streams do not change
    between versions of numpy.

    References
    ----------
    .. [1] K. Pearson, "On lines and planes of closest fit to systems of points in
       space", Philosophical Magazine 2(11), 559-572, 1901.
       https://doi.org/10.1080/14786440109462720
    .. [2] I. T. Jolliffe, "Principal Component Analysis", Springer, 2nd edition, 2002.
       https://doi.org/10.1007/b98835
    .. [3] S. Dasgupta, A. Gupta, "An elementary proof of a theorem of Johnson and
       Lindenstrauss", Random Structures & Algorithms 22(1), 60-65, 2003.
       https://doi.org/10.1002/rsa.10073
    .. [4] D. Achlioptas, "Database-friendly random projections: Johnson-Lindenstrauss
       with binary coins", Journal of Computer and System Sciences 66(4), 671-687, 2003.
       https://doi.org/10.1016/S0022-0000(03)00025-4
    .. [5] P. Li, T. Hastie, K. Church, "Very sparse random projections", ACM SIGKDD
       International Conference on Knowledge Discovery and Data Mining, 287-296, 2006.
       https://doi.org/10.1145/1150402.1150436

    Examples
    --------
    >>> reduction = tamis.Reduction(base=tamis.descriptor("moments"), method="gauss", length=8)
    >>> reduction.spec, reduction.dim
    ('moments(regions=5,size=128)>gauss8(seed=0)', 8)
    """

    name: ClassVar[str] = "reduction"
    summary: ClassVar[str] = "a descriptor in fewer values"
    reference: ClassVar[str] = "Pearson 1901, doi:10.1080/14786440109462720"

    base: Descriptor
    method: str
    length: int
    seed: int = 0
    file: str | None = None
    digest: str | None = None
    components: Components | None = dataclasses.field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        check_choice("method", self.method, METHODS)
        if isinstance(self.base, Reduction):
            raise InvalidParameterError(
                f"{self.base.spec} is reduced already; reduce {self.base.base.spec} to the length "
                "that is wanted."
            )
        if isinstance(self.base, Fusion) and self.base.late:
            raise InvalidParameterError(
                f"{self.base.spec} compares its parts one by one, and a reduction mixes them. "
                "Reduce an early fusion: write @early before the >."
            )
        check_int(f"the length of {self.method}", self.length, 1, self.base.dim)
        check_int("seed", self.seed, 0, 2**32 - 1)
        if self.method in RANDOM:
            if (self.file, self.digest, self.components) != (None, None, None):
                raise InvalidParameterError(f"{self.method} learns nothing, so it has no file.")
            return
        if self.seed:
            raise InvalidParameterError(f"{self.method} has no seed: nothing in it is random.")
        if self.file is not None:
            self._read_file()
        if self.components is not None:
            self._check(self.components)
            object.__setattr__(self, "digest", self.components.digest)
        elif self.digest is not None:
            raise ReductionError(
                f"{self.method}{self.length} with the digest {self.digest} was fitted by another "
                "process and its file is not named. Add file= if it was saved, or leave out "
                "digest= to fit it anew."
            )

    def _read_file(self) -> None:
        if not isinstance(self.file, str) or not self.file or not self.file.isprintable():
            raise InvalidParameterError(
                f"file must be a path that can be printed, as it is part of the spec. Got "
                f"{printable(str(self.file))!r}; a path that reads as a number needs quotes: "
                'file="123".'
            )
        object.__setattr__(self, "file", os.path.abspath(os.path.expanduser(self.file)))
        if self.components is None:
            object.__setattr__(self, "components", Components.load(str(self.file)))

    def _check(self, found: Components) -> None:
        where = f"the reduction {printable(self.file)}" if self.file else "this reduction"
        if self.digest not in (None, found.digest):
            raise ReductionError(
                f"{where} has the digest {found.digest}, and {self.digest} is asked for: it is "
                "another one, and vectors of both cannot be compared. Bring back the former file, "
                "or leave out digest=."
            )
        if found.base != self.base.spec:
            raise ReductionError(
                f"{where} was fitted to {found.base}, and cannot reduce {self.base.spec}."
            )
        if found.axes.shape != (self.length, self.base.dim):
            raise ReductionError(
                f"{where} makes {len(found.axes)} values of {found.axes.shape[1]}, not "
                f"{self.length} of {self.base.dim}. Ask for {self.method}{len(found.axes)}."
            )

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return self.length

    @property
    def spec(self) -> str:
        """The base's spec, ``>``, and the method with its length and what it learned."""
        given: dict[str, Any]
        if self.method in RANDOM:
            given = {"seed": self.seed}
        else:
            given = {"digest": self.digest, "file": self.file}
        said = ",".join(f"{k}={written(v)}" for k, v in given.items() if v is not None)
        return f"{self.base.spec}>{self.method}{self.length}" + (f"({said})" if said else "")

    @property
    def leaves(self) -> tuple[Descriptor, ...]:  # noqa: D102 - as Descriptor
        return self.base.leaves

    @property
    def fitted(self) -> bool:  # noqa: D102 - as Descriptor
        return self.base.fitted and (self.method in RANDOM or self.components is not None)

    @property
    def needs_labels(self) -> bool:  # noqa: D102 - as Descriptor
        return self.base.needs_labels

    @property
    def default_distance(self) -> str:  # type: ignore[override]
        """That of the base."""
        return self.base.default_distance

    def fit(  # noqa: D102 - as Descriptor
        self,
        vectors: Sequence[Features],
        *,
        labels: Labels | None = None,
        distance: str = "",
        jobs: int = 1,
    ) -> Self:
        if self.fitted:
            return self
        base = self.base.fit(vectors, labels=labels, distance=distance, jobs=jobs)
        if self.method in RANDOM:
            return dataclasses.replace(self, base=base)
        learned = fit_components(base.combine(vectors), self.length, base=base.spec)
        return dataclasses.replace(self, base=base, components=learned)

    def save(self, path: str | os.PathLike[str]) -> Self:
        """Write what was learned to a file.

        Returns
        -------
        Reduction
            The same, whose spec names the file: `tamis.descriptors.descriptor` rebuilds
            it from that, in any process.

        Raises
        ------
        InvalidParameterError
            If nothing was learned, or the path cannot be printed.
        DestinationError
            If the file cannot be written.
        """
        if self.components is None:
            raise InvalidParameterError(f"{self.spec} has learned nothing to be saved.")
        named = dataclasses.replace(self, file=os.fspath(path))
        self.components.save(path)
        return named

    def combine(self, vectors: Sequence[Features]) -> Features:  # noqa: D102 - as Descriptor
        if not self.fitted:
            raise InvalidParameterError(
                f"{self.spec} is not fitted yet: fit it to training pictures, or name the file of "
                f"one that is, as {self.method}{self.length}(file=NAME.npz)."
            )
        whole = self.base.combine(vectors)
        if self.method == "sparse":
            matrix = _sparse(self.length, self.base.dim, self.seed)
            return np.ascontiguousarray((matrix @ whole.T).T, np.float32)
        if self.components is None:
            return project(whole, gaussian_matrix(self.base.dim, self.length, self.seed))
        short = project(whole, self.components.columns, mean=self.components.mean)
        if self.method == "whiten":
            spread = np.sqrt(self.components.variances)
            short /= np.where(spread > 0, spread, 1)
        return short

    def describe(self, images: Sequence[Pixels]) -> Features:  # noqa: D102 - as Descriptor
        return self.combine([leaf.describe(images) for leaf in self.leaves])


def may_become(wanted: Descriptor, fitted: Descriptor) -> bool:
    """Tell whether a descriptor is, or could be fitted to be, another one.

    Where the weights of a fusion came from is not known any more once it is fitted.
    """
    if wanted.fitted:
        return wanted.spec == fitted.spec
    if isinstance(wanted, Fusion) and isinstance(fitted, Fusion):
        ways = [(one.parts, one.method, one.unit) for one in (wanted, fitted)]
        return ways[0] == ways[1]
    return False


@lru_cache(maxsize=4)
def _sparse(length: int, dim: int, seed: int) -> Any:
    """Make the matrix of `sparse`, a scipy one of shape (length, dim)."""
    from scipy.sparse import csr_array

    drawn = np.random.RandomState(seed).random_sample((length, dim))
    density = 1 / np.sqrt(dim)
    value = np.float32(1 / np.sqrt(density * length))
    row, column = np.nonzero(drawn < density)
    signs = np.where(drawn[row, column] < density / 2, -value, value)
    return csr_array((signs, (row, column)), shape=(length, dim), dtype=np.float32)
