"""Reductions: against scikit-learn and the theory, and how they travel."""

import hashlib
import pickle
import stat
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist
from sklearn.decomposition import PCA

from pictures import picture, write_kinds
from tamis.descriptors import Reduction, components, descriptor
from tamis.descriptors.components import Components, fit_components
from tamis.errors import (
    DestinationError,
    InvalidParameterError,
    ReductionError,
    TamisError,
    UnknownNameError,
)
from tamis.features import extract, extract_several
from tamis.table import ImageTable

IMAGES = [picture(kind, seed) for kind in ("bars", "sky", "tiles") for seed in range(6)]
BASE = "moments+edge"


@pytest.fixture(scope="module")
def leaves():
    return [descriptor(spec).describe(IMAGES) for spec in BASE.split("+")]


@pytest.fixture(scope="module", params=["pca7", "whiten7", "gauss50", "sparse50(seed=4)"])
def fitted(request, leaves):
    return descriptor(f"{BASE}>{request.param}").fit(leaves)


@pytest.fixture(scope="module")
def learned(leaves):
    return descriptor("moments>pca5").fit(leaves[:1])


def clouds(n, dim, seed=0):
    random = np.random.default_rng(seed)
    scales = np.geomspace(1, 0.01, dim)
    turn, _ = np.linalg.qr(random.normal(size=(dim, dim)))
    return ((random.normal(size=(n, dim)) * scales) @ turn + 3).astype(np.float32)


# Specs


@pytest.mark.parametrize(
    ("spec", "canonical"),
    [
        ("moments>pca64", "{moments}>pca64"),
        (" moments > whiten8 ", "{moments}>whiten8"),
        ("moments>pca64()", "{moments}>pca64"),
        ("moments>gauss12", "{moments}>gauss12(seed=0)"),
        ("moments>sparse12(seed=3)", "{moments}>sparse12(seed=3)"),
        ("moments+edge>pca20", "{moments}+{edge}>pca20"),
        ("2*moments+0.5*edge>gauss3", "2*{moments}+0.5*{edge}>gauss3(seed=0)"),
    ],
)
def test_a_spec_has_one_canonical_form(spec, canonical):
    wanted = canonical.format(moments=descriptor("moments").spec, edge=descriptor("edge").spec)
    assert descriptor(spec).spec == wanted
    assert descriptor(wanted) == descriptor(spec)


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ("moments>pcb3", UnknownNameError, "Did you mean pca"),
        ("moments>pca", InvalidParameterError, "needs a length"),
        ("moments>64", InvalidParameterError, "cannot read the reduction"),
        ("moments>", InvalidParameterError, "before the >"),
        (">pca3", InvalidParameterError, "before the >"),
        (">", InvalidParameterError, "before the >"),
        ("moments>pca0", InvalidParameterError, r"in \[1, 225\]"),
        ("moments>pca226", InvalidParameterError, r"in \[1, 225\]"),
        ("moments>gauss226", InvalidParameterError, r"in \[1, 225\]"),
        ("moments>sparse226", InvalidParameterError, r"in \[1, 225\]"),
        ("moments>pca3>gauss2", InvalidParameterError, "reduced already"),
        ("moments>pca3+edge", InvalidParameterError, "Reductions cannot be fused"),
        ("moments>pca3(seed=1)", InvalidParameterError, "no argument"),
        ("moments>gauss3(file=x.npz)", InvalidParameterError, "no argument"),
        ("moments>gauss3(seed=-1)", InvalidParameterError, "seed must be"),
        ("moments>pca3(file=7)", InvalidParameterError, "needs quotes"),
        ("moments>pca3(file=none.npz)", ReductionError, "there is no reduction"),
        ("moments+edge>pca3(file=none.npz)", ReductionError, "there is no reduction"),
        ("moments>pca3(digest=0123456789ab)", ReductionError, "fitted by another process"),
        ("momentz>pca3", UnknownNameError, "moments"),
    ],
)
def test_bad_specs_say_so(spec, error, message):
    with pytest.raises(error, match=message):
        descriptor(spec)


@given(st.text('moents>pca3(),="+*gu ', max_size=24))
def test_any_text_is_a_descriptor_or_a_kind_error(text):
    try:
        built = descriptor(text)
    except TamisError:
        return
    assert descriptor(built.spec) == built


def test_a_quoted_or_bracketed_sign_is_none_of_its_own(tmp_path, learned):
    named = learned.save(tmp_path / "a>b (c).npz")
    assert descriptor(named.spec) == named
    assert named.base == learned.base


# What it computes


def test_it_is_a_descriptor_of_the_leaves(fitted, leaves):
    assert fitted.fitted
    assert fitted.leaves == descriptor(BASE).leaves
    vectors = fitted.combine(leaves)
    assert vectors.shape == (len(IMAGES), fitted.dim)
    assert vectors.dtype == np.float32
    assert vectors.flags.c_contiguous
    assert np.isfinite(vectors).all()
    assert (fitted.describe(IMAGES) == vectors).all()
    assert fitted.describe([]).shape == (0, fitted.dim)
    assert fitted.fit([leaf * 2 for leaf in leaves]) is fitted
    again = pickle.loads(pickle.dumps(fitted))
    assert again == fitted
    assert (again.combine(leaves) == vectors).all()


def test_a_vector_does_not_depend_on_those_beside_it(fitted):
    some = [clouds(200, leaf.dim, seed) for seed, leaf in enumerate(fitted.leaves)]
    whole = fitted.combine(some)
    for start, end in ((0, 1), (5, 37), (60, 200), (199, 200)):
        assert (fitted.combine([part[start:end] for part in some]) == whole[start:end]).all()
    for row in range(200):
        assert (fitted.combine([part[row : row + 1] for part in some]) == whole[row]).all()
    turned = fitted.combine([np.asfortranarray(part[::-1]) for part in some])
    assert (turned == whole[::-1]).all()


@pytest.mark.parametrize(("n", "dim"), [(60, 20), (20, 60), (20, 20)])
def test_pca_is_that_of_scikit_learn_up_to_sign(n, dim):
    vectors = clouds(n, dim)
    k = min(n, dim) - 1
    found, theirs = fit_components(vectors, k), PCA(k, svd_solver="full").fit(vectors)
    np.testing.assert_allclose(found.mean, theirs.mean_, atol=1e-5)
    np.testing.assert_allclose(found.variances, theirs.explained_variance_, rtol=1e-4)
    signs = np.sign((found.axes * theirs.components_).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(found.axes, signs * theirs.components_, atol=2e-3)
    assert (found.axes[np.arange(k), np.abs(found.axes).argmax(axis=1)] > 0).all()


def test_the_quick_way_finds_the_same(monkeypatch):
    vectors = clouds(300, 120)
    exact = fit_components(vectors, 12)
    monkeypatch.setattr(components, "_EXACT", 50)
    quick = fit_components(vectors, 12)
    np.testing.assert_allclose(quick.variances, exact.variances, rtol=1e-3)
    np.testing.assert_allclose(quick.axes @ quick.axes.T, np.eye(12), atol=1e-5)
    assert (np.abs((quick.axes * exact.axes).sum(axis=1)) > 0.99).all()
    assert fit_components(vectors, 12).digest == quick.digest


def test_whitening_gives_unit_variance(leaves):
    one = descriptor("moments>whiten7").fit(leaves[:1])
    np.testing.assert_allclose(np.cov(one.combine(leaves[:1]).T), np.eye(7), atol=1e-3)


def test_pca_of_full_length_keeps_all_distances():
    vectors = clouds(300, 225)
    short = descriptor("moments>pca225").fit([vectors]).combine([vectors])
    np.testing.assert_allclose(pdist(short), pdist(vectors), rtol=1e-4)


@pytest.mark.parametrize("method", ["gauss", "sparse"])
@pytest.mark.parametrize("seed", range(3))
def test_projections_keep_distances_as_dasgupta_and_gupta_say(method, seed):
    """The bound is for gauss; of spread-out vectors sparse keeps it as well."""
    n, e = 20, 0.5
    length = int(np.ceil(4 * np.log(n) / (e**2 / 2 - e**3 / 3)))
    vectors = np.random.default_rng(seed).random((n, descriptor("color(bins=4)").dim), np.float32)
    one = descriptor(f"color(bins=4)>{method}{length}(seed={seed})")
    ratio = pdist(one.combine([vectors]), "sqeuclidean") / pdist(vectors, "sqeuclidean")
    assert ratio.min() > 1 - e
    assert ratio.max() < 1 + e
    assert ratio.mean() == pytest.approx(1, abs=0.15)


def test_the_sparse_matrix_has_the_density_of_li():
    one = descriptor("color(bins=4)>sparse100")
    matrix = one.combine([np.eye(one.base.dim, dtype=np.float32)])
    values = np.unique(matrix)
    scale = one.base.dim**0.25 / 10
    np.testing.assert_allclose(values, [-scale, 0, scale], rtol=1e-5)
    assert (matrix != 0).mean() == pytest.approx(one.base.dim**-0.5, rel=0.1)
    assert (matrix > 0).sum() == pytest.approx((matrix < 0).sum(), rel=0.1)


def test_random_matrices_never_change():
    """The streams of RandomState are frozen: a stored vector fits those made later."""
    eye = np.eye(225, dtype=np.float32)
    gauss = descriptor("moments>gauss2").combine([eye])
    np.testing.assert_allclose(gauss[:2, 0] * np.sqrt(2), [1.7640524, 0.4001572], rtol=1e-6)
    sparse = np.sign(descriptor("moments>sparse8").combine([eye])).astype(np.int8)
    digest = hashlib.sha256(sparse.tobytes()).hexdigest()[:12]
    assert digest == "8605644565cd"
    other = descriptor("moments>gauss2(seed=1)").combine([eye])
    assert (other != gauss).all()


def test_directions_without_any_variance_are_zero():
    flat = np.full((9, 225), 0.1, np.float32)
    flat[:, 0] = np.arange(9)
    for method in ("pca", "whiten"):
        one = descriptor(f"moments>{method}5").fit([flat])
        assert (one.components.variances[1:] == 0).all()
        vectors = one.combine([flat + np.float32(0.5)])
        assert np.isfinite(vectors).all()
        assert (vectors[:, 1:] == 0).all()
        assert np.ptp(vectors[:, 0]) > 1


def test_too_few_pictures_are_an_error_that_says_how_many_components_there_are(leaves):
    with pytest.raises(InvalidParameterError, match=r"at most 18 principal components\. Got 19"):
        descriptor("moments>pca19").fit(leaves[:1])
    with pytest.raises(InvalidParameterError, match="at most 0"):
        descriptor("moments>pca1").fit([leaves[0][:0]])


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 12), dim=st.integers(1, 12), seed=st.integers(0, 99), data=st.data())
def test_any_vectors_give_axes_at_right_angles(n, dim, seed, data):
    vectors = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    k = data.draw(st.integers(1, min(n, dim)))
    found = fit_components(vectors, k)
    there = (found.variances > 0).sum()
    assert there == min(k, n - 1)
    products = found.axes.astype(np.float64) @ found.axes.T
    np.testing.assert_allclose(products, np.diag(np.arange(k) < there), atol=1e-4)
    assert (np.diff(found.variances) <= 0).all()


def test_without_training_it_cannot_describe():
    assert not descriptor("moments>pca3").fitted
    assert not descriptor("moments+edge>gauss3").fitted
    assert descriptor("moments>gauss3").fitted
    assert descriptor("1*moments+2*edge>sparse3").fitted
    for spec in ("moments>whiten3", "moments+edge>gauss3"):
        with pytest.raises(InvalidParameterError, match="is not fitted yet"):
            descriptor(spec).describe(IMAGES)


def test_extraction_gives_what_the_leaves_give(tmp_path, fitted):
    write_kinds(tmp_path, 5)
    table = ImageTable.from_folder(tmp_path)
    several = extract_several(table, fitted.leaves)
    whole = extract(table, fitted)
    assert (whole.features == fitted.combine([one.features for one in several])).all()
    assert whole.spec == fitted.spec


# How it travels


def test_a_digest_names_what_was_learned(learned, leaves):
    assert learned.spec.replace('"', "") == (
        f"{descriptor('moments').spec}>pca5(digest={learned.digest})"
    )
    assert descriptor("moments>pca5").fit(leaves[:1]) == learned
    other = descriptor("moments>pca5").fit([leaves[0][:10]])
    assert other != learned
    assert other.spec != learned.spec


@pytest.mark.parametrize("spec", ["moments>pca5", "moments>whiten5", "moments+edge>pca5"])
def test_a_file_carries_it(tmp_path, leaves, spec):
    here = descriptor(spec)
    here = here.fit(leaves[: len(here.leaves)])
    path = tmp_path / "r.npz"
    named = here.save(path)
    assert str(path) in named.spec
    assert named.digest in named.spec
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [file.name for file in tmp_path.iterdir()] == ["r.npz"]
    vectors = here.combine(leaves[: len(here.leaves)])
    # Without the digest, and of a fusion without the weights: they are in the file.
    for text in (named.spec, f'{spec}(file="{path}")'):
        again = descriptor(text)
        assert again == named
        assert again.fitted
        assert (again.combine(leaves[: len(here.leaves)]) == vectors).all()


def test_another_process_gives_the_same(tmp_path, learned):
    named = learned.save(tmp_path / "r.npz")
    code = (
        "import sys, numpy as np; from tamis.descriptors import descriptor\n"
        "one = descriptor(sys.argv[1]); x = np.linspace(0, 1, 450, dtype=np.float32)\n"
        "print(one.spec == sys.argv[1], one.combine([x.reshape(2, 225)]).tobytes().hex())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, named.spec], capture_output=True, text=True, check=True
    )
    vectors = np.linspace(0, 1, 450, dtype=np.float32).reshape(2, 225)
    assert done.stdout.split() == ["True", named.combine([vectors]).tobytes().hex()]


def test_a_file_that_is_another_one_is_refused(tmp_path, learned, leaves):
    path = tmp_path / "r.npz"
    named = learned.save(path)
    descriptor("moments>pca5").fit([leaves[0][:10]]).save(path)
    with pytest.raises(ReductionError, match=f"{named.digest} is asked for"):
        descriptor(named.spec)
    with pytest.raises(ReductionError, match="makes 5 values of 225, not 4 of 225"):
        descriptor(f"moments>pca4(file={path})")
    with pytest.raises(ReductionError, match="was fitted to moments"):
        descriptor(f"edge>pca5(file={path})")
    with pytest.raises(ReductionError, match="was fitted to moments"):
        descriptor(f"moments+edge>pca5(file={path})")


def test_a_damaged_file_is_refused(tmp_path, learned):
    path = tmp_path / "r.npz"
    learned.save(path)
    whole = path.read_bytes()
    for content in (b"", b"no", whole[: len(whole) // 2], whole[:200] + b"\xff" * 80 + whole[280:]):
        path.write_bytes(content)
        with pytest.raises(ReductionError, match=r"r\.npz.*(no reduction|cannot read)|cannot read"):
            Components.load(path)
    np.savez(path, mean=np.zeros(3))
    with pytest.raises(ReductionError, match="no reduction"):
        Components.load(path)
    with pytest.raises(ReductionError, match="cannot read"):
        Components.load(tmp_path)


@pytest.mark.parametrize(
    ("mean", "axes", "variances", "message"),
    [
        (np.zeros(3), np.zeros((2, 3)), np.zeros(3), "float32 arrays"),
        (np.zeros(3), np.zeros(3), np.zeros(1), "float32 arrays"),
        (np.zeros(3), np.full((2, 3), np.nan), np.zeros(2), "finite"),
        (np.zeros(3), np.zeros((2, 3)), np.array([1, -1]), "not negative"),
    ],
)
def test_components_are_checked(mean, axes, variances, message):
    arrays = (array.astype(np.float32) for array in (mean, axes, variances))
    with pytest.raises(ReductionError, match=message):
        Components("moments", *arrays)


def test_what_cannot_be_saved_says_so(tmp_path, learned):
    with pytest.raises(InvalidParameterError, match="learned nothing"):
        descriptor("moments>gauss3").save(tmp_path / "r.npz")
    with pytest.raises(InvalidParameterError, match="can be printed"):
        learned.save(tmp_path / "a\nb.npz")
    with pytest.raises(DestinationError, match="cannot write"):
        learned.save(tmp_path / "none" / "r.npz")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DestinationError, match="cannot write"):
        learned.save(tmp_path / "folder")
    assert [file.name for file in tmp_path.iterdir()] == ["folder"]


def test_arguments_of_another_method_are_refused(learned):
    base = descriptor("moments")
    with pytest.raises(InvalidParameterError, match="has no file"):
        Reduction(base=base, method="gauss", length=3, file="x.npz")
    with pytest.raises(InvalidParameterError, match="has no seed"):
        Reduction(base=base, method="pca", length=3, seed=1)
    with pytest.raises(InvalidParameterError, match="method must be one of"):
        Reduction(base=base, method="lda", length=3)
    with pytest.raises(InvalidParameterError, match="reduced already"):
        Reduction(base=learned, method="pca", length=3)
