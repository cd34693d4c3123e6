"""Digests name content; what has another content, shape or name has another one."""

import numpy as np
import pytest

from tamis.files.digest import digest_of, digest_of_arrays, is_digest

VALUES = np.arange(6, dtype=np.float32)


def test_the_first_digits_of_sha256():
    assert digest_of(b"cat") == "77af778b51ab"


def test_shape_value_order_and_name_count():
    given = [
        digest_of_arrays(VALUES),
        digest_of_arrays(VALUES.reshape(2, 3)),
        digest_of_arrays(VALUES + np.float32(1e-6)),
        digest_of_arrays(VALUES, name="color"),
        digest_of_arrays(VALUES[:3], VALUES[3:]),
    ]
    assert len(set(given)) == 5
    assert all(map(is_digest, given))


@pytest.mark.parametrize("value", ["", "77af778b51a", "77AF778B51AB", "77af778b51ag", 7, None])
def test_what_is_no_digest(value):
    assert not is_digest(value)
