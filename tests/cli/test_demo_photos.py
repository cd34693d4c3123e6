"""The photographs of `tamis demo`, which come with an optional library."""

import sys

import pytest

from tamis.cli.demo_photos import write_tiles
from tamis.errors import MissingExtraError


def test_without_scikit_image_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(MissingExtraError, match=r'pip install "tamis\[demo\]"'):
        write_tiles(str(tmp_path / "photos"))
    assert not (tmp_path / "photos").exists()
