"""A gateway whose people come from an identity provider, in the test's own event loop and on a real port.

Without document jobs: a process runs one job store, and another gateway of the run has it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec
import uvicorn

from appliance.app import build_app, build_parts
from appliance.commands.web import server_config
from appliance.migrations import migrate
from appliance.settings import IdentitySection, OidcSection, Settings
from tests.fakes.provider import CLIENT, FakeProvider
from tests.support.gateway import CHAT_MODEL, QUICK_HASH, Gateway


def with_provider(settings: Settings, provider: FakeProvider, **other: Any) -> Settings:
    """The same settings with the provider switched on: `/staff` is let in, `/admins` administers."""
    oidc = {
        "issuer": provider.issuer,
        "client_id": CLIENT,
        "allowed_azp": (CLIENT, "program"),
        "admitted_groups": ("/staff",),
        "role_groups": {"administrator": ("/admins",)},
        "strict_groups": True,
        **other,
    }
    return msgspec.structs.replace(settings, identity=IdentitySection(mode="oidc", oidc=OidcSection(**oidc)))


@asynccontextmanager
async def sso_gateway(settings: Settings, *, port: int = 0) -> AsyncIterator[Gateway]:
    """Serve until the block ends. `port` 0: any that is free."""
    settings.data.mkdir(parents=True, exist_ok=True)
    parts = build_parts(settings, hash_cost=QUICK_HASH)
    await migrate(parts.database)
    await parts.people.create(email="first@localhost", name="First", password=None, roles=("administrator",))
    config = server_config(build_app(parts), port=port)
    config.timeout_graceful_shutdown = 2
    server = uvicorn.Server(config)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(parts.database.close)
        assert parts.oidc is not None
        assert parts.sso is not None
        own = (parts.audit, parts.oidc, parts.sso, parts.access)
        for part in (*own, parts.engines, parts.usage, parts.chat):
            await part.start()
            stack.push_async_callback(part.stop)
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        await parts.engines.wait_ready(CHAT_MODEL, 240)
        try:
            yield Gateway(parts, f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}")
        finally:
            server.should_exit = True
            await serving
