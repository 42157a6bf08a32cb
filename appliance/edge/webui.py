"""Serves the built web UI. Its own client-side addresses all get the one page, and so does a person who is lost."""

import mimetypes
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.types import ExceptionHandlersMap

from appliance.edge.errors import framework_error
from appliance.foundation import NotFound, note_error

CLIENT_PAGES = (
    "/",
    "/login",
    "/c/{rest:path}",
    "/library",
    "/library/{rest:path}",
    "/models",
    "/account",
    "/account/keys",
    "/account/roles",
)
PROGRAMS = ("/api/", "/v1/", "/scim/", "/assets/", "/health/")
"""What lies below these is for programs, whatever they accept."""
FOREVER = "public, max-age=31536000, immutable"
MISSING = b"""<!doctype html><meta charset=utf-8><title>Private Model Appliance</title>
<p>The web UI is not built. Run <code>script/up</code>, or use the API at <code>/v1</code>."""


def webui_routes(dist: Path) -> list[HTTPRouteHandler]:
    """Routes for the files of `dist`, read once at start: no path of a request ever touches the disk."""
    files = {p.relative_to(dist).as_posix(): p.read_bytes() for p in dist.rglob("*") if p.is_file()}

    @get(list(CLIENT_PAGES), opt={"public": True}, include_in_schema=False)
    async def page() -> Response[bytes]:
        return Response(files.get("index.html", MISSING), media_type="text/html")

    @get(["/assets/{name:path}"], opt={"public": True}, include_in_schema=False, cache_control=None)
    async def asset(name: str) -> Response[Any]:
        return _file(files, f"assets/{name.lstrip('/')}", {"cache-control": FOREVER})

    @get(["/favicon.svg"], opt={"public": True}, include_in_schema=False)
    async def icon() -> Response[Any]:
        return _file(files, "favicon.svg", {"cache-control": "public, max-age=3600"})

    return [page, asset, icon]


def lost_people(dist: Path) -> ExceptionHandlersMap:
    """For addresses that nothing has: a browser gets the page, which says so; everybody else the error."""
    file = dist / "index.html"
    page = file.read_bytes() if file.is_file() else MISSING

    def handle(request: Request[Any, Any, Any], error: NotFoundException) -> Response[Any]:
        if "text/html" not in request.headers.get("accept", "") or request.scope["path"].startswith(PROGRAMS):
            return framework_error(request, error)
        note_error("not_found")
        return Response(page, status_code=404, media_type="text/html")

    return {NotFoundException: handle}


def _file(files: dict[str, bytes], name: str, headers: dict[str, str]) -> Response[Any]:
    if name not in files:
        raise NotFound("There is no such file.")
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Response(files[name], media_type=media_type, headers=headers)
