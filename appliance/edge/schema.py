"""`/schema/openapi.json`, complete: the framework's own description, with what it does not know.

Handlers of plain ASGI do not say what they take, so they carry a `Described`; from these an application on paper is
made, whose description is added. The framework thinks that errors have its own shape, so ours are put in their place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Litestar, Request, post
from litestar.handlers import BaseRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.response import Stream

DESCRIBED = "described"
STREAMED = ("text/event-stream", "application/octet-stream")

CODE = {"type": "string"}
OURS = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "remedy", "request_id"],
            "properties": {"code": CODE, "message": CODE, "remedy": CODE, "request_id": {"type": ["string", "null"]}},
        }
    },
}
OPENAI = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type"],
            "properties": {
                "message": CODE,
                "type": CODE,
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}
SCIM = {
    "type": "object",
    "required": ["schemas", "detail", "status"],
    "properties": {"schemas": {"type": "array", "items": CODE}, "detail": CODE, "status": CODE, "scimType": CODE},
}
"""RFC 7644, section 3.12."""


@dataclass(frozen=True, slots=True)
class Described:
    """What a plain ASGI handler takes and does."""

    takes: Any
    """Type of the JSON body."""
    about: str
    """One sentence."""
    streams: bool = False
    """It also answers as server-sent events."""

    def opt(self) -> dict[str, Any]:
        """What the handler's `opt` must hold."""
        return {DESCRIBED: self}


class WholeSchema(JsonRenderPlugin):
    """Made when somebody asks for the first time; that takes seconds, so the route is for those who are known."""

    def __init__(self) -> None:
        super().__init__()
        self._made: bytes = b""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The description as JSON."""
        if not self._made:
            self._made = msgspec.json.encode(whole_schema(request.app, openapi_schema))
        return self._made


def whole_schema(app: Litestar, known: Mapping[str, Any]) -> dict[str, Any]:
    """The framework's description of an application, with the plain ASGI routes, and with our errors."""
    paths, components = _with_streams(app, known["paths"]), dict(known.get("components", {}))
    schemas = dict(components.get("schemas", {}))
    paper = _apart(_on_paper(app), schemas)
    paths |= paper["paths"]
    schemas = {**paper["components"]["schemas"], **schemas}
    schemas |= {"ApplianceErrorReply": OURS, "OpenAIErrorReply": OPENAI, "ScimErrorReply": SCIM}
    components["schemas"] = schemas
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    finished = {
        path: _with_errors(path, item) for path, item in sorted(paths.items()) if not path.startswith("/schema")
    }
    return {**known, "paths": finished, "components": components, "security": [{"key": []}]}


def _on_paper(app: Litestar) -> dict[str, Any]:
    """The description of the plain ASGI routes alone."""
    handlers, streams = [], set()
    for route in app.routes:
        handler = getattr(route, "route_handler", None)
        about = handler.opt.get(DESCRIBED) if isinstance(handler, BaseRouteHandler) else None
        if about is not None:
            handlers.append(_paper_handler(route.path, about))
            if about.streams:
                streams.add(route.path)
    config = OpenAPIConfig(title="", version="")
    found = Litestar(handlers, openapi_config=config, logging_config=None).openapi_schema.to_schema()
    for path in streams:
        good = found["paths"][path]["post"]["responses"]["200"]
        good["content"]["text/event-stream"] = {"schema": {"type": "string"}}
    return found


def _apart(paper: dict[str, Any], taken: Mapping[str, Any]) -> dict[str, Any]:
    """The description with other names for types whose name is taken by another type."""
    text = msgspec.json.encode(paper)
    for name, shape in paper["components"]["schemas"].items():
        if name in taken and msgspec.json.encode(taken[name]) != msgspec.json.encode(shape):
            text = text.replace(f'/schemas/{name}"'.encode(), f'/schemas/{name}Asked"'.encode())
            text = text.replace(f'"{name}":{{'.encode(), f'"{name}Asked":{{'.encode())
    renamed: dict[str, Any] = msgspec.json.decode(text)
    return renamed


def _paper_handler(path: str, about: Described) -> Any:
    async def handle(data: Any) -> dict[str, Any]:
        return {"data": data}  # nobody calls it

    handle.__annotations__["data"] = about.takes
    name = path.strip("/").replace("/", "_")
    return post(path, status_code=200, operation_id=name, summary=about.about)(handle)


def _with_streams(app: Litestar, paths: Mapping[str, Any]) -> dict[str, Any]:
    """What answers with a stream answers with events or bytes, which the framework cannot tell."""
    changed: dict[str, Any] = dict(paths)
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if handler.parsed_fn_signature.return_type.annotation is not Stream or route.path_format not in paths:
                continue
            item = dict(changed[route.path_format])
            for method in handler.http_methods:
                operation = item[method.lower()]
                good = {"200": {"description": "A stream.", "content": {kind: {} for kind in STREAMED}}}
                item[method.lower()] = {**operation, "responses": good}
            changed[route.path_format] = item
    return changed


def _with_errors(path: str, item: dict[str, Any]) -> dict[str, Any]:
    """Every operation may answer with our error; the framework's own shape of a 400 is never sent."""
    name, media_type = "ApplianceErrorReply", "application/json"
    if path.startswith("/v1"):
        name = "OpenAIErrorReply"
    elif path.startswith("/scim/"):
        name, media_type = "ScimErrorReply", "application/scim+json"
    error = {
        "description": "Cause and way out.",
        "content": {media_type: {"schema": {"$ref": f"#/components/schemas/{name}"}}},
    }
    finished: dict[str, Any] = {}
    for method, operation in item.items():
        good = {s: r for s, r in operation.get("responses", {}).items() if not s.startswith(("4", "5"))}
        finished[method] = {**operation, "responses": {**good, "4XX": error, "5XX": error}}
    return finished
