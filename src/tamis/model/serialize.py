"""What looks at the picture, taken apart for a file and put together again."""

import dataclasses
import io
import os
from collections.abc import Callable, Mapping
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np

from tamis.classifiers.network.served import NetworkView
from tamis.descriptors import Descriptor, descriptor
from tamis.descriptors.components import FIELDS, Components
from tamis.descriptors.fusion.fusion import Fusion
from tamis.descriptors.neural.onnx_file import check_contained
from tamis.descriptors.reduction import Reduction
from tamis.errors import ModelError, TamisError
from tamis.files.arrays import read_npz


@runtime_checkable
class _WithGraph(Protocol):
    """A descriptor that runs a graph, as `tamis.descriptors.neural.Backbone`."""

    def graph(self) -> bytes: ...

    def using(self, graph: bytes) -> Self: ...


def taken_apart(looks: Descriptor) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Say in plain types what looks at the picture, and give the files that it needs."""
    if isinstance(looks, NetworkView):
        return {"network": looks.net, "size": looks.size}, {"network.onnx": looks.graph}
    parts: dict[str, bytes] = {}
    told: dict[str, Any] = {"spec": looks.spec, "graphs": {}}
    for number, leaf in enumerate(looks.leaves, 1):
        if isinstance(leaf, _WithGraph):
            told["graphs"][leaf.spec] = f"backbone-{number}.onnx"
            parts[f"backbone-{number}.onnx"] = leaf.graph()
    if isinstance(looks, Reduction) and looks.components is not None:
        learned = looks.components
        buffer = io.BytesIO()
        np.savez(buffer, mean=learned.mean, axes=learned.axes, variances=learned.variances)
        parts["components.npz"] = buffer.getvalue()
        told |= {"base": looks.base.spec, "method": looks.method, "length": looks.length}
    return told, parts


def put_together(
    told: Mapping[str, Any],
    parts: Mapping[str, bytes],
    n_classes: int,
    *,
    stored_in: str | os.PathLike[str] | None = None,
) -> Descriptor:
    """Rebuild what `taken_apart` took apart.

    Parameters
    ----------
    told : mapping
    parts : mapping from str to bytes
        Graphs and arrays by their names in the file.
    n_classes : int
    stored_in : str or os.PathLike, optional
        The file that all this is from, if nobody vouches for it, as
        `tamis.descriptors.descriptor` takes it.

    Raises
    ------
    ModelError
        Something is missing or contradicts itself.
    TamisError
        A descriptor is not known here, or its arguments are not.
    """
    try:
        for name, part in parts.items():
            if name.endswith(".onnx"):
                check_contained(part, name)
        if "network" in told:
            return NetworkView(
                net=told["network"],
                graph=parts["network.onnx"],
                size=told["size"],
                n_classes=n_classes,
            )
        graphs = {spec: parts[name] for spec, name in told["graphs"].items()}

        def equipped(leaf: Descriptor) -> Descriptor:
            if not isinstance(leaf, _WithGraph):
                return leaf
            return leaf.using(graphs[leaf.spec])

        if "components.npz" not in parts:
            return _with_leaves(descriptor(_text(told["spec"]), stored_in=stored_in), equipped)
        base = descriptor(_text(told["base"]), stored_in=stored_in)
        learned = Components(base.spec, **read_npz(parts["components.npz"], FIELDS))
        whole = Reduction(
            base=base, method=told["method"], length=told["length"], components=learned
        )
        return _with_leaves(whole, equipped)
    except (LookupError, TypeError, AttributeError) as error:
        if isinstance(error, TamisError):
            raise
        raise ModelError(f"the model lacks what it needs to look at pictures: {error}.") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ModelError(f"the model names its descriptor by {type(value).__name__}, not by text.")
    return value


def _with_leaves(whole: Descriptor, change: Callable[[Descriptor], Descriptor]) -> Descriptor:
    if isinstance(whole, Reduction):
        return dataclasses.replace(whole, base=_with_leaves(whole.base, change))
    if isinstance(whole, Fusion):
        return dataclasses.replace(whole, parts=tuple(map(change, whole.parts)))
    return change(whole)
