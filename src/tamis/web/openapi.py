"""The description of the API, made from the table of its endpoints."""

from typing import Any

from tamis import __version__
from tamis.web.endpoints import ENDPOINTS, Endpoint


def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    paths: dict[str, Any] = {}
    for one in ENDPOINTS:
        paths.setdefault(f"/api/v1{one.path}", {})[one.method.lower()] = _operation(one)
    paths["/api/v1/events"] = {
        "get": {
            "summary": "Server-sent events: hello, labels, answers, classes, phase, run",
            "responses": {"200": {"description": "A stream of text/event-stream."}},
        }
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tamis serve",
            "version": "1",
            "description": f"A review of pictures, by tamis {__version__}. Send the token of the "
            "address as Authorization: Bearer TOKEN.",
        },
        "security": [{"token": []}],
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "paths": paths,
    }


def _operation(one: Endpoint) -> dict[str, Any]:
    inside = [part[1:-1] for part in one.path.split("/") if part.startswith("{")]
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in inside
    ]
    operation: dict[str, Any] = {
        "summary": one.summary,
        "responses": {
            "200": {"description": "Done."},
            "400": {"description": "What was wrong, as {error: ...}."},
            "403": {"description": "No token, or a foreign origin."},
        },
    }
    if one.upload:
        picture = {"schema": {"type": "string", "format": "binary"}}
        operation["requestBody"] = {"content": {"application/octet-stream": picture}}
    if one.takes and (one.method == "GET" or one.upload):
        parameters += [
            {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}
            for name, text in one.takes.items()
        ]
    elif one.takes:
        members = {name: {"description": text} for name, text in one.takes.items()}
        schema = {"type": "object", "properties": members}
        operation["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    if parameters:
        operation["parameters"] = parameters
    return operation
