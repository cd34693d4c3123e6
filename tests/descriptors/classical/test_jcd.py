import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tamis.descriptors import descriptor

JCD, CEDD, FCTH = (descriptor(f"{name}(size=none)") for name in ("jcd", "cedd", "fcth"))
SMALL = arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3)))


@given(SMALL)
def test_joins_cedd_and_fcth(image):
    joint = JCD.describe([image])[0].reshape(7, 24)
    none, non_directional, horizontal, vertical, rising, falling = CEDD.describe([image])[
        0
    ].reshape(6, 24)
    weak = FCTH.describe([image])[0].reshape(8, 24)
    low = weak[:4] + weak[4:]
    expected = np.array(
        [
            (low[0] + none) / 2,
            (low[1] + horizontal) / 2,
            rising,
            (low[2] + vertical) / 2,
            falling,
            low[3],
            non_directional,
        ]
    )
    np.testing.assert_allclose(joint, expected / expected.sum(), atol=1e-6)


def test_length_and_sum():
    image = np.random.default_rng(11).integers(0, 256, (32, 48, 3), np.uint8)
    assert JCD.dim == 168
    assert JCD.describe([image])[0].sum() == pytest.approx(1, abs=1e-5)
