"""`hf:ORGANISATION/NAME`: a network from the Hugging Face hub as a descriptor."""

import posixpath
import re
from dataclasses import dataclass
from typing import Any, ClassVar, Final, final

from tamis.descriptors.neural.external import ExternalNetwork, check_printable
from tamis.descriptors.neural.graph_file import locations
from tamis.descriptors.neural.preprocessing import read_preprocessor_config
from tamis.descriptors.neural.weights.hub import fetch, fetch_if_any
from tamis.descriptors.neural.weights.hub_file import MAIN, HubFile
from tamis.descriptors.neural.weights.locate import ready
from tamis.errors import InvalidParameterError, WeightsError

FILES: Final = ("onnx/model.onnx", "model.onnx")
"""Where repositories keep their network, unless ``file=`` names another."""

_REPOSITORY: Final = re.compile(r"[\w\-.]+/[\w\-.]+", re.ASCII)
_CONFIG: Final = "preprocessor_config.json"


@final
@dataclass(frozen=True, kw_only=True)
class HubModel(ExternalNetwork):
    """The network in an ONNX file on the Hugging Face hub.

    It is downloaded at its first use, into the cache folder. How it wants its pictures is
    read from the ``preprocessor_config.json`` of the repository, if there is one, and
    becomes part of the spec, with a digest of the file.

    Parameters
    ----------
    name : str
        ``hf:`` and the repository, ``organisation/name``.
    file : str or None
        Path in the repository. By default ``onnx/model.onnx`` or ``model.onnx``.
    revision : str
        Branch, tag or commit.
    crop, digest, flip, mean, output, pool, size, std
        As of ``onnx:``.
    """

    summary: ClassVar[str] = "what a network from the Hugging Face hub sees"
    reference: ClassVar[str] = "the repository on the Hugging Face hub"

    file: str | None = None
    revision: str = MAIN

    def __post_init__(self) -> None:
        if _REPOSITORY.fullmatch(self._repository) is None or ".." in self._repository:
            raise InvalidParameterError(
                f"write hf: and a repository as organisation/name, such as "
                f"hf:Xenova/dinov2-small. Got {self.name!r}."
            )
        check_printable("revision", str(self.revision))
        object.__setattr__(self, "revision", str(self.revision))
        if self.file is not None:
            check_printable("file", str(self.file))
            if posixpath.normpath(self.file) != self.file or self.file.startswith(("/", "..")):
                raise InvalidParameterError(
                    f"file must be a path in the repository, such as {FILES[0]}. Got {self.file!r}."
                )
        else:
            object.__setattr__(self, "file", self._fetched(FILES).file)
        super().__post_init__()

    @property
    def _repository(self) -> str:
        return self.name.partition(":")[2]

    def path(self) -> str:
        """Find the file in the cache, or download it, with those that it refers to."""
        assert self.file is not None
        found = self._fetched([self.file])
        for location in locations(found.path):
            beside = posixpath.join(posixpath.dirname(self.file), location)
            if posixpath.normpath(beside) != beside or beside.startswith(("/", "..")):
                raise WeightsError(f"{self.name} refers to the file {location!r} outside of it.")
            self._fetched([beside])
        return str(found.path)

    def read_config(self) -> dict[str, Any]:
        """Read the ``preprocessor_config.json`` of the repository, if there is one."""
        if None not in (self.crop, self.mean, self.size, self.std):
            return {}
        asked = f"the {_CONFIG} of {self.name}"
        try:
            found = fetch_if_any(HubFile(self._repository, _CONFIG, self.revision), asked)
        except WeightsError as error:
            raise WeightsError(
                f"{error} Or give the preprocessing of {self.name} yourself, by crop=, mean=, "
                "size= and std=."
            ) from None
        return {} if found is None else read_preprocessor_config(found.path)

    def _fetched(self, files: Any) -> HubFile:
        sources = [HubFile(self._repository, file, self.revision) for file in files]
        return fetch(sources, self.name, others=ready)
