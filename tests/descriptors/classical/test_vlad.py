"""`vlad`: against a naive one, and how its codebook travels."""

import pickle
import subprocess
import sys

import cv2
import numpy as np
import pytest

from tamis.descriptors import descriptor
from tamis.descriptors.classical.codebook import Codebook, fit_codebook
from tamis.descriptors.classical.sift import root_sift
from tamis.descriptors.classical.vlad import Vlad, _loaded, _nearest
from tamis.errors import CodebookError, InvalidParameterError
from tamis.images import fit


@pytest.fixture(scope="module")
def books(photo):
    pictures = [photo(60, 80, seed) for seed in range(4)]
    return [fit_codebook(pictures, words=6, length=10, seed=seed) for seed in range(2)]


@pytest.fixture
def path(books, tmp_path):
    path = tmp_path / "my words, (first) = +.npz"
    books[0].save(path)
    return path


@pytest.fixture(autouse=True)
def forget():
    """As in a new process: nothing read yet."""
    _loaded.cache_clear()


def naive(image, book):
    patches = np.concatenate(list(root_sift(image))).astype(float)
    reduced = (patches - book.mean) @ book.axes.T
    sums = np.zeros(book.words.shape)
    for patch in reduced:
        nearest = ((book.words - patch) ** 2).sum(axis=1).argmin()
        sums[nearest] += patch - book.words[nearest]
    rooted = np.sign(sums) * np.sqrt(np.abs(sums))
    for row in rooted:
        row /= np.linalg.norm(row) or 1
    return rooted.ravel() / np.linalg.norm(rooted)


@pytest.mark.parametrize("shape", [(80, 120), (33, 47), (5, 90), (4, 3)])
def test_values_are_those_of_the_definition(books, path, photo, shape):
    image = photo(*shape)
    (found,) = Vlad(codebook=str(path), size=None).describe([image])
    np.testing.assert_allclose(found, naive(image, books[0]), atol=1e-4)


def test_a_vector_has_length_one_unless_the_picture_is_flat(photo):
    flat = np.full((40, 60, 3), 77, np.uint8)
    features = descriptor("vlad").describe([photo(80, 120), flat])
    assert np.linalg.norm(features[0]) == pytest.approx(1, abs=1e-5)
    assert not features[1].any()


def test_photographs_find_their_own_smaller_copy():
    from tamis.descriptors.classical.default_codebook import crops

    large = [fit(image, 224) for image in crops()[::2]]
    small = [fit(image, 96) for image in large]
    one = descriptor("vlad")
    gallery, queries = one.describe(large), one.describe(small)
    assert np.mean((queries @ gallery.T).argmax(axis=1) == np.arange(len(large))) >= 0.97


# The codebook travels by the path of its file and the digest of its content


def test_the_spec_tells_the_codebook(books, path):
    built = Vlad(codebook=str(path))
    assert built.dim == 60
    assert built.digest == books[0].digest
    assert f'codebook="{path}",digest=' in built.spec
    again = descriptor(built.spec)
    assert again == built
    assert again.spec == built.spec
    assert descriptor(f'vlad(codebook="{path}")') == built


def test_a_path_is_made_absolute(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    assert Vlad(codebook=path.name) == Vlad(codebook=str(path))
    monkeypatch.setenv("HOME", str(path.parent))
    assert Vlad(codebook=f"~/{path.name}") == Vlad(codebook=str(path))


def test_a_file_named_default_is_not_the_default(books, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    books[0].save("default")
    assert descriptor("vlad(codebook=./default)").digest == books[0].digest
    assert descriptor("vlad(codebook=default)").digest != books[0].digest


def test_it_goes_between_processes_without_its_codebook(path, photo, tmp_path):
    built, image = Vlad(codebook=str(path)), photo(40, 60)
    travelling = pickle.dumps(built)
    assert len(travelling) < 1000
    (tmp_path / "built").write_bytes(travelling)
    np.save(tmp_path / "image.npy", image)
    code = (
        "import pickle, sys, numpy as np; built = pickle.load(open(sys.argv[1], 'rb'));"
        "np.save(sys.argv[3], built.describe([np.load(sys.argv[2])]))"
    )
    places = [str(tmp_path / name) for name in ("built", "image.npy", "out.npy")]
    subprocess.run([sys.executable, "-c", code, *places], check=True, timeout=120)
    np.testing.assert_array_equal(np.load(places[2]), built.describe([image]))


def test_another_codebook_at_the_same_path_is_noticed(books, path, photo):
    built = Vlad(codebook=str(path))
    books[1].save(path)
    for one in (built, descriptor(built.spec), pickle.loads(pickle.dumps(built))):
        with pytest.raises(CodebookError, match=rf"digest {books[1].digest}, and {built.digest}"):
            one.describe([photo(40, 60)])
    assert Vlad(codebook=str(path)).digest == books[1].digest
    assert Vlad(codebook=str(path)).spec != built.spec


def test_one_that_was_read_is_kept_whatever_becomes_of_its_file(books, path, photo):
    built = Vlad(codebook=str(path))
    before = built.describe([photo(40, 60)])
    path.unlink()
    np.testing.assert_array_equal(built.describe([photo(40, 60)]), before)


def test_the_same_codebook_saved_again_is_the_same(books, path, tmp_path):
    built = Vlad(codebook=str(path))
    Codebook.load(path).save(path)
    assert Vlad(codebook=str(path)) == built
    assert built.dim == 60


def test_a_missing_codebook_is_refused(tmp_path):
    with pytest.raises(CodebookError, match="there is no codebook"):
        descriptor(f"vlad(codebook={tmp_path}/none.npz)")
    # With a digest it may be built where the file is not, but not used.
    built = descriptor(f"vlad(codebook={tmp_path}/none.npz,digest=0123456789ab)")
    with pytest.raises(CodebookError, match="there is no codebook"):
        assert built.dim


def test_a_default_codebook_of_another_version_is_refused():
    built = descriptor("vlad(digest=abcdefabcdef)")
    with pytest.raises(CodebookError, match=r"comes with this version of tamis has the digest"):
        assert built.dim


@pytest.mark.parametrize("text", ["none", "12", '""', '"line\nbreak"'])
def test_a_codebook_that_is_no_path_is_refused(text):
    with pytest.raises(InvalidParameterError, match="codebook must be"):
        descriptor(f"vlad(codebook={text})")


def test_a_path_that_no_spec_can_hold_is_refused():
    with pytest.raises(InvalidParameterError, match=r"can be printed.*caf\\xe9"):
        Vlad(codebook="caf\udce9.npz")


@pytest.mark.parametrize("text", ["123456789012", "abc", "ABCDEFABCDEF", "xyzxyzxyzxyz"])
def test_a_digest_that_is_none_is_refused(text):
    with pytest.raises(InvalidParameterError, match="digest must be 12 hexadecimal digits"):
        descriptor(f"vlad(digest={text})")


def test_a_digest_that_reads_as_a_number_is_quoted(path):
    built = Vlad(codebook=str(path), digest="123456789012")
    assert built.spec.count('digest="123456789012"') == 1
    assert descriptor(built.spec) == built


def test_threads_do_not_disturb_opencv(photo):
    threads = cv2.getNumThreads()
    descriptor("vlad").describe([photo(40, 60)])
    assert cv2.getNumThreads() == threads


def test_words_too_near_to_tell_are_settled_exactly():
    random = np.random.default_rng(0)
    patches = random.normal(size=(300, 128))
    patches = (patches / np.linalg.norm(patches, axis=1, keepdims=True)).astype(np.float32)
    # Words that differ in the last bits, and equal ones: of those the first is the nearest.
    weights = np.repeat(random.normal(size=(1, 128)), 9, axis=0).astype(np.float32)
    weights[1:8] += random.integers(-1, 2, (7, 128)).astype(np.float32) * 2.0**-22
    constants = np.zeros(9, np.float32)
    exact = patches.astype(np.float64) @ weights.T.astype(np.float64)
    found = _nearest(patches, weights, constants, 1e-3)
    assert (exact[np.arange(300), found] >= exact.max(axis=1) - 1e-14).all()
    assert not (found == 8).any()
    assert (_nearest(patches, weights[:1], constants[:1], 1e-3) == 0).all()
