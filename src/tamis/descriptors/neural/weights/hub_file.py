"""A file on the Hugging Face hub: its address there, and its place in the cache."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from tamis.files.cache import cache_folder

HUB: Final = "https://huggingface.co"
"""Address of the hub, unless the environment variable HF_ENDPOINT names another."""

MAIN: Final = "main"
"""The default revision."""


@dataclass(frozen=True, slots=True)
class HubFile:
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
        """Address on the hub, for a browser as well."""
        place = f"{quote(self.revision, safe='')}/{quote(self.file)}"
        return f"{endpoint()}/{self.repository}/resolve/{place}"

    @property
    def path(self) -> Path:
        """Path in the cache, whether or not the file is there."""
        folder = cache_folder() / "hub" / self.repository
        if self.sha256 is None and self.revision != MAIN:
            folder = folder.with_name(f"{folder.name}@{quote(self.revision, safe='')}")
        return folder / self.file


def endpoint() -> str:
    """Address of the hub: that of the environment variable HF_ENDPOINT, or `HUB`."""
    return (os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")
