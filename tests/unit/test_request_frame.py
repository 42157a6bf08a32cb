"""The frame has the last word, whatever breaks inside."""

from typing import Any

import pytest

from appliance.edge import FIXED, RequestFrame, RequestLog, fixed_headers
from appliance.foundation import configure_logging


class Counted:
    def __init__(self) -> None:
        self.codes: list[str] = []

    def began(self) -> None:
        """Nothing to count."""

    def ended(self, endpoint: str, method: str, status: int, seconds: float, code: str) -> None:
        self.codes.append(code)


async def asked(app: Any, *, path: str = "/metrics", https: bool = False) -> tuple[list[dict[str, Any]], list[str]]:
    """What was sent, and the codes that were counted."""
    configure_logging("error")
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    watch = Counted()
    frame = RequestFrame(app, watch, RequestLog("off"), fixed=fixed_headers(https=https))
    scope: Any = {"type": "http", "method": "GET", "path": path, "headers": [], "client": None, "state": {}}
    await frame(scope, None, send)  # type: ignore[arg-type] # nobody reads a body
    return sent, watch.codes


@pytest.mark.parametrize("path", ["/metrics", "/v1/models", "/v1/messages"])
async def test_what_breaks_outside_of_the_framework_is_answered_like_anything_else(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def breaks(*_: object) -> None:
        raise RuntimeError("CNRY")

    sent, codes = await asked(breaks, path=path)
    assert sent[0]["status"] == 500
    assert set(FIXED) <= set(sent[0]["headers"])
    assert b"CNRY" not in sent[1]["body"]
    assert b"Something broke on our side." in sent[1]["body"]
    assert codes == ["internal_error"]
    assert "RuntimeError" in capsys.readouterr().err


async def test_an_answer_that_has_begun_is_broken_off() -> None:
    async def breaks(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await asked(breaks)


@pytest.mark.parametrize("https", [True, False])
async def test_plain_http_is_forgotten_only_where_there_is_tls(*, https: bool) -> None:
    async def answers(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"private")]})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    sent, _ = await asked(answers, https=https)
    headers = dict(sent[0]["headers"])
    assert (b"strict-transport-security" in headers) is https
    assert headers[b"cache-control"] == b"private", "an answer's own counts"
