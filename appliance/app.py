"""The web application over the parts, and their start and stop in order. No business here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.types import Middleware

from appliance.audit import AuditReader
from appliance.chat import AskController, BreakGlassController, ConversationController, NoticesController
from appliance.documents import CollectionController, DocumentController
from appliance.edge import (
    HealthController,
    Proxies,
    RequestFrame,
    StrictJson,
    WholeSchema,
    exception_handlers,
    fixed_headers,
    lost_people,
    webui_routes,
)
from appliance.explain import AccessController
from appliance.foundation import end_within
from appliance.identity import (
    Authentication,
    DirectoryController,
    GroupController,
    KeysController,
    LoginController,
    MeController,
    PeopleController,
    Permission,
    PermissionsController,
    ScimController,
    SealedAccountController,
    ServiceAccountsController,
    SsoController,
    requires,
)
from appliance.inference import EnginesController, ServedModelsController
from appliance.monitoring import AuditController, MetricsController, MetricsDoor
from appliance.parts import Parts, build_parts
from appliance.readiness import Readiness
from appliance.usage import LimitsController, UsageController

__all__ = ["Parts", "build_app", "build_parts", "running"]

IMAGE_PATHS = ("/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/messages/count_tokens")
"""Their bodies may hold pictures, as data URLs."""

PART_ENDS_S = 15.0
"""Longest wait for one part at the end; engines get ten seconds to end by themselves."""

WEBUI_DIST = Path(__file__).parent / "webui" / "dist"


def build_app(parts: Parts) -> Litestar:
    """The web application over running parts."""
    app = _Application(
        route_handlers=[
            LoginController,
            SsoController,
            SealedAccountController,
            MeController,
            PeopleController,
            DirectoryController,
            ScimController,
            GroupController,
            PermissionsController,
            KeysController,
            ServiceAccountsController,
            ServedModelsController,
            EnginesController,
            CollectionController,
            DocumentController,
            AskController,
            ConversationController,
            BreakGlassController,
            NoticesController,
            AccessController,
            *parts.door.routes(),
            LimitsController,
            UsageController,
            AuditController,
            MetricsController,
            HealthController,
            *webui_routes(WEBUI_DIST),
        ],
        dependencies=_dependencies(parts),
        middleware=_middleware(parts),
        exception_handlers={**exception_handlers(), **lost_people(WEBUI_DIST)},
        state=State({"identity_settings": parts.identity_settings}),
        openapi_config=OpenAPIConfig(
            title="Private Model Appliance",
            version="0.1.0",
            render_plugins=[WholeSchema()],
            openapi_router=Router("/schema", route_handlers=[], guards=[requires(Permission.ACCOUNT_USE)]),
        ),
        logging_config=None,
        request_max_body_size=parts.settings.server.max_image_body_bytes,
    )
    door = MetricsDoor(app.asgi_handler, parts.metrics_page, parts.settings.metrics.token)
    app.asgi_handler = RequestFrame(
        door,
        parts.meters.requests,
        parts.request_log,
        parts.tracing,
        parts.audit.denials,
        fixed=fixed_headers(https=parts.settings.url.startswith("https:")),
        proxies=Proxies(parts.settings.server.trusted_proxies),
    )
    return app


class _Application(Litestar):
    """The framework without what it adds by itself for libraries that happen to be installed.

    Ours are msgspec's types only; the plugins for pydantic, of which our dependencies need none here, took 8 MB.
    """

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


def _middleware(parts: Parts) -> list[Middleware]:
    """What every request passes on its way to a handler, outermost first."""
    server = parts.settings.server
    return [
        Authentication(parts.access, parts.identity_settings, public_origin=parts.settings.origin or None),
        StrictJson(
            max_bytes=server.max_body_bytes,
            max_bytes_with_images=server.max_image_body_bytes,
            image_paths=IMAGE_PATHS,
        ),
    ]


def _dependencies(parts: Parts) -> dict[str, Provide]:
    """What handlers may ask for, by the name of their parameter."""
    values = {
        "audit": parts.audit,
        "audit_reader": AuditReader(parts.database),
        "people": parts.people,
        "access": parts.access,
        "group_administrators": parts.group_administrators,
        "sso": parts.sso,
        "sealed_account": parts.sealed_account,
        "keys": parts.keys,
        "service_accounts": parts.service_accounts,
        "accounts": parts.accounts,
        "groups": parts.groups,
        "scim": parts.scim,
        "identity_settings": parts.identity_settings,
        "engines": parts.engines,
        "documents": parts.documents,
        "renderer": parts.renderer,
        "retrieval": parts.retrieval,
        "answers": parts.answers,
        "assistants": parts.assistants,
        "chat": parts.chat,
        "break_glass": parts.break_glass,
        "explain": parts.explaining.explain,
        "view_as": parts.explaining.view_as,
        "usage": parts.usage,
        "usage_reports": parts.usage_reports,
        "metrics_page": parts.metrics_page,
        "readiness": Readiness(parts).check,
        **parts.door.dependencies(),
    }
    return {name: Provide(_Value(value), use_cache=True, sync_to_thread=False) for name, value in values.items()}


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[Parts]:
    """Start what has a life of its own, in order; stop it in reverse, whatever happened."""
    async with AsyncExitStack() as stack:
        stack.push_async_callback(end_within, PART_ENDS_S, "database", parts.database.close)
        stack.push_async_callback(end_within, PART_ENDS_S, "index", parts.index.close)
        stack.callback(parts.request_log.flush)
        if parts.tracing is not None:
            stop = partial(asyncio.to_thread, parts.tracing.stop)
            stack.push_async_callback(end_within, PART_ENDS_S, "tracing", stop)
        oidc = () if parts.oidc is None or parts.sso is None else (parts.oidc, parts.sso)
        for part in (parts.audit, *oidc, parts.access, parts.engines, parts.usage, parts.jobs, parts.chat, parts.door):
            await part.start()
            stack.push_async_callback(end_within, PART_ENDS_S, type(part).__name__, part.stop)
        yield parts


class _Value:
    """A provider that gives what was built."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __call__(self) -> object:
        return self._value
