"""`GET /metrics`, for an administrator or for the settings' token."""

import hmac

from litestar import Controller, Response, get
from litestar.types import ASGIApp, Receive, Scope, Send

from appliance.identity import Permission, requires
from appliance.monitoring.page import MetricsPage

PATH = "/metrics"


class MetricsController(Controller):
    path = PATH

    @get(guards=[requires(Permission.METRICS_READ)], include_in_schema=False)
    async def metrics(self, metrics_page: MetricsPage) -> Response[bytes]:
        """Prometheus' text format."""
        return Response(await metrics_page.text(), media_type=metrics_page.content_type)


class MetricsDoor:
    """Lets in a collector that brings the token of `metrics.token`, which is nobody's account. All others pass on."""

    def __init__(self, app: ASGIApp, page: MetricsPage, token: str) -> None:
        """An empty token lets nobody in."""
        self._app = app
        self._page = page
        self._expected = f"Bearer {token}".encode() if token else b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != PATH or not self._has_token(scope):
            await self._app(scope, receive, send)
            return
        scope["path_template"] = PATH
        body = await self._page.text()
        headers = [
            (b"content-type", self._page.content_type.encode()),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def _has_token(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        return (
            bool(self._expected)
            and scope.get("method") == "GET"
            and len(given) == 1
            and hmac.compare_digest(given[0], self._expected)
        )
