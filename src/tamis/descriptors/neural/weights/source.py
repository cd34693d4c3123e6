"""Where a file is on the Hugging Face hub, and in the cache."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from tamis.descriptors.neural.weights.download import address
from tamis.files.cache import cache_folder

MAIN: Final = "main"
"""The revision that is taken unless another is asked for."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file on the hub.

    Attributes
    ----------
    repository : str
        ``organisation/name``.
    file : str
        Path in the repository.
    revision : str
        Branch, tag or commit.
    sha256 : str or None
        Of the content, 64 hexadecimal digits, if it is known; then the revision does
        not matter for what is in the cache.
    size : int or None
        In MB, roughly, if it is known: what a download takes.
    """

    repository: str
    file: str
    revision: str = MAIN
    sha256: str | None = None
    size: int | None = None

    @property
    def address(self) -> str:
        """Where it is on the hub."""
        return address(self.repository, self.file, self.revision)

    @property
    def path(self) -> Path:
        """Where it is in the cache, or would be."""
        folder = cache_folder() / "hub" / self.repository
        if self.sha256 is None and self.revision != MAIN:
            folder = folder.with_name(f"{folder.name}@{quote(self.revision, safe='')}")
        return folder / self.file
