"""`tamis export`."""

from typing import Annotated

import typer

from tamis.cli.options import Json, Trust, writes
from tamis.files.kinds import ONNX


def export(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A model, as tamis train writes it.")
    ],
    out: Annotated[
        str,
        typer.Argument(metavar="FILE", help="The ONNX graph: NAME.onnx.", callback=writes(ONNX)),
    ],
    trust: Trust = False,
    json: Json = None,
) -> None:
    """Write a model as one ONNX graph, for programs without tamis.

    The graph takes pixels and gives the probability of each class; its metadata hold the
    classes and how a picture becomes such pixels. Networks can be exported, and every
    classifier on neural descriptors. The graph is compared with the model before it is
    written.

        tamis export animals.tamis animals.onnx
    """
    import os
    import time

    from tamis.cli.console import say, write_json
    from tamis.errors import printable
    from tamis.model import Model
    from tamis.model.export import preprocessing_of

    start = time.perf_counter()
    opened = Model.open(model, trust=trust)
    difference = opened.export(out)
    pixels = preprocessing_of(opened.descriptor, icc=opened.icc)
    taken = ", ".join(
        f"{name} (n, {how['height']}, {how['width']}, 3)" for name, how in pixels.items()
    )
    size = f" ({os.path.getsize(out) / 1e6:.1f} MB)" if os.path.isfile(out) else ""
    say(
        f"wrote {printable(out)}{size}: {taken} uint8 to probabilities of {len(opened.classes)} "
        f"classes; they differ from those of the model by {difference:.1g} at most",
        unless=json,
    )
    write_json(
        json,
        {
            "model": model,
            "digest": opened.digest,
            "out": out,
            "classes": list(opened.classes),
            "preprocessing": pixels,
            "difference": difference,
            "seconds": time.perf_counter() - start,
        },
    )
