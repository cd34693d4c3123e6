"""`jcd`: `cedd` and `fcth` joined in one vector."""

from dataclasses import dataclass
from typing import ClassVar, Final, final

import numpy as np

from tamis.descriptors.base import Features, PixelDescriptor
from tamis.descriptors.classical.cedd import edge_colors
from tamis.descriptors.classical.fcth import texture_colors
from tamis.descriptors.classical.fuzzycolor import PALETTE, quarter_means
from tamis.images import Pixels

_AREAS: Final = 7


@final
@dataclass(frozen=True, kw_only=True)
class Jcd(PixelDescriptor):
    """Joint composite descriptor.

    The six textures of `cedd` and the eight of `fcth`, each with the same 24
    colours, are joined into seven, colour by colour:

    0. mean of no edge and of no detail but diagonal
    1. mean of horizontal edge and of horizontal detail
    2. rising edge
    3. mean of vertical edge and of vertical detail
    4. falling edge
    5. horizontal and vertical detail
    6. non-directional edge

    where the detail counts with diagonal detail low and high together, and "mean"
    is half the sum.

    Parameters
    ----------
    size : int or None
        Working size in pixels.

    Notes
    -----
    ``dim = 7 * 24 = 168``. The vector runs over textures first, then colours, and
    is divided by its sum.

    After Chatzichristofis, Boutalis and Lux [1]_, who join the quantised
    vectors; here what is joined is `cedd` and `fcth` as they are described there.
    The way of joining was not checked against the paper.

    References
    ----------
    .. [1] S. A. Chatzichristofis, Y. S. Boutalis, M. Lux, "Selection of the proper
       compact composite descriptor for improving content based image retrieval",
       Signal Processing, Pattern Recognition and Applications (SPPRA), 134-140,
       2009. It has no DOI; its two parts are
       https://doi.org/10.1007/978-3-540-79547-6_30 and
       https://doi.org/10.1109/WIAMIS.2008.24

    Examples
    --------
    >>> white = np.full((8, 8, 3), 255, np.uint8)
    >>> (vector,) = Jcd().describe([white])
    >>> PALETTE[vector.argmax() % 24]
    'white'
    """

    name: ClassVar[str] = "jcd"
    summary: ClassVar[str] = "cedd and fcth in one: colours by edges and texture, no place"
    reference: ClassVar[str] = (
        "Chatzichristofis et al. 2009, "
        "of doi:10.1007/978-3-540-79547-6_30, doi:10.1109/WIAMIS.2008.24"
    )

    @property
    def dim(self) -> int:
        """Length of the vectors: ``7 * 24 = 168``."""
        return _AREAS * len(PALETTE)

    def _fill(self, image: Pixels, out: Features) -> None:
        quarters = quarter_means(image)
        edges = np.empty((6, len(PALETTE)), np.float32)
        edge_colors(quarters, edges)
        detail = np.empty((8, len(PALETTE)), np.float32)
        texture_colors(image, quarters, detail)
        textures = detail[:4] + detail[4:]
        joint = out.reshape(_AREAS, len(PALETTE))
        joint[0] = (edges[0] + textures[0]) / 2
        joint[1] = (edges[2] + textures[1]) / 2
        joint[2] = edges[4]
        joint[3] = (edges[3] + textures[2]) / 2
        joint[4] = edges[5]
        joint[5] = textures[3]
        joint[6] = edges[1]
        out /= out.sum()
