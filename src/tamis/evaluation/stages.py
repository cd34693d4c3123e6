"""Progress of work in several stages: described images, then scored queries."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from tamis.features import Progress

Stages = Callable[[str, int], AbstractContextManager[Progress]]
"""Called with the name and the length of each stage; yields what is told how many are done."""


@contextmanager
def silent(name: str, total: int) -> Iterator[Progress]:
    """Show no progress."""
    yield lambda done: None
