"""Calls to the identity provider: bounded in size and time, no redirects, no proxies, no cookies, own authorities."""

import asyncio
from collections.abc import Mapping
from urllib.parse import quote_plus

import aiohttp
import msgspec

from appliance.edge import check_json
from appliance.foundation import InvalidInput
from appliance.identity.oidc.errors import OidcMisconfigured, ProviderUnavailable
from appliance.identity.oidc.settings import OidcSettings

MOST_BYTES = 512 * 1024
DEEPEST = 16
AT_ONCE = 20
"""Connections; a provider that hangs holds no more."""


class Fetch:
    """An HTTP client for the provider's own addresses. Made inside the event loop at its first call."""

    def __init__(self, settings: OidcSettings) -> None:
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None

    async def get_json(self, url: str) -> dict[str, object]:
        """An object from an address. Raises ProviderUnavailable, whatever went wrong."""
        status, body = await self._ask("GET", url, None, None)
        if status != 200:
            raise ProviderUnavailable(f"The identity provider answers {url} with {status}.")
        return _object(url, body)

    async def get_as(self, url: str, bearer: str) -> tuple[int, object]:
        """Status and JSON value from an address, asked with a token of ours; None without a body.

        Raises ProviderUnavailable: no answer, a status of 500 or more, a redirect, or no JSON.
        """
        status, body = await self._ask("GET", url, None, None, {"authorization": f"Bearer {bearer}"})
        if status >= 500 or 300 <= status < 400:
            raise ProviderUnavailable(f"The identity provider answers {url} with {status}.")
        return status, _value(url, body) if body.strip() else None

    async def post_form(
        self, url: str, form: Mapping[str, str], *, basic: tuple[str, str] | None = None
    ) -> tuple[int, dict[str, object]]:
        """Send a form; the status and the object that came back, also of a refusal. Empty without a body.

        `basic`: id and secret of the client, which are sent as RFC 6749 (2.3.1) has it.

        Raises:
            ProviderUnavailable: no answer, a status of 500 or more, a redirect, or no JSON object.
        """
        status, body = await self._ask("POST", url, form, basic)
        if status >= 500 or 300 <= status < 400:
            raise ProviderUnavailable(f"The identity provider answers {url} with {status}.")
        return status, _object(url, body) if body.strip() else {}

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _ask(
        self,
        method: str,
        url: str,
        form: Mapping[str, str] | None,
        basic: tuple[str, str] | None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        sent = dict(headers or {})
        if basic is not None:
            sent["authorization"] = aiohttp.encode_basic_auth(*map(quote_plus, basic))
        try:
            session = self._opened()  # outside the time limit: reading all authorities takes a while, once
            async with (
                asyncio.timeout(self._settings.timeout_s),
                session.request(method, url, data=form, headers=sent, allow_redirects=False) as reply,
            ):
                return reply.status, await _capped(reply)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, OidcMisconfigured) as error:
            raise ProviderUnavailable(
                f"The identity provider cannot be asked at {url}: {str(error) or type(error).__name__}."
            ) from error

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=AT_ONCE, ssl=self._settings.tls(), keepalive_timeout=30),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                headers={"accept": "application/json", "accept-encoding": "identity", "user-agent": "appliance"},
            )
        return self._session


async def _capped(reply: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in reply.content.iter_any():
        body += piece
        if len(body) > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES} bytes")
    return bytes(body)


def _value(url: str, body: bytes) -> object:
    try:
        check_json(body, max_depth=DEEPEST)
        return msgspec.json.decode(body)
    except (InvalidInput, msgspec.MsgspecError) as error:
        raise ProviderUnavailable(f"The identity provider answers {url} with something that is no JSON.") from error


def _object(url: str, body: bytes) -> dict[str, object]:
    value = _value(url, body)
    if not isinstance(value, dict):
        raise ProviderUnavailable(f"The identity provider answers {url} with JSON that is no object.")
    return value
