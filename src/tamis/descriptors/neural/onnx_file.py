"""`onnx:PATH`: the network in an ONNX file as a descriptor."""

import os
from dataclasses import dataclass
from typing import final

from tamis.descriptors.neural.external import ExternalNetwork, check_printable


@final
@dataclass(frozen=True, kw_only=True)
class OnnxFile(ExternalNetwork):
    """The network in an ONNX file.

    It must have one input, the pixels, as (n, 3, height, width) or (n, height, width, 3).
    Of an output (n, values) each row is a vector; of one with several vectors for a
    picture, the first or their mean. What is not given is found out from the file, and
    becomes part of the spec, with a digest of the file: another file under the same path
    is noticed.

    Parameters
    ----------
    name : str
        ``onnx:`` and the path, which becomes absolute.
    crop : int
        1 shows it the middle of a picture, as wide as high; 0 the whole, stretched.
    digest : str or None
        Of the file: 12 hexadecimal digits, checked if given.
    flip : int
        1 also looks at the mirror image and takes the mean, in twice the time.
    mean, std : str
        Of red, green and blue, from 0 to 1, joined by ``/``; or one number for all. The
        network sees ``(value / 255 - mean) / std``. By default those of ImageNet. A
        network that takes bytes sees them as they are.
    output : str
        Name of the output. By default the only one, or of several ``image_embeds``,
        ``pooler_output`` or ``last_hidden_state``.
    pool : {"class", "mean", "plain"}
        Of (n, tokens, values) the first token, or the mean of all. By default the mean
        if there are as many as a square has fields, else the first. ``plain`` where there
        is one vector already; of a map of them it is always the mean.
    size : int
        Side in pixels. By default that of the file, or 224 if that takes any.
    """

    def __post_init__(self) -> None:
        scheme, _, path = self.name.partition(":")
        check_printable("the path of an ONNX file", path)
        absolute = os.path.abspath(os.path.expanduser(path))
        object.__setattr__(self, "name", f"{scheme}:{absolute}")
        super().__post_init__()

    def path(self) -> str:
        """Give the path of the file."""
        return self.name.partition(":")[2]
