"""The application: pages, files, and the API."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

import jinja2
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tamis.errors import (
    DestinationError,
    ImageReadError,
    InvalidParameterError,
    TamisError,
    sentence,
)
from tamis.web.endpoints import ENDPOINTS, MAX_JSON, MAX_UPLOAD, Binary, Endpoint, Review
from tamis.web.openapi import document
from tamis.web.security import Guard

_HERE: Final = Path(__file__).parent
_YEAR: Final = "private, max-age=31536000, immutable"


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def application(review: Review, *, token: str, hosts: set[str], port: int) -> Starlette:
    """Make the ASGI application of a review.

    Parameters
    ----------
    review : Review
    token : str
    hosts : set of str
        What the header ``Host`` may be.
    port : int
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        import asyncio

        review.session.events.bind(asyncio.get_running_loop())
        yield

    routes = [
        Route("/", _page),
        Route("/api", _about_api),
        Route("/api/v1/openapi.json", _openapi),
        Route("/api/v1/events", _events(review)),
        *(
            Route(f"/api/v1{one.path}", _endpoint(review, one), methods=[one.method])
            for one in ENDPOINTS
        ),
        Mount("/static", StaticFiles(directory=_HERE / "static")),
    ]
    middleware = [
        Middleware(Guard, token=token, hosts=hosts, port=port),
        Middleware(GZipMiddleware, minimum_size=2000, compresslevel=4),
    ]
    return Starlette(routes=routes, middleware=middleware, lifespan=lifespan)


async def _page(request: Request) -> Response:
    text = _templates().get_template("index.html.j2").render()
    return HTMLResponse(text, headers={"cache-control": "no-store"})


async def _about_api(request: Request) -> Response:
    text = _templates().get_template("api.html.j2").render(endpoints=ENDPOINTS)
    return HTMLResponse(text)


async def _openapi(request: Request) -> Response:
    return JSONResponse(document())


def _events(review: Review) -> Any:
    async def answer(request: Request) -> Response:
        stream = review.session.events.stream(review.session.state())
        headers = {"cache-control": "no-store", "content-encoding": "identity"}
        return StreamingResponse(stream, media_type="text/event-stream", headers=headers)

    return answer


class _TooLargeError(Exception):
    """The body of a request has more bytes than it may."""


async def _body(request: Request, most: int) -> bytes:
    if int(request.headers.get("content-length") or 0) > most:
        raise _TooLargeError
    parts, total = [], 0
    async for part in request.stream():
        total += len(part)
        if total > most:
            raise _TooLargeError
        parts.append(part)
    return b"".join(parts)


async def _given(request: Request, one: Endpoint) -> dict[str, Any]:
    given: dict[str, Any] = dict(request.query_params) if one.method == "GET" or one.upload else {}
    if one.upload:
        given["body"] = await _body(request, MAX_UPLOAD)
    elif one.method == "POST":
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise InvalidParameterError("the body must be JSON: Content-Type: application/json.")
        try:
            content = json.loads(await _body(request, MAX_JSON) or b"{}")
        except (ValueError, RecursionError):
            raise InvalidParameterError("the body is no JSON.") from None
        if not isinstance(content, dict):
            raise InvalidParameterError("the body must be an object.")
        given |= content
    return given | request.path_params


def _endpoint(review: Review, one: Endpoint) -> Any:
    async def answer(request: Request) -> Response:
        try:
            given = await _given(request, one)
            found = await run_in_threadpool(one.answer, review, given)
        except _TooLargeError:
            return _error(413, "The request is too large.")
        except ImageReadError as error:
            return _error(422, sentence(error))
        except DestinationError as error:
            return _error(409, sentence(error))
        except TamisError as error:
            return _error(400, sentence(error))
        if isinstance(found, Binary):
            return _binary(request, found)
        return JSONResponse(found, headers={"cache-control": "no-store"})

    return answer


def _binary(request: Request, found: Binary) -> Response:
    headers = {"cache-control": "no-store"}
    if found.tag:
        tag = f'"{found.tag}"'
        headers = {"etag": tag, "cache-control": _YEAR if found.stays else "private, no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
    if found.media_type.startswith("image/"):  # compressed already
        headers["content-encoding"] = "identity"
    return Response(found.data, media_type=found.media_type, headers=headers)


def _error(status: int, text: str) -> Response:
    return JSONResponse({"error": text}, status_code=status)
