"""Running a graph on ONNX Runtime."""

import os
import threading
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from tamis.errors import MissingExtraError, WeightsError, printable

SECONDS: Final = 30.0
"""For a picture; a graph that takes longer is taken for one that never ends."""

_OPEN: Final = 4  # kept for those that are asked for again
_kept: dict[str, Any] = {}
_lock = threading.Lock()


def get_session(key: str, make: Callable[[], Any]) -> Any:
    """Return the open session of a key, or open it; the last few stay open."""
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
        raise MissingExtraError.for_project("onnxruntime", "a neural network") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors come as exceptions; warnings are not for users
    source = graph if isinstance(graph, bytes) else os.fspath(graph)
    try:
        opened = onnxruntime.InferenceSession(source, options, providers=_providers(onnxruntime))
        for value in (*opened.get_inputs(), *opened.get_outputs()):
            _ = value.name, value.type, value.shape  # a damaged file has names that are no UTF-8
    except Exception as error:  # its exceptions share no base class
        why = printable(" ".join(str(error).split()))[:500]
        raise WeightsError(f"the graph cannot be run by ONNX Runtime: {why}") from error
    return opened


def only_input(session: Any) -> str:
    """Name the input of a graph that has one.

    Raises
    ------
    WeightsError
        The graph has none or several.
    """
    names = [one.name for one in session.get_inputs()]
    if len(names) != 1:
        raise WeightsError(
            f"the graph must have one input, the pixels. Got {len(names)}: "
            f"{', '.join(map(printable, names)) or 'none'}."
        )
    return str(names[0])


def run(session: Any, inputs: dict[str, Any], outputs: list[str] | None = None) -> list[Any]:
    """Run a graph, and stop it if it does not end.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
    inputs : dict from str to ndarray
        The first dimension is that of the pictures.
    outputs : list of str, optional
        All by default.

    Returns
    -------
    list of ndarray

    Raises
    ------
    WeightsError
        The graph cannot be run on such inputs, gives something else than arrays, or takes
        more than 30 seconds per picture.
    """
    import onnxruntime

    seconds = SECONDS * max(len(one) for one in inputs.values())
    options = onnxruntime.RunOptions()
    stop = threading.Timer(seconds, setattr, (options, "terminate", True))
    stop.daemon = True
    stop.start()
    try:
        found = session.run(outputs, inputs, options)
    except Exception as error:  # its exceptions share no base class
        if options.terminate:
            raise WeightsError(
                f"the graph was stopped: it gave no answer within {seconds:g} seconds."
            ) from None
        why = " ".join(str(error).split())
        raise WeightsError(f"the graph cannot be run: {printable(why)[:500]}") from error
    finally:
        stop.cancel()
    if not found or not all(isinstance(one, np.ndarray) for one in found):
        raise WeightsError("the graph must give arrays, and gives something else.")
    return list(found)


def on_gpu(session: Any) -> bool:
    """Tell whether a session runs on a GPU."""
    return session.get_providers()[0] != "CPUExecutionProvider"


def _providers(onnxruntime: Any) -> list[str]:
    there = onnxruntime.get_available_providers()
    return [one for one in ("CUDAExecutionProvider", "CPUExecutionProvider") if one in there]
