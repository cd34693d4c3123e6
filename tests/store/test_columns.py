"""Vectors in columns and back, dense and sparse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tamis.descriptors import descriptor
from tamis.store.columns import SPEC, decode, encode, vector_field

pa = pytest.importorskip("pyarrow", reason="needs the extra tamis[store]")

SPARSE, DENSE = descriptor("color(bins=2,regions=2)"), descriptor("edge(regions=2)")


@pytest.mark.parametrize("one", [SPARSE, DENSE], ids=["sparse", "dense"])
@given(data=st.data())
def test_what_goes_in_comes_out(one, data):
    n = data.draw(st.integers(1, 12))
    rows = sorted(data.draw(st.sets(st.integers(0, n - 1))))
    values = st.one_of(st.just(0.0), st.floats(0, 1, width=32))
    features = data.draw(arrays(np.float32, (len(rows), one.dim), elements=values))
    field = vector_field("v", one)
    column = encode(features, rows, n, field)
    assert column.type == field.type
    assert len(column) == n
    assert column.is_valid().to_numpy(zero_copy_only=False).nonzero()[0].tolist() == rows
    out = np.zeros((n, one.dim), np.float32)
    decode(column.drop_null(), out, np.array(rows, np.intp))
    assert (out[rows] == features).all()
    assert not np.delete(out, rows, axis=0).any()


def test_a_slice_is_decoded_as_itself():
    for one in (SPARSE, DENSE):
        features = np.random.default_rng(0).random((6, one.dim), np.float32)
        features[features < 0.5] = 0
        column = encode(features, list(range(6)), 6, vector_field("v", one))
        out = np.zeros((2, one.dim), np.float32)
        decode(column.slice(3, 2), out, np.arange(2))
        assert (out == features[3:5]).all()


def test_a_field_says_by_what_it_is():
    assert vector_field("v", SPARSE).metadata[SPEC].decode() == SPARSE.spec
    assert pa.types.is_struct(vector_field("v", SPARSE).type)
    assert vector_field("v", DENSE).type.list_size == DENSE.dim
