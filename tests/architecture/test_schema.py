"""The machine-readable description names every call, and everything that it refers to is there."""

import re
from typing import Any

import msgspec
import pytest
from litestar import Litestar

from appliance.app import build_app, build_parts
from appliance.edge.schema import whole_schema
from tests.architecture.test_docs import routes_of
from tests.support.gateway import settings_for


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Litestar:
    nowhere = "http://127.0.0.1:1/v1"
    return build_app(build_parts(settings_for(tmp_path_factory.mktemp("app"), nowhere, nowhere)))


@pytest.fixture(scope="module")
def known(app: Litestar) -> dict[str, Any]:
    return app.openapi_schema.to_schema()


def test_every_call_is_described(app: Litestar, known: dict[str, Any]) -> None:
    whole = whole_schema(app, known)
    described = {
        (method.upper(), re.sub(r"\{[^}]*\}", "{}", path)) for path, item in whole["paths"].items() for method in item
    }
    called = {call for call in routes_of(app) if call[0] not in {"OPTIONS", "HEAD"}}
    assert called <= described
    assert ("POST", "/v1/chat/completions") in described
    for reference in re.findall(r'"#/components/schemas/([^"]+)"', msgspec.json.encode(whole).decode()):
        assert reference in whole["components"]["schemas"], f"{reference} is not there"


def test_types_of_one_name_are_kept_apart(app: Litestar, known: dict[str, Any]) -> None:
    """The plain ASGI routes are described apart from the others; no type may take another's place."""
    whole = whole_schema(app, known)["components"]["schemas"]
    for name, shape in known["components"]["schemas"].items():
        assert whole[name] == shape


def test_errors_have_our_shape(app: Litestar, known: dict[str, Any]) -> None:
    for path, item in whole_schema(app, known)["paths"].items():
        for operation in item.values():
            (content,) = operation["responses"]["4XX"]["content"].values()
            shape = content["schema"]["$ref"]
            assert shape.endswith("OpenAIErrorReply") == path.startswith("/v1")
            assert shape.endswith("ScimErrorReply") == path.startswith("/scim/")
            assert "400" not in operation["responses"]
