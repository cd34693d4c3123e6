"""Serialise the descriptor of a model, and rebuild it."""

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
from tamis.descriptors.neural.graph_file import check_contained
from tamis.descriptors.reduction import Reduction
from tamis.errors import ModelError, TamisError
from tamis.files.arrays import read_npz


@runtime_checkable
class _WithGraph(Protocol):
    """A descriptor that runs a graph, as `tamis.descriptors.neural.Backbone`."""

    def graph(self) -> bytes: ...

    def using(self, graph: bytes) -> Self: ...


def to_parts(fitted: Descriptor) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the config of a descriptor in plain types, and the files that it needs."""
    if isinstance(fitted, NetworkView):
        return {"network": fitted.net, "size": fitted.size}, {"network.onnx": fitted.graph}
    parts: dict[str, bytes] = {}
    config: dict[str, Any] = {"spec": fitted.spec, "graphs": {}}
    for number, leaf in enumerate(fitted.leaves, 1):
        if isinstance(leaf, _WithGraph):
            config["graphs"][leaf.spec] = f"backbone-{number}.onnx"
            parts[f"backbone-{number}.onnx"] = leaf.graph()
    if isinstance(fitted, Reduction) and fitted.components is not None:
        learned = fitted.components
        buffer = io.BytesIO()
        np.savez(buffer, mean=learned.mean, axes=learned.axes, variances=learned.variances)
        parts["components.npz"] = buffer.getvalue()
        config |= {"base": fitted.base.spec, "method": fitted.method, "length": fitted.length}
    return config, parts


def from_parts(
    config: Mapping[str, Any],
    parts: Mapping[str, bytes],
    n_classes: int,
    *,
    stored_in: str | os.PathLike[str] | None = None,
) -> Descriptor:
    """Rebuild a descriptor from what `to_parts` returned.

    Parameters
    ----------
    config : mapping
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
        if "network" in config:
            return NetworkView(
                net=config["network"],
                graph=parts["network.onnx"],
                size=config["size"],
                n_classes=n_classes,
            )
        graphs = {spec: parts[name] for spec, name in config["graphs"].items()}

        def equipped(leaf: Descriptor) -> Descriptor:
            if not isinstance(leaf, _WithGraph):
                return leaf
            return leaf.using(graphs[leaf.spec])

        if "components.npz" not in parts:
            return _with_leaves(descriptor(_text(config["spec"]), stored_in=stored_in), equipped)
        base = descriptor(_text(config["base"]), stored_in=stored_in)
        learned = Components(base.spec, **read_npz(parts["components.npz"], FIELDS))
        whole = Reduction(
            base=base, method=config["method"], length=config["length"], components=learned
        )
        return _with_leaves(whole, equipped)
    except (LookupError, TypeError, AttributeError) as error:
        if isinstance(error, TamisError):
            raise
        raise ModelError(f"the model lacks what its descriptor needs: {error}.") from error


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
