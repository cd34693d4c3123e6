"""What happens, told to every open page."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

_WAITING: Final = 1000  # events that a page may be behind by
_BEAT: Final = 15.0  # seconds; a comment that shows whether the page is still there


class Events:
    """A channel of server-sent events; `tell` may be called from any thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pages: set[asyncio.Queue[str | None]] = set()
        self._ended = False

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Name the loop that serves the pages."""
        self._loop = loop

    def tell(self, kind: str, **what: Any) -> None:
        """Tell all pages."""
        text = f"event: {kind}\ndata: {json.dumps(what)}\n\n"
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._put, text)

    def end(self) -> None:
        """Let all pages go, so that the server can end."""
        self._ended = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._put, None)

    def _put(self, text: str | None) -> None:
        for page in tuple(self._pages):
            if page.qsize() >= _WAITING:  # it will ask for all when it comes back
                self._pages.discard(page)
                text = None
            page.put_nowait(text)

    async def stream(self, first: Mapping[str, Any]) -> AsyncIterator[str]:
        """Give the events for a page from now on."""
        page: asyncio.Queue[str | None] = asyncio.Queue()
        self._pages.add(page)
        try:
            yield f"event: hello\ndata: {json.dumps(dict(first))}\n\n"
            while not self._ended:
                try:
                    text = await asyncio.wait_for(page.get(), _BEAT)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if text is None:
                    return
                yield text
        finally:
            self._pages.discard(page)
