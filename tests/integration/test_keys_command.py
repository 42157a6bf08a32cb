"""`appliance keys` and service accounts, as an administrator types them."""

import asyncio
import json
import os
import sys
import uuid
from typing import Any

import pytest

from tests.support.gateway import ADMIN, CHAT_MODEL, Gateway

pytestmark = pytest.mark.any_database


async def command(gateway: Gateway, *arguments: str, code: int = 0) -> str:
    """What it printed, on both ways."""
    environment = {
        **os.environ,
        "APPLIANCE_URL": gateway.url,
        "APPLIANCE_API_KEY": gateway.parts.access.operator_token,
        "COLUMNS": "200",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "appliance", *arguments,
        env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode == code, out.decode()
    return out.decode()


async def value(gateway: Gateway, *arguments: str) -> Any:
    return json.loads(await command(gateway, *arguments, "--json"))


async def status(gateway: Gateway, key: str) -> int:
    async with gateway.client(headers={"Authorization": f"Bearer {key}"}) as program:
        return (await program.get("/v1/models")).status_code


async def test_a_program_gets_an_account_and_a_key_and_loses_both(running_gateway: Gateway) -> None:
    name = f"Invoices {uuid.uuid4().hex[:6]}"
    account = await value(running_gateway, "users", "service-create", name, "--owner", ADMIN)
    key = (await command(running_gateway, "keys", "create", "nightly", "--for", name)).strip()
    assert await status(running_gateway, key) == 200
    narrow = await value(
        running_gateway, "keys", "create", "narrow", "--for", account["address"], "--model", CHAT_MODEL,
        "--endpoint", "chat/completions", "--endpoint", "completions", "--days", "3",
    )  # fmt: skip
    assert narrow["scope"] == {
        "models": [CHAT_MODEL],
        "assistants": None,
        "collections": None,
        "endpoints": ["chat/completions", "completions"],
    }
    assert await status(running_gateway, narrow["key"]) == 403
    table = await command(running_gateway, "keys", "list", "--for", name)
    assert "everything" in table
    assert f"models: {CHAT_MODEL}; endpoints: chat/completions, completions" in table
    assert key not in table
    [wide] = [k for k in await value(running_gateway, "keys", "list", "--for", name) if k["name"] == "nightly"]
    turned = await command(running_gateway, "keys", "rotate", wide["id"], "--for", name, "--overlap-hours", "0")
    assert await status(running_gateway, key) == 401
    assert await status(running_gateway, turned.strip()) == 200
    await command(running_gateway, "keys", "revoke", narrow["id"], "--for", name)
    assert await status(running_gateway, narrow["key"]) == 401
    await command(running_gateway, "users", "disable", account["address"])
    assert await status(running_gateway, turned.strip()) == 401
    assert "service" in await command(running_gateway, "users", "list")


async def test_mistakes_end_in_a_sentence(running_gateway: Gateway) -> None:
    assert "no service account" in await command(running_gateway, "keys", "list", "--for", "nobody", code=1)
    assert "no endpoint" in await command(running_gateway, "keys", "create", "a", "--endpoint", "chat", code=1)
    assert "no collection" in await command(running_gateway, "keys", "create", "a", "--collection", "none", code=1)
    assert "owner" in await command(running_gateway, "users", "service-create", "a", code=2)
