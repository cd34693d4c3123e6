"""Which pictures are set aside."""

import numpy as np
import pytest

from tamis.errors import InvalidParameterError
from tamis.trust.aside import UNLIKE_ANY, UNSURE, set_aside
from tamis.trust.risk import promise

SURE = np.array([0.99, 0.4, 0.95, 0.2])
NOVELTY = np.array([0.5, 0.5, 0.01, 0.001])
PROMISE = promise(np.full(300, 0.9), np.ones(300, bool), SURE, 0.1)


def test_nothing_is_set_aside_unasked():
    aside = set_aside(SURE, None, None, None)
    assert aside.folders == ("",) * 4
    assert aside.spare == ()
    assert aside.notes == []


def test_unsure_and_unlike_any():
    aside = set_aside(SURE, PROMISE, NOVELTY, 0.05, classical=True)
    assert aside.folders == ("", UNSURE, UNLIKE_ANY, UNLIKE_ANY)
    assert aside.spare == (UNSURE, UNLIKE_ANY)
    said = " ".join(aside.notes)
    assert "at most 10 % are wrong" in said
    assert "2 of 4 pictures are unlike all examples" in said
    assert "about 5 % would be taken for such" in said
    assert "colour and texture" in said
    assert "colour" not in " ".join(set_aside(SURE, None, NOVELTY, 0.05).notes)


def test_a_class_cannot_have_the_name_of_a_folder_that_is_used():
    aside = set_aside(SURE, None, NOVELTY, 0.05)
    aside.check((UNSURE, "cat"))
    with pytest.raises(InvalidParameterError, match="Rename the class"):
        aside.check((UNLIKE_ANY, "cat"))
