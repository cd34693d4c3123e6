"""Fitted reductions in a collection: kept, found, used by the commands."""

import json
import os

import pytest

from pictures import write_kinds
from tamis.descriptors import descriptor
from tamis.errors import CollectionError, InvalidParameterError, ReductionError
from tamis.features import extract
from tamis.store import Collection, find_reduction, fit_reduction, update
from tamis.table import ImageTable

pytest.importorskip("lance", reason="needs the extra tamis[store]")

BASES = [descriptor("moments"), descriptor("edge")]


@pytest.fixture
def collection(tmp_path):
    write_kinds(tmp_path / "photos", 6)
    update(tmp_path / "photos.tamis", ImageTable.from_folder(tmp_path / "photos"), BASES)
    return Collection.open(tmp_path / "photos.tamis")


@pytest.mark.parametrize("spec", ["moments>pca5", "moments+edge>whiten5"])
def test_what_is_kept_is_found(collection, spec):
    wanted = descriptor(spec)
    assert find_reduction(collection, wanted) is None
    kept = fit_reduction(collection, wanted)
    vectors = [collection.features(leaf.spec).features for leaf in wanted.leaves]
    assert kept.digest == wanted.fit(vectors).digest
    assert os.listdir(os.path.join(collection.path, "reductions")) == [f"{kept.digest}.npz"]
    assert find_reduction(collection, wanted) == kept
    assert descriptor(kept.spec) == kept
    assert len(Collection.open(collection.path)) == 18
    for other in ("moments>pca4", "edge>pca5", "edge+moments>pca5", "1*moments+9*edge>pca5"):
        assert find_reduction(collection, descriptor(other)) is None


def test_one_file_serves_both_methods(collection):
    kept = fit_reduction(collection, descriptor("moments>pca5"))
    found = find_reduction(collection, descriptor("moments>whiten5"))
    assert (found.method, found.file, found.digest) == ("whiten", kept.file, kept.digest)


def test_the_one_written_last_is_found(collection, tmp_path):
    wanted = descriptor("moments>pca5")
    first = fit_reduction(collection, wanted)
    os.utime(first.file, (1, 1))
    for file in sorted((tmp_path / "photos").rglob("*.jpg"))[:4]:
        file.unlink()
    update(collection.path, ImageTable.from_folder(tmp_path / "photos"))
    smaller = Collection.open(collection.path)
    assert find_reduction(smaller, wanted) == first
    second = fit_reduction(smaller, wanted)
    assert second.digest != first.digest
    assert find_reduction(smaller, wanted) == second
    assert descriptor(first.spec) == first


def test_what_cannot_be_fitted_says_so(collection):
    with pytest.raises(InvalidParameterError, match="at most 18 principal components"):
        fit_reduction(collection, descriptor("moments>pca19"))
    with pytest.raises(CollectionError, match="no vectors by lbp"):
        fit_reduction(collection, descriptor("lbp>pca3"))
    kept = fit_reduction(collection, descriptor("moments>pca5"))
    with open(kept.file, "wb") as file:
        file.write(b"no")
    with pytest.raises(ReductionError, match="no reduction"):
        find_reduction(collection, descriptor("moments>pca5"))


def test_the_commands_use_it(collection, tmp_path):
    from typer.testing import CliRunner

    from tamis.cli import app

    def answer(*words):
        done = CliRunner().invoke(app, [*map(str, words), "--json", "-"])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    photos, path = tmp_path / "photos", collection.path
    by = ("--by", "moments+edge>pca5", "--distance", "l2")
    test = tmp_path / "test"
    write_kinds(test, 3)
    plain = answer("evaluate", "--train", photos, "--test", test, *by)
    spec = plain["signature"]["descriptor"]
    assert "pca5(digest=" in spec
    assert answer("index", photos, "--into", path, *by[:2])["reductions"]
    kept = find_reduction(collection, descriptor(by[1]))
    stored = answer("evaluate", "--train", path, "--test", test, *by)
    assert stored["signature"]["descriptor"] == kept.spec
    assert stored["accuracy"] == 1
    again = answer("evaluate", "--train", photos, "--test", test, "--by", kept.spec, *by[2:])
    assert again["confusion_matrix"] == stored["confusion_matrix"]
    both = answer("evaluate", "--train", photos, "--test", path, *by)
    assert both["n_images"] == 18
    out = tmp_path / "out"
    done = answer("sort", "--train", path, "--input", test, "--out", out, *by)
    assert done["n_sorted"] == 9
    gauss = answer("evaluate", "--train", path, "--test", test, "--by", "moments>gauss9")
    assert gauss["signature"]["descriptor"].endswith(">gauss9(seed=0)")
    assert extract(ImageTable.from_folder(test), kept).features.shape == (9, 5)


def test_another_way_to_fuse_is_another_reduction(collection):
    wanted = descriptor("moments+edge@l2unit>pca4")
    kept = fit_reduction(collection, wanted)
    assert "@l2unit>pca4" in kept.spec
    assert find_reduction(collection, wanted) == kept
    assert find_reduction(collection, descriptor("moments+edge>pca4")) is None
    with pytest.raises(ReductionError, match="cannot reduce"):
        descriptor(f"moments+edge>pca4(file={kept.file})")
