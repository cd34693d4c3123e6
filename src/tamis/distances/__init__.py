"""Named distances between vectors, and the k nearest by each of them.

With A and B for the sums of the values of a and b, p = a / A, q = b / B and
m = (p + q) / 2; a term or a quotient ``0 / 0`` counts as 0, so two zero vectors are
at distance 0, and the last column is what one and another vector b are at:

============= ======================================== ====== ===============
name          formula                                  values one zero vector
============= ======================================== ====== ===============
l1            sum |a - b|                              any    B
l2            sqrt(sum (a - b)^2)                      any    |b|
sqeuclidean   sum (a - b)^2                            any    |b|^2
cosine        1 - sum(a b) / (|a| |b|)                 any    1/2
chi2          sum((a - b)^2 / (a + b)) / 2             >= 0   B / 2
hellinger     sqrt(sum (sqrt a - sqrt b)^2 / 2)        >= 0   sqrt(B / 2)
intersection  1 - sum(min(a, b)) / max(A, B)           >= 0   1
canberra      sum(|a - b| / (|a| + |b|))               any    the bins b uses
braycurtis    sum |a - b| / (A + B)                    >= 0   1
jensenshannon sqrt(sum(p ln(p / m) + q ln(q / m)) / 2) >= 0   sqrt(ln(2) / 2)
============= ======================================== ====== ===============

Equal vectors are at distance 0 exactly, so that a picture is its own nearest
neighbour, and equal distances keep the order of the gallery.

Notes
-----
l1, l2, sqeuclidean, cosine, canberra, braycurtis and jensenshannon are those of
`scipy.spatial.distance`, which answers NaN or infinity to zero vectors in
some, and takes braycurtis of negative values, where it can divide by 0. Cosine is computed
as half the squared difference of unit vectors.

chi2 [1]_ is the statistic against the mean of both histograms; other libraries
leave out the half, or double it. Hellinger [2]_ is
``sqrt(1 - sum sqrt(a b))`` for histograms of sum 1. Intersection [3]_ divides by
the sum of the model; the larger sum is that for histograms of one size, and makes
it symmetric, and 0 for equal vectors only, for all others. For histograms of sum
1 intersection and braycurtis are both half of l1. Canberra is due to Lance and
Williams [4]_, braycurtis to Bray and Curtis [5]_, jensenshannon to Lin [6]_; that
its square root is a metric, to Endres and Schindelin [7]_.

The kernels estimate all distances in float32, with a bound of the error; the few
rows that may be among the nearest are then measured in float64. Nothing depends
on how the estimates came about: which kernels, how many threads.

References
----------
.. [1] J. Puzicha, T. Hofmann, J. M. Buhmann, "Non-parametric similarity measures
   for unsupervised texture segmentation and image retrieval", CVPR, 267-272, 1997.
   https://doi.org/10.1109/CVPR.1997.609331
.. [2] E. Hellinger, "Neue Begruendung der Theorie quadratischer Formen von
   unendlichvielen Veraenderlichen", Journal fuer die reine und angewandte
   Mathematik 136, 210-271, 1909. https://doi.org/10.1515/crll.1909.136.210
.. [3] M. J. Swain, D. H. Ballard, "Color indexing", International Journal of
   Computer Vision 7(1), 11-32, 1991. https://doi.org/10.1007/BF00130487
.. [4] G. N. Lance, W. T. Williams, "Computer programs for hierarchical polythetic
   classification", The Computer Journal 9(1), 60-64, 1966.
   https://doi.org/10.1093/comjnl/9.1.60
.. [5] J. R. Bray, J. T. Curtis, "An ordination of the upland forest communities of
   southern Wisconsin", Ecological Monographs 27(4), 325-349, 1957.
   https://doi.org/10.2307/1942268
.. [6] J. Lin, "Divergence measures based on the Shannon entropy", IEEE Transactions
   on Information Theory 37(1), 145-151, 1991. https://doi.org/10.1109/18.61115
.. [7] D. M. Endres, J. E. Schindelin, "A new metric for probability distributions",
   IEEE Transactions on Information Theory 49(7), 1858-1860, 2003.
   https://doi.org/10.1109/TIT.2003.813506
"""

from tamis.distances.gallery import Gallery, nearest
from tamis.distances.late_fusion import (
    FusedGallery,
    Part,
    fused_name,
    gallery_of,
    read_fused,
    reciprocal_ranks,
)
from tamis.distances.registry import ADDITIVE, DISTANCES, Additive, check_distance

__all__ = [
    "ADDITIVE",
    "DISTANCES",
    "Additive",
    "FusedGallery",
    "Gallery",
    "Part",
    "check_distance",
    "fused_name",
    "gallery_of",
    "nearest",
    "read_fused",
    "reciprocal_ranks",
]
