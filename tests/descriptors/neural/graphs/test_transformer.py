"""Transformers from the hub: made files of the same form, for the real ones are out of reach."""

import hashlib
from dataclasses import replace

import numpy as np
import onnx
import pytest

from made_onnx import expected, network
from tamis.descriptors import descriptor
from tamis.descriptors.neural import catalog as entries
from tamis.descriptors.neural.graphs.transformer import cut
from tamis.descriptors.neural.runtime import session
from tamis.errors import InvalidParameterError, WeightsError

pytest.importorskip("onnxruntime")

PIXELS = np.random.default_rng(0).normal(size=(2, 3, 32, 32)).astype(np.float32)


def run(model, names):
    opened = session(cut(onnx, model, names))
    assert [one.name for one in opened.get_outputs()] == ["features"]
    return opened.run(None, {"pixels": PIXELS})[0]


def test_the_first_token_is_taken():
    model = network(outputs=["tokens+1", "vector"])
    (whole,) = session(model.SerializeToString()).run(["tokens+1"], {"pixels": PIXELS})
    np.testing.assert_array_equal(run(model, ("tokens+1",)), whole[:, 0])


def test_a_vector_is_taken_as_it_is():
    found = run(network(outputs=["tokens", "image_embeds"]), ("image_embeds",))
    np.testing.assert_allclose(found, expected(PIXELS).mean(axis=(2, 3)), atol=1e-5)


def test_another_network_is_refused():
    with pytest.raises(WeightsError, match="no output image_embeds; it has vector"):
        cut(onnx, network(), ("image_embeds",))


@pytest.mark.parametrize(
    ("name", "output"), [("dinov2-small", "tokens+1"), ("clip-vit-b32", "image_embeds")]
)
def test_a_file_in_the_cache_serves(name, output, tmp_path, monkeypatch):
    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path))
    row = entries.entry(name)
    model = network(outputs=[output], values=row.dim, shape=("n", 3, 224, 224))
    if output == "tokens+1":
        model.graph.output[0].name = model.graph.node[-1].output[0] = "last_hidden_state"
    content = model.SerializeToString()
    digest = hashlib.sha256(content).hexdigest()
    row = replace(row, origin=replace(row.origin, sha256=digest))
    monkeypatch.setitem(entries.ENTRIES, name, row)
    assert descriptor(name).missing == f"tamis descriptors {name} --download"
    row.origin.path.parent.mkdir(parents=True)
    row.origin.path.write_bytes(content)
    one = descriptor(name)
    assert one.missing == one.download_size == ""
    pictures = [np.full((40, 60, 3), value, np.uint8) for value in (0, 90, 255)]
    found = one.describe(pictures)
    assert found.shape == (3, row.dim)
    assert np.isfinite(found).all()
    assert np.abs(found[0] - found[1]).max() > 0.01
    with pytest.raises(InvalidParameterError, match="size must be"):
        descriptor(f"{name}(size=256)")
