"""Signatures: what results depend on, by name and version."""

import platform

import numpy as np

from tamis import __version__
from tamis.evaluation.signature import program, versions
from tamis.images import reading_with


def test_versions_name_the_programs_and_the_colours():
    found = versions()
    assert found["python"] == platform.python_version()
    assert found["numpy"] == np.__version__
    assert found["icc"] == "applied"
    assert program().items() <= found.items()
    with reading_with(icc=False):
        assert versions()["icc"] == "ignored"


def test_packages_that_are_not_installed_are_left_out():
    found = versions("scipy", "no-such-package")
    assert "scipy" in found and "no-such-package" not in found
    assert program() == {"tamis": __version__}
