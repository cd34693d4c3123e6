"""Running a graph on ONNX Runtime."""

import os
import threading
from collections.abc import Callable
from typing import Any, Final

from tamis.errors import MissingExtraError, WeightsError

_OPEN: Final = 4  # kept for those that are asked for again
_kept: dict[str, Any] = {}
_lock = threading.Lock()


def opened(key: str, make: Callable[[], Any]) -> Any:
    """Give the session of that key, which is made if it is not open, and kept for a while."""
    with _lock:
        if key not in _kept:
            made = make()
            while len(_kept) >= _OPEN:
                del _kept[next(iter(_kept))]
            _kept[key] = made
        return _kept[key]


def session(graph: bytes | str | os.PathLike[str], *, threads: int = 1) -> Any:
    """Open an ONNX graph.

    Parameters
    ----------
    graph : bytes or path
        Serialized, or the file that holds it.
    threads : int
        That work on one call. Calls may come from several threads at once; with as
        many of them as processors, one each is fastest.

    Returns
    -------
    onnxruntime.InferenceSession
        On a GPU if ONNX Runtime has a provider for one, else on the processor.

    Raises
    ------
    MissingExtraError
        ONNX Runtime is not installed.
    WeightsError
        The graph cannot be read or run.
    """
    try:
        import onnxruntime
    except ImportError:
        raise MissingExtraError.for_extra("neural", "a neural network") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors come as exceptions; warnings are not for users
    source = graph if isinstance(graph, bytes) else os.fspath(graph)
    try:
        return onnxruntime.InferenceSession(source, options, providers=_providers(onnxruntime))
    except Exception as error:  # its exceptions share no base class
        raise WeightsError(f"the graph cannot be run by ONNX Runtime: {error}") from error


def on_gpu(opened: Any) -> bool:
    """Tell whether a session runs on a GPU."""
    return opened.get_providers()[0] != "CPUExecutionProvider"


def _providers(onnxruntime: Any) -> list[str]:
    there = onnxruntime.get_available_providers()
    return [one for one in ("CUDAExecutionProvider", "CPUExecutionProvider") if one in there]
