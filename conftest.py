"""What the examples in docstrings stand on: tiny pictures in a folder of their own."""

import shutil

import numpy as np
import pytest

import tamis

_NEEDS = {"tamis.store": "lance", "tamis.classifiers.network.classifier": "torch"}


@pytest.fixture(scope="session")
def _pictures(tmp_path_factory):
    """`examples` and `test`, a folder per class, and `photos`, all in one folder."""
    from pictures import write_kinds

    folder = tmp_path_factory.mktemp("doctest")
    write_kinds(folder / "examples", 5)
    write_kinds(folder / "test", 2, first=20)
    write_kinds(folder / "photos", 2, first=50, flat=True)
    return folder


@pytest.fixture(autouse=True)
def _in_docstrings(request):
    """Let an example run beside the pictures, with `np` and `tamis` at hand."""
    if not isinstance(request.node, pytest.DoctestItem):
        return
    needed = [extra for name, extra in _NEEDS.items() if request.node.name.startswith(name)]
    for extra in needed:
        pytest.importorskip(extra)
    pictures = request.getfixturevalue("_pictures")
    place = request.getfixturevalue("tmp_path") / "work"
    shutil.copytree(pictures, place)
    request.getfixturevalue("monkeypatch").chdir(place)
    request.node.dtest.globs.update(np=np, tamis=tamis)
