"""What an ONNX file holds, as far as one must know to show it pictures."""

import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from tamis.descriptors.neural.runtime import session
from tamis.descriptors.neural.weights.hub import sha256_of
from tamis.errors import FileFormatError, MissingExtraError, WeightsError, printable
from tamis.files.digest import DIGEST_LENGTH, digest_of
from tamis.files.regular import check_regular

_INPUTS: Final = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(uint8)": "uint8",
}
_OUTPUTS: Final = ("tensor(float)", "tensor(float16)", "tensor(double)")


@dataclass(frozen=True, slots=True)
class GraphFile:
    """The form of a network.

    Attributes
    ----------
    path : str
    digest : str
        Twelve hexadecimal digits that change with the file, or those it refers to.
    pixels : str
        Name of the input.
    dtype : str
        Of the input: ``float32``, ``float16``, ``float64`` or ``uint8``.
    channels_last : bool
        Whether the input is (n, height, width, 3); else (n, 3, height, width).
    batch, height, width : int or None
        Of the input, where they are fixed.
    outputs : tuple of str
        Names of those that are floats.
    """

    path: str
    digest: str
    pixels: str
    dtype: str
    channels_last: bool
    batch: int | None
    height: int | None
    width: int | None
    outputs: tuple[str, ...]


def examine(path: str) -> GraphFile:
    """Read the form of a network from its file; again only if that has changed.

    Raises
    ------
    WeightsError
        There is no such file, it is no ONNX file, it refers to another file that is
        not there, or it is not of a form that can be shown pictures.
    MissingExtraError
        onnx or ONNX Runtime is not installed.
    """
    shown = printable(path)
    try:
        check_regular(path)
        files = [path, *_beside(path)]
        seen = tuple(
            (found.st_ino, found.st_size, found.st_mtime_ns) for found in map(check_regular, files)
        )
    except FileNotFoundError as error:
        missing = os.fspath(error.filename)
        if missing == path:
            raise WeightsError(
                f"there is no file {shown}. Give the path of an ONNX file."
            ) from None
        raise WeightsError(
            f"{shown} keeps its weights in {printable(missing)}, which is not there. Put it there: "
            "both files belong together."
        ) from None
    except FileFormatError as error:
        raise error if isinstance(error, WeightsError) else WeightsError(str(error)) from error
    except IsADirectoryError:
        raise WeightsError(f"{shown} is a folder; give the path of an ONNX file in it.") from None
    except OSError as error:
        raise WeightsError(f"cannot read {shown}: {error.strerror}.") from error
    return _examine(path, tuple(files), seen)


@lru_cache(maxsize=32)
def _examine(path: str, files: tuple[str, ...], seen: tuple[Any, ...]) -> GraphFile:
    shown = printable(path)
    opened = session(path)
    inputs = opened.get_inputs()
    if len(inputs) != 1:
        names = ", ".join(one.name for one in inputs) or "none"
        raise WeightsError(
            f"{shown} has {len(inputs)} inputs ({names}), and a descriptor can give one, the "
            "pixels. If it also takes text, use the file of its image side alone."
        )
    (pixels,) = inputs
    if len(pixels.shape) != 4 or pixels.type not in _INPUTS:
        raise WeightsError(
            f"{shown} takes {pixels.name}, {pixels.type} of shape {_shape(pixels.shape)}, and not "
            "pictures: those are tensor(float), tensor(float16) or tensor(uint8) of shape "
            "(n, 3, height, width) or (n, height, width, 3)."
        )
    batch, second, third, last = (
        length if isinstance(length, int) and length > 0 else None for length in pixels.shape
    )
    # Where all is left open, the order of PyTorch, from which most files come.
    channels_last = last == 3 and second != 3
    channels, height, width = (last, second, third) if channels_last else (second, third, last)
    if channels not in (3, None):
        raise WeightsError(
            f"{shown} takes pictures of shape {_shape(pixels.shape)}, with {channels} channels; a "
            "picture here has 3."
        )
    outputs = tuple(one.name for one in opened.get_outputs() if one.type in _OUTPUTS)
    if not outputs:
        kinds = ", ".join(f"{one.name}: {one.type}" for one in opened.get_outputs())
        raise WeightsError(
            f"{shown} gives no floats ({kinds}): it says what a picture is, not how it looks. Use "
            "a file of the network before its last step."
        )
    return GraphFile(
        path=path,
        digest=_digest(files),
        pixels=pixels.name,
        dtype=_INPUTS[pixels.type],
        channels_last=channels_last,
        batch=batch,
        height=height,
        width=width,
        outputs=outputs,
    )


def _digest(files: tuple[str, ...]) -> str:
    digests = [sha256_of(file) for file in files]
    return digests[0][:DIGEST_LENGTH] if len(files) == 1 else digest_of("".join(digests).encode())


def _beside(path: str) -> list[str]:
    """List the files that hold weights of a network for it."""
    seen = os.stat(path)
    folder = os.path.dirname(path)
    return [os.path.join(folder, name) for name in _locations(path, seen.st_size, seen.st_mtime_ns)]


def locations(path: str | Path) -> tuple[str, ...]:
    """List the files, relative to it, to which an ONNX file refers for its weights.

    Raises
    ------
    WeightsError
        It is no ONNX file.
    """
    seen = os.stat(path)
    return _locations(os.fspath(path), seen.st_size, seen.st_mtime_ns)


def check_contained(graph: bytes, what: str) -> None:
    """Raise WeightsError if a serialized graph refers to any file.

    Parameters
    ----------
    graph : bytes
    what : str
        What it is called, for the error.

    Raises
    ------
    WeightsError
        It does, or it is no ONNX graph.
    MissingExtraError
        onnx is not installed.
    """
    onnx = _library()
    model = onnx.ModelProto()
    try:
        model.ParseFromString(graph)
    except Exception as error:  # protobuf raises its own kinds
        raise WeightsError(f"{printable(what)} is no ONNX graph, or a damaged one.") from error
    if found := _external(onnx, model):
        raise WeightsError(
            f"{printable(what)} refers to the file {printable(found[0])!r}, and a graph in a model "
            "must hold all its weights."
        )


@lru_cache(maxsize=32)
def _locations(path: str, *seen: int) -> tuple[str, ...]:
    onnx = _library()
    try:
        model = onnx.load(path, load_external_data=False)
        if not model.graph.node:
            raise ValueError("it has no graph")
    except OSError:
        raise
    except Exception as error:  # protobuf raises its own kinds
        why = re.sub(r"\s+", " ", str(error)).rstrip(".")
        raise WeightsError(
            f"{printable(path)} is no ONNX file, or a damaged one ({printable(why)}). A file of "
            "PyTorch or Keras must be exported to ONNX first."
        ) from error
    found = _external(onnx, model)
    for name in found:
        parts = name.replace("\\", "/").split("/")
        if ".." in parts or os.path.isabs(name) or not parts[0] or "\0" in name:
            raise WeightsError(
                f"{printable(path)} refers to the file {printable(name)!r}, outside of its folder."
            )
    return tuple(found)


def _external(onnx: Any, model: Any) -> list[str]:
    """List the files that any tensor of a network refers to, in subgraphs and functions too."""
    found = set()
    graphs = [model.graph, *model.functions]
    while graphs:
        graph = graphs.pop()
        tensors = list(getattr(graph, "initializer", ()))
        for sparse in getattr(graph, "sparse_initializer", ()):
            tensors += [sparse.values, sparse.indices]
        for node in graph.node:
            for attribute in node.attribute:
                graphs += [attribute.g] if attribute.HasField("g") else []
                graphs += attribute.graphs
                tensors += [attribute.t, *attribute.tensors]
                for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                    tensors += [sparse.values, sparse.indices]
        for tensor in tensors:
            if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
                places = [one.value for one in tensor.external_data if one.key == "location"]
                found.update(places or [""])
    return sorted(found)


def _library() -> Any:
    try:
        import onnx
    except ImportError:
        raise MissingExtraError.for_project("onnx", "an ONNX file") from None
    return onnx


def _shape(shape: list[Any]) -> str:
    return f"({', '.join(str(length) for length in shape)})"
