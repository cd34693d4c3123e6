"""Graphs in 8 bits, calibrated on pictures of one's own."""

import logging
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tamis.descriptors.neural.backbone import Backbone
from tamis.errors import InvalidParameterError, MissingExtraError
from tamis.images import Pixels


def quantize(backbone: Backbone, images: Iterable[Pixels]) -> bytes:
    """Make the graph of a backbone in 8 bits: smaller and faster, and less exact.

    The range of every activation is taken from the pictures; the weights get a scale per
    channel. What it costs is for `tamis evaluate` to say, on pictures of the same kind:
    see docs/results.md for what it did to photographs.

    Parameters
    ----------
    backbone : Backbone
    images : iterable of ndarray, uint8
        Some 100 pictures like those that will be described; one is in memory at a time.

    Returns
    -------
    bytes
        For `Backbone.using`.

    Raises
    ------
    MissingExtraError
        `onnx` or ONNX Runtime is not installed.
    InvalidParameterError
        There are no pictures.

    Notes
    -----
    Static quantization by ONNX Runtime [1]_, by the smallest and largest value seen.

    References
    ----------
    .. [1] https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html
    """
    try:
        import onnx
        from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    except ImportError:
        raise MissingExtraError.for_project("onnx", "a backbone in 8 bits") from None
    model = onnx.load_from_string(backbone.graph())
    reader = _Reader(backbone, images, model.graph.input[0].name)
    with tempfile.TemporaryDirectory(prefix="tamis-") as folder, _quiet():
        file = Path(folder) / "quantized.onnx"
        try:
            quantize_static(
                model,
                file,
                reader,
                quant_format=QuantFormat.QDQ,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
            )
        except Exception:
            if not reader.seen:
                raise InvalidParameterError(
                    "8 bits need pictures to calibrate on, 100 or so. Got none."
                ) from None
            raise
        return file.read_bytes()


class _Reader:
    """Gives ONNX Runtime one picture after the other, as its CalibrationDataReader does."""

    def __init__(self, backbone: Backbone, images: Iterable[Pixels], name: str) -> None:
        self._backbone, self._images, self._name = backbone, iter(images), name
        self.seen = 0

    def get_next(self) -> dict[str, Any] | None:
        """Give the next picture; None at the end."""
        image = next(self._images, None)
        if image is None:
            return None
        self.seen += 1
        return {self._name: self._backbone.prepare([image])}


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what ONNX Runtime recommends to itself: it asks for a step that is done already."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
