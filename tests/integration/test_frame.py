"""What every answer carries, also one that no handler of ours wrote."""

import pytest

from tests.support.gateway import Gateway

pytestmark = pytest.mark.any_database

CALLS = [
    ("GET", "/health/live", 200),
    ("GET", "/api/me", 401),
    ("GET", "/api/nothing-here", 404),
    ("GET", "/v1/nothing-here", 404),
    ("DELETE", "/health/live", 405),
    ("PATCH", "/v1/models", 405),
    ("POST", "/auth/login", 400),
]


@pytest.mark.parametrize(("method", "path", "status"), CALLS)
async def test_every_answer_has_an_id_and_closes_the_browsers_doors(
    running_gateway: Gateway, method: str, path: str, status: int
) -> None:
    async with running_gateway.client() as client:
        first = await client.request(method, path)
        second = await client.request(method, path, headers={"x-request-id": "mine-1"})
        odd = await client.request(method, path, headers={"x-request-id": "a b\tc" * 50})
    assert first.status_code == status
    assert len(first.headers["x-request-id"]) == 28
    assert second.headers["x-request-id"] == "mine-1"
    assert odd.headers["x-request-id"] not in {first.headers["x-request-id"], "mine-1"}
    for reply in (first, second):
        assert reply.headers.get_list("x-content-type-options") == ["nosniff"]
        assert reply.headers.get_list("cache-control") == ["no-store"]
        assert "default-src 'self'" in reply.headers["content-security-policy"]


@pytest.mark.parametrize(
    "media_type", ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
)
@pytest.mark.parametrize("body", [b'{"query":"x"}', b'{"query":"x","query":"y"}', b"[" * 5000])
async def test_json_under_another_name_is_refused(running_gateway: Gateway, media_type: str, body: bytes) -> None:
    async with await running_gateway.operator() as client:
        reply = await client.post("/api/search", content=body, headers={"content-type": media_type})
    assert reply.status_code == 415
    assert reply.json()["error"]["code"] == "unsupported_media_type"


@pytest.mark.parametrize("kind", ["text/plain", "text/plain; charset=no-such", "text/plain; charset=utf-16"])
async def test_a_form_that_is_no_text_is_the_callers_fault(running_gateway: Gateway, kind: str) -> None:
    part = f'--x\r\ncontent-disposition: form-data; name="purpose"\r\ncontent-type: {kind}\r\n\r\n'.encode()
    async with await running_gateway.operator() as client:
        reply = await client.post(
            "/v1/files",
            content=part + b"\xff\xfe\xfa\r\n--x--\r\n",
            headers={"content-type": "multipart/form-data; boundary=x"},
        )
    assert reply.status_code == 400
    assert reply.json()["error"]["type"] == "invalid_request_error"
