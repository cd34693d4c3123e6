"""Codebooks: learned, saved, read, and refused where they are none."""

import io
import pickle
import re

import numpy as np
import pytest

from tamis.descriptors.classical import codebook as codebooks
from tamis.descriptors.classical.codebook import DEFAULT, Codebook, fit_codebook, shipped
from tamis.descriptors.classical.sift import root_sift
from tamis.errors import CodebookError, DestinationError, InvalidParameterError


@pytest.fixture(scope="module")
def learned(photo):
    return fit_codebook([photo(60, 80, seed) for seed in range(4)], words=5, length=7)


def arrays(book):
    return {"mean": book.mean, "axes": book.axes, "words": book.words}


def test_it_has_the_shapes_that_were_asked_for(learned):
    assert {name: a.shape for name, a in arrays(learned).items()} == {
        "mean": (128,),
        "axes": (7, 128),
        "words": (5, 7),
    }
    np.testing.assert_allclose(learned.axes @ learned.axes.T, np.eye(7), atol=1e-5)


def test_the_same_seed_learns_the_same(learned, photo):
    pictures = [photo(60, 80, seed) for seed in range(4)]
    again = fit_codebook(pictures, words=5, length=7)
    assert again.digest == learned.digest
    assert fit_codebook(pictures, words=5, length=7, seed=1).digest != learned.digest


def test_only_some_of_many_patches_are_drawn(monkeypatch, photo):
    monkeypatch.setattr(codebooks, "_PATCHES_PER_WORD", 10)
    pictures = [photo(100, 128, seed) for seed in range(3)]
    sample = codebooks._sample(pictures, None, 50, np.random.default_rng(0))
    everything = np.concatenate([p for image in pictures for p in root_sift(image)])
    assert sample.shape == (50, 128)
    places = [np.flatnonzero((everything == row).all(axis=1))[0] for row in sample]
    assert places == sorted(places)
    # From the whole, not only from its beginning.
    assert min(places) < len(everything) / 5
    assert max(places) > 4 * len(everything) / 5


def test_scores_find_the_nearest_word(learned, photo):
    patches = np.concatenate(list(root_sift(photo(50, 60, 9))))
    weights, constants = learned.scores
    reduced = (patches - learned.mean) @ learned.axes.T
    distances = np.linalg.norm(reduced[:, np.newaxis] - learned.words, axis=2)
    chosen = (patches @ weights.T + constants).argmax(axis=1)
    nearest = distances[np.arange(len(chosen)), chosen]
    np.testing.assert_allclose(nearest, distances.min(axis=1), atol=1e-4)


def test_it_is_saved_and_read_whole(learned, tmp_path):
    path = tmp_path / "a name, (odd) without a suffix"
    learned.save(path)
    again = Codebook.load(path)
    assert again.digest == learned.digest
    for name, values in arrays(learned).items():
        np.testing.assert_array_equal(getattr(again, name), values)


def test_it_survives_pickling(learned):
    assert pickle.loads(pickle.dumps(learned)).digest == learned.digest


@pytest.mark.parametrize("name", ["mean", "axes", "words"])
def test_any_other_value_gives_another_digest(learned, name):
    changed = {key: values.copy() for key, values in arrays(learned).items()}
    changed[name].flat[-1] += 1e-6
    assert re.fullmatch("[0-9a-f]{12}", learned.digest)
    assert Codebook(**changed).digest != learned.digest


def test_a_folder_that_is_not_there_cannot_be_saved_to(learned, tmp_path):
    with pytest.raises(DestinationError, match=r"cannot write .*nowhere"):
        learned.save(tmp_path / "nowhere" / "book.npz")


def npz(**values):
    file = io.BytesIO()
    np.savez(file, **values)
    return file.getvalue()


def npy(values):
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


GOOD = {
    "mean": np.zeros(128, np.float32),
    "axes": np.eye(3, 128, dtype=np.float32),
    "words": np.ones((2, 3), np.float32),
}
UNFIT = {
    "a word too long": {"words": np.ones((2, 4), np.float32)},
    "no word": {"words": np.ones((0, 3), np.float32)},
    "flat words": {"words": np.ones(3, np.float32)},
    "a short mean": {"mean": np.zeros(127, np.float32)},
    "no axis": {"axes": np.zeros((0, 128), np.float32), "words": np.ones((2, 0), np.float32)},
    "an axis too short": {"axes": np.eye(3, 127, dtype=np.float32)},
    "axes of no dimension": {"axes": np.float32(1)},
    "float64": {"mean": np.zeros(128)},
    "text": {"words": np.array([["a", "b", "c"]])},
    "NaN": {"words": np.full((2, 3), np.nan, np.float32)},
}
DAMAGED = {
    "empty": b"",
    "text": b"words, words, words",
    "a picture": b"\xff\xd8\xff\xe0" + bytes(100),
    "the head of a zip": npz(**GOOD)[:60],
    "cut": npz(**GOOD)[:-100],
    "overwritten": npz(**GOOD).replace(b"\x93NUMPY", b"\x93DUMPY"),
    "bits turned": npz(**GOOD).replace(bytes(64), b"\1" * 64),
    "one array": npy(GOOD["mean"]),
    "without words": npz(mean=GOOD["mean"], axes=GOOD["axes"]),
    "objects": npz(**{**GOOD, "words": np.array([[{}]], dtype=object)}),
}


@pytest.mark.parametrize("change", UNFIT.values(), ids=UNFIT)
def test_arrays_that_make_no_codebook_are_refused(tmp_path, change):
    with pytest.raises(CodebookError, match="a codebook "):
        Codebook(**{**GOOD, **change})
    path = tmp_path / "book.npz"
    path.write_bytes(npz(**{**GOOD, **change}))
    with pytest.raises(CodebookError, match=r"book\.npz is no codebook, .* Learn one with"):
        Codebook.load(path)


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_file_that_is_no_codebook_is_refused(tmp_path, content):
    path = tmp_path / "book.npz"
    path.write_bytes(content)
    with pytest.raises(CodebookError, match=r"book\.npz.* Learn one with"):
        Codebook.load(path)


def test_a_file_with_one_bad_byte_is_refused_or_the_same(learned, tmp_path):
    path = tmp_path / "book.npz"
    learned.save(path)
    good = path.read_bytes()
    refused = 0
    for place in np.random.default_rng(0).integers(0, len(good), 100):
        path.write_bytes(good[:place] + bytes([good[place] ^ 0x55]) + good[place + 1 :])
        try:
            assert Codebook.load(path).digest == learned.digest
        except CodebookError:
            refused += 1
    assert refused > 50


def test_a_missing_file_is_answered_with_what_to_do(tmp_path):
    with pytest.raises(CodebookError, match=r"there is no codebook .*leave out codebook="):
        Codebook.load(tmp_path / "book.npz")
    with pytest.raises(CodebookError, match="cannot read the codebook"):
        Codebook.load(tmp_path)


def test_too_few_patches_are_refused(photo):
    with pytest.raises(InvalidParameterError, match="2 pictures have 0 patches"):
        fit_codebook([np.zeros((60, 80, 3), np.uint8)] * 2)
    with pytest.raises(InvalidParameterError, match="0 pictures have 0 patches"):
        fit_codebook([])
    with pytest.raises(InvalidParameterError, match="too few for 4000 words"):
        fit_codebook([photo(40, 60)], words=4000)


@pytest.mark.parametrize(
    "argument", [{"words": 0}, {"words": 5000}, {"length": 129}, {"seed": -1}, {"size": 0}]
)
def test_arguments_out_of_range_are_refused(argument, photo):
    with pytest.raises(InvalidParameterError, match=next(iter(argument))):
        fit_codebook([photo(40, 60)], **argument)


def test_the_one_that_comes_with_tamis_is_small():
    book = Codebook.load(shipped(DEFAULT))
    assert book.words.shape == (64, 64)
    assert shipped(DEFAULT).stat().st_size < 200_000


@pytest.mark.slow
def test_the_one_that_comes_with_tamis_is_learned_from_scikit_image():
    """The same words, or, where a processor rounds otherwise, words that fit as well."""
    from tamis.descriptors.classical.default_codebook import crops, default_codebook

    pictures = crops()
    patches = codebooks._sample(pictures, 128, 20_000, np.random.default_rng(1))

    def error(book):
        reduced = (patches - book.mean) @ book.axes.T
        weights, constants = book.scores
        return ((reduced - book.words[(patches @ weights.T + constants).argmax(1)]) ** 2).mean()

    ours, again = Codebook.load(shipped(DEFAULT)), default_codebook()
    np.testing.assert_allclose(again.mean, ours.mean, atol=1e-4)
    assert error(again) == pytest.approx(error(ours), rel=0.02)
