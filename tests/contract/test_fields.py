"""Each row of the table of request fields, by a call that reaches the real engine."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from appliance.openai_api.fields import ENDPOINTS, Field
from tests.support import fields as examples

pytestmark = pytest.mark.engine

CHAT, EMBED = "smollm2-135m-instruct", "multilingual-e5-small"
BODIES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "chat/completions": (CHAT, "messages", examples.CHAT),
    "completions": (CHAT, "prompt", examples.COMPLETIONS),
    "embeddings": (EMBED, "input", examples.EMBEDDINGS),
}
ROWS = [
    pytest.param(endpoint, field, id=f"{endpoint}: {field.name}")
    for endpoint in BODIES
    for field in ENDPOINTS[endpoint]
    if field.name != "model"
]


@pytest.fixture(scope="module")
def program(base_url: str, key: str) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {key}"}
    with httpx.Client(base_url=base_url, headers=headers, timeout=120, trust_env=False) as client:
        yield client


@pytest.mark.parametrize(("endpoint", "field"), ROWS)
def test_a_field_does_what_its_row_says(program: httpx.Client, endpoint: str, field: Field) -> None:
    model, needed, values = BODIES[endpoint]
    body: dict[str, Any] = {"model": model, needed: values[needed], **examples.WITH.get(field.name, {})}
    if endpoint != "embeddings":
        body = {"max_tokens": 4, **body} if field.name != "max_completion_tokens" else body
    reply = program.post(f"/{endpoint}", json={**body, field.name: values.get(field.name, 8)})
    if field.standing == "refused":
        error = reply.json()["error"]
        assert (reply.status_code, error["code"], error["param"]) == (400, "unsupported_parameter", field.name)
    elif field.name == "dimensions":
        assert reply.status_code == 400, "this model's vectors may not be cut"
        assert "dimensions" in reply.json()["error"]["message"]
    else:
        assert reply.status_code == 200, reply.text
