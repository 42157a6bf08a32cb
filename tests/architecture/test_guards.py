"""Every route says whom it lets in, and the interface on paper is the one that runs."""

import re
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.handlers import BaseRouteHandler

from appliance.app import build_app, build_parts
from appliance.identity import ENDPOINTS, endpoint_of
from tests.support.gateway import settings_for
from tests.support.policies import declared

ROOT = Path(__file__).resolve().parents[2]
SIGN_ON = ("/auth/oidc/login", "/auth/oidc/callback", "/auth/oidc/backchannel")
FRAMEWORK = ("/schema",)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Litestar:
    data = tmp_path_factory.mktemp("app")
    return build_app(build_parts(settings_for(data, "http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1")))


def handlers(app: Litestar) -> list[tuple[str, BaseRouteHandler]]:
    return [
        (route.path, handler)
        for route in app.routes
        for handler in getattr(route, "route_handlers", None) or [route.route_handler]
        if not route.path.startswith(FRAMEWORK)
    ]


def test_every_route_declares_a_permission_or_is_public(app: Litestar) -> None:
    found = declared(app)
    assert len(found) > 100
    nothing = [f"{route.method} {route.path}" for route in found if not (route.policy.asks or route.policy.public)]
    assert not nothing, "these let in anybody by accident"
    both = [f"{route.method} {route.path}" for route in found if route.policy.asks and route.policy.public]
    assert not both


def test_only_these_are_public(app: Litestar) -> None:
    public = {path for path, handler in handlers(app) if handler.opt.get("public")}
    data = {path for path in public if path.startswith(("/api", "/auth", "/v1", "/health"))}
    assert "/metrics" not in public
    assert data == {"/auth/login", "/auth/session", *SIGN_ON, "/health/live", "/health/ready"}


def test_the_reference_names_every_route(app: Litestar) -> None:
    text = (ROOT / "docs" / "reference" / "http-api.md").read_text(encoding="utf-8")
    written = {re.sub(r"\{[^}]*\}", "{}", path) for path in re.findall(r"(/(?:api|auth|v1|health)/[^\s`?,]*)", text)}
    for path, _ in handlers(app):
        if path.startswith(("/api", "/auth", "/v1", "/health")):
            assert re.sub(r"\{[^}]*\}", "{}", path) in written, f"{path} is not in docs/reference/http-api.md"


def test_every_call_of_programs_can_be_in_the_scope_of_a_key(app: Litestar) -> None:
    found = {endpoint_of(path) for path, _ in handlers(app) if path.startswith("/v1")}
    assert len(found) > 4
    assert found <= set(ENDPOINTS), f"name them in identity/endpoints.py: {sorted(found - set(ENDPOINTS))}"
