"""A descriptor in scikit-learn: pipelines, searches, folds, copies."""

import pickle

import numpy as np
import pytest
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from pictures import KINDS, picture, write_kinds
from tamis.descriptors import descriptor
from tamis.errors import ImageReadError, InvalidParameterError
from tamis.features import extract
from tamis.features.transformer import DescriptorTransformer
from tamis.images import read_image
from tamis.table import ImageTable


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("transformer")
    write_kinds(folder, 6)
    return ImageTable.from_folder(folder)


def test_paths_give_the_vectors_of_extract(table):
    vectors = DescriptorTransformer(by="lbp").fit_transform(table.paths)
    assert vectors.dtype == np.float32
    assert np.array_equal(vectors, extract(table, descriptor("lbp")).features)


def test_arrays_of_any_size_and_paths_as_objects(table):
    images = [read_image(path) for path in table.paths[:3]]
    images.append(picture("sky", 1, height=40, width=70))
    transformer = DescriptorTransformer(by="moments").fit(images)
    assert transformer.transform(images).shape == (4, 225)
    same = np.stack(images[:3])
    assert np.array_equal(transformer.transform(same), transformer.transform(images)[:3])
    as_objects = np.array(table.paths, object)
    assert np.array_equal(transformer.transform(as_objects), transformer.transform(table.paths))


def test_a_fusion_and_a_reduction_are_fitted(table):
    fused = DescriptorTransformer(by="moments+lbp").fit(table.paths)
    assert fused.descriptor_.fitted
    reduced = DescriptorTransformer(by="lbp>pca4").fit(table.paths)
    assert reduced.transform(table.paths[:2]).shape == (2, 4)
    names = reduced.get_feature_names_out()
    assert (len(names), names.dtype) == (4, object)


def test_a_pipeline_a_grid_and_folds(table):
    y = np.array(table.labels)
    X = np.array(table.paths, object)
    pipeline = make_pipeline(DescriptorTransformer("moments"), RidgeClassifier())
    grid = GridSearchCV(pipeline, {"descriptortransformer__by": ["moments", "lbp"]}, cv=2)
    assert grid.fit(X, y).predict(X[:3]).tolist() == y[:3].tolist()
    assert cross_val_score(pipeline, X, y, cv=2).shape == (2,)


def test_copies_and_processes(table):
    transformer = DescriptorTransformer(by="moments", on_error="nan", n_jobs=1)
    assert clone(transformer).get_params() == transformer.get_params()
    transformer.fit(table.paths)
    wanted = transformer.transform(table.paths[:4])
    again = pickle.loads(pickle.dumps(transformer))
    assert np.array_equal(again.transform(table.paths[:4]), wanted)
    halves = Parallel(n_jobs=2)(
        delayed(transformer.transform)(part) for part in (table.paths[:2], table.paths[2:4])
    )
    assert np.array_equal(np.concatenate(halves), wanted)


def test_a_file_that_cannot_be_read(table, tmp_path):
    (tmp_path / "odd.jpg").write_bytes(b"odd")
    paths = [table.paths[0], str(tmp_path / "odd.jpg"), table.paths[1]]
    transformer = DescriptorTransformer(by="moments").fit(table.paths)
    with pytest.raises(ImageReadError, match=r"odd\.jpg"):
        transformer.transform(paths)
    vectors = transformer.set_params(on_error="nan").transform(paths)
    assert np.isnan(vectors[1]).all()
    assert np.isfinite(vectors[[0, 2]]).all()


def test_what_is_no_sequence_of_images_is_refused(table):
    transformer = DescriptorTransformer(by="moments")
    with pytest.raises(InvalidParameterError, match="put it into a list"):
        transformer.fit(table.paths[0])
    with pytest.raises(InvalidParameterError, match="Got both"):
        transformer.fit([table.paths[0], picture(KINDS[0], 0)])
    with pytest.raises(InvalidParameterError, match="on_error"):
        DescriptorTransformer(on_error="ignore").fit(table.paths)
