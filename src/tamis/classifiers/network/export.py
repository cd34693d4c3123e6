"""A trained network as an ONNX graph. This module imports torch."""

import io
import warnings
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from tamis.classifiers.network.architectures.layers import Served
from tamis.errors import MissingExtraError, TrainingError
from tamis.images import Pixels

OPSET: Final = 17
TOLERANCE: Final = 1e-5
"""Largest difference of a probability between torch and ONNX Runtime."""


def to_onnx(served: Served, samples: Pixels) -> bytes:
    """Write a network as an ONNX graph, and check that it answers the same.

    Parameters
    ----------
    served : Served
    samples : ndarray of shape (n, size, size, 3), uint8
        Real pictures to check with.

    Returns
    -------
    bytes
        A graph with one input, ``pictures``, (n, size, size, 3) uint8, and one output,
        ``probabilities``, (n, n_classes) float32. Normalisation and softmax are inside.

    Raises
    ------
    TrainingError
        ONNX Runtime's probabilities differ from torch's by more than `TOLERANCE`.
    MissingExtraError
        ONNX Runtime is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError.for_extra("train", "exporting a network") from error
    served = served.cpu().eval()
    pictures = torch.from_numpy(np.ascontiguousarray(samples))
    buffer = io.BytesIO()
    with torch.no_grad(), warnings.catch_warnings():
        # The exporter without dynamo is announced to go; the new one needs another
        # package and half a minute.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            served,
            (pictures,),
            cast(Any, buffer),  # only the new exporter refuses it
            dynamo=False,
            opset_version=OPSET,
            input_names=["pictures"],
            output_names=["probabilities"],
            dynamic_axes={"pictures": {0: "n"}, "probabilities": {0: "n"}},
        )
        expected = served(pictures).numpy()
    graph = buffer.getvalue()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"pictures": samples})
    difference = float(np.abs(found - expected).max(initial=0))
    if not difference <= TOLERANCE:
        raise TrainingError(
            f"the exported graph answers otherwise than the network: probabilities differ by "
            f"{difference:.2g}, {TOLERANCE:g} is allowed. This is a defect of torch's exporter or "
            "of ONNX Runtime; another version of either may do better."
        )
    return graph


@torch.no_grad()
def probabilities(served: nn.Module, pictures: Pixels, device: str) -> npt.NDArray[np.float32]:
    """Answer for some pictures at once: (n, n_classes) float32."""
    return cast(
        npt.NDArray[np.float32], served(torch.from_numpy(pictures).to(device)).cpu().numpy()
    )
